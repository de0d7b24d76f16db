"""Says of single samples what was predicted, what is right, and where they come from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from workbench.data.samples import InMemory, Texts
from workbench.data.text_encoding import TextEncoding
from workbench.json_values import finite_or_none
from workbench.prediction.labelled_data import Part, place_of
from workbench.prediction.outputs import class_names
from workbench.prediction.sample_predictions import SamplePredictions
from workbench.processes.evaluation import MOST_TARGETS, EvaluatedSample
from workbench.training.checkpointing.trained_model import TrainedModel

MOST_CHARACTERS = 300
"""Of a text."""


def described(
    number: int, predictions: SamplePredictions, parts: Sequence[Part], trained: TrainedModel
) -> EvaluatedSample:
    """A sample. number: counted over all parts."""
    part, of_part = place_of(number, parts)
    said = _classes if trained.task == "classification" else _numbers if trained.task == "regression" else _tokens
    return EvaluatedSample(
        number=of_part,
        split=part.name,
        loss=finite_or_none(float(predictions.losses[number])),
        origin=part.origin(of_part),
        text=_text(part, of_part, trained),
        **said(number, predictions, trained),
        true_values=part.target_values(of_part)[:MOST_TARGETS] if trained.task == "regression" else [],
    )


def _classes(number: int, predictions: SamplePredictions, trained: TrainedModel) -> dict[str, Any]:
    names = class_names(trained)
    return {
        "true": names[int(predictions.true[number])],
        "predicted": names[int(predictions.predicted[number])],
        **_probabilities(number, predictions),
    }


def _tokens(number: int, predictions: SamplePredictions, trained: TrainedModel) -> dict[str, Any]:
    assert predictions.places is not None
    return {
        "true": _token(int(predictions.true[number]), trained),
        "predicted": _token(int(predictions.predicted[number]), trained),
        "place": int(predictions.places[number]),
        **_probabilities(number, predictions),
    }


def _numbers(number: int, predictions: SamplePredictions, trained: TrainedModel) -> dict[str, Any]:
    values = predictions.predicted[number, :MOST_TARGETS]
    return {"predicted_values": values.where(values.isfinite(), math.nan).tolist()}


def _probabilities(number: int, predictions: SamplePredictions) -> dict[str, float | None]:
    assert predictions.probability is not None
    assert predictions.probability_of_true is not None
    return {
        "probability": finite_or_none(float(predictions.probability[number])),
        "probability_of_true": finite_or_none(float(predictions.probability_of_true[number])),
    }


def _token(number: int, trained: TrainedModel) -> str:
    """A token as people read it; its id where the data came as ids, and for padding."""
    tokens = trained.encoding.tokens([number]) if isinstance(trained.encoding, TextEncoding) else []
    return tokens[0] if tokens else str(number)


def _text(part: Part, number: int, trained: TrainedModel) -> str:
    """The beginning of a text, or a window of one; empty for anything else."""
    if isinstance(part.raw, Texts):
        text = part.raw.texts[number]
    elif trained.task == "language_modeling" and isinstance(trained.encoding, TextEncoding):
        assert isinstance(part.split, InMemory)
        text = trained.encoding.text(part.split.inputs[number].tolist())
    else:
        return ""
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"

"""Continues texts with a language model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from workbench.data.readers.reader import Raw
from workbench.data.tokens import PAD
from workbench.errors import DataError, PresetError
from workbench.prediction.outputs import Output
from workbench.prediction.predictor import PredictFunction
from workbench.settings.assignments import parse_assignment
from workbench.settings.generation import GENERATION_SETTINGS, ContinuedText
from workbench.settings.preset import Preset
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.generation import Tokenizer, continued, settings_of, texts_of

WRITING = tuple(name for name in ContinuedText.model_fields if name in GENERATION_SETTINGS and name != "prompt")
"""Settings that say how a text is continued."""
TOKENS = 200
"""Tokens that are written where the preset writes none while training."""


def continuations_of(model: TrainedModel, settings: ContinuedText) -> PredictFunction:
    """How a language model continues prompts, texts or rows of ids, as the settings say.

    The same prompt is always continued in the same way: each has a generator of its own, with the run's seed.
    """
    device = next(model.parameters()).device
    context = int(model.description["input"]["shape"][0])
    tokenizer = model.encoding if isinstance(model.encoding, Tokenizer) else None

    def scores(ids: list[int]) -> Tensor:
        return _scores(model.model, ids, device)

    def output(prompt: Sequence[int]) -> Output:
        if not prompt:
            return {"prediction": None, "error": "the prompt is empty: there is nothing to continue"}
        generator = torch.Generator().manual_seed(model.preset.training.seed % 2**63)
        with torch.inference_mode():
            ids = continued(prompt, scores, context, settings, generator)
        return {"prediction": ids[len(prompt) :] if tokenizer is None else texts_of(tokenizer, ids, len(prompt))[1]}

    return lambda raw: [output(prompt) for prompt in _prompts(raw, tokenizer)]


def writing_settings(preset: Preset, overrides: Sequence[str]) -> ContinuedText:
    """How to write: as the preset says, changed by assignments such as data.temperature=0.

    Raises PresetError for any other setting.
    """
    values: dict[str, Any] = {}
    for assignment in overrides:
        (table, *key), value = parse_assignment(assignment)
        if table != "data" or len(key) != 1 or key[0] not in WRITING:
            known = ", ".join(f"data.{name}" for name in WRITING)
            raise PresetError(f"--set {assignment}: a trained model is as it is; only {known} can be changed")
        values[key[0]] = value
    before = settings_of(preset)
    base = {name: getattr(before, name) for name in WRITING} | {"sample_tokens": before.sample_tokens or TOKENS}
    try:
        return ContinuedText.model_validate(base | values)
    except ValidationError as error:
        first = error.errors()[0]
        raise PresetError(f"--set data.{first['loc'][0]}={values[str(first['loc'][0])]}: {first['msg']}") from error


def _scores(model: torch.nn.Module, ids: list[int], device: torch.device) -> Tensor:
    scores: Tensor = model(torch.tensor([ids], device=device))[0, :, -1]
    return scores.float().cpu()


def _prompts(raw: Raw, tokenizer: Tokenizer | None) -> list[list[int]]:
    if isinstance(raw, list):
        if tokenizer is None:
            raise DataError("the model takes rows of ids, not texts")
        rows = tokenizer.ids(raw)
    elif isinstance(raw, Tensor):
        rows = raw.tolist()
    else:
        raise DataError("a language model takes texts or rows of ids")
    return [[each for each in row if each != PAD] for row in rows]

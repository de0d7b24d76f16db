"""Predicts new inputs, some at a time; with less at a time where memory runs out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workbench.data.inputs import map_inputs
from workbench.data.readers.reader import Raw, Reader
from workbench.data.readers.source import Place, Source
from workbench.data.text_encoding import TextEncoding
from workbench.errors import DataError
from workbench.prediction.outputs import Output, class_names, of_classes, of_numbers, target_names
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.data_loading import evaluation_batch_size
from workbench.training.memory.out_of_memory import is_out_of_memory
from workbench.units import counted

ROW_NUMBERS, ROWS = 1024, 1024
"""Rows of at most that many numbers are predicted that many at a time: each alone is a moment's work."""

PredictFunction = Callable[[Raw], list[Output]]
"""Predicts raw samples, with outputs on the host; one that has an `error` says why there is none."""


@dataclass(frozen=True)
class Prediction:
    """What is predicted of one sample."""

    place: Place
    output: Output
    """Empty where the sample is broken."""
    error: str = ""
    """What is wrong with it."""


def predict_function(model: TrainedModel, *, all_classes: bool) -> PredictFunction:
    """Predicts classes or numbers. all_classes: whether each class has its probability."""
    device = next(model.parameters()).device
    names = class_names(model) if model.task == "classification" else target_names(model)

    def predict(raw: Raw) -> list[Output]:
        with torch.inference_mode():
            values = model(raw if isinstance(raw, list) else map_inputs(raw, lambda tensor: tensor.to(device)))
        if model.task == "classification":
            return of_classes(values, names, all_classes=all_classes)
        return of_numbers(values, names)

    return predict


def usual_batch_size(model: TrainedModel) -> int:
    """As many as the run evaluated at a time, which its device had room for; of rows of a table, more."""
    evaluated = evaluation_batch_size(model.preset.data.batch_size)
    shape = model.raw.get("shape")
    is_row = isinstance(shape, list) and len(shape) == 1 and shape[0] <= ROW_NUMBERS
    return max(evaluated, ROWS) if is_row else evaluated


class Predictor:
    """Predicts what a reader reads."""

    def __init__(
        self,
        reader: Reader[Any],
        function: PredictFunction,
        batch_size: int,
        *,
        skip_broken: bool,
        encoding: TextEncoding | None = None,
    ) -> None:
        """batch_size: samples that are read and predicted at a time.

        skip_broken: whether a sample that cannot be predicted has an error for an output; otherwise it ends all.
        encoding: of texts, to count those that the model cannot know.
        """
        self._reader = reader
        self._function = function
        self._skip_broken = skip_broken
        self._encoding = encoding
        self._texts = self._without_known = 0
        self.batch_size = batch_size

    @property
    def notes(self) -> list[str]:
        """What the user should know of what has been predicted."""
        if not self._without_known:
            return []
        held = "holds" if self._texts == 1 else "hold"
        return [
            f"{self._without_known:,} of {counted(self._texts, 'text')} {held} no known token: predicted as unknown"
        ]

    def predict(self, sources: Sequence[Source]) -> Iterator[Prediction]:
        """The predictions in the order of the inputs. Raises DataError, OutOfMemoryError and the like."""
        for chunk in self._reader.read(sources, self.batch_size, skip_broken=self._skip_broken):
            self._count(chunk.raw)
            outputs = iter(() if chunk.raw is None else self._of_chunk(chunk.raw, chunk.count))
            for position, place in enumerate(chunk.places):
                broken = chunk.errors.get(position, "")
                yield Prediction(place, {}, broken) if broken else self._checked(place, next(outputs))

    def _count(self, raw: Raw | None) -> None:
        if self._encoding is not None and isinstance(raw, list):
            self._texts += len(raw)
            self._without_known += self._encoding.count(raw).without_known

    def _of_chunk(self, raw: Raw, count: int) -> list[Output]:
        """The outputs for a chunk, in smaller parts once memory has run out."""
        found: list[Output] = []
        while len(found) < count:
            try:
                found += self._function(_part(raw, len(found), len(found) + self.batch_size))
            except Exception as error:
                if not is_out_of_memory(error) or self.batch_size == 1:
                    raise
                self.batch_size //= 2
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
        return found

    def _checked(self, place: Place, output: Output) -> Prediction:
        if not (problem := output.get("error") or _not_finite(output)):
            return Prediction(place, output)
        if not self._skip_broken:
            raise DataError(f"{', '.join(f'{name} {value}' for name, value in place.items())}: {problem}")
        return Prediction(place, {}, problem)


def _not_finite(output: Output) -> str:
    """What is wrong with numbers that are NaN or infinite; empty where all are finite."""
    value = output.get("probability", output["prediction"])
    numbers = value.values() if isinstance(value, dict) else [value]
    if all(math.isfinite(each) for each in numbers if isinstance(each, float)):
        return ""
    return "the model answers with a number that is not finite: this input is far from what it was trained on"


def _part(raw: Raw, start: int, end: int) -> Raw:
    if isinstance(raw, list):
        return raw[start:end]

    def cut(tensor: Tensor) -> Tensor:
        return tensor[start:end]

    return map_inputs(raw, cut)

"""Reads samples with targets as the run of a trained model has read its own."""

from __future__ import annotations

from dataclasses import replace

from workbench.data.progress import Report
from workbench.data.samples import Samples
from workbench.data.text_encoding import TextEncoding
from workbench.settings.data_choice import DataChoice
from workbench.settings.text_data import LongText
from workbench.training.checkpointing.trained_model import TrainedModel


def read_samples(data: DataChoice, trained: TrainedModel, report: Report) -> Samples:
    """The samples of a source. Raises DataError, PresetError or UserCodeError."""
    if isinstance(data, LongText) and isinstance(trained.encoding, TextEncoding):
        tokens = replace(data.make_tokens(lowercase=False), encoding=trained.encoding)
        return data.read(tokens, replace(data.windows(), context=trained.encoding.length), report)
    if "task" in type(data).model_fields and trained.task in ("classification", "regression"):
        data = data.model_copy(update={"task": trained.task})
    return data.build(report)

"""Readers for checkpoints of earlier versions, which hold none: from the preset, where its settings suffice."""

from __future__ import annotations

from typing import Any

from workbench.data.inputs import RAW_TEXT
from workbench.data.readers.images import ImageReader
from workbench.data.readers.kinds import reader_of_raw
from workbench.data.readers.reader import Reader
from workbench.data.readers.sounds import SoundReader
from workbench.data.readers.texts import TextReader
from workbench.data.text_encoding import TextEncoding
from workbench.errors import DataError
from workbench.settings.audio_data import Sounds
from workbench.settings.data import Csv, ImageFolder
from workbench.settings.text_data import TextTable
from workbench.training.checkpointing.trained_model import TrainedModel


def reader_of_earlier_version(model: TrainedModel) -> Reader[Any]:
    """Reads inputs for a model whose checkpoint does not say how. Raises DataError for a table with a header.

    Its columns, their number formats and their categories are not known any more.
    """
    data, raw = model.preset.data, model.raw
    if isinstance(data, Csv):
        raise DataError(
            "the checkpoint was written by an earlier version, which did not keep the columns and categories of its "
            "table: train the model again with its preset"
        )
    if isinstance(data, TextTable):
        return TextReader(data.text, data.delimiter, data.encoding)
    if raw == RAW_TEXT or isinstance(model.encoding, TextEncoding):
        return TextReader()
    if isinstance(data, Sounds):
        return SoundReader(data.sample_rate, raw["shape"][0], data.clips == "windows", raw["type"] == "float32")
    if isinstance(data, ImageFolder):
        return ImageReader(raw["shape"], data.size, None)
    return reader_of_raw(raw)

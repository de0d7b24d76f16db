"""Reads samples with targets as the run of a trained model has read its own: with its columns, sizes and classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from workbench.data.audio_clips import ClipFormat, Clips, in_format
from workbench.data.image_folder import image_folder
from workbench.data.progress import Report
from workbench.data.readers.images import ImageReader
from workbench.data.readers.sounds import SoundReader
from workbench.data.readers.table import TableReader
from workbench.data.samples import InMemory, Lazy, Samples, Split
from workbench.data.text_encoding import TextEncoding
from workbench.errors import DataError
from workbench.prediction.table_rows import read_table, read_text_table
from workbench.settings.audio_data import Sounds
from workbench.settings.data import Csv, ImageFolder
from workbench.settings.data_choice import DataChoice, memory_limit_bytes
from workbench.settings.text_data import LongText, TextTable
from workbench.training.checkpointing.trained_model import TrainedModel


def read_samples(data: DataChoice, trained: TrainedModel, report: Report, *, is_own: bool) -> Samples:
    """The samples of a source. Raises DataError, PresetError or UserCodeError.

    is_own: whether they are those of the run itself, which are split as it has split them.
    """
    reader = trained.reader
    if isinstance(data, LongText) and isinstance(trained.encoding, TextEncoding):
        tokens = replace(data.make_tokens(lowercase=False), encoding=trained.encoding)
        return data.read(tokens, replace(data.windows(), context=trained.encoding.length), report)
    if isinstance(data, Csv) and isinstance(reader, TableReader) and reader.knows_names:
        return read_table(data, reader, trained)
    if isinstance(data, Csv) and isinstance(trained.preset.data, Csv) and not is_own:
        raise DataError(
            "the checkpoint was written by an earlier version, which did not keep the columns and categories of its "
            "table, so that other tables cannot be read alike: train the model again with its preset"
        )
    if isinstance(data, TextTable) and not is_own:
        return read_text_table(data, trained)
    if isinstance(data, ImageFolder) and isinstance(reader, ImageReader):
        size, channels = reader.size or data.size, reader.shape[0]
        return image_folder(Path(data.folder), size, channels, memory_limit_bytes(), report, reader.white)
    if isinstance(data, Sounds) and isinstance(reader, SoundReader):
        return _sounds(data, reader.format, report)
    if "task" in type(data).model_fields and trained.task != "language_modeling":
        data = data.model_copy(update={"task": trained.task})
    return data.build(report)


def _sounds(data: Sounds, form: ClipFormat, report: Report) -> Samples:
    """Recordings in the rate, the length and the type of the run's own."""
    clips = "windows" if form.windows else "cut"
    same = {"sample_rate": form.rate, "seconds": form.length / form.rate, "clips": clips}
    return data.model_copy(update=same).build(report).map(lambda split: _in_format(split, form))


def _in_format(split: Split, form: ClipFormat) -> Split:
    if isinstance(split, Lazy) and isinstance(split.dataset, Clips):
        return replace(split, dataset=replace(split.dataset, format=form))
    assert isinstance(split, InMemory)
    return InMemory(in_format(split.inputs, form), split.targets)

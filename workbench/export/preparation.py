"""What happens to an input before a program of tensors takes it, so that other code can do it without workbench.

The reader of the run's inputs says it: which columns in which order, which words are ones and zeros, how an image is
resized. It goes into a file's metadata as plain data, with a sentence for people.
"""

from __future__ import annotations

from typing import Any

from workbench.data.audio_clips import ClipFormat
from workbench.data.readers.images import ImageReader
from workbench.data.readers.kinds import saved_reader
from workbench.data.readers.sounds import SoundReader
from workbench.data.readers.table import Column, TableReader
from workbench.data.text_encoding import Bytes, Characters, TextEncoding, Words
from workbench.data.tokens import PAD, SPECIAL, UNKNOWN
from workbench.data.word_tokens import word_pattern
from workbench.training.checkpointing.trained_model import TrainedModel

MOST_NAMED = 12
"""Columns that a sentence lists."""


def preparation_of(trained: TrainedModel) -> dict[str, Any]:
    """The reader's arguments, the columns of a table by name, the tokenizer of texts, and the same in a sentence.

    reader: None in the checkpoint of an earlier version.
    """
    reader = trained.reader
    found: dict[str, Any] = {"reader": None if reader is None else saved_reader(reader)}
    if isinstance(reader, TableReader) and reader.knows_names:
        found["columns"] = [name for column in reader.columns for name in _columns_of(column)]
    if isinstance(trained.encoding, TextEncoding):
        found["tokenizer"] = _tokenizer(trained.encoding)
    return found | {"preparation": sentence_about(trained)}


def sentence_about(trained: TrainedModel) -> str:
    """How an input becomes what the program takes; empty where it already is that."""
    encoding, reader = trained.encoding, trained.reader
    if isinstance(encoding, TextEncoding):
        return _of_texts(encoding)
    if isinstance(reader, TableReader):
        return _of_table(reader)
    if isinstance(reader, ImageReader):
        return _of_images(reader)
    if isinstance(reader, SoundReader):
        return _of_sounds(reader.format)
    return ""


def _columns_of(column: Column) -> list[str]:
    return [f"{column.name}={word}" for word in column.categories] or [column.name]


def _of_table(reader: TableReader) -> str:
    if not reader.knows_names:
        return f"the {len(reader.columns)} columns of its input are numbers in the order of the training data"
    names = [name for column in reader.columns for name in _columns_of(column)]
    more = f" and {len(names) - MOST_NAMED} more, which the metadata list" * (len(names) > MOST_NAMED)
    words = next((column for column in reader.columns if column.categories), None)
    ones = (
        "" if words is None else f"; {_columns_of(words)[0]} is 1 where {words.name} is {words.categories[0]}, else 0"
    )
    gaps = "; NaN stands for a missing value, in all columns of a word, and is filled in" * reader.keeps_gaps
    return f"the columns of its input are, in this order: {', '.join(names[:MOST_NAMED])}{more}{ones}{gaps}"


def _of_images(reader: ImageReader) -> str:
    channels, height, width = reader.shape
    colours = "grey" if channels == 1 else "RGB"
    turned = f"images are turned as their EXIF says and become {colours}"
    resized = (
        f"; the shorter side is scaled to {reader.size} pixels and the middle kept, as PIL.ImageOps.fit does with "
        "Image.Resampling.BILINEAR"
    )
    return (
        f"{turned}{resized * bool(reader.size)}: pixels from 0 to 255 of {width} × {height}, channels before rows and "
        "columns"
    )


def _of_sounds(format: ClipFormat) -> str:
    values = "float32 from -1 to 1" if format.is_deep else "int16"
    cut = "one window after another" if format.windows else "their beginning"
    return (
        f"recordings become one channel at {format.rate:,} Hz in {values}, {cut} of {format.length:,} samples, with "
        "zeros at the end of shorter ones"
    )


def _of_texts(encoding: TextEncoding) -> str:
    place = f"its place in the vocabulary plus {SPECIAL}"
    match encoding:
        case Words():
            lower = "put in lower case, " * encoding.lowercase
            split = f"{lower}normalised to NFC and split by the tokenizer's pattern; each word is {place}"
        case Characters():
            split = f"normalised to NFC; each character is {place}"
        case Bytes():
            split = f"written in UTF-8; each byte is its value plus {SPECIAL}"
        case _:
            split = f"encoded by tokenizers.Tokenizer.from_str; each id is its number plus {SPECIAL}"
    padded = f"cut at {encoding.length} ids or padded with {PAD} at the end"
    return f"texts are {split}, {UNKNOWN} for what is unknown, {padded}"


def _tokenizer(encoding: TextEncoding) -> dict[str, Any]:
    found = {
        "name": encoding.name,
        "padding": PAD,
        "unknown": UNKNOWN,
        "first_token": SPECIAL,
        **encoding.arguments(),
    }
    if isinstance(encoding, Words):
        found["pattern"] = word_pattern().pattern  # of Python's module re
    return found

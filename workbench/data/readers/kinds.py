"""All readers by name, and how a checkpoint stores one: as plain data, not as code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.data.inputs import RAW_TEXT
from workbench.data.readers.arrays import IMAGE_DIMENSIONS, ArrayReader
from workbench.data.readers.images import ImageReader
from workbench.data.readers.reader import Reader
from workbench.data.readers.sounds import SoundReader
from workbench.data.readers.table import TableReader
from workbench.data.readers.texts import TextReader

READERS: dict[str, type[Reader[Any]]] = {
    reader.name: reader for reader in (TableReader, ImageReader, TextReader, SoundReader, ArrayReader)
}


def saved_reader(reader: Reader[Any]) -> dict[str, Any]:
    """Returns the reader as plain data, which JSON can hold too."""
    return {"name": reader.name, "arguments": reader.arguments()}


def reader_of(reader: Reader[Any] | None, raw: dict[str, Any]) -> Reader[Any]:
    """The reader that a source gave, if a checkpoint can hold it; else one of samples like these."""
    return reader if reader is not None and type(reader) in READERS.values() else reader_of_raw(raw)


def reader_of_raw(raw: dict[str, Any], *, channels_last: bool = False) -> Reader[Any]:
    """A reader of samples like these, where the source knows nothing more of them.

    raw: shape and type of one sample, see `workbench.data.inputs`; channels_last: as in `ArrayReader`.
    """
    if raw == RAW_TEXT:
        return TextReader()
    shape = raw.get("shape")
    if isinstance(shape, list) and len(shape) == 1 and raw["type"].startswith("float"):
        return TableReader.of_numbers([f"column {number}" for number in range(1, shape[0] + 1)], named=False)
    if isinstance(shape, list) and len(shape) == IMAGE_DIMENSIONS and raw["type"] == "uint8" and shape[0] in (1, 3):
        return ImageReader(shape, channels_last=channels_last)
    return ArrayReader(raw, channels_last)


def restored_reader(saved: Mapping[str, Any] | None) -> Reader[Any] | None:
    """Builds the reader that `saved_reader` stored; None where there is none, or one of another version.

    Raises LookupError or TypeError if it is damaged.
    """
    if saved is None or saved["name"] not in READERS:
        return None
    return READERS[saved["name"]](**saved["arguments"])

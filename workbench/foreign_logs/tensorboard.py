"""Reads the scalars in a TensorBoard log folder: event files of TensorFlow's record format.

A record is its length (8 bytes), a checksum of that (4), an Event message, and a checksum of the message (4). Numbers
stand as `simple_value` (PyTorch, Lightning, tensorboardX) or as a tensor with one element (TensorFlow 2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from workbench.files import open_regular
from workbench.foreign_logs import protobuf
from workbench.foreign_logs.log import MOST_SCALARS, Scalar

PATTERN = "*.tfevents.*"
READ_BYTES = 2**22
"""The most of one file that one read takes."""
HEADER_BYTES, CHECKSUM_BYTES = 12, 4
EVENT_TIME, EVENT_STEP, EVENT_SUMMARY = 1, 2, 5
SUMMARY_VALUE = 1
VALUE_TAG, VALUE_NUMBER, VALUE_TENSOR = 1, 2, 8
TENSOR_TYPE, TENSOR_CONTENT, TENSOR_FLOATS, TENSOR_DOUBLES = 1, 4, 5, 6
FLOAT, DOUBLE = 1, 2
"""TensorFlow's numbers of these types."""


class TensorBoardLog:
    """All event files of one folder, in the order of their names, which begin with their time."""

    loop = "tensorboard"
    exit_code: int | None = None
    settings: Mapping[str, Any] = {}

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offsets: dict[Path, int] = {}

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def is_there(self) -> bool:
        return has_events(self.path)

    def read(self) -> list[Scalar]:
        found: list[Scalar] = []
        for file in sorted(self.path.glob(PATTERN)):
            while len(found) < MOST_SCALARS and (new := self._read_file(file)) is not None:
                found += new
        return found

    def _read_file(self, path: Path) -> list[Scalar] | None:
        """What was added to one file; None if nothing was, or if the rest of it cannot be read."""
        offset = self._offsets.get(path, 0)
        try:
            if path.stat().st_size <= offset:
                return None
            with open_regular(path) as file:
                file.seek(offset)
                found = [scalar for message in self._records(path, file) for scalar in scalars_of(message)]
        except OSError:
            return None
        return None if self._offsets.get(path, 0) == offset else found

    def _records(self, path: Path, file: IO[bytes]) -> Iterator[bytes]:
        """The complete records from the offset on, which moves behind them; damage ends the file."""
        block = file.read(READ_BYTES)
        place = 0
        while place + HEADER_BYTES <= len(block):
            header = block[place : place + 8]
            (length,), (checksum,) = struct.unpack("<Q", header), struct.unpack("<I", block[place + 8 : place + 12])
            if masked_checksum(header) != checksum:
                place = 2**62  # nothing after this can be told apart
                break
            end = place + HEADER_BYTES + length + CHECKSUM_BYTES
            if end > len(block):
                more = file.read(end - len(block)) if end > READ_BYTES else b""
                block += more
                if not more or end > len(block):
                    break  # not written to its end yet
            yield block[place + HEADER_BYTES : end - CHECKSUM_BYTES]
            place = end
        self._offsets[path] = self._offsets.get(path, 0) + place


def scalars_of(message: bytes) -> Iterator[Scalar]:
    """The numbers in an Event message."""
    time, step, summaries = None, 0, []
    for number, value in protobuf.fields(message):
        if number == EVENT_TIME:
            time = next(iter(protobuf.doubles(value)), None)
        elif number == EVENT_STEP and isinstance(value, int):
            step = protobuf.signed(value)
        elif number == EVENT_SUMMARY and isinstance(value, bytes):
            summaries.append(value)
    for summary in summaries:
        for number, value in protobuf.fields(summary):
            if number == SUMMARY_VALUE and isinstance(value, bytes):
                tag, scalar = _scalar(value)
                if tag and scalar is not None:
                    yield Scalar(tag, step, scalar, time)


def _scalar(value: bytes) -> tuple[str, float | None]:
    """The tag of a summary's value, and its number; None where it is a picture, a histogram or the like."""
    tag, found = "", None
    for number, part in protobuf.fields(value):
        if number == VALUE_TAG:
            tag = protobuf.text(part)
        elif number == VALUE_NUMBER:
            found = next(iter(protobuf.floats(part)), None)
        elif number == VALUE_TENSOR and isinstance(part, bytes):
            found = _element(part)
    return tag, found


def _element(tensor: bytes) -> float | None:
    """The element of a tensor that has one."""
    kind, elements = 0, list[float]()
    content = b""
    for number, part in protobuf.fields(tensor):
        if number == TENSOR_TYPE and isinstance(part, int):
            kind = part
        elif number == TENSOR_CONTENT and isinstance(part, bytes):
            content = part
        elif number == TENSOR_FLOATS:
            elements += protobuf.floats(part)
        elif number == TENSOR_DOUBLES:
            elements += protobuf.doubles(part)
    if content and kind in (FLOAT, DOUBLE):
        elements = protobuf.floats(content) if kind == FLOAT else protobuf.doubles(content)
    return elements[0] if len(elements) == 1 and kind in (FLOAT, DOUBLE) else None


def _table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _table()


def masked_checksum(content: bytes) -> int:
    """TensorFlow's checksum: CRC-32C, rotated and shifted, so that checksums of checksums stay good ones."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = crc >> 8 ^ _CRC32C[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def has_events(folder: Path) -> bool:
    """Whether a folder holds event files itself."""
    return any(folder.glob(PATTERN))

"""Reads the fields of a message in protobuf's wire format, without its schema.

https://protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yields each field's number and value: an int for a varint, else the bytes. Ends at what cannot be read."""
    place, end = 0, len(message)
    while place < end:
        key, place = varint(message, place)
        kind = key & 7
        if kind == VARINT:
            value, place = varint(message, place)
            yield key >> 3, value
            continue
        if kind == BYTES:
            size, place = varint(message, place)
        elif kind in (FIXED64, FIXED32):
            size = 8 if kind == FIXED64 else 4
        else:
            return
        if place + size > end:
            return
        yield key >> 3, message[place : place + size]
        place += size


def varint(message: bytes, place: int) -> tuple[int, int]:
    """The number that begins at a place, and the place after it; what is cut off counts as zeros."""
    value = shift = 0
    while place < len(message) and shift < 64:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
    return value, place


def signed(value: int) -> int:
    """An int64 as protobuf writes it, in two's complement."""
    return value - 2**64 if value >= 2**63 else value


def text(value: int | bytes) -> str:
    """A string field."""
    return value.decode(errors="replace") if isinstance(value, bytes) else ""


def floats(value: int | bytes) -> list[float]:
    """A float field, or packed ones."""
    return list(struct.unpack(f"<{len(value) // 4}f", value[: len(value) // 4 * 4])) if isinstance(value, bytes) else []


def doubles(value: int | bytes) -> list[float]:
    """A double field, or packed ones."""
    return list(struct.unpack(f"<{len(value) // 8}d", value[: len(value) // 8 * 8])) if isinstance(value, bytes) else []

"""Writes a W&B file as its documents describe it: LevelDB's log format, protobuf messages, values as JSON."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any

BLOCK, HEADER = 2**15, 7


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, content: bytes | str | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content % 2**64)
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def item(name: str, value: Any) -> bytes:
    return field(1, name) + field(16, json.dumps(value))


def history(step: int, values: dict[str, Any]) -> bytes:
    rows = {"_step": step, "_timestamp": 1000.0 + step} | values
    return field(1, step) + field(2, b"".join(field(1, item(name, value)) for name, value in rows.items()))


def run_record(name: str, config: dict[str, Any]) -> bytes:
    updates = b"".join(field(1, item(key, value)) for key, value in config.items())
    return field(17, field(8, name) + field(4, updates))


def exit_record(code: int) -> bytes:
    return field(18, field(1, code))


def log_file(records: list[bytes]) -> bytes:
    out = bytearray(struct.pack("<4sHB", b":W&B", 0xBEE1, 0))

    def part(kind: int, data: bytes) -> None:
        out.extend(struct.pack("<IHB", zlib.crc32(bytes([kind]) + data), len(data), kind) + data)

    for record in records:
        left, is_first = record, True
        while True:
            room = BLOCK - len(out) % BLOCK
            if room < HEADER:
                out.extend(bytes(room))
                continue
            data, left = left[: room - HEADER], left[room - HEADER :]
            part((1 if not left else 2) if is_first else (3 if left else 4), data)
            is_first = False
            if not left:
                break
    return bytes(out)

"""Reads the folder that W&B keeps of a run: its `.wandb` file while the run continues, and what lies beside it.

The file is LevelDB's log format: blocks of 32 KiB, in which a record is a checksum (4 bytes), a length (2), a kind (1:
whole, 2: first part, 3: middle, 4: last part) and data. It begins with 7 bytes of W&B's own, `:W&B` and a version. The
records are protobuf messages, whose values are JSON.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.files import open_regular, read_small
from workbench.foreign_logs import protobuf
from workbench.foreign_logs.log import MOST_SCALARS, Scalar, step_of
from workbench.foreign_logs.simple_yaml import read_yaml

PATTERN = "*.wandb"
IDENTITY, MAGIC = b":W&B", 0xBEE1
FILE_HEADER, HEADER, BLOCK = 7, 7, 2**15
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4
READ_BYTES = 2**22
"""The most that is read at once, a multiple of a block."""
RECORD_HISTORY, RECORD_CONFIG, RECORD_RUN, RECORD_EXIT = 2, 5, 17, 18
RUN_CONFIG, RUN_NAME, CONFIG_UPDATE, EXIT_CODE = 4, 8, 1, 1
HISTORY_ITEM, HISTORY_STEP = 1, 2
ITEM_KEY, ITEM_NESTED_KEY, ITEM_JSON = 1, 2, 16
STEP, TIME = "_step", "_timestamp"


class WandbLog:
    """A run's folder, such as wandb/run-20261128_120000-abc123."""

    loop = "wandb"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.exit_code: int | None = None
        self._config: dict[str, Any] = {}
        self._title = ""
        self._offset = FILE_HEADER
        self._parts = b""
        """The parts of a record that is not complete."""
        self._is_readable: bool | None = None
        """Whether the file is one that is known; None before it was looked at."""
        self._summary_read = False

    @property
    def name(self) -> str:
        """As the user has called it, else the folder's name."""
        return self._title or self.path.name

    @property
    def settings(self) -> Mapping[str, Any]:
        if self._config:
            return self._config
        try:
            written = read_yaml(read_small(self.path / "files" / "config.yaml"))
        except (OSError, ValueError):
            return {}
        values = {name: each.get("value") for name, each in written.items() if isinstance(each, dict)}
        return {name: value for name, value in values.items() if value is not None and not name.startswith("_")}

    @property
    def is_there(self) -> bool:
        return any(self.path.glob(PATTERN))

    def read(self) -> list[Scalar]:
        file = next(iter(sorted(self.path.glob(PATTERN))), None)
        found: list[Scalar] = []
        if file is not None and self._is_readable is not False:
            for record in self._records(file):
                found += self._take(record)
                if len(found) >= MOST_SCALARS:
                    break
        if self._is_readable is not True and not self._summary_read:
            self._summary_read = True
            found += self._summary()
        return found

    def _records(self, path: Path) -> Iterator[bytes]:
        """The complete records from the offset on, which moves behind each."""
        try:
            with open_regular(path) as file:
                if self._is_readable is None:
                    header = file.read(FILE_HEADER)
                    if len(header) < FILE_HEADER:
                        return
                    identity, magic, _ = struct.unpack("<4sHB", header)
                    self._is_readable = identity == IDENTITY and magic == MAGIC
                    if not self._is_readable:
                        return
                file.seek(self._offset)
                content = file.read(READ_BYTES)
        except OSError:
            return
        start, place = self._offset, 0
        while True:
            left = BLOCK - (start + place) % BLOCK
            if left < HEADER:
                place += left  # the end of a block that no record fits into
                continue
            if place + HEADER > len(content):
                return
            checksum, length, kind = struct.unpack("<IHB", content[place : place + HEADER])
            end = place + HEADER + length
            if end > len(content):
                return
            data = content[place + HEADER : end]
            if kind == 0 and checksum == 0:
                return  # space that is not written yet
            if not WHOLE <= kind <= LAST or zlib.crc32(data, zlib.crc32(bytes([kind]))) & 0xFFFFFFFF != checksum:
                place += left  # damaged: whatever the next block holds can be read again
                self._offset, self._parts = start + place, b""
                continue
            place = end
            self._offset = start + place
            self._parts = data if kind in (WHOLE, FIRST) else self._parts + data
            if kind in (WHOLE, LAST):
                record, self._parts = self._parts, b""
                yield record

    def _take(self, record: bytes) -> list[Scalar]:
        found: list[Scalar] = []
        for number, value in protobuf.fields(record):
            if not isinstance(value, bytes):
                continue
            if number == RECORD_HISTORY:
                found += _history(value)
            elif number == RECORD_CONFIG:
                self._update(value)
            elif number == RECORD_RUN:
                for part, inner in protobuf.fields(value):
                    if part == RUN_CONFIG and isinstance(inner, bytes):
                        self._update(inner)
                    elif part == RUN_NAME:
                        self._title = protobuf.text(inner)
            elif number == RECORD_EXIT:
                codes = [code for part, code in protobuf.fields(value) if part == EXIT_CODE and isinstance(code, int)]
                self.exit_code = protobuf.signed(codes[0]) if codes else 0
        return found

    def _update(self, config: bytes) -> None:
        for number, item in protobuf.fields(config):
            if number == CONFIG_UPDATE and isinstance(item, bytes):
                name, value = _item(item)
                if name and not name.startswith("_"):
                    self._config[name] = value

    def _summary(self) -> list[Scalar]:
        """The last values, where the history cannot be read."""
        try:
            values = json.loads(read_small(self.path / "files" / "wandb-summary.json"))
        except (OSError, ValueError, RecursionError):
            return []
        return _scalars(values) if isinstance(values, dict) else []


def _history(record: bytes) -> list[Scalar]:
    values: dict[str, Any] = {}
    for number, part in protobuf.fields(record):
        if number == HISTORY_ITEM and isinstance(part, bytes):
            name, value = _item(part)
            values[name] = value
        elif number == HISTORY_STEP and isinstance(part, bytes):
            values.setdefault(STEP, next((value for _, value in protobuf.fields(part)), 0))
    return _scalars(values)


def _scalars(values: Mapping[str, Any]) -> list[Scalar]:
    """The numbers of a row, the epoch first: the others are of it."""
    numbers = {name: read for name, value in values.items() if (read := _number(value)) is not None}
    step, time = step_of(numbers.get(STEP, -1.0)), numbers.get(TIME)
    if step is None:
        return []
    names = sorted((name for name in numbers if not name.startswith("_")), key=lambda name: "epoch" not in name)
    return [Scalar(name, step, numbers[name], time) for name in names]


def _number(value: Any) -> float | None:
    try:
        return float(value) if type(value) in (int, float) else None
    except OverflowError:  # an integer that no float can hold
        return None


def _item(message: bytes) -> tuple[str, Any]:
    """The key of an item, nested ones joined by a dot, and its value; None where that is no JSON."""
    key, nested, value = "", list[str](), None
    for number, part in protobuf.fields(message):
        if number == ITEM_KEY:
            key = protobuf.text(part)
        elif number == ITEM_NESTED_KEY:
            nested.append(protobuf.text(part))
        elif number == ITEM_JSON:
            try:
                value = json.loads(protobuf.text(part))  # Python's JSON, with NaN
            except (ValueError, RecursionError):
                value = None
    return key or ".".join(nested), value

"""Reads a growing file line by line: viewers read events, the trainer reads requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO

from workbench.files import open_regular
from workbench.runs.event_lines import decode
from workbench.runs.events import Event

READ_BYTES = 2**20
"""The most that one call reads, so that opening a long run stays responsive."""
LONGEST_LINE = 2**26
"""Longer lines are skipped; valid ones are never this long."""


class LineTail:
    """Reads the lines that were added since the last read. An incomplete last line is read once it is complete."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset
        """Bytes read so far; another reader that starts here misses nothing and repeats nothing."""
        self._searched = 0
        """Bytes after the offset without a newline, which are not searched again."""

    def read(self) -> list[bytes]:
        """Returns new complete lines without newlines; empty if there are none or the file does not exist (yet)."""
        try:
            if self.path.stat().st_size <= self.offset + self._searched:
                return []
            with open_regular(self.path) as file:
                return self._read(file)
        except OSError:
            return []

    def _read(self, file: IO[bytes]) -> list[bytes]:
        while True:
            file.seek(self.offset + self._searched)
            block = file.read(READ_BYTES)
            while block and b"\n" not in block:
                self._searched += len(block)
                block = file.read(READ_BYTES)
            if not block:
                return []
            if self._searched:  # the line that ends here started before this block
                end = block.index(b"\n") + 1
                if self._searched + end > LONGEST_LINE:
                    self.offset += self._searched + end
                    self._searched = 0
                    continue
                file.seek(self.offset)
                block = file.read(self._searched) + block
                self._searched = 0
            whole = block.rfind(b"\n") + 1
            self.offset += whole
            return block[:whole].splitlines()


def has_event(path: Path, kind: type[Event]) -> bool:
    """Whether the file contains an event of that type; decodes nothing."""
    wanted, rest = f'{{"type":"{kind.type}"'.encode(), b""
    try:
        with open_regular(path) as file:
            while block := file.read(READ_BYTES):
                if wanted in rest + block:
                    return True
                rest = block[-len(wanted) :]
    except OSError:
        pass
    return False


class EventTail:
    """Reads the events that were added since the last read."""

    def __init__(self, path: Path, decode: Callable[[bytes], Event | None] = decode, offset: int = 0) -> None:
        """decode: finds the event in a line; that of a run if left out. offset: what another reader has read."""
        self._lines = LineTail(path, offset)
        self._decode = decode

    def skip_to_end(self) -> None:
        """Skips events that are in the file already, written before the run was resumed."""
        if self._lines.path.exists():
            self._lines.offset = self._lines.path.stat().st_size

    @property
    def offset(self) -> int:
        """Bytes read so far."""
        return self._lines.offset

    @property
    def has_read(self) -> bool:
        """Whether anything has been read."""
        return self._lines.offset > 0

    def read(self) -> list[tuple[bytes, Event]]:
        """New events, each with its line as written. Lines that are torn or not known are left out."""
        decoded = ((line, self._decode(line)) for line in self._lines.read())
        return [(line, event) for line, event in decoded if event is not None]

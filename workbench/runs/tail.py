"""Reading a file of lines while it grows: events by whoever watches, requests by the trainer."""

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
"""Longer lines are skipped: nobody writes them."""


class LineTail:
    """Reads the lines that were added since the last read, by byte offset. A torn last line waits until it is whole."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset
        """Bytes read so far; a reader that starts here again misses nothing and repeats nothing."""
        self._searched = 0
        """Bytes after them that hold no end of a line: they are not searched again."""

    def read(self) -> list[bytes]:
        """New whole lines, without their ends; empty when there are none or the file is not there (yet)."""
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
            if self._searched:  # the line that ends here began before this block
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
    """Whether the file holds an event of that type; nothing is decoded."""
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

    def __init__(self, path: Path, decode: Callable[[bytes], Event | None] = decode) -> None:
        """decode: finds the event in a line; that of a run if left out."""
        self._lines = LineTail(path)
        self._decode = decode

    def skip_to_end(self) -> None:
        """Skips what is in the file already: what earlier lives of a resumed run wrote."""
        if self._lines.path.exists():
            self._lines.offset = self._lines.path.stat().st_size

    @property
    def has_read(self) -> bool:
        """Whether anything was in the file."""
        return self._lines.offset > 0

    def read(self) -> list[tuple[bytes, Event]]:
        """New events, each with its line as written. Lines that are torn or not known are left out."""
        decoded = ((line, self._decode(line)) for line in self._lines.read())
        return [(line, event) for line, event in decoded if event is not None]

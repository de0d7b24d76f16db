"""Appends events to events.jsonl, for the trainer."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from workbench.errors import RunDeletedError
from workbench.files import open_regular, open_to_append, storage_error
from workbench.runs.event_lines import encode
from workbench.runs.events import Event


class EventWriter:
    """Appends events, each as one write of a whole line, so that only the last line can be incomplete.

    Raises StorageError when the disk is full. Does not sync to disk: after a power failure the last lines may be
    missing, and a resumed run writes them again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = open_to_append(path)
            self._opened = os.fstat(self._descriptor)
            self._end_torn_line()
        except OSError as error:
            raise storage_error(path, error) from error

    def write(self, event: Event) -> Event:
        """Appends the event with the current time, and returns it so. Raises RunDeletedError if the file is gone."""
        written = replace(event, time=round(time.time(), 4))
        line = memoryview(f"{encode(written)}\n".encode())
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError as error:
            raise storage_error(self._path, error) from error
        if not self._is_in_place():
            raise RunDeletedError(f"{self._path} has been deleted or moved: training ends")
        return written

    def _is_in_place(self) -> bool:
        """Whether the file is still at its path: writing to a deleted or moved file would succeed silently."""
        try:
            return os.path.samestat(self._opened, os.stat(self._path))  # noqa: PTH116  ten times a second
        except OSError:
            return False

    def close(self) -> None:
        """Closes the file."""
        os.close(self._descriptor)

    def _end_torn_line(self) -> None:
        """Ends an incomplete last line of a killed trainer, so that the next event starts a new line."""
        with open_regular(self._path) as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                if file.read(1) != b"\n":
                    os.write(self._descriptor, b"\n")

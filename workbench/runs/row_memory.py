"""Remembers the rows of the table of runs from one start of the app to the next.

A run that has ended does not change, so only the runs whose files have changed are read again. The memory is a file in
the user's cache. If it is missing, damaged, of another version or cannot be written, all runs are read, which only
takes longer.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

from pydantic_core import from_json

from workbench.atomic_files import write_atomically
from workbench.errors import StorageError
from workbench.files import open_regular, user_folder
from workbench.runs.directory import RunDirectory
from workbench.runs.row import RunRow
from workbench.runs.status import ENDED
from workbench.runs.typed import Take, take_of

Stamp = tuple[tuple[int, int] | None, ...]
"""The time in ns at which each of a run's files was last written, and its size; None for a missing file."""
LEAST_NEWS = 20
"""The memory is written once there are this many new rows; fewer are read quickly."""
MOST_BYTES = 2**28
LEFT_OUT = ("run", "broken")
"""Fields of a row that are not kept; rows of broken runs are not kept at all."""


class RowMemory:
    """The rows of a folder's ended runs."""

    def __init__(self, runs_folder: Path) -> None:
        self._folder = runs_folder
        self._names = [item.name for item in fields(RunRow) if item.name not in LEFT_OUT]
        """The stored fields; a memory with other fields is from another version."""
        hints = get_type_hints(RunRow)
        self._takes: dict[str, Take] = {name: take_of(hints[name]) for name in self._names if name != "started"}
        self._written: dict[Path, Stamp] = {}

    def read(self, runs: Iterable[RunDirectory]) -> dict[Path, tuple[Stamp, RunRow]]:
        """Returns the remembered rows of these runs; the caller checks whether their files have changed."""
        try:
            with open_regular(self._file()) as file:
                values = from_json(file.read(MOST_BYTES))
            entries = values["rows"] if values["names"] == self._names else {}
            found = {run.path: self._row(run, *entries[run.name]) for run in runs if run.name in entries}
        except (OSError, StorageError, ValueError, TypeError, LookupError, ArithmeticError):
            return {}
        self._written = {path: stamp for path, (stamp, _) in found.items()}
        return found

    def write(self, known: Mapping[Path, tuple[Stamp, RunRow]]) -> None:
        """Stores the rows of ended runs, once enough of them are new."""
        ended = {path: entry for path, entry in known.items() if entry[1].status in ENDED and not entry[1].broken}
        if sum(self._written.get(path) != stamp for path, (stamp, _) in ended.items()) < LEAST_NEWS:
            return
        rows = {path.name: [stamp, self._values(row)] for path, (stamp, row) in ended.items()}
        with suppress(OSError, StorageError, TypeError, ValueError):
            text = json.dumps({"names": self._names, "rows": rows}, separators=(",", ":"))
            file = self._file()
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(file, lambda target: target.write(text.encode()))
        self._written = {path: stamp for path, (stamp, _) in ended.items()}

    def _file(self) -> Path:
        """Raises StorageError where the user has no home folder."""
        name = hashlib.sha256(os.fsencode(self._folder.absolute())).hexdigest()[:16]
        return user_folder("cache") / "runs" / f"{name}.json"

    def _values(self, row: RunRow) -> list[Any]:
        started = None if row.started is None else row.started.timestamp()
        return [started if name == "started" else getattr(row, name) for name in self._names]

    def _row(self, run: RunDirectory, stamp: list[list[int] | None], values: list[Any]) -> tuple[Stamp, RunRow]:
        """Restores a row. Raises TypeError, LookupError, ValueError or OverflowError for invalid content."""
        kept = dict(zip(self._names, values, strict=True))
        row = {name: take(kept[name]) for name, take in self._takes.items()}
        settings = row["settings"].items()
        row["settings"] = {name: tuple(value) if isinstance(value, list) else value for name, value in settings}
        row["started"] = None if kept["started"] is None else datetime.fromtimestamp(kept["started"], UTC)
        read = tuple(None if part is None else (int(part[0]), int(part[1])) for part in stamp)
        return read, RunRow(run, **row)

"""All runs of a folder as rows of a table; a run is read again only if one of its files has changed."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from workbench.errors import StorageError
from workbench.files import open_regular, read_small
from workbench.runs.directory import RunDirectory, list_runs
from workbench.runs.event_lines import decode
from workbench.runs.events import EpochEnd, Event, Prepared, State, TestResult
from workbench.runs.labels import Labels, read_labels
from workbench.runs.lock import is_running
from workbench.runs.preset_text import PresetReader
from workbench.runs.row import RunRow
from workbench.runs.row_memory import RowMemory, Stamp
from workbench.runs.status import Status, Summary, ended, read_summary
from workbench.runs.study import read_study

HEAD_BYTES = 2**18
"""Bytes read at the beginning of a run's events, which name the metric that decides the best epoch."""
TAIL_BYTES = (2**16, 2**19, 2**22)
"""Bytes read at the end, for the latest and the best epoch: more only if fewer do not contain them."""
PREPARED_BYTES = 2**16
"""Bytes read at the beginning of an ended run's events, which name its device."""
OVERLAP_BYTES = 2**19
"""Farther back, consecutive blocks overlap by this many bytes; the line of an epoch is shorter."""
WANTED = tuple(f'{{"type":"{event.type}"'.encode() for event in (Prepared, EpochEnd, State, TestResult))
"""First bytes of the lines that are decoded; all others are skipped."""
STAMPED = ("preset.toml", "process.json", "summary.json", "events.jsonl", "labels.json")
"""Files of a run that its row depends on."""

NEVER = datetime.min.replace(tzinfo=UTC)
"""Of a run whose start is unknown, which comes last."""


class Catalogue:
    """The rows of a runs folder; reading it again costs little while nothing changes."""

    def __init__(self, runs_folder: Path) -> None:
        self._folder = runs_folder
        self._known: dict[Path, tuple[Stamp, RunRow]] | None = None
        self._memory = RowMemory(runs_folder)
        self._presets = PresetReader()

    def rows(self) -> list[RunRow]:
        """Returns all runs, the latest first; a broken run is a row that says so.

        Raises StorageError if the folder cannot be read.
        """
        found: dict[Path, tuple[Stamp, RunRow]] = {}
        runs = _list(self._folder)
        if self._known is None:
            self._known = self._memory.read(runs)
        for run in runs:
            stamp = tuple(_stamp(f"{run.path}/{name}") for name in STAMPED)
            before = self._known.get(run.path)
            if before is None or before[0] != stamp or not _is_up_to_date(before[1]):
                before = stamp, _row(run, self._presets, before=None if before is None else before[1])
            found[run.path] = before
        self._known = found
        self._memory.write(found)
        rows = [row for _, row in found.values()]
        return sorted(rows, key=lambda row: (row.started or NEVER, row.run.name), reverse=True)


def list_running(runs_folder: Path) -> list[RunRow]:
    """Returns the runs in progress, the latest first; for other runs, only checks the lock. Raises StorageError."""
    presets = PresetReader()
    return [_row(run, presets) for run in reversed(_list(runs_folder)) if is_running(run)]


def read_row(run: RunDirectory) -> RunRow:
    """Reads one run; a broken one is a row that says so."""
    return _row(run, PresetReader())


def _list(runs_folder: Path) -> list[RunDirectory]:
    try:
        return list_runs(runs_folder)
    except OSError as error:
        raise StorageError(f"cannot read {error.filename or runs_folder}: {error.strerror}") from error


def _is_up_to_date(row: RunRow) -> bool:
    """Whether a row is valid if the files have not changed: a killed run ends without writing to any file.

    A run that has ended starts again only by writing its process.json.
    """
    return row.status != "running" or is_running(row.run)


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  a third faster than Path.stat, four times a run
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _row(run: RunDirectory, presets: PresetReader, *, before: RunRow | None = None) -> RunRow:
    """Reads a run. before: its previous row, if any."""
    started, labels = None, Labels()
    try:
        labels = read_labels(run.labels)
        started = _started(run)
        summary = None if (running := is_running(run)) else read_summary(run)
        row = _read(run, "running" if running else ended(run, summary), summary, started, before, presets)
    except Exception as error:  # the files may contain anything, and the other runs must still be shown
        reason = f"its files cannot be read: {type(error).__name__}: {error}"
        row = RunRow(run, "lost", "", started, reason=reason, broken=True)
    return replace(row, tags=labels.tags, note=labels.note, pinned=labels.pinned)


def _read(
    run: RunDirectory,
    now: Status,
    summary: Summary | None,
    started: datetime | None,
    before: RunRow | None,
    presets: PresetReader,
) -> RunRow:
    try:
        settings = presets.settings(read_small(run.preset))
    except (OSError, ValueError, RecursionError) as error:
        return RunRow(run, now, "", started, reason=f"preset.toml cannot be read: {error}", broken=True)
    values: dict[str, Any] = {"epochs": _whole(settings.get("training.epochs")), "study": read_study(run.study)}
    if summary is not None:
        values |= {
            "epoch": _whole(summary.epoch),
            "monitor": _text(summary.monitor),
            "test": _scalars(summary.test),
            "seconds": _number(_table(summary.seconds).get("train")),
            "reason": _text(summary.reason),
            "metrics": _scalars(_table(summary.validation or summary.train)),
            "best": _number(_table(summary.validation or summary.train).get(_text(summary.monitor))),
            "device": _device(_prepared(run)),
        }
    else:
        values |= _from_events(run, before)
        if now != "running" and run.summary.exists():
            values["reason"] = "summary.json cannot be read"
    return RunRow(run, now, str(settings.get("name", "")), started, settings, **values)


def _from_events(run: RunDirectory, before: RunRow | None) -> dict[str, Any]:
    """Reads the latest and the best epoch; searches far back for the best one only once, and then remembers it."""
    known = before if before is not None and not before.broken else None
    try:
        with open_regular(run.events) as file:
            prepared = _first_prepared(file.read(HEAD_BYTES))
            tail = _read_tail(file)
            if before is None and not any(_is_best(event) for event in tail):
                tail = _best_farther_back(file) + tail
    except OSError:
        return {}
    monitor = _text(prepared.monitor) if prepared is not None else ""
    epochs = [event for event in tail if isinstance(event, EpochEnd)]
    marked = [event for event in epochs if event.best]
    if marked and marked[-1].monitor:
        monitor = _text(marked[-1].monitor)
    best = _table(marked[-1].validation or marked[-1].train) if marked else {}
    tested = [event for event in tail if isinstance(event, TestResult)]
    states = [event for event in tail if isinstance(event, State)]
    return {
        "state": _text(states[-1].state) if states else "",
        "epoch": _whole(epochs[-1].epoch) if epochs else 0,
        "device": _device(prepared),
        "monitor": monitor,
        "metrics": _scalars(best) if marked else known and known.metrics,
        "best": _number(best.get(monitor)) if marked else known and known.best,
        "test": _scalars(tested[-1].metrics) if tested else None,
    }


def _prepared(run: RunDirectory) -> Prepared | None:
    """The first event of a run that describes what it trains on, if it is near the beginning."""
    with suppress(OSError), open_regular(run.events) as file:
        return _first_prepared(file.read(PREPARED_BYTES))
    return None


def _first_prepared(block: bytes) -> Prepared | None:
    """The first such event in a block; the events behind it are not decoded."""
    return next((event for event in _events(block) if isinstance(event, Prepared)), None)


def _device(prepared: Prepared | None) -> str:
    if prepared is None:
        return ""
    return "cpu" if prepared.device == "cpu" else _text(prepared.device_name) or _text(prepared.device)


def _read_tail(file: IO[bytes]) -> list[Event]:
    """Reads the events at the end of the file, back to the best epoch."""
    size = file.seek(0, os.SEEK_END)
    found: list[Event] = []
    for length in TAIL_BYTES:
        file.seek(max(size - length, 0))
        # A first line that the seek cut off does not start like an event and is skipped.
        found = list(_events(file.read(length)))
        if size <= length or any(_is_best(event) for event in found):
            break
    return found


def _best_farther_back(file: IO[bytes]) -> list[Event]:
    """Searches backwards for the last best epoch before the tail, which was read already; empty if there is none."""
    end = file.seek(0, os.SEEK_END) - TAIL_BYTES[-1]
    while end > 0:
        start = max(end - TAIL_BYTES[-1], 0)
        file.seek(start)
        found = [event for event in _events(file.read(end + OVERLAP_BYTES - start)) if _is_best(event)]
        if found:
            return found[-1:]
        end = start
    return []


def _is_best(event: Event) -> bool:
    return isinstance(event, EpochEnd) and event.best


def _events(block: bytes) -> Iterator[Event]:
    lines = (line for line in block.splitlines() if line.startswith(WANTED))
    return (event for line in lines if (event := decode(line)) is not None)


def _scalars(metrics: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The metrics that a row keeps: without lists and matrices by class, because there may be thousands of runs."""
    return {name: value for name, value in (metrics or {}).items() if not isinstance(value, list)} or None


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    """Returns a finite number as float; None for anything else."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None  # type: ignore[arg-type]


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _started(run: RunDirectory) -> datetime:
    """When the run was started. A renamed run has lost the time in its name; its first event has one."""
    if (started := run.started) is not None:
        return started
    with suppress(OSError), open_regular(run.events) as file:
        first = decode(file.readline(HEAD_BYTES))
        if first is not None and first.time > 0:
            return datetime.fromtimestamp(int(first.time), UTC)
    return datetime.fromtimestamp(run.preset.stat().st_mtime, UTC)

"""All runs of a folder as rows of a table: light, and read again only where a file has changed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.runs.directory import RunDirectory, list_runs
from workbench.runs.events import EpochEnd, Event, Prepared, Tested, decode
from workbench.runs.status import Status, read_summary, status

TAIL_BYTES = 2**16
"""How much of the end of a run's events is read for its latest epoch."""
HEAD_BYTES = 2**14
"""How much of the beginning, for how many epochs are planned and what tells the best."""


@dataclass(frozen=True)
class RunRow:
    """One run. What is not known is None, empty, or 0 epochs."""

    run: RunDirectory
    status: Status
    preset_name: str
    started: datetime | None
    """UTC, from the run's name."""
    settings: dict[str, Any] = field(default_factory=dict)
    """By key path, such as optimizer.learning_rate."""
    epoch: int = 0
    """Epochs completed."""
    epochs: int = 0
    """Epochs planned."""
    monitor: str = ""
    best: float | None = None
    """The monitored metric at the best epoch."""
    test: dict[str, Any] | None = None
    seconds: float | None = None
    """Training time."""
    reason: str = ""
    """Why it failed, or what is wrong with its files."""


class Catalogue:
    """The rows of a runs folder; reading it again costs little while nothing changes."""

    def __init__(self, runs_folder: Path) -> None:
        self._folder = runs_folder
        self._known: dict[Path, tuple[object, RunRow]] = {}

    def rows(self) -> list[RunRow]:
        """All runs, the latest first. Raises nothing: a broken run is a row that says so."""
        found: dict[Path, tuple[object, RunRow]] = {}
        for run in list_runs(self._folder):
            now = status(run)
            stamp = (now, *(_stamp(path) for path in (run.preset, run.summary, run.events)))
            before = self._known.get(run.path)
            found[run.path] = before if before is not None and before[0] == stamp else (stamp, _row(run, now))
        self._known = found
        return [row for _, row in found.values()][::-1]


def list_rows(runs_folder: Path) -> list[RunRow]:
    """All runs of a folder, the latest first."""
    return Catalogue(runs_folder).rows()


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _row(run: RunDirectory, now: Status) -> RunRow:
    try:
        settings = flattened(tomllib.loads(run.preset.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        return RunRow(run, now, "", _started(run), reason=f"preset.toml cannot be read: {error}")
    values: dict[str, Any] = {"epochs": _whole(settings.get("training.epochs"))}
    summary = read_summary(run) if now != "running" else None
    if summary is not None:
        values |= {
            "epoch": summary.epoch,
            "monitor": summary.monitor,
            "test": summary.test,
            "seconds": summary.seconds.get("train"),
            "reason": summary.reason,
            "best": _metric(summary.validation or summary.train, summary.monitor),
        }
    else:
        values |= _from_events(run)
    return RunRow(run, now, str(settings.get("name", "")), _started(run), settings, **values)


def _from_events(run: RunDirectory) -> dict[str, Any]:
    """The latest epoch and the best that the ends of the file tell of."""
    head, tail = _read_ends(run.events)
    prepared = next((event for event in head if isinstance(event, Prepared)), None)
    epochs = [event for event in tail if isinstance(event, EpochEnd)]
    tested = [event for event in tail if isinstance(event, Tested)]
    monitor = prepared.monitor if prepared is not None else ""
    marked = [event for event in epochs if event.best] or epochs[-1:]
    return {
        "epoch": epochs[-1].epoch if epochs else 0,
        "monitor": monitor,
        "best": _metric(marked[-1].validation or marked[-1].train, monitor) if marked else None,
        "test": tested[-1].metrics if tested else None,
    }


def _read_ends(path: Path) -> tuple[list[Event], list[Event]]:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            size = file.seek(0, 2)
            file.seek(max(size - TAIL_BYTES, 0))
            tail = file.read()
    except OSError:
        return [], []
    # A first line that was cut by the seek decodes to nothing.
    return _events(head), _events(tail)


def _events(block: bytes) -> list[Event]:
    return [event for line in block.splitlines() if (event := decode(line)) is not None]


def _metric(metrics: Mapping[str, Any] | None, name: str) -> float | None:
    value = (metrics or {}).get(name)
    return float(value) if isinstance(value, (int, float)) else None


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _started(run: RunDirectory) -> datetime | None:
    try:
        return datetime.strptime(run.name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as key paths; lists as tuples, as settings hold them."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = tuple(value) if isinstance(value, list) else value
    return flat

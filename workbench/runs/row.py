"""One run as a row of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workbench.metrics import metric as declared
from workbench.runs.directory import RunDirectory
from workbench.runs.status import Status


@dataclass(frozen=True)
class RunRow:
    """One run. Unknown values are None, empty, or 0 epochs."""

    run: RunDirectory
    status: Status
    preset_name: str
    started: datetime | None
    """UTC, from the run's name; for a renamed run, from its first event, else when its preset was written."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings by key path, such as optimizer.learning_rate."""
    epoch: int = 0
    """Epochs completed."""
    epochs: int = 0
    """Epochs planned."""
    state: str = ""
    """The last reported state of a run in progress, such as paused; empty if it is too far back in the events."""
    monitor: str = ""
    best: float | None = None
    """The monitored metric at the best epoch."""
    metrics: dict[str, Any] | None = None
    """Metrics of the best epoch, without those by class: of the validation split, or of training without one."""
    test: dict[str, Any] | None = None
    """Metrics of the test split, without those by class."""
    seconds: float | None = None
    """Training time."""
    reason: str = ""
    """Why it failed, or what is wrong with its files."""
    study: str | None = None
    """The id of its study."""
    tags: tuple[str, ...] = ()
    note: str = ""
    pinned: bool = False
    """Whether it is the base with which other runs are compared."""
    device: str = ""
    """The name of the device that it is trained on: cpu, or that of the GPU."""
    broken: bool = False
    """Whether its files could not be read; then no other field but its labels is reliable."""


def by_study(rows: Iterable[RunRow]) -> dict[str | None, list[RunRow]]:
    """Groups rows by their study and keeps their order. Rows without a study are in the group None."""
    groups: dict[str | None, list[RunRow]] = {}
    for row in rows:
        groups.setdefault(row.study, []).append(row)
    return groups


def goodness(metric: str, value: float | None) -> tuple[str, float] | None:
    """A key by which better values are larger; runs with different metrics are not mixed. None without a value."""
    return None if value is None else (metric, declared(metric).rank(value))


def arranged(rows: Iterable[RunRow], key: Callable[[RunRow], Any], *, descending: bool) -> list[RunRow]:
    """The runs sorted by a key; those whose key is None come last, in either direction."""
    keyed = [(key(row), row) for row in rows]
    known = [pair for pair in keyed if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [row for _, row in known] + [row for value, row in keyed if value is None]

"""One run as a row of a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from workbench.runs.directory import RunDirectory
from workbench.runs.status import Status


@dataclass(frozen=True)
class RunRow:
    """One run. What is not known is None, empty, or 0 epochs."""

    run: RunDirectory
    status: Status
    preset_name: str
    started: datetime | None
    """UTC, from the run's name; for one that was renamed, when its preset was written."""
    settings: dict[str, Any] = field(default_factory=dict)
    """By key path, such as optimizer.learning_rate."""
    epoch: int = 0
    """Epochs completed."""
    epochs: int = 0
    """Epochs planned."""
    state: str = ""
    """The last state that the trainer of a run in progress reported, such as paused; empty if it is far back."""
    monitor: str = ""
    best: float | None = None
    """The monitored metric at the best epoch."""
    test: dict[str, Any] | None = None
    """Metrics of the test split, without those by class."""
    seconds: float | None = None
    """Training time."""
    reason: str = ""
    """Why it failed, or what is wrong with its files."""
    study: str | None = None
    """The id of the study that it belongs to."""
    broken: bool = False
    """Whether its files could not be read, so that nothing else here is reliable."""


def by_study(rows: Iterable[RunRow]) -> dict[str | None, list[RunRow]]:
    """Groups rows by their study; the order stays as it was. Rows without a study are in the group None."""
    groups: dict[str | None, list[RunRow]] = {}
    for row in rows:
        groups.setdefault(row.study, []).append(row)
    return groups

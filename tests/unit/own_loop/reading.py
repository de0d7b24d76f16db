"""Reads what a watched loop has written."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from workbench.runs.directory import RunDirectory
from workbench.runs.events import Event, Steps
from workbench.runs.status import Summary, read_summary
from workbench.runs.tail import EventTail

Found = TypeVar("Found", bound=Event)


def events(directory: Path | None, kind: type[Found]) -> list[Found]:
    assert directory is not None
    tail, found = EventTail(RunDirectory(directory).events), []
    while written := tail.read():
        found += [event for _, event in written if isinstance(event, kind)]
    return found


def summary_of(directory: Path | None) -> Summary:
    assert directory is not None
    summary = read_summary(RunDirectory(directory))
    assert summary is not None
    return summary


def rates(directory: Path | None) -> dict[int, float | None]:
    """The learning rate by step, where each event is of one step."""
    return {event.last: event.learning_rate for event in events(directory, Steps)}

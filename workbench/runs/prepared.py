"""What a run says of itself once everything is built: its samples, classes and device."""

from __future__ import annotations

from workbench.runs.directory import RunDirectory
from workbench.runs.events import Prepared
from workbench.runs.tail import EventTail


def read_prepared(run: RunDirectory) -> Prepared | None:
    """Reads the first such event; None where there is none (yet)."""
    tail = EventTail(run.events)
    while events := tail.read():
        for _, event in events:
            if isinstance(event, Prepared):
                return event
    return None

"""An alert, and what is sent of it."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

EventName = Literal["completed", "stopped", "failed", "diverged", "lost", "stalled", "target"]
EVENT_NAMES: tuple[EventName, ...] = get_args(EventName)
GOOD: tuple[EventName, ...] = ("completed", "target")


@dataclass(frozen=True)
class Alert:
    """One thing that has happened to a run or a study."""

    event: EventName
    sort: Literal["run", "study"]
    name: str
    """Of the run or the study."""
    path: str
    text: str
    """What has happened, in a sentence."""
    time: float
    """When, in seconds since 1970."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Plain values: step, epoch, metrics."""

    @property
    def title(self) -> str:
        """In a few words."""
        what = {"stalled": "stalls", "target": "meets its target"}
        return f"workbench: {self.sort} {what.get(self.event, self.event)}"

    def payload(self) -> dict[str, Any]:
        """What a command and a webhook get. `text` and `content` are where chats look for the message."""
        message = f"{self.title}\n{self.name}: {self.text}"
        return {
            "event": self.event,
            "sort": self.sort,
            "name": self.name,
            "path": self.path,
            "host": socket.gethostname(),
            "time": self.time,
            "title": self.title,
            "message": self.text,
            "text": message,
            "content": message,
            **self.facts,
        }

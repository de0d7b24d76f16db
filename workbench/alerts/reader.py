"""Judges the events of a run or a study while it is watched, and hands the alerts to whatever sends them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from workbench.alerts.alert import Alert
from workbench.alerts.clock import Clock
from workbench.alerts.judge import Judge
from workbench.runs.events import Event

LAST_SECONDS = 100.0
"""How long to wait for what is still to be sent when the run has ended."""


class Sender(Protocol):
    """One way to send alerts."""

    def put(self, alert: Alert) -> None:
        """Sends an alert, at once or soon."""

    @property
    def is_done(self) -> bool:
        """Whether everything was sent, or could not be."""


class AlertReader:
    """Judges events, and sends the alerts."""

    def __init__(self, judge: Judge, senders: Sequence[Sender], clock: Clock) -> None:
        self._judge = judge
        self._senders = senders
        self._clock = clock
        self._read_at = clock.monotonic()
        """When the last progress was read."""
        self._has_ended = False
        self.judged_until = 0.0
        """Time of the last event that was taken, in seconds since 1970."""

    def read(self, events: Sequence[Event], *, is_alive: bool) -> None:
        """What was read of the run just now, often nothing; is_alive: whether its trainer still lived before."""
        if events:
            self.take(events)
        elif is_alive:
            self.rest(is_alive=True)
        elif not self._has_ended:
            self.end()
        self._has_ended = not is_alive and not events

    def take(self, events: Sequence[Event], offset: int = 0) -> None:
        """New events; offset: of their end in the file, which does not matter here."""
        self.judged_until = max([self.judged_until, *(event.time for event in events)])
        if self._judge.take(events):
            self._read_at = self._clock.monotonic()
        self._send()

    def rest(self, *, is_alive: bool) -> None:
        """All that was written has been taken. is_alive: whether the trainer lives."""
        if is_alive:
            self._judge.check(self._clock.monotonic() - self._read_at)
            self._send()

    def end(self) -> None:
        """The trainer has ended. Waits for what is still to be sent."""
        self._judge.ended()
        self._send()
        until = self._clock.monotonic() + LAST_SECONDS
        while not all(sender.is_done for sender in self._senders) and self._clock.monotonic() < until:
            self._clock.sleep(0.05)

    def _send(self) -> None:
        for alert in self._judge.news():
            for sender in self._senders:
                sender.put(alert)

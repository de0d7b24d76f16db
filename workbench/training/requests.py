"""Handling requests: what others ask of a training loop while it runs, and pausing it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from workbench.runs.control import Request
from workbench.runs.events import Event, RequestHandled, State
from workbench.training.timing.clock import PhaseClock
from workbench.training.timing.time_account import TimeAccount

PAUSED_POLL_SECONDS = 0.02

Handler = Callable[[Request], str | None]
"""Carries out a request; returns why it was refused, or None."""


class Requests(Protocol):
    """Where requests come from."""

    def read(self) -> list[Request]:
        """The requests since the last call."""


class Answers(Protocol):
    """Where answers go."""

    def write(self, event: Event) -> Event:
        """Takes an event."""


class RequestHandler:
    """Handles stop, pause and resume itself; everything else a training loop offers by a handler of its own."""

    def __init__(
        self,
        inbox: Requests,
        events: Answers,
        clock: PhaseClock,
        times: TimeAccount,
        handlers: Mapping[str, Handler],
        before_pause: Callable[[], None] = lambda: None,
    ) -> None:
        """handlers: by command, see `runs.control.Command`; before_pause: called when a pause begins."""
        self.stopping = False
        """Whether training was asked to stop."""
        self._paused = False
        self._inbox = inbox
        self._events = events
        self._clock = clock
        self._times = times
        self._before_pause = before_pause
        self._handlers: dict[str, Handler] = {
            "stop": self._stop,
            "pause": self._pause,
            "resume": self._resume,
            **handlers,
        }

    def handle(self, step: int, state: str) -> None:
        """Handles what was asked since the last call, in order; while paused, waits for more.

        step: optimizer steps done; state: what the loop is doing, as in the `state` event, which it returns to.
        """
        self._handle_all(self._inbox.read(), step)
        if not self._paused:
            return
        self._before_pause()
        with self._clock.stopped():
            self._events.write(State(state="paused", step=step))
            with self._times.measure("paused"):
                while self._paused and not self.stopping:
                    time.sleep(PAUSED_POLL_SECONDS)
                    self._handle_all(self._inbox.read(), step)
            self._events.write(State(state=state, step=step))

    def _handle_all(self, requests: list[Request], step: int) -> None:
        for request in requests:
            handler = self._handlers.get(request.command)
            refusal = f"unknown request {request.command!r}" if handler is None else handler(request)
            self._events.write(
                RequestHandled(
                    command=request.command,
                    step=step,
                    accepted=refusal is None,
                    detail=refusal or request.detail,
                    value=request.value,
                )
            )

    def _stop(self, _: Request) -> None:
        self.stopping = True

    def _pause(self, _: Request) -> None:
        self._paused = True

    def _resume(self, _: Request) -> None:
        self._paused = False

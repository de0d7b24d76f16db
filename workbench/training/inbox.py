"""Collects what others ask of a training process: requests in control.jsonl, and signals."""

from __future__ import annotations

import signal
from types import FrameType

from workbench.processes.worker import launched_at
from workbench.runs.control import ControlReader, Request
from workbench.runs.directory import RunDirectory


class Inbox:
    """Requests in order. SIGTERM and SIGINT are requests to stop; SIGHUP (a lost terminal) is ignored."""

    def __init__(self, run: RunDirectory) -> None:
        self._control = ControlReader(run.control, launched_at())
        self._stop_signal: int | None = None
        self.was_signalled = False
        """Whether a signal ever asked to stop: then the process is to end, and not its run alone."""
        self._waiting: list[Request] = []

    def listen_to_signals(self) -> None:
        """Handles the signals of this process from now on."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def read(self) -> list[Request]:
        """The requests since the last call."""
        requests, self._waiting = self._waiting + self._control.read(), []
        if self._stop_signal is not None:
            self._stop_signal = None
            requests.append(Request("stop"))
        return requests

    @property
    def stop_asked(self) -> bool:
        """Whether a request to stop waits to be read; nothing is taken from the inbox."""
        self._waiting = self.read()
        return any(request.command == "stop" for request in self._waiting)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._stop_signal = number
        self.was_signalled = True

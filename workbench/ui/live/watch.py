"""A watched run: its files as read so far, and whether its trainer is alive."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from workbench.processes.worker import EXIT_STORAGE
from workbench.runs.control import Command, ask
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Event, Finished, RequestHandled, Started, State, WarningRaised
from workbench.runs.follow import Follower
from workbench.runs.history import RunHistory
from workbench.runs.measurements import MemorySnapshot, Profiled
from workbench.runs.own_loop import FOLLOWED, read_own_loop
from workbench.settings.preset import Preset
from workbench.ui.live.asked_rate import AskedRates
from workbench.ui.live.log_lines import Log

if TYPE_CHECKING:
    from workbench.ui.live.terminal_alerts import TerminalAlerts

ADVICE_EVENTS = ("timing", "epoch", "health", "finished")
"""The types of events that can change the advice: about one a second."""


def course_of(state: str) -> str:
    """A run's state; training and validating, which may alternate many times a second, count as one."""
    return "training" if state == "validating" else state


class Watch:
    """Reads a run's directory, no matter who started the trainer, and when."""

    def __init__(
        self,
        run: RunDirectory,
        trainer: subprocess.Popen[bytes] | None = None,
        alerts: TerminalAlerts | None = None,
    ) -> None:
        """trainer: the trainer's process, if this app started it. Of a resumed run, earlier events are read too.

        alerts: judges the events; None: nobody is notified.
        """
        self.alerts = alerts
        self.run = run
        self.own_loop = read_own_loop(run.preset)
        """How the run was made, where workbench has not trained it."""
        self.preset: Preset | None = Preset.of_run(run.preset) if self.own_loop is None else None
        """None where it has no preset."""
        self.trainer = trainer
        self.history = RunHistory()
        self.log = Log(run.worker_log)
        self.pending: Command | None = None
        """The last request that the trainer has not handled yet."""
        self.awaited: set[str] = set()
        """Profiles and memory snapshots requested in this app that have neither arrived nor failed."""
        self.arrived: list[Profiled | MemorySnapshot] = []
        """Profiles and snapshots that have arrived, until they are taken."""
        self.answers: list[RequestHandled] = []
        """The trainer's answers to requests of this app, until they are taken."""
        self.asked_rates = AskedRates()
        self.has_news = True
        """Whether an event has come that can change the advice; set to False when the run is judged."""
        self._first_rate: float | None = None
        self._launched = 0.0 if trainer is None else time.time()
        self._has_spoken = False
        """Whether the present trainer has written anything; events may be there from before the run was resumed."""
        self._has_ended = False
        """Whether the trainer has written its last event; its process may take another moment to exit."""
        self._follower = Follower(run, trainer)

    def poll(self) -> bool:
        """Reads what is new, up to the limit of one poll; True if there was anything."""
        was_alive = self._follower.is_alive
        events = self._follower.read()
        for _, event in events:
            self._note_rate(event)
            self.history.take(event)
            self.log.take(event)
            if isinstance(event, RequestHandled):
                self._note_handled(event)
            self._note_arrived(event)
            self.has_news |= event.type in ADVICE_EVENTS
            if event.time >= self._launched:
                self._has_spoken = True
                self._has_ended = isinstance(event, Finished) or (self._has_ended and not isinstance(event, State))
        if self.alerts is not None:
            self.alerts.read([event for _, event in events], is_alive=self._follower.is_alive)
        if not self.is_alive:
            self.pending = None  # nobody is there to handle it
            self.asked_rates.forget()
        output = self.log.read_output()
        return bool(events) or output or was_alive != self._follower.is_alive

    def _note_handled(self, event: RequestHandled) -> None:
        if event.command == self.pending and not event.replayed:
            self.pending = None
            self.answers.append(event)
        if not event.accepted:
            self.awaited.discard(event.command)

    def _note_rate(self, event: Event) -> None:
        match event:
            case Started():
                self.asked_rates.forget()
                self._first_rate = self._first_rate or event.learning_rate
            case RequestHandled() if event.command == "set_learning_rate":
                self.asked_rates.answered(event, self.learning_rate)

    def _note_arrived(self, event: Event) -> None:
        match event:
            case Profiled() if "profile" in self.awaited:
                self.awaited.discard("profile")
                self.arrived.append(event)
            case MemorySnapshot() if "memory_snapshot" in self.awaited:
                self.awaited.discard("memory_snapshot")
                self.arrived.append(event)
            case WarningRaised() if event.command is not None:
                self.awaited.discard(event.command)

    def read_all(self) -> None:
        """Reads to the end of the files; may take seconds for a long run, so not in the app's own thread."""
        while self.poll():
            pass

    def ask(self, command: Command, value: float | None = None) -> None:
        """Asks the trainer for something. Raises StorageError."""
        ask(self.run, command, value)
        self.pending = command
        if command == "set_learning_rate" and value is not None:
            self.asked_rates.ask(value, self.learning_rate)
        if command in ("profile", "memory_snapshot"):
            self.awaited.add(command)

    def undo_learning_rate(self) -> float | None:
        """Requests the learning rate before the last change; None if there is none. Raises StorageError."""
        value = self.asked_rates.undo()
        if value is not None:
            ask(self.run, "set_learning_rate", value)
            self.pending = "set_learning_rate"
        return value

    @property
    def learning_rate(self) -> float | None:
        """The learning rate before the schedule's factor, as the trainer reported it; None if it has not."""
        return self.history.view.base_learning_rate

    @property
    def title(self) -> str:
        """The name by which users recognise the run: its preset's, with the local time of its start."""
        started, made = self.run.started, self.own_loop or self.preset
        name = self.run.name if made is None else made.name
        return name if started is None else f"{name} {started.astimezone():%m-%d %H:%M}"

    @property
    def is_mirror(self) -> bool:
        """Whether it is the mirror of another program's log, which this app keeps, and which takes no requests."""
        return self.own_loop is not None and self.own_loop.loop in FOLLOWED

    @property
    def first_rate(self) -> float | None:
        """The learning rate with which the run began; None if it is not known."""
        return self._first_rate if self.preset is None else self.preset.optimizer.learning_rate

    @property
    def settings(self) -> Preset | None:
        """The run's settings, with the learning rate that it has now; None where it has no preset."""
        rate = self.learning_rate
        if (
            self.preset is None
            or rate is None
            or (rate == self.preset.optimizer.learning_rate and not self.preset.changes)
        ):
            return self.preset
        return self.preset.at_learning_rate(rate)

    @property
    def is_alive(self) -> bool:
        """Whether the trainer is still at work, as of the last poll."""
        return self._follower.is_alive and not self._has_ended

    @property
    def has_process(self) -> bool:
        """Whether the trainer's process is still there, as of the last poll."""
        return self._follower.is_alive

    @property
    def state(self) -> str:
        """The trainer's activity, or how the run ended; new: no trainer has written anything so far."""
        view = self.history.view
        if self.is_alive:
            return view.state if self._has_spoken else "starting"
        if view.finished is not None:
            return view.finished.status
        return "new" if self._is_untouched else "lost"

    @property
    def _is_untouched(self) -> bool:
        """Whether someone else has created the run, and its trainer has not started yet."""
        return self.trainer is None and not self._follower.has_read

    @property
    def reason(self) -> str:
        """Why the run ended, in words; empty without a reason."""
        finished = self.history.view.finished
        if self.is_alive:
            return ""
        if finished is not None:
            return finished.reason
        if self._is_untouched:
            return ""
        if not self.run.path.exists():
            then = "nothing follows the log now" if self.is_mirror else "its trainer ends"
            return f"{self.run.path} has been deleted or moved; {then}"
        if self.is_mirror:
            return f"its log is no longer followed: {self.run.path} could not be written, or its app has ended"
        code = None if self.trainer is None else self.trainer.returncode
        if code == EXIT_STORAGE:
            return f"{self.run.path} can no longer be written; free some space, then resume it"
        cause = f" (signal {-code})" if code is not None and code < 0 else ""
        return f"the trainer died without an error message{cause}, as when it is killed or memory runs out"

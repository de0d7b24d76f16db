"""A close look at the run in progress: profiles, memory snapshots, and the trainer's answers to requests."""

from __future__ import annotations

from workbench.files import open_regular, short_path
from workbench.runs.events import RequestHandled
from workbench.runs.measurements import MemorySnapshot, Profiled
from workbench.ui.controllers.host import Host
from workbench.ui.controllers.run import RunController
from workbench.ui.keys.key_names import key_name
from workbench.ui.keys.meanings import key_of
from workbench.ui.live.session import Session
from workbench.ui.live.watch import Watch
from workbench.units import count

SNAPSHOT = ("memory snapshot", "last snapshot")
"""What it is called, and its action."""
MOST_CHARACTERS = 20_000
"""At most this much of a memory snapshot's summary is shown; it usually has some fifty lines."""


class InspectionController:
    """Asks for profiles and memory snapshots, and shows them when they arrive."""

    def __init__(self, session: Session, run: RunController, host: Host) -> None:
        self._session = session
        self._run = run
        self._host = host

    def profile(self) -> None:
        """Requests a profile of the next steps."""
        if self._run.request("profile"):
            self._host.say("a profile of some of the next steps is requested; it is shown when it arrives")

    def take_memory_snapshot(self) -> None:
        """Requests a snapshot of the device's memory."""
        if self._run.request("memory_snapshot"):
            self._host.say("a memory snapshot is requested; it is shown when it arrives")

    def show_profile(self) -> None:
        """Shows the run's last profile."""
        watch = self._session.watch
        if watch is None or watch.history.view.profiled is None:
            self._host.say("this run has no profile; p requests one while it trains")
        else:
            self._open_profile(watch.history.view.profiled, watch)

    def show_memory_snapshot(self) -> None:
        """Shows the run's last memory snapshot."""
        watch = self._session.watch
        if watch is None or watch.history.view.memory_snapshot is None:
            self._host.say("this run has no memory snapshot; P requests one while it trains")
        else:
            self._open_memory_snapshot(watch.history.view.memory_snapshot, watch)

    def show_arrived(self) -> None:
        """Shows requested profiles and snapshots that have arrived; while a dialog is open, only a sentence says so."""
        watch = self._session.watch
        if watch is None:
            return
        answers, watch.answers = watch.answers, []
        for answer in answers:
            self._say_answer(answer)
        arrived, watch.arrived = watch.arrived, []
        for event in arrived[-1:]:
            what, label = ("profile", "last profile") if isinstance(event, Profiled) else SNAPSHOT
            key = key_name(key_of(label))
            if self._host.is_covered:
                self._host.say(f"the {what} has arrived: {key} shows it")
                continue
            self._host.say(f"{key} shows the {what} again")
            if isinstance(event, Profiled):
                self._open_profile(event, watch)
            else:
                self._open_memory_snapshot(event, watch)

    def _say_answer(self, answer: RequestHandled) -> None:
        """Says that a checkpoint was written, which nothing else on the screen shows, or that a request was refused."""
        if not answer.accepted:
            self._host.say(f"{answer.command.replace('_', ' ')} refused: {answer.detail}", "warning")
        elif answer.command == "checkpoint":
            self._host.say(f"checkpoint written at step {count(answer.step)}")

    def _open_profile(self, profiled: Profiled, watch: Watch) -> None:
        from workbench.ui.dialogs.profile import ProfileDialog

        self._host.open(ProfileDialog(profiled, watch.run.path))

    def _open_memory_snapshot(self, snapshot: MemorySnapshot, watch: Watch) -> None:
        from workbench.ui.dialogs.message import MessageDialog

        path = watch.run.path / snapshot.file
        try:
            with open_regular(path) as file:
                text = file.read(MOST_CHARACTERS).decode(errors="replace")
        except OSError as error:
            self._host.say(f"cannot read {short_path(path)}: {error.strerror or error}", "error")
            return
        self._host.open(MessageDialog("memory snapshot", f"{text}\n{short_path(path)}"))

"""Looking closely at the run from the main screen: a profile, a memory snapshot, and what has come of them."""

from __future__ import annotations

from workbench.files import open_regular, short_path
from workbench.runs.events import MemorySnapshot, Profiled, RequestHandled
from workbench.ui.screens.run_actions import RunActions
from workbench.units import count

MOST_CHARACTERS = 20_000
"""Of a memory snapshot's summary, which has some fifty lines."""


class InspectActions(RunActions):
    """The part of the main screen that deals with profiles and memory snapshots."""

    def action_profile(self) -> None:
        """Asks for a profile of the next steps."""
        if self._ask("profile"):
            self.say("a profile of some of the next steps is asked for; it is shown as soon as it is there")

    def action_memory_snapshot(self) -> None:
        """Asks what holds the device's memory."""
        if self._ask("memory_snapshot"):
            self.say("a memory snapshot is asked for; it is shown as soon as it is there")

    def action_show_profile(self) -> None:
        """Shows the run's last profile."""
        profiled = None if self.session.watch is None else self.session.watch.history.view.profiled
        if profiled is None:
            self.say("this run has no profile; p asks for one while it is going")
        else:
            self._show_profile(profiled)

    def action_show_memory_snapshot(self) -> None:
        """Shows the run's last memory snapshot."""
        snapshot = None if self.session.watch is None else self.session.watch.history.view.memory_snapshot
        if snapshot is None:
            self.say("this run has no memory snapshot; P asks for one while it is going")
        else:
            self._show_memory(snapshot)

    def show_arrived(self) -> None:
        """Shows what was asked for and has come; over another dialog nothing is laid, then a sentence says so."""
        watch = self.session.watch
        if watch is None:
            return
        answers, watch.answers = watch.answers, []
        for answer in answers:
            self._tell_answer(answer)
        arrived, watch.arrived = watch.arrived, []
        for event in arrived[-1:]:
            is_profile = isinstance(event, Profiled)
            if self.app.screen is not self:
                self.say(f"the {'profile is there: o' if is_profile else 'memory snapshot is there: O'} shows it")
            elif isinstance(event, Profiled):
                self.say("o shows the profile again")
                self._show_profile(event)
            else:
                self.say("O shows the memory snapshot again")
                self._show_memory(event)

    def _tell_answer(self, answer: RequestHandled) -> None:
        """What the trainer has done, where nothing else on the screen shows it; what it has refused to do."""
        if not answer.accepted:
            self.say(f"{answer.command.replace('_', ' ')} refused: {answer.detail}", "warning")
        elif answer.command == "checkpoint":
            self.say(f"checkpoint written at step {count(answer.step)}")

    def _show_profile(self, profiled: Profiled) -> None:
        from workbench.ui.dialogs.profile import ProfileDialog

        assert self.session.watch is not None
        self.app.push_screen(ProfileDialog(profiled, self.session.watch.run.path))

    def _show_memory(self, snapshot: MemorySnapshot) -> None:
        from workbench.ui.dialogs.message import MessageDialog

        assert self.session.watch is not None
        path = self.session.watch.run.path / snapshot.file
        try:
            with open_regular(path) as file:
                text = file.read(MOST_CHARACTERS).decode(errors="replace")
        except OSError as error:
            self.say(f"cannot read {short_path(path)}: {error.strerror or error}", "error")
            return
        self.app.push_screen(MessageDialog("memory snapshot", f"{text}\n{short_path(path)}"))

"""The learning rate of the run in progress: one step down or up, any value, and back."""

from __future__ import annotations

from workbench.errors import WorkbenchError
from workbench.ui.controllers.host import Host
from workbench.ui.controllers.run import RunController
from workbench.ui.form.stepping import live_rate
from workbench.ui.live.session import Session
from workbench.ui.live.watch import Watch


class LearningRateController:
    """Changes the learning rate while a run trains."""

    def __init__(self, session: Session, run: RunController, host: Host) -> None:
        self._session = session
        self._run = run
        self._host = host

    def step(self, direction: int) -> None:
        """Steps along 1-2-5, down (-1) or up (1), from the rate requested last."""
        watch = self._changeable()
        if watch is None:
            return
        rate, began = watch.asked_rates.wanted(watch.learning_rate), watch.first_rate
        assert rate is not None
        assert began is not None
        new = live_rate(rate, began, direction)
        if new == rate:
            end = "highest" if direction > 0 else "lowest"
            text = f"{rate:g} is the {end} step, for the run began at {began:g}; l sets any rate"
            self._host.say(text, "warning", while_it_holds=True)
        else:
            self.set(new)

    async def enter(self) -> None:
        """Asks for a rate, and sets it."""
        from workbench.ui.dialogs.learning_rate import LearningRateDialog

        watch = self._changeable()
        if watch is None or watch.learning_rate is None:
            return
        dialog = LearningRateDialog(watch.learning_rate, watch.first_rate or watch.learning_rate)
        if (value := await self._host.ask(dialog)) is not None:
            self.set(value)

    def set(self, value: float) -> None:
        """Sets a rate, before the schedule's factor."""
        if self._run.request("set_learning_rate", value):
            self._host.say(f"learning rate {value:g}; z goes back", while_it_holds=True)

    def undo(self) -> None:
        """Goes back to the rate before the last change."""
        watch = self._changeable()
        if watch is None:
            return
        try:
            value = watch.undo_learning_rate()
        except WorkbenchError as error:
            self._host.say(str(error), "error")
            return
        text = "the learning rate has not been changed" if value is None else f"learning rate back to {value:g}"
        self._host.say(text, while_it_holds=True)
        self._host.poll()

    def _changeable(self) -> Watch | None:
        """The run in progress, if its learning rate is known; otherwise None, and a sentence that says why."""
        watch = self._session.watch
        if watch is None or not watch.is_alive:
            text = "no run is in progress; the learning rate of the next one is among the settings"
            self._host.say(text, while_it_holds=True)
        elif watch.learning_rate is None:
            self._host.say("the run has not reported its learning rate yet", "warning", while_it_holds=True)
        else:
            return watch
        return None

"""What can be done with advice from the main screen: go through it, read why, try it, keep what helps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import work

from workbench.advice.finding import Finding
from workbench.errors import PresetError, TrainerLostError, WorkbenchError
from workbench.processes.comparison import Comparison, Progress
from workbench.processes.comparison_process import ComparisonProcess, Report
from workbench.ui.live.comparison import change_in_words, expected_seconds, present_in_words
from workbench.ui.live.findings import Advice
from workbench.ui.screens.run_actions import RunActions

if TYPE_CHECKING:
    from workbench.settings.preset import Preset
    from workbench.ui.live.watch import Watch

PAUSE_PATIENCE_SECONDS = 30.0
"""A trainer that writes a large checkpoint may take a while to answer."""
PAUSE_LOOK_SECONDS = 0.1


class AdviceActions(RunActions):
    """The part of the main screen that deals with advice."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.advice = Advice()

    # Given by the main screen.

    def show_advice(self) -> None:
        """Shows the finding at hand."""
        raise NotImplementedError

    def action_next_advice(self) -> None:
        """The next finding."""
        self.advice.go_to_next()
        self.show_advice()

    @work(group="advice", exclusive=True)
    async def action_advice(self) -> None:
        """All findings, each with its reasons."""
        from workbench.ui.dialogs.advice import AdviceDialog

        if self.session.watch is None:
            self.say("advice comes with a run: start one, or open one")
            return
        answer = await self.app.push_screen_wait(AdviceDialog(self.advice))
        self.show_advice()
        if answer == "try":
            await self._try_advice()

    @work(group="advice", exclusive=True)
    async def action_try_advice(self) -> None:
        """Measures what the advice would bring, and keeps it or not."""
        await self._try_advice()

    async def _try_advice(self) -> None:
        finding, watch = self.advice.current, self.session.watch
        if finding is None or watch is None:
            self.say("there is no advice to try")
        elif finding.change:
            await self._try_change(finding, watch)
        elif finding.learning_rate is not None:
            await self._offer_learning_rate(finding.learning_rate)
        else:
            self.say("there is nothing to try for this one; i shows the details")

    async def _offer_learning_rate(self, value: float) -> None:
        """A rate that is not tried, only set."""
        from workbench.ui.dialogs.question import QuestionDialog

        if not self.session.is_busy:
            self.say(f"the run has ended; a learning rate of {value:g} can be set for the next one")
            return
        choices = (("y", f"set it to {value:g}"), ("n", "leave it"))
        text = "The learning rate of the run in progress changes at its next step."
        if await self.app.push_screen_wait(QuestionDialog("learning rate", text, choices, "y")) == "y":
            self._set_learning_rate(value)

    async def _try_change(self, finding: Finding, watch: Watch) -> None:
        from workbench.ui.dialogs.comparison import ComparisonDialog

        try:
            present = present_settings(watch)
            if not await self._is_trusted(present.override(finding.change)):
                return
        except WorkbenchError as error:
            self.say(f"this cannot be tried: {error}", "error")
            return

        async def measure(tell: Report) -> Comparison:
            return await self._measure(present, finding, watch, tell)

        dialog = ComparisonDialog(
            finding,
            measure,
            now=present_in_words(present, finding.change),
            can_set=finding.learning_rate is not None and self.session.is_busy,
            expected_seconds=expected_seconds(finding, watch.history.view),
        )
        answer = await self.app.push_screen_wait(dialog)
        if answer is None:
            self.say("nothing has changed")
            return
        if self._keep(finding.change) and answer == "set" and finding.learning_rate is not None:
            self._set_learning_rate(finding.learning_rate)

    def _keep(self, change: tuple[str, ...]) -> bool:
        """The change goes into the settings that are being edited."""
        try:
            self.app.draft.assign(change)
        except PresetError as error:
            self.say(f"not applied: {error}", "error")
            return False
        self.show_settings()
        self.say(f"{change_in_words(change)} for the next run; ctrl+s saves the preset")
        return True

    async def _measure(self, present: Preset, finding: Finding, watch: Watch, tell: Report) -> Comparison:
        """Measures a change while the run, if it is going, is paused. Raises WorkbenchError, OSError."""
        assert finding.measure is not None
        must_pause = watch.is_alive and watch.state != "paused"
        run = watch.run if must_pause else None
        async with ComparisonProcess.launched(
            present, finding.change, run, finding.measure, finding.steps
        ) as comparison:
            if not must_pause:
                return await comparison.measure(tell)
            tell(Progress("pausing the run"))
            async with self._paused(watch):
                return await comparison.measure(lambda progress: tell(_while_paused(progress)))

    @asynccontextmanager
    async def _paused(self, watch: Watch) -> AsyncIterator[None]:
        """The run stands still inside the `with`, and goes on after it, whatever happens in it."""
        watch.ask("pause")
        try:
            waited = 0.0
            while watch.is_alive and watch.state != "paused":
                if waited >= PAUSE_PATIENCE_SECONDS:
                    raise TrainerLostError(f"the run did not pause within {PAUSE_PATIENCE_SECONDS:g} seconds")
                await asyncio.sleep(PAUSE_LOOK_SECONDS)
                waited += PAUSE_LOOK_SECONDS
                self.look()
            yield
        finally:
            with suppress(WorkbenchError):
                watch.ask("resume")


def present_settings(watch: Watch) -> Preset:
    """The run's settings, with the learning rate that it has now."""
    return watch.settings


def _while_paused(progress: Progress) -> Progress:
    return replace(progress, doing=f"the run is paused; {progress.doing}")

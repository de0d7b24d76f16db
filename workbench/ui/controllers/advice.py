"""Advice: judges the run, steps through the findings, measures the effect of a change and keeps it or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from workbench.advice.finding import Finding
from workbench.errors import PresetError, TrainerLostError, WorkbenchError
from workbench.processes.comparison import Comparison, Progress
from workbench.processes.comparison_process import ComparisonProcess, Report
from workbench.settings.preset import Preset
from workbench.ui.controllers.host import Host
from workbench.ui.controllers.learning_rate import LearningRateController
from workbench.ui.controllers.trust import is_trusted
from workbench.ui.form.draft import Draft
from workbench.ui.live.comparison import change_in_words, expected_seconds, present_in_words
from workbench.ui.live.findings import Advice
from workbench.ui.live.readings import Readings
from workbench.ui.live.session import Session
from workbench.ui.live.watch import Watch

PAUSE_PATIENCE_SECONDS = 30.0
"""How long to wait for a trainer to pause: one that writes a large checkpoint answers late."""
PAUSE_POLL_SECONDS = 0.1


class AdviceController:
    """Keeps the findings of the watched run, and acts on the current one."""

    def __init__(self, draft: Draft, session: Session, learning_rate: LearningRateController, host: Host) -> None:
        self.advice = Advice()
        self.has_found = False
        """Whether this run has had a finding. From then on the panel stays, so that nothing on the screen moves."""
        self._judged: Watch | None = None
        """The run whose findings these are."""
        self._judged_draft: Preset | None = None
        """The settings whose findings these are, where no run is watched."""
        self._draft = draft
        self._session = session
        self._learning_rate = learning_rate
        self._host = host

    # The findings.

    def follow(self) -> None:
        """Forgets the findings if another run is watched now."""
        if self._session.watch is not self._judged:
            self._judged = self._session.watch
            self._judged_draft = None
            self.advice.clear()
            self.has_found = False

    @property
    def has_news(self) -> bool:
        """Whether something has come that may change the findings: events of the run, or other settings before one."""
        watch = self._session.watch
        if watch is not None:
            return watch.has_news
        return self._session.tuned.has_range_test and self._draft.preset is not self._judged_draft

    def note_measured(self) -> None:
        """Notes that a measurement may have changed the findings."""
        self._judged_draft = None
        if self._session.watch is not None:
            self._session.watch.has_news = True

    def renew(self, machine: Readings | None) -> None:
        """Judges the run again. machine: the latest readings, if there are any."""
        watch = self._session.watch
        if watch is None:
            self._judged_draft = self._draft.preset
            self.advice.renew_before_a_run(self._draft.preset, self._session.tuned)
            self.has_found |= bool(self.advice.findings)
            self._host.show_advice()
            return
        watch.has_news = False
        # The machine's memory says nothing about a run that has ended.
        self.advice.renew(watch.history, watch.preset, machine if watch.is_alive else None, self._session.tuned)
        self.has_found |= bool(self.advice.findings)
        self._host.show_advice()

    def go_to_next(self) -> None:
        """Makes the next finding the current one."""
        self.advice.go_to_next()
        self._host.show_advice()

    async def explain(self) -> None:
        """Shows all findings with their reasons; the current one can be tried from there."""
        from workbench.ui.dialogs.advice import AdviceDialog

        if self._session.watch is None and not self.advice.findings:
            self._host.say("advice needs a run: start or open one")
            return
        answer = await self._host.ask(AdviceDialog(self.advice))
        self._host.show_advice()
        if answer == "try":
            await self.try_current()

    # Trying one.

    async def try_current(self) -> None:
        """Measures the effect of the current finding's change; the user keeps it or not."""
        finding, watch = self.advice.current, self._session.watch
        if finding is None:
            self._host.say("there is no advice to try")
        elif watch is None:
            self.keep(finding.change)  # it was measured before it was found
        elif finding.change:
            await self._try_change(finding, watch)
        elif finding.learning_rate is not None:
            await self._offer_learning_rate(finding.learning_rate)
        else:
            self._host.say("there is nothing to try for this one; i shows the details")

    async def _offer_learning_rate(self, value: float) -> None:
        """Sets a learning rate after asking; its effect is not measured first."""
        from workbench.ui.dialogs.question import STAY, QuestionDialog

        if not self._session.is_busy:
            self._host.say(f"the run has ended; a learning rate of {value:g} can be set for the next one")
            return
        choices = (("learning rate", f"set it to {value:g}"), (STAY, "leave it"))
        text = "The learning rate of the run in progress changes at its next step."
        if await self._host.ask(QuestionDialog("learning rate", text, choices, "learning rate")):
            self._learning_rate.set(value)

    async def _try_change(self, finding: Finding, watch: Watch) -> None:
        from workbench.ui.dialogs.comparison import ComparisonDialog

        present = watch.settings
        if present is None:
            self._host.say("nothing can be tried for this run: a loop of your own has made it; i shows the details")
            return
        try:
            if not await self._host.may_train() or not await is_trusted(present.override(finding.change), self._host):
                return
        except WorkbenchError as error:
            self._host.say(f"this cannot be tried: {error}", "error")
            return

        async def measure(report: Report) -> Comparison:
            return await self._measure(present, finding, watch, report)

        dialog = ComparisonDialog(
            finding,
            measure,
            now=present_in_words(present, finding.change),
            can_set=finding.learning_rate is not None and self._session.is_busy,
            expected_seconds=expected_seconds(finding, watch.history.view),
        )
        answer = await self._host.ask(dialog)
        if answer is None:
            self._host.say("nothing has changed")
        elif self.keep(finding.change) and answer == "set" and finding.learning_rate is not None:
            self._learning_rate.set(finding.learning_rate)

    def keep(self, change: tuple[str, ...]) -> bool:
        """Applies a change to the settings being edited; False if the result would not be a valid preset."""
        try:
            self._draft.assign(change)
        except PresetError as error:
            self._host.say(f"not applied: {error}", "error")
            return False
        self._host.show_settings()
        self._host.say(f"{change_in_words(change)} for the next run; ctrl+s saves the preset")
        return True

    async def _measure(self, present: Preset, finding: Finding, watch: Watch, report: Report) -> Comparison:
        """Measures a change while the run, if it is in progress, is paused. Raises WorkbenchError, OSError."""
        assert finding.measure is not None
        must_pause = watch.is_alive and watch.state != "paused"
        run = watch.run if must_pause else None
        async with ComparisonProcess.launched(
            present, finding.change, run, finding.measure, finding.steps
        ) as comparison:
            if not must_pause:
                return await comparison.measure(report)
            report(Progress("pausing the run"))
            async with self._paused(watch):
                return await comparison.measure(lambda progress: report(_while_paused(progress)))

    @asynccontextmanager
    async def _paused(self, watch: Watch) -> AsyncIterator[None]:
        """Pauses the run during the `with`, and resumes it afterwards, whatever happens within."""
        watch.ask("pause")
        try:
            waited = 0.0
            while watch.is_alive and watch.state != "paused":
                if waited >= PAUSE_PATIENCE_SECONDS:
                    raise TrainerLostError(f"the run did not pause within {PAUSE_PATIENCE_SECONDS:g} seconds")
                await asyncio.sleep(PAUSE_POLL_SECONDS)
                waited += PAUSE_POLL_SECONDS
                self._host.poll()
            yield
        finally:
            with suppress(WorkbenchError):
                watch.ask("resume")


def _while_paused(progress: Progress) -> Progress:
    return replace(progress, doing=f"the run is paused; {progress.doing}")

"""The Tune screen: every key, and what it does to the study and to the form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType

from workbench.files import short_path
from workbench.tuning.view import TrialView
from workbench.ui.controllers.tune import TuneResult
from workbench.ui.keys.action import Action, bindings
from workbench.ui.keys.tune_actions import ACTIONS
from workbench.ui.panels.layout import size_class
from workbench.ui.panels.tune_space import TuneSpacePanel
from workbench.ui.panels.tune_trials import MOST_MARKED, TrialsPanel
from workbench.ui.screens.tune_view import CHARTS, TuneBase


class TuneScreen(TuneBase):
    """Dismisses with what the main screen shall show, or None."""

    ACTIONS: ClassVar[Sequence[Action]] = ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(ACTIONS)]

    # Panels.

    def action_panel(self, panel: str) -> None:
        """Moves the focus to a panel; on a small screen, brings it up."""
        self._maximised = ""
        if panel in CHARTS:
            self._chart = panel
        self._lay_out()
        self.query_one(f"#{self._in_place(panel)}").focus()
        self._show_charts()

    def action_maximise(self) -> None:
        """Gives the focused panel the whole screen, or brings the others back."""
        self._maximised = "" if self._maximised else self._focused_panel
        self._lay_out()
        self.call_after_refresh(self._show)

    # The setting and the trial that are looked at.

    @on(TuneSpacePanel.Moved)
    def _setting_moved(self, message: TuneSpacePanel.Moved) -> None:
        self.action_setting(message.step)

    def action_setting(self, step: int) -> None:
        """Shows another setting against the result."""
        settings, setting = self._settings, self._setting
        if setting is not None:
            self._path = settings[(settings.index(setting) + step) % len(settings)].path
            if size_class(*self.app.size) == "compact" and not self._maximised and self._chart != "tune-setting":
                self._chart = "tune-setting"
                self._lay_out()
            self._show()

    @on(TrialsPanel.Moved)
    def _trial_moved(self) -> None:
        self._show_charts()
        self._show_hint()
        self._show_keys()

    def action_all_values(self) -> None:
        """Shows results that are outliers too, or leaves them out of the axes."""
        self._all_values = not self._all_values
        self._show_charts()

    def action_logarithmic(self) -> None:
        """Switches between a logarithmic and a linear scale of the results."""
        self._log = not self._log
        self._show_charts()

    # The study.

    @work(exclusive=True, group="study")
    async def action_start_or_pause(self) -> None:
        """Starts a search or all folds, as the form asks; pauses or resumes the study in progress."""
        watch = self._tune.watch
        if watch is not None and watch.is_alive:
            self._answer(self._tune.request("resume" if watch.state == "paused" else "pause"))
        else:
            self._answer(await self._tune.start(self._show_hint))
            self._lay_out()

    def action_stop(self) -> None:
        """Stops the study; all is saved."""
        self._answer(self._tune.request("stop"))

    @work(exclusive=True, group="study")
    async def action_resume(self) -> None:
        """Continues a study that was stopped or killed."""
        self._answer(await self._tune.resume())

    def action_discard(self) -> None:
        """Discards the trial under the cursor."""
        trial = self.trials.current
        self._answer("there is no trial to discard" if trial is None else self._tune.request("discard", trial))

    def action_add_place(self) -> None:
        """Gives the study a GPU, or a worker on the CPU."""
        self._answer(self._tune.request("add_place"))

    def action_remove_place(self) -> None:
        """Takes a GPU or a worker back."""
        self._answer(self._tune.request("remove_place"))

    @work(exclusive=True, group="study")
    async def action_studies(self) -> None:
        """Shows another study."""
        from workbench.ui.dialogs.studies import StudiesDialog

        shown = "" if self._tune.watch is None else self._tune.watch.study.name
        lines = await self._tune.listed()
        folder = short_path(self._tune.folder) or "."
        chosen = await self.app.push_screen_wait(StudiesDialog(lines, shown, folder))
        if chosen is not None:
            self._maximised = ""
            self._answer(await self._tune.open(chosen))
            self._lay_out()

    # What was found.

    def action_open_trial(self) -> None:
        """Watches the trial under the cursor as a run, on the main screen."""
        trial = self.trials.current
        run = None if trial is None else self._tune.run_of(trial)
        if run is not None:
            self.dismiss(TuneResult(run))
        elif trial is None:
            self._answer("there is no trial to open")
        elif trial.status == "waiting":
            self._answer(f"trial {trial.number} has not begun yet")
        else:
            self._answer(
                f"trial {trial.number} has no run of its own, for it was trained together with others: its curve is "
                "here alone; t takes its settings, and space then trains them as a run"
            )

    @work(exclusive=True, group="judge")
    async def action_judge(self) -> None:
        """Judges the model of the trial under the cursor."""
        trial = self.trials.current
        run = None if trial is None else self._tune.run_of(trial)
        if run is not None and self._judge is not None:
            await self._judge(run, self._say_later)
        else:
            self._answer("there is no model to judge: the trial has no run of its own")

    def _say_later(self, text: str, kind: str) -> bool:
        """Shows a sentence; whether this screen is there to show it."""
        if is_here := self in self.app.screen_stack:
            self._show_hint(text, kind)
        return is_here

    def action_mark(self) -> None:
        """Marks the trial under the cursor, or removes its mark."""
        if not self.trials.mark():
            self._show_hint(f"{MOST_MARKED} trials are marked already: ' on one of them removes its mark", "warning")
        self._show_keys()

    @work(exclusive=True, group="compare")
    async def action_compare(self) -> None:
        """Shows the settings and results in which the marked trials differ."""
        from workbench.ui.dialogs.compare import CompareDialog

        watch, trials = self._tune.watch, self.trials.marked_trials
        if watch is None or len(trials) < 2:
            self._show_hint("mark two trials or more with '", "warning")
            return
        rows = await self._tune.rows_of(trials)
        names = [f"trial {trial.number}" for trial in trials]
        self.app.push_screen(CompareDialog(rows, names, [watch.status_of(trial) for trial in trials]))

    @work(exclusive=True, group="take")
    async def action_take(self) -> None:
        """Takes the settings of the trial under the cursor."""
        await self._take(self.trials.current)

    @work(exclusive=True, group="take")
    async def action_take_best(self) -> None:
        """Takes the settings of the best trial."""
        best = [] if self._tune.watch is None else self._tune.watch.best
        await self._take(best[0] if best else None)

    async def _take(self, trial: TrialView | None) -> None:
        if trial is None:
            self._answer("there is no trial whose settings could be taken")
        elif (said := await self._tune.take(trial)) and self.is_active:
            self.dismiss(TuneResult(said=said))

    @work(exclusive=True, group="take")
    async def action_save(self) -> None:
        """Saves the settings of the trial under the cursor as a preset."""
        trial = self.trials.current
        if trial is None:
            self._answer("there is no trial to save")
        else:
            self._show_hint(await self._tune.save(trial), "text")

    # The screen.

    def action_keys(self) -> None:
        """Shows the keys of this screen."""
        from workbench.ui.dialogs.help import HelpDialog
        from workbench.ui.keys.help import help_sections

        self.app.push_screen(HelpDialog(help_sections(ACTIONS)))

    def action_leave(self) -> None:
        """Brings the other panels back; else returns to the main screen. The study continues."""
        if self._maximised:
            self.action_maximise()
        else:
            self.dismiss(None)

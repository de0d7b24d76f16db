"""The main screen: every key, and the controller that acts on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType

from workbench.runs.catalogue import read_row
from workbench.runs.directory import RunDirectory
from workbench.ui.keys.action import Action, bindings
from workbench.ui.keys.actions import ACTIONS, OTHER_KEYS
from workbench.ui.panels.charts import ChartPanel
from workbench.ui.panels.settings import SettingsPanel
from workbench.ui.screens.main_view import MainView


class MainScreen(MainView):
    """Delegates each action of `keys.actions`; nothing is decided here."""

    ACTIONS: ClassVar[Sequence[Action]] = ACTIONS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(ACTIONS)]

    # The run.

    @work(group="start", exclusive=True)
    async def action_start_or_pause(self) -> None:
        if not self.run.asks_for_study:
            await self.run.start_or_pause()
        elif problem := await self.tune.start(self.say):
            self.say(problem, "error")
        else:
            self.action_tune()

    @work(group="start", exclusive=True)
    async def action_resume_run(self) -> None:
        await self.run.resume_watched()

    def action_stop(self) -> None:
        self.run.request("stop")

    def action_checkpoint(self) -> None:
        self.run.request("checkpoint")

    def action_hide_notice(self) -> None:
        self.dismiss_notice()

    def action_slower(self) -> None:
        self.learning_rate.step(-1)

    def action_faster(self) -> None:
        self.learning_rate.step(1)

    def action_undo_learning_rate(self) -> None:
        self.learning_rate.undo()

    @work(group="learning-rate", exclusive=True)
    async def action_learning_rate(self) -> None:
        await self.learning_rate.enter()

    def action_profile(self) -> None:
        self.inspection.profile()

    def action_memory_snapshot(self) -> None:
        self.inspection.take_memory_snapshot()

    def action_show_profile(self) -> None:
        self.inspection.show_profile()

    def action_show_memory_snapshot(self) -> None:
        self.inspection.show_memory_snapshot()

    def action_next_advice(self) -> None:
        self.advice.go_to_next()

    @work(group="advice", exclusive=True)
    async def action_advice(self) -> None:
        await self.advice.explain()

    @work(group="advice", exclusive=True)
    async def action_try_advice(self) -> None:
        await self.advice.try_current()

    # Other runs.

    @work(group="runs", exclusive=True)
    async def action_runs(self) -> None:
        from workbench.ui.screens.runs import RunsScreen

        screen = RunsScreen(
            self._session.runs_folder,
            self._session.marks,
            self.runs.overlays.names,
            self._run_was_renamed,
            self.exports.show,
            self._judge_run,
            self._remembered,
            self._runs_view,
            self._draft.preset,
        )
        self._runs_view = screen.view
        result = await self.ask(screen)
        if result is not None:
            # In a group of its own: showing the list again cancels no run that is still being read.
            self.run_worker(self.runs.carry_out(result), group=result.action, exclusive=True)

    @work(group="export", exclusive=True)
    async def action_export(self) -> None:
        watch = self._session.watch
        run = self._panels.greyed if watch is None else watch.run
        if run is None:
            self.say("there is no run to export: r lists all runs", "warning")
            return
        title = "export the last run" if watch is None else ""
        await self.exports.show([await self.in_thread(lambda: read_row(run))], title=title)

    @work(group="judge", exclusive=True)
    async def action_judge(self) -> None:
        await self._judge_run(None if self._session.watch is not None else self._panels.greyed)

    async def _judge_run(self, run: RunDirectory | None, say: Callable[[str, str], bool] | None = None) -> None:
        """Judges a run, or the one that is watched; say: shows why it cannot be judged."""
        from workbench.ui.screens.judge import JudgeScreen

        chosen = await self.judge.choose(run, say)
        if chosen is not None:
            await self.ask(JudgeScreen(chosen, self.judge.known))

    @work(group="tune", exclusive=True)
    async def action_tune(self) -> None:
        from workbench.ui.screens.tune import TuneScreen

        await self.tune.find()
        result = await self.ask(TuneScreen(self.tune, low_bandwidth=self._options.low_bandwidth, judge=self._judge_run))
        if result is not None:
            self.say(result.said)
        if result is not None and result.run is not None:
            self.attach(result.run)

    def action_overlay(self) -> None:
        self.action_runs()

    def action_remove_overlays(self) -> None:
        self.runs.remove_overlays()

    def action_group_overlays(self) -> None:
        self.runs.group_overlays()

    def _run_was_renamed(self, run: RunDirectory, now: RunDirectory) -> None:
        self._session.marks.rename(run.name, now.name)
        self.run_worker(self.runs.follow_renamed(run, now), group="open", exclusive=True)

    @work(group="quit")
    async def action_ask_to_quit(self) -> None:
        if await self.runs.may_quit():
            self.app.exit()

    # Settings and presets.

    @work(group="presets", exclusive=True)
    async def action_open_preset(self) -> None:
        await self.presets.choose()

    @work(group="presets", exclusive=True)
    async def action_save_preset(self) -> None:
        await self.presets.save()

    @work(group="presets", exclusive=True)
    async def action_save_preset_as(self) -> None:
        await self.presets.save_as()

    @work(group="presets", exclusive=True)
    async def action_changes(self) -> None:
        await self.presets.show_changes()

    @work(group="presets", exclusive=True)
    async def action_revert(self) -> None:
        await self.presets.revert()

    def action_undo(self) -> None:
        self.presets.undo()

    def action_redo(self) -> None:
        self.presets.redo()

    def action_command(self) -> None:
        self.presets.show_command()

    @work(group="measure", exclusive=True)
    async def action_measure(self) -> None:
        settings = self.query_one(SettingsPanel)
        await self.measure.measure(settings.row.path if settings.display and settings.row is not None else "")

    @work(group="data", exclusive=True)
    async def action_data(self) -> None:
        await self.data.show()

    def action_find(self) -> None:
        self.query_one(SettingsPanel).find()

    # What is shown.

    def action_panel(self, page: str) -> None:
        self.go_to(page)

    @on(ChartPanel.Maximise)
    def action_maximise(self) -> None:
        if self.pages.toggle_maximised():
            self.show_run()

    def action_more_charts(self) -> None:
        if said := self.pages.next_chart_count():
            self.say(said, "warning")
        self.show_run()

    def action_turn_charts(self, direction: int) -> None:
        if said := self.pages.turn_charts(direction):
            self.say(said)
        self.show_run()

    @work(group="charts", exclusive=True)
    async def action_choose_charts(self) -> None:
        from workbench.ui.dialogs.charts import ChartsDialog

        names = await self.ask(
            ChartsDialog(self.pages.charts.quantities, self.pages.chosen_charts, self._panels.charted)
        )
        if names is not None:
            self.pages.choose_charts(names)
            self.show_run()

    def action_logarithmic(self) -> None:
        chart = self.pages.focused_panel
        quantity = chart.quantity if isinstance(chart, ChartPanel) else None
        if quantity is not None and not quantity.can_be_log:
            self.say(f"{quantity.title} has no logarithmic scale", "warning")
        else:
            self.charts.toggle_log(None if quantity is None else quantity.title)

    def action_zoom(self, direction: int) -> None:
        self.charts.zoom(direction)

    def action_pan(self, direction: int) -> None:
        self.charts.pan(direction)

    def action_whole_range(self) -> None:
        self.charts.show_whole()

    def action_all_values(self) -> None:
        self.charts.toggle_all_values()

    def action_x_axis(self) -> None:
        self.charts.next_x_axis()

    def action_smooth(self, direction: int) -> None:
        self.charts.smooth(direction)

    def action_keys(self) -> None:
        from workbench.ui.dialogs.help import HelpDialog
        from workbench.ui.keys.help import help_sections

        self.open(HelpDialog(help_sections(ACTIONS, OTHER_KEYS)))

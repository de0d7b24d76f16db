"""Shows the run, the settings and the machine in the panels of the main screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.text import Text
from textual.screen import Screen

from workbench.runs.directory import RunDirectory
from workbench.runs.history import RunHistory
from workbench.ui.controllers.advice import AdviceController
from workbench.ui.controllers.run import RunController
from workbench.ui.form.draft import Draft
from workbench.ui.keys.actions import ACTIONS
from workbench.ui.live.machine_history import MachineHistory
from workbench.ui.live.overlays import Overlays
from workbench.ui.live.readings import Readings
from workbench.ui.live.session import Session
from workbench.ui.live.watch import course_of
from workbench.ui.look.styled_app import StyledApp
from workbench.ui.panels.advice import AdvicePanel
from workbench.ui.panels.chart_curves import ChartView
from workbench.ui.panels.charts import ChartPanel
from workbench.ui.panels.data_preview import DataPreviewPanel
from workbench.ui.panels.health import HealthPanel
from workbench.ui.panels.lines import HintLine, KeysLine, keys_of_focus
from workbench.ui.panels.log import LogPanel
from workbench.ui.panels.machine import MachinePanel
from workbench.ui.panels.memory import MemoryPanel
from workbench.ui.panels.metrics import MetricsPanel
from workbench.ui.panels.model import ModelPanel
from workbench.ui.panels.schedule import SchedulePanel
from workbench.ui.panels.settings import SettingsPanel
from workbench.ui.panels.step_time import StepTimePanel
from workbench.ui.panels.top_bar import TopBar, TopBarContent
from workbench.ui.screens.hints import Hints
from workbench.ui.screens.pages import Pages

if TYPE_CHECKING:
    from workbench.ui.live.last_run import LastRun


class MainPanels:
    """Gives each panel what it shows. Hidden panels draw nothing."""

    def __init__(
        self,
        screen: Screen[None],
        *,
        draft: Draft,
        session: Session,
        run: RunController,
        advice: AdviceController,
        pages: Pages,
        study: Callable[[], str],
        has_standby: bool,
    ) -> None:
        """study: how the study that is being run stands, empty without one.

        has_standby: whether a trainer is kept ready for the next run.
        """
        self._screen = screen
        self._draft = draft
        self._session = session
        self._run = run
        self._advice = advice
        self._pages = pages
        self._study = study
        self._has_standby = has_standby
        self._hints = Hints()
        self._turn = 0
        """Which half of the charts is drawn next."""
        self._x_range = (0.0, 0.0)
        """The part of the x axis that the charts show."""
        self._shown_rate: float | None = None
        self.machine: Readings | None = None
        """The latest readings of the machine."""
        self._machine_past = MachineHistory()
        self.last_run: LastRun | None = None
        """The last run of a preset, as it was read last."""

    @property
    def _app(self) -> StyledApp:
        assert isinstance(self._screen.app, StyledApp)
        return self._screen.app

    @property
    def history(self) -> RunHistory | None:
        """What is known of the watched run."""
        return None if self._session.watch is None else self._session.watch.history

    # The run and the machine.

    def show_run(self, view: ChartView, overlays: Overlays, *, every_chart: bool = True) -> None:
        """Shows the run.

        every_chart: otherwise every other one, in turns: drawing curves is most of what watching costs the trainer.
        """
        watch = self._session.watch
        has_curves = self.charted is not None or bool(overlays.shown(watch))
        self._pages.make_room(is_idle=watch is None, has_curves=has_curves)
        self.show_charts(view, overlays, every_chart=every_chart)
        self._screen.query_one(StepTimePanel).show(self.history)
        self._screen.query_one(MetricsPanel).show(self.history)
        self._screen.query_one(HealthPanel).show(self.history)
        self._screen.query_one(LogPanel).show([] if self._session.watch is None else self._session.watch.log.lines)
        self.show_machine()

    @property
    def charted(self) -> RunHistory | None:
        """The run whose curves the charts show: the watched one, else the last one of the preset."""
        return self.history or self._ghost

    def drawn(self, *, is_overlaid: bool) -> RunHistory | None:
        """The run that the charts draw: the last one of the preset leaves them where others are overlaid."""
        return self.history if is_overlaid else self.charted

    @property
    def greyed(self) -> RunDirectory | None:
        """The run whose curves the charts show in grey; None where there is none."""
        last = self.last_run
        return last.run if last is not None and self._ghost is not None else None

    @property
    def _ghost(self) -> RunHistory | None:
        """The last run of the preset, where it has been read."""
        last = self.last_run
        return last.history if last is not None and last.preset_name == self._draft.preset.name else None

    def show_charts(self, view: ChartView, overlays: Overlays, *, every_chart: bool = True) -> None:
        """Shows the run in the charts, all of them if their x axis has changed: they must not differ in it."""
        if self._pages.charts.follow(self.charted):
            self._pages.lay_out()
        self._turn = 1 - self._turn
        watch = self._session.watch
        overlaid = overlays.histories(watch)
        history = self.drawn(is_overlaid=bool(overlaid)) or RunHistory()
        shown = view.shown(view.extent(history, overlaid))
        every_chart = every_chart or shown != self._x_range
        self._x_range = shown
        beside, own_label = overlays.shown(watch), overlays.own_label(watch)
        up = [chart for chart in self._screen.query(ChartPanel) if chart.display]
        later = [] if every_chart else up[1 - self._turn :: 2]
        for chart in self._screen.query(ChartPanel):  # hidden ones too, which draw when they come up
            if chart not in later:
                chart.show(self.history, view, beside, own_label, self._ghost)

    def take_machine(self, readings: Readings) -> None:
        """Keeps readings of the machine, the latest."""
        self.machine = readings
        self._machine_past.take(readings, time.monotonic())

    def show_machine(self) -> None:
        """Shows the machine and the memory."""
        self._screen.query_one(MachinePanel).show(self.machine, self._machine_past, self.history)
        self._show_memory()
        self.show_top()

    def _show_memory(self) -> None:
        """Shows the memory of the run and of the machine, and as a dry run expects it."""
        self._screen.query_one(MemoryPanel).show(self.history, self.machine, self._session.planner.expectation)

    def show_top(self) -> None:
        """Shows the preset and the run's state in the top line, then the keys and the hint."""
        watch, study = self._session.watch, "" if self._session.is_busy else self._study()
        self._screen.query_one(TopBar).show(
            TopBarContent(
                preset_name=self._draft.preset.name if watch is None else watch.title,
                changed=watch is None and self._draft.is_changed,
                state="tuning" if study else self._run.state,
                detail=study or self._run.state_detail(has_standby=self._has_standby),
                view=None if watch is None or study else watch.history.view,
                readings=self.machine,
            )
        )
        self.show_keys()

    def show_keys(self) -> None:
        """Shows the keys that apply now, those of the focused panel first, and the hint."""
        labels = {action.name: action.label for action in ACTIONS} | self._run.key_labels()
        labels["undo"] = labels["undo"] if self._draft.can_undo else ""
        keys = [(each.shown_key, labels[each.name], each.rank) for each in ACTIONS if each.rank and labels[each.name]]
        self._screen.query_one(KeysLine).show(keys, keys_of_focus(self._screen))
        self.show_hint()

    # The settings.

    def show_settings(self) -> None:
        """Shows the settings being edited, beside those that a run in progress uses."""
        watch = self._session.watch
        running = watch.settings if watch is not None and watch.is_alive else None
        self._shown_rate = None if watch is None else watch.learning_rate
        watched = None if watch is None else watch.preset
        panel = self._screen.query_one(SettingsPanel)
        panel.show(self._draft, running, watched, is_beside_run=watch is not None)
        self.show_top()

    @property
    def shows_old_rate(self) -> bool:
        """Whether the run's learning rate has changed since the settings were shown beside it."""
        watch = self._session.watch
        return watch is not None and watch.learning_rate != self._shown_rate

    def show_expectation(self) -> None:
        """Shows what the settings being edited would take, as a dry run measured it."""
        self._screen.query_one(SettingsPanel).expect(self._session.planner.expectation)
        self._show_memory()
        self.show_preview()

    def show_preview(self) -> None:
        """Shows what is known of the data, the network and the schedule of the settings being edited."""
        preset, picture = self._draft.preset, self._session.preview.picture
        expectation = self._session.planner.expectation
        model, data = (choice.label().replace("_", " ") for choice in (preset.model, preset.data))
        self._screen.query_one(ModelPanel).show(picture, expectation, model, preset.training.epochs)
        self._screen.query_one(DataPreviewPanel).show(picture, data)
        self._screen.query_one(SchedulePanel).show(preset)

    # Findings and hints.

    def show_advice(self) -> None:
        """Shows the current finding: in a panel of its own, on a small screen in the hint line."""
        self.make_room_for_advice()
        self._screen.query_one(AdvicePanel).show(self._advice.advice)
        self.show_hint()

    def make_room_for_advice(self) -> None:
        """Gives the advice panel its place if there is a finding, or takes it back."""
        if self._pages.has_advice != self._advice.has_found:
            self._pages.has_advice = self._advice.has_found
            self._pages.lay_out()

    def say(self, text: str, kind: str, *, while_it_holds: bool) -> None:
        """Shows a sentence in the hint line, see `Host.say`."""
        glyphs = self._app.glyphs
        glyph = {"error": f"{glyphs.wrong} ", "warning": f"{glyphs.warning} "}.get(kind, "")
        about = course_of(self._run.state) if while_it_holds else None
        self._hints.say(Text(f"{glyph}{text}", self._app.palette[kind]), about)
        self.show_hint()

    def forget_said(self) -> None:
        """Forgets the sentence in the hint line: the user has pressed a key."""
        self._hints.forget()

    def forget_said_of_before(self) -> None:
        """Drops a sentence that no longer holds in the run's new state."""
        if self._hints.forget_unless(course_of(self._run.state)):
            self.show_hint()

    def show_setting_hint(self, text: Text) -> None:
        """Keeps the help of the setting at the cursor for the hint line."""
        self._hints.setting = text
        self.show_hint()

    def show_hint(self) -> None:
        """Shows the hint of the highest priority."""
        self._hints.show(
            self._screen.query_one(HintLine),
            self._pages.focused_panel,
            self.history,
            None if self._screen.query_one(AdvicePanel).display else self._advice.advice,
            has_verdict_panel=self._screen.query_one(StepTimePanel).display,
        )

    def recolour(self) -> None:
        """Renews the coloured texts that are kept for the hint line; panels redraw themselves."""
        self._hints.forget()
        self._screen.query_one(SettingsPanel).post_hint()
        self.show_hint()

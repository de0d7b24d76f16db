"""What the main screen shows: settings on the left, charts beside them, step time and memory below.

Twice a second it reads what the run has written, and `main_panels.py` shows what is new. Controllers act on runs and
settings, and know this screen as their Host. Textual calls a key's action as a method of the screen: these methods are
in a subclass, in `main.py`.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.events import DescendantFocus, Resize
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import WorkerCancelled, WorkerFailed

from workbench.runs.directory import RunDirectory
from workbench.runs.history import RunHistory
from workbench.ui.controllers.advice import AdviceController
from workbench.ui.controllers.charts import ChartsController
from workbench.ui.controllers.data import DataController
from workbench.ui.controllers.exports import ExportsController
from workbench.ui.controllers.inspection import InspectionController
from workbench.ui.controllers.learning_rate import LearningRateController
from workbench.ui.controllers.presets import PresetController
from workbench.ui.controllers.run import RunController
from workbench.ui.controllers.runs import RunsController
from workbench.ui.form.draft import Draft
from workbench.ui.live.pace import Pace, What
from workbench.ui.live.readings import ReadingSource
from workbench.ui.live.remembered import Remembered
from workbench.ui.live.session import Session
from workbench.ui.look.styled_app import StyledApp
from workbench.ui.options import AppOptions
from workbench.ui.panels.advice import AdvicePanel
from workbench.ui.panels.chart_grid import ChartGrid
from workbench.ui.panels.charts import ChartPanel
from workbench.ui.panels.data_preview import DataPreviewPanel
from workbench.ui.panels.health import HealthPanel
from workbench.ui.panels.lines import HintLine, KeysLine
from workbench.ui.panels.log import LogPanel
from workbench.ui.panels.machine import MachinePanel
from workbench.ui.panels.memory import MemoryPanel
from workbench.ui.panels.metrics import MetricsPanel
from workbench.ui.panels.model import ModelPanel
from workbench.ui.panels.notice import NoticePanel
from workbench.ui.panels.schedule import SchedulePanel
from workbench.ui.panels.settings import SettingsPanel
from workbench.ui.panels.step_time import StepTimePanel
from workbench.ui.panels.top_bar import TopBar
from workbench.ui.screens.main_panels import MainPanels
from workbench.ui.screens.main_reads import MainReads
from workbench.ui.screens.pages import Pages

if TYPE_CHECKING:
    from workbench.ui.controllers.judge import JudgeController
    from workbench.ui.controllers.measure import MeasureController
    from workbench.ui.controllers.tune import TuneController
    from workbench.ui.panels.runs_arrangement import RunsView

STANDBY_DELAY_SECONDS = 0.5
Result = TypeVar("Result")


class MainView(Screen[None]):
    """Shows a run and the settings of the next one; the Host of the controllers."""

    app: StyledApp
    AUTO_FOCUS = "#settings"

    def __init__(
        self,
        draft: Draft,
        session: Session,
        remembered: Remembered,
        options: AppOptions,
        readings: ReadingSource,
        attach_to: RunDirectory | None = None,
        not_opened: str = "",
    ) -> None:
        """attach_to: a run to watch from the start; not_opened: why the preset of the last time could not be opened."""
        super().__init__(id="main")
        self._draft = draft
        self._session = session
        self._options = options
        self._attach_to = attach_to
        self._not_opened = not_opened
        self.run = RunController(draft, session, self)
        self.learning_rate = LearningRateController(session, self.run, self)
        self.presets = PresetController(draft, remembered, self)
        self.runs = RunsController(session, self.run, self.presets, self)
        self.advice = AdviceController(draft, session, self.learning_rate, self)
        self.data = DataController(draft, self)
        self.inspection = InspectionController(session, self.run, self)
        self.exports = ExportsController(self)
        self.charts = ChartsController(remembered, self, self._drawn)
        self._remembered = remembered
        self._runs_view: RunsView | None = None
        """How the user looked at the list of runs."""
        self.pages = Pages(self, remembered)
        self._panels = MainPanels(
            self,
            draft=draft,
            session=session,
            run=self.run,
            advice=self.advice,
            pages=self.pages,
            study=lambda: self._study_in_progress,
            has_standby=options.standby,
        )
        self._reads = MainReads(
            self, draft=draft, session=session, readings=readings, panels=self._panels, show_run=self.show_run
        )
        self._pace = Pace()
        self._last_state = "idle"
        self._has_begun = False
        """Whether the first paint is over."""
        self._will_redraw = False
        """Whether the charts are about to be drawn again."""
        self._has_unseen = False
        """Whether the run has written something that is not shown yet."""

    @cached_property
    def tune(self) -> TuneController:
        """The study that is watched. What it needs is imported at its first use, not before the first paint."""
        from workbench.ui.controllers.tune import TuneController

        return TuneController(self._draft, self._session, self.presets, self, self._options.studies_folder)

    @cached_property
    def measure(self) -> MeasureController:
        """Range tests and batch scans; imported at their first use too."""
        from workbench.ui.controllers.measure import MeasureController

        return MeasureController(self._draft, self._session, self.advice, self.tune, self)

    @cached_property
    def judge(self) -> JudgeController:
        """How good models are; imported at its first use too."""
        from workbench.ui.controllers.judge import JudgeController

        return JudgeController(self._session, self)

    @property
    def _study_in_progress(self) -> str:
        """How the watched study stands, while it is being run; else empty."""
        return self.tune.progress if "tune" in self.__dict__ else ""

    def compose(self) -> ComposeResult:
        yield TopBar(id="top")
        with Horizontal(id="body"):
            yield SettingsPanel(id="settings")
            with Vertical(id="right"):
                yield ChartGrid(id="charts")
                with Container(id="lower"):
                    yield StepTimePanel(id="step-time")
                    yield MemoryPanel(id="memory")
                    yield MetricsPanel(id="metrics")
                    yield LogPanel(id="log")
                    yield MachinePanel(id="machine")
                    yield HealthPanel(id="health")
                    yield ModelPanel(id="model")
                    yield DataPreviewPanel(id="data-preview")
                    yield SchedulePanel(id="schedule")
                yield AdvicePanel(id="advice")
        yield NoticePanel(id="notice")
        yield HintLine(id="hint")
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        self.show_settings()
        self.show_run()
        self.app.theme_changed_signal.subscribe(self, self._theme_changed)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """Starts everything that can wait for the first paint."""
        gc.freeze()  # what exists now stays, so the garbage collector need not visit it again
        gc.enable()
        self._has_begun = True
        self._session.preview.show = self._show_preview
        self._show_preview()
        self._reads.read_last_run()
        self._pace = Pace(slower=2 if self._options.low_bandwidth else 1)
        self.set_interval(self._pace.tick_seconds, self._tick)
        self._reads.read_machine()
        if self._not_opened:
            title = f"the last preset cannot be opened; this is {self._draft.preset.name}"
            self.show_notice(title, self._not_opened, "^o opens a preset   esc hides this")
        else:
            self.presets.remember()
        if self._options.standby:
            self._reads.recall_preview()
            self.set_timer(STANDBY_DELAY_SECONDS, self._session.keep_standby)
        if self._attach_to is not None:
            self.attach(self._attach_to)
        else:
            self._offer_running()

    @work(group="open", exclusive=True)
    async def _offer_running(self) -> None:
        await self.runs.offer_running()
        await self.tune.say_in_progress()

    @work(group="open", exclusive=True)
    async def attach(self, run: RunDirectory) -> None:
        """Watches a run that was started elsewhere or has ended."""
        await self.runs.attach(run)

    # Reading the run and the machine.

    def _tick(self) -> None:
        if self._is_due("read"):
            self._reads.read_machine()
        if self._is_due("poll"):
            self.poll()

    def _is_due(self, what: What) -> bool:
        watch = self._session.watch
        view = None if watch is None else watch.history.view
        on_cpu = view is not None and view.prepared is not None and view.prepared.device == "cpu"
        return self._pace.is_due(what, beside_cpu=on_cpu and self._session.is_busy)

    def poll(self) -> None:
        if "tune" in self.__dict__ and not self.is_covered:
            self.tune.follow()  # else the screen above reads it
        watch = self._session.watch
        if watch is not None and watch.poll():
            self._has_unseen = True
        self._renew_advice()
        if self._panels.shows_old_rate:
            self.show_settings()
        if self._has_unseen and self._is_due("draw"):
            self._has_unseen = False
            self._show_run(every_chart=self._pace.is_left_alone)  # charts are drawn rarely then
        else:
            self._panels.show_top()
        if self.run.state != self._last_state:
            self._state_changed()
        self._has_unseen |= self.runs.follow_overlays()
        self.inspection.show_arrived()
        self._notify()
        if self._options.standby:
            if watch is not None:
                self._session.keep_standby()  # for the next run, once nothing runs that it would disturb
            self._plan()

    def _notify(self) -> None:
        """Says what went wrong in the followers, and passes alerts to the terminal."""
        for each in (self._session, self.__dict__.get("tune")):
            if each is not None:
                for problem in each.take_problems():
                    self.say(problem, "warning")
                for sequence in each.take_alerts():
                    self.app.notify_terminal(sequence)

    def _renew_advice(self) -> None:
        self.advice.follow()
        self._panels.make_room_for_advice()
        if self.advice.has_news and self._is_due("judge"):
            self.advice.renew(self._panels.machine)

    def _state_changed(self) -> None:
        before, self._last_state = self._last_state, self.run.state
        self._panels.forget_said_of_before()
        self.run.state_changed(before, self.run.state)
        self.show_run()

    def _plan(self) -> None:
        """Shows what the settings being edited would take, once a dry run has measured it."""
        if self._session.plan(None if self._draft.problems else self._draft.preset):
            self._panels.show_expectation()

    def _show_preview(self) -> None:
        if self.is_attached:
            self._panels.show_expectation()

    # What controllers ask for.

    def show_run(self) -> None:
        self._show_run(every_chart=True)

    def _show_run(self, *, every_chart: bool) -> None:
        watch = self._session.watch
        self.charts.watch("" if watch is None else watch.run.name)
        self._panels.show_run(self.charts.view, self.runs.overlays, every_chart=every_chart)

    def redraw_charts(self) -> None:
        if not self._will_redraw:  # the wheel turns faster than charts can be drawn
            self._will_redraw = True
            self.call_later(self._redraw_charts)

    def _redraw_charts(self) -> None:
        self._will_redraw = False
        self._panels.show_charts(self.charts.view, self.runs.overlays)

    def _drawn(self) -> tuple[RunHistory | None, list[RunHistory]]:
        """The run in the charts, and those that it overlays."""
        overlaid = self.runs.overlays.histories(self._session.watch)
        return self._panels.drawn(is_overlaid=bool(overlaid)), overlaid

    def show_advice(self) -> None:
        self._panels.show_advice()

    def show_settings(self) -> None:
        self._panels.show_settings()
        if self._has_begun:
            self._show_preview()
            self._reads.read_last_run()

    def show_setting(self, path: str) -> None:
        self.show_settings()
        self.query_one(SettingsPanel).focus_row(path)

    def show_wrong_setting(self, wrong: str) -> None:
        if self.pages.is_compact and self.pages.page != "settings":
            self.go_to("settings")
        for panel in self.query(SettingsPanel):  # none once the app ends: what it was planning fails then
            panel.go_to_fault(wrong)

    def show_charts(self) -> None:
        if self.pages.page == "settings" and self.pages.is_compact:
            self.go_to("charts", remember=False)  # the next start begins where the user was

    def go_to(self, page: str, *, remember: bool = True) -> None:
        """Brings up a page, and moves the focus there. remember: as the page of the next start."""
        self.pages.go_to(page, remember=remember)
        self.show_run()
        if page == "machine":
            self.call_after_refresh(self._reads.read_machine)  # what is read only for it

    def show_notice(self, title: str, message: str, keys: str) -> None:
        self.query_one(NoticePanel).show("error", title, message, keys)

    def dismiss_notice(self) -> None:
        self.query_one(NoticePanel).hide()

    def say(self, text: str, kind: str = "text", *, while_it_holds: bool = False) -> None:
        self._panels.say(text, kind, while_it_holds=while_it_holds)

    @property
    def is_covered(self) -> bool:
        return self.app.screen is not self

    def open(self, dialog: Screen[Any]) -> None:
        self.app.push_screen(dialog)

    async def ask(self, dialog: Screen[Result]) -> Result | None:
        return await self.app.push_screen_wait(dialog)

    async def may_train(self) -> bool:
        answer = await self.tune.ask_beside()
        if answer == "tune":
            await self.run_action("tune")
        return answer == "start"

    async def in_thread(self, work: Callable[[], Result]) -> Result:
        try:
            result = await self.run_worker(work, thread=True, exit_on_error=False).wait()
        except WorkerFailed as failed:
            self._end_with_the_screen()
            raise failed.error from None
        except WorkerCancelled:  # the app ends, or the same key was pressed again: whoever waits here ends too
            raise asyncio.CancelledError from None
        self._end_with_the_screen()
        return result

    def _end_with_the_screen(self) -> None:
        """Ends whoever waits here where the app has been quit: there is nothing to show an answer on."""
        if not self.is_attached or not self.children:
            raise asyncio.CancelledError

    # What the user does.

    def _theme_changed(self, _: Theme) -> None:
        self._panels.recolour()

    def on_key(self) -> None:
        self._pace.touch()
        self._panels.forget_said()

    def on_mouse_down(self) -> None:
        self._pace.touch()

    @on(ChartPanel.CursorMoved)
    def _cursor_moved(self, message: ChartPanel.CursorMoved) -> None:
        self.charts.put_cursor(message.x)

    @on(ChartPanel.FrontChosen)
    def _curve_chosen(self, message: ChartPanel.FrontChosen) -> None:
        self.charts.put_in_front(message.name)

    @on(ChartPanel.Wheel)
    def _wheel_turned(self, message: ChartPanel.Wheel) -> None:
        self._pace.touch()
        self.charts.wheel(message.direction, message.x, pans=message.pans)

    def on_resize(self, _: Resize) -> None:
        self.pages.lay_out()
        self.redraw_charts()  # more of them may be up, and made just now

    @on(SettingsPanel.Hint)
    def _new_setting_hint(self, message: SettingsPanel.Hint) -> None:
        self._panels.show_setting_hint(message.text)

    @on(SettingsPanel.Changed)
    def _settings_changed(self) -> None:
        self._panels.show_top()
        self._show_preview()
        if self._options.standby:
            self._plan()

    @on(DescendantFocus)
    def _focus_moved(self) -> None:
        self._panels.show_keys()

"""The main screen: settings on the left, charts beside them, step time and memory below.

It owns what is shown and where. What can be done to a run and to the presets stands in `run_actions` and
`preset_actions`. Twice a second it looks at the run and hands what is new to the panels that are seen.
"""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, get_args

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.events import DescendantFocus, Resize
from textual.widget import Widget

from workbench.advice.verdict import verdict
from workbench.runs.history import RunHistory
from workbench.ui.keys.actions import ACTIONS, bindings, help_sections
from workbench.ui.layout import BELOW_CHARTS, PAGES, arrange, page_of, size_class
from workbench.ui.live.pace import Pace
from workbench.ui.live.watch import course_of
from workbench.ui.look.themes import THEMES
from workbench.ui.panels.advice import AdvicePanel, keys_of, sentence
from workbench.ui.panels.charts import ChartPanel, ChartView, XAxis, chart_panels
from workbench.ui.panels.lines import HintLine, KeysLine, keys_text
from workbench.ui.panels.log import LogPanel
from workbench.ui.panels.memory import MemoryPanel
from workbench.ui.panels.metrics import MetricsPanel
from workbench.ui.panels.notice import NoticePanel
from workbench.ui.panels.panel import Panel
from workbench.ui.panels.settings import SettingsPanel
from workbench.ui.panels.step_time import StepTimePanel
from workbench.ui.panels.top_bar import TopBar, TopBarContent
from workbench.ui.screens.advice_actions import AdviceActions
from workbench.ui.screens.inspect_actions import InspectActions
from workbench.ui.screens.preset_actions import PresetActions

if TYPE_CHECKING:
    from textual.theme import Theme

    from workbench.ui.live.readings import Readings
    from workbench.ui.live.watch import Watch

STANDBY_DELAY_SECONDS = 0.5
SMOOTHING_STEP = 0.1


class MainScreen(PresetActions, AdviceActions, InspectActions):
    """Where the user lives."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]
    AUTO_FOCUS = "#settings"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._machine: Readings | None = None
        self._maximised: str | None = None
        self._setting_hint = Text()
        self._said: Text | None = None
        self._said_of: str | None = None
        """The run's state that what was said is about, if it is about that."""
        self._last_state = "idle"
        self._turn = 0
        """Which half of the charts is drawn at the next look."""
        self._unseen = False
        """Whether the run has said something that is not shown yet."""
        self._advised: Watch | None = None
        """Whose advice is shown."""
        self._has_advised = False
        """Whether there has been any: from then on it keeps its place, so that nothing moves when it comes and goes."""
        self._pace = Pace()
        self._shown_rate: float | None = None
        """The learning rate of the run that the settings are shown beside."""

    def compose(self) -> ComposeResult:
        yield TopBar(id="top")
        with Horizontal(id="body"):
            yield SettingsPanel(id="settings")
            with Vertical(id="right"):
                with Container(id="charts"):
                    yield from chart_panels()
                with Container(id="lower"):
                    yield StepTimePanel(id="step-time")
                    yield MemoryPanel(id="memory")
                    yield MetricsPanel(id="metrics")
                    yield LogPanel(id="log")
                yield AdvicePanel(id="advice")
        yield NoticePanel(id="notice")
        yield HintLine(id="hint")
        yield KeysLine(id="keys")

    def on_mount(self) -> None:
        habits = self.app.remembered
        x_axis: XAxis = habits.x_axis if habits.x_axis in get_args(XAxis) else "step"  # type: ignore[assignment]
        self.chart_view = ChartView(smoothing=habits.smoothing, log=habits.log, x_axis=x_axis)
        self._page = habits.page if habits.page in PAGES else "settings"
        self._below = self._page if self._page in BELOW_CHARTS else "timing"
        self.show_settings()
        self.show_run()
        self.app.theme_changed_signal.subscribe(self, self._theme_changed)
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """What can wait until the screen has been painted once."""
        gc.freeze()  # what is there now stays: the collector need not look at it again
        gc.enable()
        self._pace = Pace(slower=2 if self.app.options.low_bandwidth else 1)
        self.set_interval(self._pace.tick_seconds, self._tick)
        self._read_machine()
        self.app.remember_preset()
        if self.app.options.standby:
            self.set_timer(STANDBY_DELAY_SECONDS, self.session.keep_standby)
        if self.app.attach_to is not None:
            self.attach(self.app.attach_to)
        else:
            self.offer_runs_still_going()

    # What is shown.

    def _tick(self) -> None:
        """Looks at what is due."""
        if self._pace.is_due("read", beside_cpu=self._trains_on_cpu):
            self._read_machine()
        if self._pace.is_due("look", beside_cpu=self._trains_on_cpu):
            self.look()

    def look(self) -> None:
        """Looks at the run, and shows what is new."""
        watch = self.session.watch
        if watch is not None and not self.is_attaching and watch.look():
            self._unseen = True
        self._renew_advice()
        if watch is not None and watch.learning_rate != self._shown_rate:
            self.show_settings()
        if self._unseen and self._pace.is_due("draw", beside_cpu=self._trains_on_cpu):
            self._unseen = False
            self.show_run(every_chart=self._pace.is_left_alone)  # then it is drawn rarely enough
        else:
            self._show_top()
        if self.state != self._last_state:
            before, self._last_state = self._last_state, self.state
            if self._said_of not in (None, course_of(self.state)):
                self._said, self._said_of = None, None
                self._show_hint()
            self.on_state_changed(before, self.state)
            self.show_run()
        self.show_arrived()
        if watch is not None and self.app.options.standby:
            self.session.keep_standby()  # for the next run, once nothing runs that it would disturb
        if self.app.options.standby:
            self._plan()

    def _plan(self) -> None:
        """Shows what the settings being edited would take, when a plan has come to it."""
        draft = self.app.draft
        if self.session.plan(None if draft.problems else draft.preset):
            self.query_one(SettingsPanel).expect(self.session.planner.expectation)
            self._show_machine()

    def show_wrong_setting(self, wrong: str) -> None:
        """Goes to the setting that this is about."""
        if size_class(*self.app.size) == "compact" and self._page != "settings":
            self.action_panel("settings")
        self.query_one(SettingsPanel).go_to_fault(wrong)

    def show_run(self, *, every_chart: bool = True) -> None:
        """Hands what is known of the run to the panels; hidden ones draw nothing.

        every_chart: otherwise each other one, in turns: drawing curves is most of what watching costs the trainer.
        """
        history = self.history
        self._turn = 1 - self._turn
        for number, chart in enumerate(self.query(ChartPanel)):
            if every_chart or number % 2 == self._turn:
                chart.show(history, self.chart_view, self.overlays)
        self.query_one(StepTimePanel).show(history)
        self.query_one(MetricsPanel).show(history)
        self.query_one(LogPanel).show([] if self.session.watch is None else self.session.watch.log.lines)
        self._show_machine()

    def _renew_advice(self) -> None:
        """Judges the run anew when something has come that may change the verdict; not at every look."""
        watch = self.session.watch
        if watch is not self._advised:
            self._advised = watch
            self.advice.clear()
            self._has_advised = False
            self.lay_out()
        if watch is None or self.is_attaching or not watch.has_news:
            return
        if not self._pace.is_due("judge", beside_cpu=self._trains_on_cpu):
            return
        watch.has_news = False
        # The machine's memory now says nothing of a run that has ended.
        self.advice.renew(watch.history, watch.preset, self._machine if watch.is_alive else None)
        self.show_advice()

    def show_advice(self) -> None:
        """Shows the finding at hand: in a panel of its own, on a small screen in the hint line."""
        if self.advice.findings and not self._has_advised:
            self._has_advised = True
            self.lay_out()
        self.query_one(AdvicePanel).show(self.advice)
        self._show_hint()

    def show_settings(self) -> None:
        """Shows the settings being edited, beside those that a run in progress uses."""
        watch = self.session.watch
        running = watch.settings if watch is not None and watch.is_alive else None
        self._shown_rate = None if watch is None else watch.learning_rate
        self.query_one(SettingsPanel).show(self.app.draft, running, None if watch is None else watch.preset)
        self._show_top()

    @property
    def _trains_on_cpu(self) -> bool:
        watch = self.session.watch
        if watch is None or not watch.is_alive:
            return False
        prepared = watch.history.view.prepared
        return prepared is not None and prepared.device == "cpu"

    def _show_machine(self) -> None:
        self.query_one(MemoryPanel).show(self.history, self._machine, self.session.planner.expectation)
        self._show_top()

    def _show_top(self) -> None:
        draft, watch = self.app.draft, self.session.watch
        self.query_one(TopBar).show(
            TopBarContent(
                preset_name=draft.preset.name if watch is None else watch.title,
                changed=watch is None and draft.is_changed,
                state=self.state,
                detail=self.state_detail,
                view=None if watch is None else watch.history.view,
                readings=self._machine,
            )
        )
        self._show_keys()
        self._show_hint()

    def _show_keys(self) -> None:
        labels = self.key_labels()
        keys = [
            (action.shown_key, labels.get(action.name, action.label), action.rank)
            for action in ACTIONS
            if action.rank and labels.get(action.name, action.label)
        ]
        self.query_one(KeysLine).show(keys)

    def _show_hint(self) -> None:
        if self._said is not None:
            text = self._said
        elif self.focused is not None and self.query_one(SettingsPanel) in self.focused.ancestors_with_self:
            text = self._setting_hint
        elif self.advice.current is not None and not self.query_one(AdvicePanel).display:
            hint = self.query_one(HintLine)
            hint.show(sentence(self.advice.current, hint), keys_of(self.advice, hint))
            return
        elif self.query_one(StepTimePanel).display:
            text = self._keys_of_panel()  # the verdict stands there
        else:
            text = self._verdict()
        self.query_one(HintLine).show(text, whole=self._said is not None)

    def _keys_of_panel(self) -> Text:
        panel = next((item for item in self._panels() if item.has_focus), None)
        return Text() if panel is None else keys_text(panel.KEYS, panel)

    def _verdict(self) -> Text:
        view = None if self.history is None else self.history.view
        if view is None or view.timing is None:
            return Text()
        return Text(verdict(view.timing, view.prepared) or "", "dim")

    def say(self, text: str, kind: str = "text", *, while_it_holds: bool = False) -> None:
        """Says a sentence in the hint line, until the next key.

        while_it_holds: it is about the run as it is now, and goes when the run's state does.
        """
        self._said_of = course_of(self.state) if while_it_holds else None
        hint = self.query_one(HintLine)
        glyph = {"error": f"{self.app.glyphs.wrong} ", "warning": f"{self.app.glyphs.warning} "}.get(kind, "")
        self._said = Text(f"{glyph}{text}", hint.style_of(kind))
        self._show_hint()

    def _theme_changed(self, _: Theme) -> None:
        """Draws what is kept in colours anew: the panels do so by themselves."""
        self._said = None
        self.query_one(SettingsPanel).tell()
        self._show_hint()

    def on_key(self) -> None:
        """Any key: somebody is there, and what was said has been read."""
        self._pace.touch()
        self._said = None

    def on_mouse_down(self) -> None:
        """Any click: somebody is there."""
        self._pace.touch()

    @on(SettingsPanel.Hint)
    def _new_setting_hint(self, message: SettingsPanel.Hint) -> None:
        self._setting_hint = message.text
        self._show_hint()

    @on(SettingsPanel.Changed)
    def _settings_changed(self) -> None:
        self._show_top()

    @on(DescendantFocus)
    def _focus_moved(self) -> None:
        self._show_hint()

    def _read_machine(self) -> None:
        self.run_worker(self._read_in_thread, thread=True, exclusive=True, group="readings", exit_on_error=False)

    def _read_in_thread(self) -> None:
        readings = self.app.readings.read()
        self.app.call_from_thread(self._take_readings, readings)

    def _take_readings(self, readings: Readings) -> None:
        self._machine = readings
        if self.is_attached:
            self._show_machine()

    # Where it is shown.

    def on_resize(self, _: Resize) -> None:
        self.lay_out()

    def lay_out(self) -> None:
        """Shows the panels that the screen has room for."""
        width, height = self.app.size
        layout = arrange(
            width, height, self._page, self._below, self._maximised, self.app.remembered.four_charts
        )  # fmt: skip
        classes = {f"-{layout.size}"} | ({"-maximised"} if self._maximised is not None else set())
        if self.classes != classes:
            self.set_classes(classes)
        for panel in self._panels():
            panel.display = panel.id in layout.panels
        is_full = self._maximised is not None or layout.size == "compact"
        self.query_one(AdvicePanel).display = self._has_advised and not is_full
        for box in ("charts", "lower"):
            container = self.query_one(f"#{box}")
            container.display = any(child.display for child in container.children)
        self.query_one("#right").display = self.query_one("#charts").display or self.query_one("#lower").display
        if self.focused is None or not _is_shown(self.focused):
            self._focus_first(layout.panels)

    def _panels(self) -> list[Panel]:
        return [panel for panel in self.query(Panel) if panel.id not in ("notice", "advice")]

    def _focus_first(self, shown: frozenset[str]) -> None:
        first = next((name for name in PAGES[self._page] if name in shown), None) or next(iter(sorted(shown)))
        self.call_after_refresh(self.query_one(f"#{first}").focus)

    def action_panel(self, page: str) -> None:
        """Goes to a page: brings it up where it is not shown, and focuses it."""
        self._page = page
        self._maximised = None
        if page in BELOW_CHARTS:
            self._below = page
        self.app.remembered.page = page
        self.lay_out()
        self.query_one(f"#{PAGES[page][0]}").focus()
        self.show_run()

    def turn_to_charts(self) -> None:
        """Brings the charts up where the screen has room for the settings alone."""
        if self._page == "settings" and size_class(*self.app.size) == "compact":
            habit = self.app.remembered.page
            self.action_panel("charts")
            self.app.remembered.page = habit  # the next start begins where the user was

    def action_maximise(self) -> None:
        """Gives the focused panel the whole screen, or gives the others theirs back."""
        if self._maximised is not None:
            self._maximised = None
        else:
            focused = self.focused
            panel = next(
                (item for item in self._panels() if focused is not None and item in focused.ancestors_with_self), None
            )
            if panel is None or panel.id is None:
                return
            self._maximised = panel.id
            self._page = page_of(panel.id)
        self.lay_out()
        self.show_run()

    @on(ChartPanel.Maximise)
    def _maximise_chart(self) -> None:
        self.action_maximise()

    def action_four_charts(self) -> None:
        """Shows learning rate and throughput as charts too, or no longer."""
        self.app.remembered.four_charts = not self.app.remembered.four_charts
        width, height = self.app.size
        if size_class(width, height) == "compact" and height < 40:
            self.say("four charts need a screen of 40 rows or more", "warning")
        self.lay_out()
        self.show_run()

    def action_logarithmic(self) -> None:
        """Logarithmic scale, or linear."""
        self._change_view(replace(self.chart_view, log=not self.chart_view.log))

    def action_x_axis(self) -> None:
        """The next of step, epoch and time."""
        axes = get_args(XAxis)
        following = axes[(axes.index(self.chart_view.x_axis) + 1) % len(axes)]
        self._change_view(replace(self.chart_view, x_axis=following))

    def action_smooth(self, direction: int) -> None:
        """Smooths the curves less or more."""
        smoothing = min(max(round(self.chart_view.smoothing + direction * SMOOTHING_STEP, 2), 0.0), 0.9)
        self._change_view(replace(self.chart_view, smoothing=smoothing))

    def _change_view(self, view: ChartView) -> None:
        habits = self.app.remembered
        self.chart_view = view
        habits.log, habits.smoothing, habits.x_axis = view.log, view.smoothing, view.x_axis
        self.show_run()

    def action_next_theme(self) -> None:
        """Dark, light, the terminal's own colours."""
        names = [theme.name for theme in THEMES]
        here = names.index(self.app.theme) if self.app.theme in names else -1
        self.app.theme = names[(here + 1) % len(names)]
        self.app.keep_habits()

    def action_keys(self) -> None:
        """Shows the table of keys."""
        from workbench.ui.dialogs.help import HelpDialog

        self.app.push_screen(HelpDialog(help_sections()))

    @property
    def history(self) -> RunHistory | None:
        """What is known of the run that is watched."""
        return None if self.session.watch is None else self.session.watch.history


def _is_shown(widget: Widget) -> bool:
    return all(item.display for item in widget.ancestors_with_self if isinstance(item, Widget))

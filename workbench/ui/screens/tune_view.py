"""What the Tune screen shows: a study's trials, their curves, and what was found. Its keys are in `tune.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical
from textual.events import DescendantFocus, Resize
from textual.screen import Screen

from workbench.files import short_path
from workbench.runs.directory import RunDirectory
from workbench.ui.controllers.tune import RESUMABLE, TuneController, TuneResult
from workbench.ui.keys.tune_actions import ACTIONS
from workbench.ui.live.importance import Importance
from workbench.ui.live.pace import Pace, What
from workbench.ui.live.study_watch import Searched
from workbench.ui.live.study_words import described, verdict
from workbench.ui.look.styled_app import StyledApp
from workbench.ui.panels.layout import size_class
from workbench.ui.panels.lines import HintLine, KeysLine, keys_of_focus
from workbench.ui.panels.panel import Panel
from workbench.ui.panels.tune_bar import TuneBar
from workbench.ui.panels.tune_best import BestPanel
from workbench.ui.panels.tune_chart import TuneChart, TuneView
from workbench.ui.panels.tune_curves import CurvesPanel
from workbench.ui.panels.tune_mean import MeanPanel
from workbench.ui.panels.tune_setting import SettingPanel
from workbench.ui.panels.tune_space import TuneSpacePanel
from workbench.ui.panels.tune_trials import TrialsPanel

CHARTS = ("tune-curves", "tune-setting", "tune-best")
MEAN = "tune-mean"
"""Takes the place of the best one where all trials count."""
WIDTH_OF_BOTH = 120
"""Of a screen on which the means have room beside the chart of a setting; on a narrower one they take turns."""
LEAST_TRIALS_LINES = 8
"""Under the panel of what is searched; where the screen is lower, that panel is cut."""


class TuneBase(Screen[TuneResult | None]):
    """Reads the study twice a second, and shows what is new once a second; both more seldom while it is left alone."""

    app: StyledApp
    AUTO_FOCUS = "#tune-trials"
    DEFAULT_CSS = """
    TuneBase { background: $background; color: $foreground; layout: vertical; overflow: hidden; }
    TuneBase #tune-body { height: 1fr; width: 1fr; layout: horizontal; }
    TuneBase #tune-left { width: 62; height: 1fr; }
    TuneBase #tune-right { width: 1fr; height: 1fr; }
    TuneBase #tune-trials, TuneBase #tune-curves { width: 1fr; height: 1fr; }
    TuneBase #tune-lower { width: 1fr; height: 42%; layout: horizontal; }
    TuneBase #tune-lower > Panel { width: 1fr; height: 1fr; }
    TuneBase #tune-lower > MeanPanel { min-width: 38; }
    TuneBase.-wide #tune-left { width: 90; }
    TuneBase.-compact #tune-body { layout: vertical; }
    TuneBase.-compact #tune-left { width: 1fr; height: 9; }
    TuneBase.-compact #tune-lower, TuneBase.-maximised #tune-lower { height: 1fr; }
    TuneBase.-maximised #tune-left { width: 1fr; height: 1fr; }
    """

    def __init__(
        self,
        tune: TuneController,
        *,
        low_bandwidth: bool = False,
        judge: Callable[[RunDirectory, Callable[[str, str], bool]], Awaitable[None]] | None = None,
    ) -> None:
        """judge: shows how good a run's model is, or says by its last argument why it cannot."""
        super().__init__(id="tune")
        self._judge = judge
        self._tune = tune
        self._pace = Pace(slower=2 if low_bandwidth else 1)
        self._has_unseen = False
        self._last_state = "", ""
        """The study's state and the request that waits for an answer: changes of them are shown at once."""
        self._importance = Importance()
        self._path = ""
        """The setting that is shown against the result."""
        self._log = True
        self._all_values = False
        self._chart = CHARTS[0]
        """The one chart of a compact screen."""
        self._maximised = ""
        self._said: tuple[str, str] = ("", "")
        """The answer to the last key, and its style."""

    def compose(self) -> ComposeResult:
        yield TuneBar(id="tune-bar")
        with Horizontal(id="tune-body"):
            with Vertical(id="tune-left"):
                yield TuneSpacePanel(id="tune-space")
                yield TrialsPanel(id="tune-trials")
            with Vertical(id="tune-right"):
                yield CurvesPanel(id="tune-curves")
                with Container(id="tune-lower"):
                    yield SettingPanel(id="tune-setting")
                    yield BestPanel(id="tune-best")
                    yield MeanPanel(id="tune-mean")
        yield HintLine(id="tune-verdict")
        yield HintLine(id="tune-hint")
        yield KeysLine(id="tune-keys")

    def on_mount(self) -> None:
        self._lay_out()
        self._show()
        self.set_interval(self._pace.tick_seconds, self._tick)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._show())

    # Reading and showing.

    def _tick(self) -> None:
        watch = self._tune.watch
        if watch is not None and self._is_due("poll"):
            self._has_unseen |= watch.poll()
            if note := watch.take_note():
                self._show_hint(note)
        self._has_unseen |= self._importance.look(watch)
        state = ("", "") if watch is None else (watch.state, watch.pending)
        if self._has_unseen and (self._is_due("draw") or state != self._last_state):
            self._has_unseen, self._last_state = False, state
            self._lay_out()
            self._show()

    def _is_due(self, what: What) -> bool:
        """By the intervals beside a trainer on the CPU, also for GPUs: a search has new values ten times a second."""
        return self._pace.is_due(what, beside_cpu=self._tune.watch is not None and self._tune.watch.is_alive)

    @property
    def trials(self) -> TrialsPanel:
        """The table."""
        return self.query_one(TrialsPanel)

    @property
    def _settings(self) -> list[Searched]:
        return [] if self._tune.watch is None else self._tune.watch.searched

    @property
    def _setting(self) -> Searched | None:
        """The setting against the result: the first number at first, for numbers show most."""
        settings = self._settings
        numbers = [each for each in settings if not each.choices]
        chosen = [each for each in settings if each.path == self._path]
        return next(iter([*chosen, *numbers, *settings]), None)

    def _show(self) -> None:
        """Shows everything that is known of the study."""
        watch, setting = self._tune.watch, self._setting
        self.query_one(TuneBar).show(watch, self._tune.preset_name)
        chosen = self._settings.index(setting) if setting is not None else 0
        self.query_one(TuneSpacePanel).show(watch, chosen, self._importance.fractions)
        self.trials.show(watch, setting, self._empty())
        self._show_charts()
        self._show_verdict()
        self._show_hint()
        self._show_keys()

    def _empty(self) -> str:
        """What stands in the place of the trials before there are any."""
        watch = self._tune.watch
        if watch is None and self._tune.starts_folds:
            return (
                f"No studies yet in {short_path(self._tune.folder) or '.'}. space trains the form's settings once for "
                "each fold of its validation, and says how good they are over all of them."
            )
        if watch is None:
            return (
                f"No studies yet in {short_path(self._tune.folder) or '.'}. space searches the settings that matter "
                "most; to choose them, go back with esc and type a range into a field of the settings, such as "
                "1e-4..1e-1 or relu|gelu|mish."
            )
        return "the first trial is about to start: PyTorch is being imported" if watch.is_alive else watch.reason

    def _show_charts(self) -> None:
        watch = self._tune.watch
        view = (
            None if watch is None else TuneView(watch, self._setting, self.trials.current, self._log, self._all_values)
        )
        for chart in self.query(TuneChart):
            chart.show(view)
        self.query_one(MeanPanel).show(watch)

    def _show_verdict(self) -> None:
        line, watch = self.query_one("#tune-verdict", HintLine), self._tune.watch
        if watch is None:
            line.show(Text())
            return
        style, head, rest = verdict(watch, explains=self.app.size.width >= WIDTH_OF_BOTH)
        if self.app.glyphs.ascii:
            head, rest = head.replace("±", "+-"), rest.replace("±", "+-")
        rest = "" if rest == self._said[0] else rest  # a note, which the line below shows in full
        glyph = {"error": self.app.glyphs.wrong, "warning": self.app.glyphs.warning, "good": self.app.glyphs.done}
        mark = f"{glyph[style]} " if style in glyph else ""
        strong = line.style_of(style) + line.style_of("strong").without_color
        line.show(Text.assemble((f"{mark}{head}", strong), ("  " if head else ""), (rest, line.style_of("text"))))

    def _show_hint(self, text: str = "", kind: str = "text") -> None:
        """Shows a sentence until the next key; without one, describes the trial under the cursor."""
        line, watch, trial = self.query_one("#tune-hint", HintLine), self._tune.watch, self.trials.current
        if text:
            self._said = text, kind
        text, kind = self._said
        if text:
            line.show(Text(text, line.style_of(kind)), whole=True)
        else:
            said = "" if watch is None or trial is None else described(watch, trial)
            line.show(Text(said, line.style_of("dim")))

    def say(self, text: str, kind: str = "text") -> None:
        """Shows a sentence until the next key."""
        self._show_hint(text, kind)

    def _answer(self, problem: str) -> None:
        """Shows what prevented an action, and the study as it is now."""
        if problem:
            self._show_hint(problem, "warning")
        self._show()

    def _show_keys(self) -> None:
        """Shows the keys that apply now."""
        watch, trial = self._tune.watch, self.trials.current
        alive = watch is not None and watch.is_alive
        start = "cross-validate" if self._tune.starts_folds else "start"
        label = start if watch is None or not alive else "resume" if watch.state == "paused" else "pause"
        works = {
            "stop": alive,
            "resume": watch is not None and watch.state in RESUMABLE,
            "open_trial": trial is not None and bool(trial.run),
            "judge": trial is not None and bool(trial.run),
            "discard": alive and trial is not None and not trial.has_ended,
            "take": trial is not None,
            "take_best": watch is not None and bool(watch.best),
            "save": trial is not None,
            "add_place": alive,
            "mark": trial is not None,
            "compare": len(self.trials.marked) >= 2,
            "studies": watch is not None,
            "setting(1)": len(self._settings) > 1,
        }
        labels = {"start_or_pause": label}
        kept = [item for item in ACTIONS if item.rank and works.get(item.name, True)]
        keys = [(item.shown_key, labels.get(item.name, item.label), item.rank) for item in kept]
        self.query_one("#tune-keys", KeysLine).show(keys, keys_of_focus(self))

    def on_mouse_down(self) -> None:
        self._pace.touch()

    def on_key(self) -> None:
        """Forgets the sentence: whoever presses a key has read it."""
        self._pace.touch()
        if self._said[0]:
            self._said = "", ""
            self._show_hint()

    @on(DescendantFocus)
    def _focus_moved(self) -> None:
        self._show_keys()

    # Layout.

    def on_resize(self, _: Resize) -> None:
        self._lay_out()
        self._show_verdict()

    def _lay_out(self) -> None:
        """Shows the panels that the screen has room for."""
        size = size_class(*self.app.size)
        classes = {f"-{size}"} | ({"-maximised"} if self._maximised else set())
        if self.classes != classes:
            self.set_classes(classes)
        if self._maximised:
            shown = {self._in_place(self._maximised)}
        elif size == "compact":
            shown = {"tune-trials", self._in_place(self._chart)}
        else:
            shown = {"tune-space", "tune-trials", *map(self._in_place, CHARTS)}
            if MEAN in shown and self.app.size.width < WIDTH_OF_BOTH:
                shown.remove(MEAN if self._chart == "tune-setting" else "tune-setting")
        for panel in self.query(Panel):
            panel.display = panel.id in shown
        space = self.query_one(TuneSpacePanel)
        room = self.app.size.height - 4 - LEAST_TRIALS_LINES
        space.styles.height = "1fr" if self._maximised else min(space.wanted_height, room)
        for box in ("tune-left", "tune-right", "tune-lower"):
            container = self.query_one(f"#{box}")
            container.display = any(panel.display for panel in container.query(Panel))

    def _in_place(self, panel: str) -> str:
        """The panel that stands in this one's place for the study that is watched."""
        watch = self._tune.watch
        return MEAN if panel == "tune-best" and watch is not None and not watch.is_contest else panel

    @property
    def _focused_panel(self) -> str:
        focused = self.focused
        return (focused.id or "") if isinstance(focused, Panel) else ""

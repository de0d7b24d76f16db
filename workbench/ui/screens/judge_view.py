"""What the Judge screen shows: pages of a matrix, curves, fits and samples. Its keys are in `judge.py`."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.events import Resize
from textual.screen import Screen

from workbench.errors import WorkbenchError
from workbench.processes.evaluation import SplitChoice
from workbench.processes.judging import Choice, JudgedSample, Judgement, Samples
from workbench.ui.controllers.judge import Chosen
from workbench.ui.keys.judge_actions import ACTIONS
from workbench.ui.live.judged_run import Key
from workbench.ui.live.judging import Judging, Known
from workbench.ui.live.looked_at import LookedAt
from workbench.ui.look.styled_app import StyledApp
from workbench.ui.panels.judge_bar import JudgeBar, JudgePages
from workbench.ui.panels.judge_confusion import ConfusionPanel
from workbench.ui.panels.judge_curves import (
    CalibrationPanel,
    CurveClassesPanel,
    JudgeChart,
    PrecisionRecallPanel,
    RocPanel,
    SurenessPanel,
)
from workbench.ui.panels.judge_doing import JudgeDoingPanel
from workbench.ui.panels.judge_fit import FitPanel, ResidualsPanel
from workbench.ui.panels.judge_samples import GalleryPanel, PicturePanel, SampleListPanel
from workbench.ui.panels.layout import size_class
from workbench.ui.panels.lines import HintLine, KeysLine
from workbench.ui.panels.panel import Panel
from workbench.ui.screens.judge_pages import CALIBRATION, CONFUSION, CURVES, FIT, PAGES, SAMPLES, Page
from workbench.wording import data_changed

TICK_SECONDS = 1.0
MOVE_RANK = 60
"""Of the arrows in the line of keys, see `Action.rank`."""
LIST_COLUMNS = 72
"""From this width of the screen on, the list of samples stands beside the one that is drawn."""


class JudgeBase(Screen[None]):
    """Asks for what is shown and not known yet."""

    app: StyledApp
    DEFAULT_CSS = """
    JudgeBase { background: $background; color: $foreground; layout: vertical; overflow: hidden; }
    JudgeBase #judge-body, JudgeBase #judge-body > * { height: 1fr; width: 1fr; }
    JudgeBase #judge-body Panel { height: 1fr; width: 1fr; }
    JudgeBase #judge-charts { height: 1fr; width: 1fr; layout: grid; grid-size: 2; }
    JudgeBase.-compact #judge-charts, JudgeBase.-one #judge-charts { grid-size: 1; }
    JudgeBase #judge-body #judge-classes { width: 38; }
    JudgeBase #judge-body #judge-gallery { width: 38%; }
    JudgeBase #judge-body #judge-residuals { width: 42%; }
    JudgeBase.-compact #judge-body #judge-residuals { width: 1fr; }
    JudgeBase #judge-body #judge-list { width: 40%; }
    """

    def __init__(self, chosen: Chosen, known_of: Callable[[Key], Known]) -> None:
        """known_of: what is known of a checkpoint on a split."""
        super().__init__(id="judge")
        self._run = run = chosen.run
        self._known_of = known_of
        self._device = chosen.device
        self._split: SplitChoice = run.splits[0]
        self._key = run.key(self._split)
        request = run.request(self._split, chosen.device)
        self._judging = Judging(request, known_of(self._key), self._changed, quietly=chosen.quietly)
        self._asked = time.monotonic()
        self._page = 0
        self._look = LookedAt()
        self._chart = 0
        """Of those that take turns on a small screen."""
        self._choices = self._look.kinds
        """Which samples can be stepped through: those kinds, and the cell that was opened last."""
        self._choice = self._sample = 0
        self._said: tuple[str, str] = ("", "")
        """The answer to the last key, and its style."""
        self._has_newer = False
        """Whether the run has another checkpoint by now."""

    def compose(self) -> ComposeResult:
        yield JudgeBar(id="judge-bar")
        yield JudgePages(id="judge-pages")
        with Container(id="judge-body"):
            yield JudgeDoingPanel(id="judge-doing")
            with Horizontal(id="page-confusion"):
                yield ConfusionPanel(id="judge-confusion")
                yield GalleryPanel(id="judge-gallery")
            with Horizontal(id="page-curves"):
                yield CurveClassesPanel(id="judge-classes")
                with Container(id="judge-charts"):
                    yield RocPanel(id="judge-roc")
                    yield PrecisionRecallPanel(id="judge-precision")
                    yield CalibrationPanel(id="judge-calibration")
                    yield SurenessPanel(id="judge-sureness")
            with Horizontal(id="page-fit"):
                yield FitPanel(id="judge-fit")
                yield ResidualsPanel(id="judge-residuals")
            with Horizontal(id="page-samples"):
                yield SampleListPanel(id="judge-list")
                yield PicturePanel(id="judge-picture")
        yield HintLine(id="judge-hint")
        yield KeysLine(id="judge-keys")

    def on_mount(self) -> None:
        self._changed()
        self._focus_page()
        self.set_interval(TICK_SECONDS, self._tick)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._show())
        self._work()

    @work(exclusive=True, group="judge")
    async def _work(self) -> None:
        """Asks the process; it is ended with the screen."""
        await self._judging.work()

    def _tick(self) -> None:
        if self._judging.progress is not None:
            self._show_doing()
        if self._run.is_alive and not self._has_newer and self._now() != self._key:
            self._has_newer = True
            self._show_hint()
            self._show_keys()

    def _now(self) -> Key:
        """The key of the checkpoint as it is now; the one that is shown, where there is none for a moment."""
        try:
            return self._run.key(self._split)
        except (WorkbenchError, OSError):
            return self._key

    # What there is to show.

    @property
    def judgement(self) -> Judgement | None:
        """The answer."""
        return self._judging.known.judgement

    @property
    def pages(self) -> tuple[Page, ...]:
        """Those of this kind of task."""
        return PAGES.get(self._run.prepared.task, (SAMPLES,))

    @property
    def page(self) -> Page:
        """The one that is up."""
        return self.pages[self._page]

    @property
    def _is_on_matrix(self) -> bool:
        return self.page is CONFUSION and self._look.has_matrix

    @property
    def is_compact(self) -> bool:
        """Whether the screen has room for one panel at a time."""
        return size_class(*self.app.size) == "compact"

    @property
    def choice(self) -> Choice:
        """The kind of samples that the page of samples shows."""
        return self._choices[self._choice]

    @property
    def samples(self) -> Samples | None:
        """Those of the page of samples; None where they have not come."""
        return self._judging.known.samples.get(self.choice)

    @property
    def sample(self) -> JudgedSample | None:
        """The one under the cursor."""
        found = self.samples
        return found.samples[self._sample] if found is not None and self._sample < len(found.samples) else None

    # Showing it.

    def _changed(self) -> None:
        """Shows what has become known."""
        if not self.is_attached:
            return
        if self.judgement is not self._look.judgement:
            self._start_over()
        self._ask()
        self._lay_out()
        self._show()

    def _start_over(self) -> None:
        """Puts the cursors where a new judgement is best looked at first, and says what is to be known of it."""
        found = self.judgement
        self._look = LookedAt(found, is_sorted=self._look.is_sorted)
        self._choices, self._choice, self._sample = self._look.kinds, 0, 0
        if found is not None and found.evaluation.data_changes:
            self.say(data_changed(found.evaluation.data_changes), "warning")
        elif found is not None and found.evaluation.notes:
            self.say("; ".join(found.evaluation.notes))

    def _ask(self) -> None:
        """Asks for the samples that are shown."""
        if self.judgement is None:
            return
        if self.page is SAMPLES:
            self._judging.want(self.choice)
        elif self._is_on_matrix and not self.is_compact:
            self._judging.want(self._look.cell)

    def _show(self) -> None:
        """Shows everything that is known."""
        found = self.judgement
        self.query_one(JudgeBar).show(self._run, found, self._split)
        self.query_one(JudgePages).show([page.title for page in self.pages], self._page)
        self._show_doing()
        if found is not None:
            self._show_pages(found)
        self._show_hint()
        self._show_keys()

    def _show_pages(self, found: Judgement) -> None:
        look, known = self._look, self._judging.known.samples
        self.query_one(ConfusionPanel).show(look.matrix if look.has_matrix else None, is_sorted=look.is_sorted)
        if look.has_matrix:
            self.query_one(GalleryPanel).show(
                look.title_of(look.cell), known.get(look.cell), "no samples" if look.cell in known else self._waiting
            )
        name = "" if look.curves is None else look.name_of(look.curves.number)
        named = [(look.name_of(each.number), each) for each in found.curves]
        self.query_one(CurveClassesPanel).show(named, look.place)
        for chart in self.query(JudgeChart):
            chart.show(found, look.place, name)
        for panel in (self.query_one(FitPanel), self.query_one(ResidualsPanel)):
            panel.show(found, look.target)
        self.query_one(SampleListPanel).show(
            look.title_of(self.choice),
            self.samples,
            self._sample,
            "there are none" if self.samples is not None else self._waiting,
            has_others=len(self._choices) > 1,
        )
        self.query_one(PicturePanel).show(self.sample)

    @property
    def _waiting(self) -> str:
        """What stands in the place of samples that have not come."""
        if self._judging.problem:
            return "space asks for them again"
        progress = self._judging.progress
        return f"{'looking' if progress is None else progress.doing} {self.app.glyphs.ellipsis}"

    def _show_doing(self) -> None:
        judging = self._judging
        seconds = int(time.monotonic() - self._asked)
        self.query_one(JudgeDoingPanel).show(judging.progress, seconds, judging.problem)

    def say(self, text: str, kind: str = "text") -> None:
        """Shows a sentence until the next key. kind: "text", "warning" or "error"."""
        self._said = text, kind
        self._show_hint()

    def _show_hint(self) -> None:
        line, (text, kind) = self.query_one(HintLine), self._said
        mark = ""
        if not text and self.judgement is not None and self._judging.problem:
            text, kind, mark = self._judging.problem, "error", f"{self.app.glyphs.wrong} "
        if not text and self._has_newer:
            text, kind = "the run has written another checkpoint since: space judges it", "accent"
        line.show(Text(f"{mark}{text or self._about()}", line.style_of(kind if text else "dim")), whole=bool(text))

    def _about(self) -> str:
        """What is under the cursor, in a sentence."""
        if self.judgement is None:
            return ""
        if self._is_on_matrix:
            return self._look.about_cell()
        if self.page is SAMPLES:
            return self._look.about_samples(self.choice)
        return self._look.about_curves() if self.page is CURVES else ""

    def _show_keys(self) -> None:
        """Shows the keys that apply now."""
        has_answer = self.judgement is not None
        works = {
            "page(0)": len(self.pages) > 1,
            "open": self._is_on_matrix,
            "sort": self._is_on_matrix,
            "next_split": len(self._run.splits) > 1,
            "again": self._has_newer or bool(self._judging.problem),
        }
        numbers = " ".join(str(place + 1) for place in range(len(self.pages)))
        kept = [item for item in ACTIONS if item.rank and works.get(item.name, True)]
        keys = [(numbers if item.name == "page(0)" else item.shown_key, item.label, item.rank) for item in kept]
        charts = self.is_compact and self.page in (CURVES, CALIBRATION, FIT)
        arrows = ("left right", "other charts", MOVE_RANK) if charts else ("arrows", "move", MOVE_RANK)
        self.query_one(KeysLine).show([*keys[:1], arrows, *keys[1:]] if has_answer else keys)

    def on_key(self) -> None:
        """Forgets the sentence: whoever presses a key has read it."""
        if self._said[0]:
            self._said = "", ""
            self._show_hint()

    # Layout.

    def on_resize(self, _: Resize) -> None:
        self._changed()  # other keys work on a screen of another size

    def _lay_out(self) -> None:
        """Shows the panels of the page, as many as the screen has room for."""
        page, has_answer, compact = self.page, self.judgement is not None, self.is_compact
        one = len(page.panels) == 2
        self.set_classes({f"-{size_class(*self.app.size)}"} | ({"-one"} if one else set()))
        self.query_one("#judge-doing").display = not has_answer
        for each in self.query("#judge-body > Horizontal"):
            each.display = has_answer and each.id == f"page-{page.id}"
        shown = set(page.panels)
        if page is SAMPLES:
            shown = set(page.panels if self.app.size.width >= LIST_COLUMNS else page.panels[1:])
        elif compact:
            shown = {page.panels[0 if page is CONFUSION else self._chart % len(page.panels)]}
        if page is CURVES and not compact:
            shown.add("judge-classes")
        for panel in self.query(Panel):
            if panel.id != "judge-doing":
                panel.display = panel.id in shown

    def _focus_page(self) -> None:
        """Gives the focus to the panel that the arrows act on."""
        first = "judge-classes" if self.page is CURVES and not self.is_compact else self.page.panels[0]
        shown = [panel for panel in self.query(Panel) if panel.display and panel.parent and panel.parent.display]
        chosen = next((panel for panel in shown if panel.id == first), next(iter(shown), None))
        if chosen is not None:
            chosen.focus()

"""The data of the settings being edited: what it holds, and its samples one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from workbench.pictures.facts import fact_lines
from workbench.pictures.gallery import caption
from workbench.pictures.kinds import sample_lines
from workbench.pictures.look import Look
from workbench.processes.data import DataSummary, Sample
from workbench.ui.dialogs.dialog import plain
from workbench.ui.dialogs.measuring import Measure, MeasuringDialog
from workbench.ui.look.pictures import look_of
from workbench.units import count

WIDE_COLUMNS = 110
"""From this width of the screen on, the facts and a sample stand side by side; else left and right turn pages."""
KEYS_COLUMNS = 72
"""From this width of the screen on, the border has room for all keys."""
FRAME_CELLS = 4
"""Border and padding of the box."""
GAP = 3
FACTS_FRACTION = 0.5
HEADING_LINES = 2
MOST_PICTURE_ROWS = 32


class DataDialog(MeasuringDialog[None]):
    """Left and right step through the samples, C shows those of one class alone."""

    title_text = "data"
    DEFAULT_CSS = """
    DataDialog > #box { width: 140; }
    DataDialog.-sentence > #box { height: auto; }
    DataDialog > #box > #below { height: auto; }
    DataDialog #facts-view { width: auto; }
    DataDialog #sample-view { width: 1fr; }
    DataDialog #sample-view.-beside { margin-left: 3; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "select(-1)", show=False),
        Binding("right", "select(1)", show=False),
        Binding("up,k", "scroll_lines(-1)", show=False),
        Binding("down,j", "scroll_lines(1)", show=False),
        Binding("pageup", "scroll_lines(-10)", show=False),
        Binding("pagedown", "scroll_lines(10)", show=False),
        Binding("home", "scroll_lines(-100000)", show=False),
        Binding("end", "scroll_lines(100000)", show=False),
        Binding("C", "next_class", "class", show=False),
        Binding("f5", "read_again", "read again", show=False),
        Binding("escape,D,q", "cancel", "close", show=False),
    ]

    def __init__(self, read: Measure, forget: Callable[[], None]) -> None:
        """read: reports a summary, at once where it is known; forget: makes it read the data again."""
        super().__init__(read)
        self._forget = forget
        self._summary: DataSummary | None = None
        self._page = 0
        """On a narrow screen 0 shows the facts; else the number of a sample among those shown, from 1."""
        self._only = ""
        """Whose samples are shown; empty for all."""

    def body(self) -> Iterable[Widget]:
        yield Horizontal(
            VerticalScroll(Static(id="facts"), id="facts-view", can_focus=False),
            VerticalScroll(Static(id="sample"), id="sample-view", can_focus=False),
            id="picture",
        )
        yield plain("", id="below")

    def take_message(self, message: Any) -> None:
        if isinstance(message, DataSummary):
            self._summary = message
            self._page = 1 if self._is_wide and message.samples else 0

    # What is shown.

    @property
    def _is_wide(self) -> bool:
        return self.app.size.width >= WIDE_COLUMNS

    @property
    def _shown(self) -> list[Sample]:
        samples = [] if self._summary is None else self._summary.samples
        return [sample for sample in samples if not self._only or sample.target == self._only]

    @property
    def _class_names(self) -> list[str]:
        """Those that samples are shown of, as they come."""
        if self._summary is None or not self._summary.classes:
            return []
        return sorted({sample.target for sample in self._summary.samples}, key=self._place_of_class)

    def _place_of_class(self, name: str) -> tuple[int, str]:
        assert self._summary is not None
        names = [each.name for each in self._summary.classes]
        return (names.index(name) if name in names else len(names)), name

    def show_picture(self) -> None:
        summary = self._summary
        facts, sample = self.query_one("#facts-view"), self.query_one("#sample-view")
        shows_sample = self._page > 0 and summary is not None
        facts.display = summary is not None and (self._is_wide or not shows_sample)
        sample.display = summary is not None and (self._is_wide or shows_sample)
        sample.set_class(self._is_wide, "-beside")
        self.query_one("#below").display = summary is None or bool(self.failure)
        is_only_a_sentence = summary is None and bool(self.failure)
        self.query_one("#picture").display = not is_only_a_sentence
        self.set_class(is_only_a_sentence, "-sentence")
        if summary is None:
            return
        box_cells = self.query_one("#box").outer_size.width or self.app.size.width
        width = box_cells - FRAME_CELLS
        facts_cells = int((width - GAP) * FACTS_FRACTION) if self._is_wide else width
        facts.styles.width = facts_cells
        look = look_of(self.app)
        self.query_one("#facts", Static).update(_joined(fact_lines(summary, facts_cells - 1, look)))
        sample_cells = width - facts_cells - GAP if self._is_wide else width
        self.query_one("#sample", Static).update(_joined(self._sample_lines(sample_cells - 1, look)))

    def _sample_lines(self, width: int, look: Look) -> list[Text]:
        shown = self._shown
        if not shown:
            return [Text("no samples", look.style_of("dim"))]
        sample = shown[min(max(self._page, 1), len(shown)) - 1]
        glyphs, dim = self.app.glyphs, look.style_of("dim")
        is_number = self._only.lstrip("-").replace(".", "", 1).isdigit()  # which would read as one more count
        only = f" of {'class ' * is_number}{self._only}" if self._only else ""
        place = f"{glyphs.left} {max(self._page, 1)} of {len(shown)}{only} {glyphs.right}"
        heading = Text.assemble(caption(sample, look), "  ", (f"{place}  sample {count(sample.number)} of train", dim))
        rows = min(self.query_one("#picture").size.height - HEADING_LINES, MOST_PICTURE_ROWS)
        return [look.cut(heading, width), Text(), *sample_lines(sample, width, max(rows, 4), look)]

    def found(self) -> list[Text]:
        return []

    def on_resize(self) -> None:
        """Draws again, once the parts of the dialog have their new sizes."""
        if self._is_wide and not self._page:
            self._page = 1
        self.renew_keys()
        self.call_after_refresh(self.show_picture)

    # What the user does.

    @property
    def can_take(self) -> bool:
        return False

    def shown_keys(self) -> list[tuple[str, str]]:
        if self._summary is None:
            return [("f5", "read again"), ("esc", "close")] if self.failure else [("esc", "close")]
        step = [("left right", "samples")] if self._summary.samples else []
        by_class = [("C", "class")] if len(self._class_names) > 1 else []
        scroll = [("up down", "scroll")] if self.app.size.width >= KEYS_COLUMNS else []
        return [*step, *by_class, *scroll, ("f5", "read again"), ("esc", "close")]

    def action_select(self, direction: int) -> None:
        """Shows the next sample, or the one before; on a narrow screen the facts come before the first."""
        first, last = (1 if self._is_wide else 0), len(self._shown)
        if self._summary is not None and last:
            self._page = first + (self._page - first + direction) % (last - first + 1)
            self._show_from_the_top()

    def action_next_class(self) -> None:
        """Shows the samples of the next class alone; after the last, of all."""
        choices = ["", *self._class_names]
        if len(choices) > 2:
            self._only = choices[(choices.index(self._only) + 1) % len(choices)]
            self._page = 1
            self._show_from_the_top()

    def action_scroll_lines(self, lines: int) -> None:
        """Scrolls whatever does not fit: the sample, or the facts."""
        views = [self.query_one(name, VerticalScroll) for name in ("#sample-view", "#facts-view")]
        for view in views:
            if view.display and view.max_scroll_y:
                view.scroll_relative(y=lines, animate=False)
                return

    def action_read_again(self) -> None:
        """Reads the data again, which may have changed."""
        if self.is_done:
            self.is_done, self.failure, self._summary, self._only = False, "", None, ""
            self._forget()
            self.show_all()
            self.start()

    def _show_from_the_top(self) -> None:
        self.query_one("#sample-view", VerticalScroll).scroll_home(animate=False)
        self.show_all()


def _joined(lines: list[Text]) -> Text:
    text = Text("\n", no_wrap=True).join(lines)
    text.no_wrap = True
    return text

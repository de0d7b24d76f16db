"""The samples of the Judge screen: a list of what was predicted, one of them drawn, and a gallery of a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual import events
from textual.message import Message

from workbench.pictures.gallery import gallery_lines
from workbench.pictures.kinds import sample_lines
from workbench.pictures.wrapping import wrapped
from workbench.printable import without_controls
from workbench.processes.evaluation import EvaluatedSample
from workbench.processes.judging import JudgedSample, Samples
from workbench.ui.look.pictures import look_of
from workbench.ui.panels.bars import flow
from workbench.ui.panels.judge_panel import JudgePanel
from workbench.ui.panels.panel import Panel
from workbench.ui.panels.scrolling import in_view
from workbench.units import count, decimals, probability

MOST_NAME_CELLS = 16
MOST_VALUES = 3
MOST_PICTURE_ROWS = 40
TITLES = ("loss", "true as predicted", "sure", "from")
SHORT_TITLES = ("loss", "as", "sure", "from")
GAP = 2
HEADING_LINES = 2
"""The border and the titles."""


class SampleListPanel(JudgePanel):
    """A line a sample: its loss, what it is, and what it was predicted as."""

    class Clicked(Message):
        """A sample was clicked."""

        def __init__(self, place: int) -> None:
            """place: from 0."""
            super().__init__()
            self.place = place

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = self._empty = ""
        self._samples: Samples | None = None
        self._place = 0
        self._has_others = False

    def show(self, title: str, samples: Samples | None, place: int, empty: str, *, has_others: bool) -> None:
        """title: which samples; place: of the cursor, from 0; empty: what is said without samples.

        has_others: whether left and right show other samples.
        """
        self._title, self._samples, self._place, self._empty = title, samples, place, empty
        self._has_others = has_others
        self.redraw()

    def heading(self) -> Text:
        dim, title = self.style_of("dim"), Text(self._title, self.style_of("strong"))
        if not self._has_others:
            return title
        return Text.assemble((f"{self.glyphs.left} ", dim), title, (f" {self.glyphs.right}", dim))

    def footing(self) -> Text:
        samples = self._samples
        if samples is None or not samples.samples:
            return Text()
        shown, total = len(samples.samples), samples.total
        of = f"{count(total)}" if total == shown else f"the first {shown} of {count(total)}"
        return Text(f"{self._place + 1} of {of}", self.style_of("dim"))

    def content(self, width: int, height: int) -> list[Text]:
        if self._samples is None or not self._samples.samples:
            return self.placeholder(self._empty, width)
        rows = [_columns(sample.said) for sample in self._samples.samples]
        head, *lines = _aligned(rows, width)
        shown = [Text(line, self.style_of("text")) for line in lines]
        here = shown[self._place]
        here.pad_right(max(width - here.cell_len, 0))
        here.stylize(self.style_of("cursor"))
        return [Text(head, self.style_of("dim")), *(shown[place] for place in self._in_view(height))]

    def _in_view(self, height: int) -> range:
        """The samples in view, below the titles."""
        return in_view(self._place, 0 if self._samples is None else len(self._samples.samples), height - 1)

    def on_click(self, event: events.Click) -> None:
        """Says which sample was clicked."""
        place = self._in_view(self.size.height - 2).start + event.y - HEADING_LINES
        if self._samples is not None and event.y >= HEADING_LINES and place < len(self._samples.samples):
            self.post_message(self.Clicked(place))


def _aligned(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The titles and the rows, in columns that are not empty.

    Where they would be too wide, the titles are shorter; then the last column is left out, which the picture says too.
    """
    for titles in (TITLES, SHORT_TITLES, SHORT_TITLES[:-1]):
        columns = [column for column in zip(titles, *rows, strict=False) if any(column[1:])]
        widths = [max(map(cell_len, column)) for column in columns]
        if sum(widths) + GAP * (len(widths) - 1) <= width:
            break
    return [
        (" " * GAP)
        .join(
            set_cell_size(said, cells) if place else f"{said:>{cells}}"
            for place, (said, cells) in enumerate(zip(row, widths, strict=True))
        )
        .rstrip()
        for row in zip(*columns, strict=True)
    ]


def _columns(said: EvaluatedSample) -> tuple[str, str, str, str]:
    """Loss, what was taken for what, the probability, and where it comes from; empty where there is none."""
    loss = "nan" if said.loss is None else decimals(said.loss)
    if said.true_values:
        return loss, f"{_values(said.true_values)} as {_values(said.predicted_values)}", "", said.origin
    right = said.true == said.predicted
    taken = _short(said.true) if right else f"{_short(said.true)} as {_short(said.predicted)}"
    return loss, taken, percent(said.probability), said.origin


def percent(value: float | None) -> str:
    """A probability as people read it; empty where there is none."""
    return "" if value is None else probability(value)


def _values(values: list[float]) -> str:
    more = ", ..." if len(values) > MOST_VALUES else ""
    return ", ".join(f"{value:.4g}" for value in values[:MOST_VALUES]) + more


def _short(name: str) -> str:
    name = without_controls(" ".join(name.split())) or repr(name)
    return name if cell_len(name) <= MOST_NAME_CELLS else f"{name[: MOST_NAME_CELLS - 1]}…"


class PicturePanel(Panel):
    """One sample: what was predicted of it, and what it looks like."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sample: JudgedSample | None = None

    def show(self, sample: JudgedSample | None) -> None:
        """Shows a sample instead of the one before."""
        self._sample = sample
        self.redraw()

    def heading(self) -> Text:
        if self._sample is None:
            return Text("sample", self.style_of("strong"))
        said = self._sample.said
        origin = f"  {without_controls(said.origin)}" if said.origin else ""
        return Text.assemble(
            (f"sample {count(said.number)} of {said.split}", self.style_of("strong")), (origin, self.style_of("dim"))
        )

    def content(self, width: int, height: int) -> list[Text]:
        if self._sample is None:
            return []
        said, look = self._sample.said, look_of(self.app)
        lines = [line for items in self._words(said) for line in flow(items, width)]
        lines.append(Text())
        rows = max(min(height - len(lines), MOST_PICTURE_ROWS), 4)
        if self._sample.picture is not None:
            return [*lines, *sample_lines(self._sample.picture, width, rows, look)]
        text = without_controls(" ".join(said.text.split()))
        return [*lines, *(Text(line, self.style_of("text")) for line in wrapped(text, width, rows, look.ellipsis))]

    def _words(self, said: EvaluatedSample) -> list[list[Text]]:
        """What is right and what was predicted: items that stand side by side where there is room."""
        dim, strong = self.style_of("dim"), self.style_of("strong")
        loss = Text(f"loss {'nan' if said.loss is None else decimals(said.loss)}", dim)
        if said.true_values:
            pairs = zip(said.true_values, said.predicted_values, strict=True)
            return [
                [
                    Text.assemble(("true ", dim), (f"{true:.6g}", strong)),
                    Text.assemble(("predicted ", dim), (f"{predicted:.6g}", strong)),
                    Text(f"{predicted - true:+.4g}", self.style_of("warning")),
                ]
                for true, predicted in pairs
            ] + [[loss]]
        style = self.style_of("good" if said.true == said.predicted else "warning")
        where = f" at token {count(said.place)}" if said.place is not None else ""
        true, predicted = percent(said.probability_of_true), percent(said.probability)
        return [
            [
                Text.assemble(("true ", dim), (_short(said.true), strong), (f" {true}{where}", dim)),
                Text.assemble(("predicted ", dim), (_short(said.predicted), style), (f" {predicted}", dim)),
                loss,
            ]
        ]


class GalleryPanel(JudgePanel):
    """The samples of the cell under the cursor, side by side."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._title = self._empty = ""
        self._samples: Samples | None = None

    def show(self, title: str, samples: Samples | None, empty: str) -> None:
        """title: which samples; empty: what is said without any."""
        self._title, self._samples, self._empty = title, samples, empty
        self.redraw()

    def heading(self) -> Text:
        return Text(self._title, self.style_of("strong"))

    def footing(self) -> Text:
        samples = self._samples
        shown = "" if samples is None or not samples.total else f"{count(samples.total)} samples"
        return Text("1 sample" if shown == "1 samples" else shown, self.style_of("dim"))

    def content(self, width: int, height: int) -> list[Text]:
        if self._samples is None or not self._samples.samples:
            return self.placeholder(self._empty, width)
        pictures = [
            replace(sample.picture, target=percent(sample.said.probability) or decimals(sample.said.loss or 0.0))
            for sample in self._samples.samples
            if sample.picture is not None
        ]
        return gallery_lines(pictures, width, look_of(self.app))[1:]

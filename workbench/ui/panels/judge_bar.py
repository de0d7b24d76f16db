"""The top lines of the Judge screen: which model on which data, how good it is, and the pages."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from workbench.metrics import in_reading_order, written
from workbench.processes.judging import Judgement
from workbench.ui.keys.key_names import pressed_by_click
from workbench.ui.live.judged_run import JudgedRun
from workbench.ui.panels.panel import LineWidget
from workbench.units import counted

GAP = 2
BY_WEIGHT = sorted(in_reading_order(), key=lambda each: not each.is_headline)
"""The metrics, the main ones first."""
SPLIT_NAMES = {"test": "test split", "validation": "validation split", "train": "training split"}


class JudgeBar(LineWidget):
    """One line; where it is short, the metrics are left out from the last on, then other parts."""

    DEFAULT_CSS = "JudgeBar { height: 1; background: $panel; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts: tuple[JudgedRun, Judgement | None, str] | None = None

    def show(self, run: JudgedRun, judgement: Judgement | None, split: str) -> None:
        """Shows the run and what was found."""
        self._parts = run, judgement, split
        self.redraw()

    def lines(self, width: int, height: int) -> list[Text]:
        if self._parts is None:
            return [Text()]
        run, judgement, split = self._parts
        badge = Style(reverse=True, bold=True) + self.style_of("accent")
        dim, text = self.style_of("dim"), self.style_of("text")
        name = Text(run.title, self.style_of("strong"))
        items = [Text(" workbench ", badge), name, Text("judge", self.style_of("accent"))]
        if judgement is None:
            items.append(Text(SPLIT_NAMES[split], dim))
        else:
            found = judgement.evaluation
            weights = f"{found.weights}, still training" if run.is_alive else found.weights
            items += [Text(weights, text), Text(f"{SPLIT_NAMES[split]}, {counted(found.samples, 'sample')}", dim)]
        metrics = [] if judgement is None else list(written(judgement.evaluation.metrics, BY_WEIGHT))
        values = [Text.assemble((f"{label} ", dim), (value, self.style_of("strong"))) for label, value in metrics]
        while _cells([*items, *values]) > width and len(values) > 1:
            values.pop()
        for place in (0, 1, 0):  # the badge, "judge", the name
            if _cells([*items, *values]) > width and len(items) > 2:
                items.pop(place)
        line = Text(" " * GAP).join([*items, *values])
        return [line if line.plain.startswith(" ") else Text.assemble(" ", line)]


def _cells(items: Sequence[Text]) -> int:
    return sum(item.cell_len + GAP for item in items) - GAP + 1


class JudgePages(LineWidget):
    """The pages by their keys; a click on one opens it."""

    DEFAULT_CSS = "JudgePages { height: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._titles: Sequence[str] = ()
        self._shown = 0

    def show(self, titles: Sequence[str], shown: int) -> None:
        """titles: of the pages; shown: the number of the one that is up, from 0."""
        self._titles, self._shown = titles, shown
        self.redraw()

    def lines(self, width: int, height: int) -> list[Text]:
        line = Text(" ")
        for place, title in enumerate(self._titles):
            key = str(place + 1)
            is_shown = place == self._shown
            style = Style(reverse=True) + self.style_of("accent") if is_shown else self.style_of("dim")
            line.append(f" {key} {title} ", style + pressed_by_click(key))
            line.append(" ")
        return [line]

"""All trials of a study together, where all of them count: means with their deviation, and pooled over folds."""

from __future__ import annotations

from rich.text import Text

from workbench.ui.live.study_folds import Overall, overall, samples_of
from workbench.ui.live.study_watch import StudyWatch
from workbench.ui.panels.panel import Panel
from workbench.units import count

GAP = 2
TITLES = {"mean": "mean", "deviation": "±", "between": "between folds", "pooled": "pooled"}


class MeanPanel(Panel):
    """A line a metric."""

    KEYS = (("m", "maximise"),)

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._watch: StudyWatch | None = None

    def show(self, watch: StudyWatch | None) -> None:
        """Shows a study; None: there is none."""
        self._watch = watch
        self.redraw()

    @property
    def _unit(self) -> str:
        return "folds" if self._watch is not None and self._watch.question.way == "folds" else "seeds"

    def heading(self) -> Text:
        return Text(f"all {self._unit} together", self.style_of("strong"))

    def footing(self) -> Text:
        watch = self._watch
        if watch is None:
            return Text()
        done = sum(trial.status == "completed" for trial in watch.view.trials.values())
        return Text(f"{count(done)} of {count(watch.total or done)} {self._unit}", self.style_of("dim"))

    def content(self, width: int, height: int) -> list[Text]:
        watch = self._watch
        rows = [] if watch is None else overall(watch)
        if watch is None or not any(row.mean is not None for row in rows):
            return self.placeholder(f"the mean over the {self._unit} appears here as they complete", width)
        lines = self._table(rows, width)
        for said in self._explained(watch, rows):
            lines += [Text(), *Text(said, self.style_of("dim")).wrap(self.app.console, width)]
        return lines

    def _table(self, rows: list[Overall], width: int) -> list[Text]:
        names = [name for name in TITLES if any(getattr(row, name) is not None for row in rows)]
        titles = dict(TITLES) if self._unit == "folds" else TITLES | {"between": "between seeds"}
        if self.glyphs.ascii:
            titles["deviation"] = "+-"
        cells = [["", *(titles[name] for name in names)]]
        for row in rows:
            values = [getattr(row, name) for name in names]
            written = ["-" if value is None else row.metric.number(value) for value in values]
            cells.append([f"{row.metric.label}{row.metric.unit}", *written])
        while len(names) > 1 and _width(cells) > width:  # the deviation between two is left out first
            gone = names.index("between") if "between" in names else len(names) - 1
            del names[gone]
            cells = [[*line[: gone + 1], *line[gone + 2 :]] for line in cells]
        return [self._line(line, _widths(cells), is_title=number == 0) for number, line in enumerate(cells)]

    def _line(self, cells: list[str], widths: list[int], *, is_title: bool) -> Text:
        line = Text(f"{cells[0]:<{widths[0]}}", self.style_of("dim"))
        for place, (cell, width) in enumerate(zip(cells[1:], widths[1:], strict=True)):
            style = "dim" if is_title else "train" if place == 0 else "text"
            line.append(f"{'':{GAP}}{cell:>{width}}", self.style_of(style))
        return line

    def _explained(self, watch: StudyWatch, rows: list[Overall]) -> list[str]:
        """What the columns are."""
        found = []
        if any(row.deviation is not None for row in rows):
            sign = "+-" if self.glyphs.ascii else "±"
            found.append(
                f"{sign} is the standard deviation of the mean, corrected for the training samples that folds share."
            )
        if any(row.pooled is not None for row in rows):
            samples = samples_of(watch)
            which = "all samples" if samples is None else f"{count(samples)} samples"
            found.append(f"pooled: {which}, each judged by the model that was trained without it.")
        return found


def _widths(cells: list[list[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*cells, strict=True)]


def _width(cells: list[list[str]]) -> int:
    widths = _widths(cells)
    return sum(widths) + GAP * (len(widths) - 1)

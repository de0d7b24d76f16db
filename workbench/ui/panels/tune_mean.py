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
        return "folds" if self._watch is not None and self._watch.is_folds else "seeds"

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
        names = self._fitting(rows, width)
        lines = self._table(rows, names)
        for said in self._explained(watch, names):
            lines += [Text(), *Text(said, self.style_of("dim")).wrap(self.app.console, width)]
        return lines

    def _fitting(self, rows: list[Overall], width: int) -> list[str]:
        """The columns that there is room for; the deviation between two trials is left out first."""
        names = [name for name in TITLES if any(getattr(row, name) is not None for row in rows)]
        while len(names) > 1 and sum(_widths(self._cells(rows, names))) + GAP * len(names) > width:
            names.remove("between" if "between" in names else names[-1])
        return names

    def _cells(self, rows: list[Overall], names: list[str]) -> list[list[str]]:
        titles = TITLES | {"between": f"between {self._unit}"} | ({"deviation": "+-"} if self.glyphs.ascii else {})
        found = [["", *(titles[name] for name in names)]]
        for row in rows:
            values = [getattr(row, name) for name in names]
            written = ["-" if value is None else row.metric.number(value) for value in values]
            found.append([f"{row.metric.label}{row.metric.unit}", *written])
        return found

    def _table(self, rows: list[Overall], names: list[str]) -> list[Text]:
        cells = self._cells(rows, names)
        return [self._line(line, _widths(cells), is_title=number == 0) for number, line in enumerate(cells)]

    def _line(self, cells: list[str], widths: list[int], *, is_title: bool) -> Text:
        line = Text(f"{cells[0]:<{widths[0]}}", self.style_of("dim"))
        for place, (cell, width) in enumerate(zip(cells[1:], widths[1:], strict=True)):
            style = "dim" if is_title else "train" if place == 0 else "text"
            line.append(f"{'':{GAP}}{cell:>{width}}", self.style_of(style))
        return line

    def _explained(self, watch: StudyWatch, names: list[str]) -> list[str]:
        """What the columns are."""
        found = []
        if "deviation" in names:
            sign = "+-" if self.glyphs.ascii else "±"
            found.append(
                f"{sign} is the standard deviation of the mean, corrected for the training samples that folds share."
            )
        if "pooled" in names:
            samples = samples_of(watch)
            which = "all samples" if samples is None else f"{count(samples)} samples"
            found.append(f"pooled: {which}, each judged by the model that was trained without it.")
        return found


def _widths(cells: list[list[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*cells, strict=True)]

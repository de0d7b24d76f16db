"""The quality of the model: metrics by class, the confusion matrix, and the test result at the end."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.binding import Binding, BindingType

from workbench.metrics import written_with_own
from workbench.printable import without_sequences
from workbench.runs.events import EpochEnd, TextGenerated
from workbench.runs.history import RunHistory
from workbench.ui.keys.copying import Copied
from workbench.ui.live.class_labels import short_names
from workbench.ui.live.confusion import Matrix, mistakes
from workbench.ui.panels.bars import flow
from workbench.ui.panels.confusion_lines import Plan, matrix_lines, plan_of
from workbench.ui.panels.scrolling import ScrollingPanel
from workbench.units import count

MOST_CONFUSED = 3
MOST_CLASSES = 30
"""With more classes the worst ones are listed."""
EXPECTED = {
    "classification": "precision, recall and F1 of each class",
    "regression": "errors and R²",
    "language_modeling": "perplexity, bits per byte and a sample of text",
}
"""What appears here, by the kind of task."""
LEAST_CELLS = 4
"""Of a cell of the matrix that has a number."""
GAP = 4
"""Between the table of classes and the matrix beside it."""
COLUMNS = (("f1", "F1", 8), ("recall", "recall", 8), ("precision", "precision", 9), ("support", "samples", 9))
"""Key, title and cells of each column of the table of classes; where it is narrow, the last ones are left out."""
SHOWN_ORDER = ("precision", "recall", "f1", "support")
MOST_NAME_CELLS = 20


class MetricsPanel(ScrollingPanel):
    """The latest validation, or the test result once there is one."""

    KEYS = (("enter", "judge the model"), *ScrollingPanel.KEYS)
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "screen.judge", show=False)]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._history: RunHistory | None = None
        self._drawn: tuple[tuple[object, ...], list[Text]] = ((), [])
        """The key of the lines last drawn, and these lines: a matrix of 100 classes has 10,000 cells to draw."""

    def show(self, history: RunHistory | None) -> None:
        """Shows a run's latest metrics."""
        self._history = history
        self.redraw()

    def heading(self) -> Text:
        text = Text.assemble(("metrics", self.style_of("strong")))
        view = None if self._history is None else self._history.view
        if view is not None and view.tested is not None:
            text.append(f"  test split, {view.tested.weights}", self.style_of("accent"))
        elif (validated := self._validated()) is not None:
            text.append(f"  validation, epoch {count(validated.epoch)}", self.style_of("validation"))
        return text

    def all_lines(self, width: int) -> list[Text]:
        metrics = self._metrics()
        if metrics is None:
            prepared = None if self._history is None else self._history.view.prepared
            what = EXPECTED.get(prepared.task if prepared is not None else "", EXPECTED["classification"])
            return self.placeholder(f"{what} appear here with each validation", width)
        # The metrics themselves are in the key: else others could get their place in memory, and be taken for them.
        drawn_from = (metrics, tuple(self._class_names(0)), self._generated(), width, self.app.theme)
        if self._drawn[0][1:] != drawn_from[1:] or self._drawn[0][0] is not metrics:
            self._drawn = (drawn_from, self._metrics_lines(metrics, width))
        return self._drawn[1]

    def _metrics_lines(self, metrics: dict[str, Any], width: int) -> list[Text]:
        lines = flow(self._headline(metrics), width)
        table, matrix = self._table(metrics, width), self._confusion(metrics)
        if not table:
            return [*lines, *self._written_text(width)]
        lines += [Text(), *self._most_confused(metrics, width)]
        if matrix is None:
            return [*lines, *table]
        widest = max(line.cell_len for line in table) + GAP
        plan, below = _plan(matrix, max(width - widest, 1)), _plan(matrix, width)
        if not plan.is_whole or (below.numbers and not plan.numbers):
            return [*lines, *table, Text(), *self._matrix(matrix, below, width)]
        drawn = self._matrix(matrix, plan, width - widest)
        if len(metrics["f1"]) <= MOST_CLASSES:  # then a class is on the same line in both
            table = [Text()] * (len(drawn) - len(table)) + table
        for index in range(max(len(table), len(drawn))):
            left = table[index].copy() if index < len(table) else Text()
            left.pad_right(widest - left.cell_len)
            lines.append(left + drawn[index] if index < len(drawn) else left)
        return lines

    def _metrics(self) -> dict[str, Any] | None:
        view = None if self._history is None else self._history.view
        if view is None:
            return None
        if view.tested is not None:
            return view.tested.metrics
        validated = self._validated()
        return None if validated is None else validated.validation

    def copyable(self) -> Copied | None:
        """The metrics as a table (TSV), and that of the classes where there are classes."""
        if (metrics := self._metrics()) is None:
            return None
        rows = [[name, f"{value!r}"] for name, value in metrics.items() if isinstance(value, (int, float))]
        if metrics.get("f1"):
            names = self._class_names(len(metrics["f1"]))
            rows += [[], ["class", *SHOWN_ORDER]]
            rows += [[name, *(f"{metrics[key][n]!r}" for key in SHOWN_ORDER)] for n, name in enumerate(names)]
        return Copied("the metrics", "\n".join("\t".join(row) for row in rows))

    def _validated(self) -> EpochEnd | None:
        """The latest epoch that was validated; else the best one, which the history always keeps."""
        if self._history is None:
            return None
        candidates = [*reversed(self._history.epochs), self._history.best]
        return next((epoch for epoch in candidates if epoch is not None and epoch.validation), None)

    def _generated(self) -> TextGenerated | None:
        return None if self._history is None else self._history.view.generated

    def _written_text(self, width: int) -> list[Text]:
        """What a language model wrote last, its prompt dim and empty lines left out, behind a line that says when."""
        generated = self._generated()
        if generated is None:
            return []
        dim = self.style_of("dim")
        text = Text(without_sequences(generated.prompt + generated.text), self.style_of("text"))
        text.stylize(dim, 0, len(without_sequences(generated.prompt)))
        heading = Text(f"what it writes after epoch {count(generated.epoch)}", dim)
        lines = text.wrap(self.app.console, max(width, 10))
        return [Text(), heading, *(line for line in lines if line.plain.strip())]

    def _headline(self, metrics: dict[str, Any]) -> list[Text]:
        return [
            Text.assemble((f"{label} ", self.style_of("dim")), (value, self.style_of("strong")))
            for label, value in written_with_own(metrics)
        ]

    def _class_names(self, classes: int) -> list[str]:
        """The names of the classes, or their numbers if the run has no names. classes: how many; 0 if unknown."""
        prepared = None if self._history is None else self._history.view.prepared
        names = short_names(prepared.classes) if prepared is not None else []
        return names if len(names) == classes or not classes else [str(number) for number in range(classes)]

    def _table(self, metrics: dict[str, Any], width: int) -> list[Text]:
        """A line for each class, or for those with the worst F1 of many; classes without samples come last."""
        f1 = metrics.get("f1")
        if not f1:
            return []
        names = self._class_names(len(f1))
        order = list(range(len(f1)))
        title = "class"
        if len(f1) > MOST_CLASSES:
            order = sorted(order, key=lambda index: (metrics["support"][index] == 0, f1[index]))[:MOST_CLASSES]
            title = f"worst {MOST_CLASSES} of {len(f1)}"
        widest = min(max([cell_len(names[index]) for index in order] + [len(title)]), MOST_NAME_CELLS)
        kept = list(COLUMNS)
        while len(kept) > 1 and widest + 2 + sum(cells for _, _, cells in kept) > width:
            kept.pop()
        columns = sorted(kept, key=lambda column: SHOWN_ORDER.index(column[0]))
        dim, text = self.style_of("dim"), self.style_of("text")
        titles = "".join(f"{title:>{cells}}" for _, title, cells in columns)
        lines = [Text(f"{title:<{widest}}  {titles}", dim)]
        for index in order:
            numbers = "".join(
                f"{metrics[key][index]:>{cells},}" if key == "support" else f"{100 * metrics[key][index]:>{cells}.1f}"
                for key, _, cells in columns
            )
            lines.append(Text(f"{self._fitted(names[index], widest)}  {numbers}", text))
        return lines

    def _fitted(self, name: str, cells: int) -> str:
        """A name in exactly `cells` cells, padded or shortened."""
        return set_cell_size(self.glyphs.cut(name, cells), cells)

    def _most_confused(self, metrics: dict[str, Any], width: int) -> list[Text]:
        matrix = self._confusion(metrics)
        if matrix is None:
            return []
        worst = mistakes(matrix)[:MOST_CONFUSED]
        if not worst:
            return [Text("nothing is confused", self.style_of("good")), Text()]
        names = matrix.names
        said = [
            Text(f"{names[true]} predicted as {names[taken]} ({times:,} time{'s' if times > 1 else ''})")
            for times, true, taken in worst
        ]
        label = Text("most confused: ", self.style_of("dim"))
        beside = label.cell_len + said[0].cell_len <= width
        said[:1] = [Text.assemble(label, said[0])] if beside else [label, said[0]]
        return [*flow(said, width), Text()]

    def _matrix(self, matrix: Matrix, plan: Plan, width: int) -> list[Text]:
        """The confusion matrix below what its rows and columns are; a sentence where it is too wide."""
        dim = self.style_of("dim")
        size = len(matrix.counts)
        if not plan.is_whole:
            return [Text(f"the confusion matrix takes {plan.left + size} columns: too wide for here", dim)]
        how = ["true class by row", "predicted by column", *([] if plan.numbers else ["darker: more"])]
        return [*flow([Text(part, dim) for part in how], width), *matrix_lines(matrix, plan, self)]

    def _confusion(self, metrics: dict[str, Any]) -> Matrix | None:
        """The confusion matrix; None where there is none."""
        confusion = metrics.get("confusion")
        return Matrix(confusion, self._class_names(len(confusion))) if confusion else None


def _plan(matrix: Matrix, width: int) -> Plan:
    """Cells with a blank on both sides of the longest number, where there is room."""
    digits = max(len(str(value)) for row in matrix.counts for value in row)
    return plan_of(matrix, width, most_cells=max(digits + 2, LEAST_CELLS))

"""How good the model is: by class, what it confuses, and the test result at the end."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from workbench.display import LABELS
from workbench.runs.history import RunHistory
from workbench.ui.panels.bars import flow
from workbench.ui.panels.scrolling import ScrollingPanel

MOST_CLASSES = 30
"""With more classes the worst ones are listed."""
HEADLINES = (("accuracy", "accuracy"), ("f1_macro", "F1"), ("precision_macro", "precision"), ("recall_macro", "recall"))
NUMBERS = ("loss", "rmse", "mae", "r2")
SHADES = (" ", "░", "▒", "▓")
ASCII_SHADES = (" ", ".", "o", "#")


class MetricsPanel(ScrollingPanel):
    """The latest validation, or the test result once there is one."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._history: RunHistory | None = None

    def show(self, history: RunHistory | None) -> None:
        """Shows a run's latest metrics."""
        self._history = history
        self.redraw()

    def heading(self) -> Text:
        text = Text.assemble(("metrics", self.style_of("strong")))
        view = None if self._history is None else self._history.view
        if view is not None and view.tested is not None:
            text.append(f"  test split, {view.tested.weights}", self.style_of("accent"))
        elif view is not None and view.epoch_end is not None and view.epoch_end.validation:
            text.append(f"  validation, epoch {view.epoch_end.epoch}", self.style_of("validation"))
        return text

    def all_lines(self, width: int) -> list[Text]:
        metrics = self._metrics()
        if metrics is None:
            return self.placeholder("precision, recall and F1 of each class appear here with each validation", width)
        lines = flow(self._headline(metrics), width)
        table = self._table(metrics)
        matrix = self._matrix(metrics, width)
        if not table:
            return lines
        lines += [Text(), *self._most_confused(metrics)]
        widest = max(line.cell_len for line in table)
        beside = max((line.cell_len for line in matrix), default=0)
        if matrix and widest + 4 + beside <= width:
            rows = max(len(table), len(matrix))
            for index in range(rows):
                left = table[index].copy() if index < len(table) else Text()
                left.pad_right(widest + 4 - left.cell_len)
                lines.append(left + matrix[index] if index < len(matrix) else left)
            return lines
        return [*lines, *table, Text(), *matrix]

    def _metrics(self) -> dict[str, Any] | None:
        view = None if self._history is None else self._history.view
        if view is None:
            return None
        if view.tested is not None:
            return view.tested.metrics
        return view.epoch_end.validation if view.epoch_end is not None else None

    def _headline(self, metrics: dict[str, Any]) -> list[Text]:
        values = [(label, f"{100 * metrics[key]:.2f} %") for key, label in HEADLINES if metrics.get(key) is not None]
        if metrics.get("roc_auc") is not None:
            values.append((LABELS["roc_auc"], f"{metrics['roc_auc']:.4f}"))
        values += [(LABELS.get(key, key), f"{metrics[key]:.4g}") for key in NUMBERS if metrics.get(key) is not None]
        return [
            Text.assemble((f"{label} ", self.style_of("dim")), (value, self.style_of("strong")))
            for label, value in values
        ]

    def _class_names(self, classes: int) -> list[str]:
        prepared = None if self._history is None else self._history.view.prepared
        names = list(prepared.classes) if prepared is not None else []
        return names if len(names) == classes else [str(number) for number in range(classes)]

    def _table(self, metrics: dict[str, Any]) -> list[Text]:
        """A line a class; of many classes those with the worst F1."""
        f1 = metrics.get("f1")
        if not f1:
            return []
        names = self._class_names(len(f1))
        order = list(range(len(f1)))
        title = "class"
        if len(f1) > MOST_CLASSES:
            order = sorted(order, key=lambda index: f1[index])[:MOST_CLASSES]
            title = f"worst {MOST_CLASSES} of {len(f1)}"
        widest = min(max([len(names[index]) for index in order] + [len(title)]), 20)
        dim, text = self.style_of("dim"), self.style_of("text")
        lines = [Text(f"{title:<{widest}}  precision  recall      F1  samples", dim)]
        for index in order:
            values = [100 * metrics[name][index] for name in ("precision", "recall", "f1")]
            name = names[index] if len(names[index]) <= widest else names[index][: widest - 1] + self.glyphs.ellipsis
            numbers = f"{values[0]:>9.1f}{values[1]:>8.1f}{values[2]:>8.1f}{metrics['support'][index]:>9,}"
            lines.append(Text.assemble((f"{name:<{widest}}  ", text), (numbers, text)))
        return lines

    def _most_confused(self, metrics: dict[str, Any]) -> list[Text]:
        confusion = metrics.get("confusion")
        if not confusion:
            return []
        pairs = [
            (times, true, taken)
            for true, row in enumerate(confusion)
            for taken, times in enumerate(row)
            if times and true != taken
        ]
        if not pairs:
            return [Text("nothing is confused", self.style_of("good")), Text()]
        names = self._class_names(len(confusion))
        said = [f"{names[true]} taken for {names[taken]} ({times})" for times, true, taken in sorted(pairs)[::-1][:3]]
        return [Text.assemble(("most confused: ", self.style_of("dim")), ", ".join(said)), Text()]

    def _matrix(self, metrics: dict[str, Any], width: int) -> list[Text]:
        """Rows are true classes, columns what they are taken for: numbers where they fit, else shades."""
        confusion = metrics.get("confusion")
        if not confusion:
            return []
        names = self._class_names(len(confusion))
        cell = max(len(str(value)) for row in confusion for value in row) + 1
        left = min(max(map(len, names)), 8)
        dim = self.style_of("dim")
        numbers = len(confusion) * cell + left + 1 <= width
        if not numbers and len(confusion) * 2 + left + 1 > width:
            return []
        lines = [Text("true class by row, taken for by column", dim)]
        if numbers:
            lines.append(Text(" " * left + "".join(f"{name[: cell - 1]:>{cell}}" for name in names), dim))
        for true, row in enumerate(confusion):
            line = Text(f"{names[true][:left]:<{left}}", dim)
            for taken, value in enumerate(row):
                line.append_text(self._cell(value, sum(row), cell if numbers else 0, true == taken))
            lines.append(line)
        return lines

    def _cell(self, value: int, of: int, width: int, right: bool) -> Text:
        style = self.style_of("good" if right and value else "warning" if value else "line")
        if width:
            return Text(f"{value if value else '.':>{width}}", style)
        shades = ASCII_SHADES if self.glyphs.ascii else SHADES
        shade = shades[min(int(4 * value / of), 3) or 1] if value and of else shades[0]
        return Text(shade * 2, style)

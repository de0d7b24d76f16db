"""What the Judge screen shows, as tables for a spreadsheet."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from workbench.processes.evaluation import Residuals
from workbench.processes.judging import ClassCurves, JudgedSample
from workbench.ui.live.confusion import Matrix

Table = list[list[object]]
"""Rows of cells, the titles first."""


def as_text(rows: Table) -> str:
    """The table with tabs between its cells; a cell without a value is empty."""
    return "\n".join("\t".join("" if value is None else str(value) for value in row) for row in rows)


def matrix_table(matrix: Matrix) -> Table:
    """The counts of a confusion matrix, in the order in which it is shown."""
    rows = zip(matrix.names, matrix.counts, strict=True)
    return [["true class", *matrix.names], *([name, *counts] for name, counts in rows)]


def curves_table(curves: Iterable[ClassCurves], name_of: Callable[[int], str]) -> Table:
    """The areas under the curves of each class. name_of: a class, by its number."""
    rows = ([name_of(each.number), each.samples, each.area, each.average_precision] for each in curves)
    return [["class", "samples", "AUC", "average precision"], *rows]


def residuals_table(residuals: Iterable[Residuals]) -> Table:
    """The numbers of each target."""
    rows: Iterable[list[object]] = (
        [each.target, each.rmse, each.mae, each.r2, each.mean, each.deviation] for each in residuals
    )
    return [["target", "RMSE", "MAE", "R²", "mean", "deviation"], *rows]


def samples_table(samples: Iterable[JudgedSample]) -> Table:
    """What was predicted of each sample."""
    rows: Iterable[list[object]] = (
        [
            said.split,
            said.number,
            said.loss,
            said.true or ", ".join(map(str, said.true_values)),
            said.predicted or ", ".join(map(str, said.predicted_values)),
            said.probability,
            said.origin,
        ]
        for said in (each.said for each in samples)
    )
    return [["split", "number", "loss", "true", "predicted", "probability", "from"], *rows]

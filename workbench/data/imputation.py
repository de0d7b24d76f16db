"""Missing values that are filled in: where a table has them, and what the training split says to fill in.

A missing value is NaN in the raw samples, in each of its columns. Nothing is learned from validation and test splits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from workbench.data.delimited import Rows
from workbench.data.encoding import Standardize
from workbench.data.filling import Filling
from workbench.data.missing import emptiest_columns
from workbench.data.samples import InMemory, Split
from workbench.data.standardize import Normalize, standardize
from workbench.errors import DataError

Gaps = Mapping[str, npt.NDArray[np.bool_]]
"""By column, which rows lack a value; without the columns that lack none."""


class Imputed(Standardize):
    """Fills in missing values, NaN, and standardises."""

    name: ClassVar[str] = "imputed"
    fill: Tensor

    def __init__(self, fill: Tensor, mean: Tensor, std: Tensor) -> None:
        """fill: the value of each column, (columns,), where it is missing; mean and std: see `Moments`."""
        super().__init__(mean, std)
        self.register_buffer("fill", fill)

    def forward(self, inputs: Tensor) -> Tensor:
        """Maps rows (n, columns) to float32 (n, columns)."""
        return super().forward(torch.where(inputs.isnan(), self.fill.to(inputs.dtype), inputs))

    def arguments(self) -> dict[str, Any]:
        return {"fill": self.fill, **super().arguments()}


def without_gaps(rows: Rows, names: Sequence[str], markers: Sequence[str]) -> tuple[Rows, Gaps]:
    """Returns rows in which a present value of the column stands in each gap, so that all can be read; and the gaps.

    markers: the exact texts that stand for a missing value. Raises DataError where a column has no other value.
    """
    texts = frozenset(markers)
    values = [list(row) for row in rows.values]
    gaps = {}
    for name in names:
        column = rows.column(name)
        lacks = np.array([value in texts for value in column])
        if lacks.all():
            raise DataError(f"{rows.file}: the column {name!r} has no value in any row; name it in data.ignore")
        if lacks.any():
            gaps[name] = lacks
            index, present = rows.header.index(name), column[int(np.argmin(lacks))]
            for row in np.flatnonzero(lacks):
                values[row][index] = present
    return replace(rows, values=values), gaps


def gaps_note(gaps: Gaps, filling: Filling) -> str:
    """What is filled in, in a sentence."""
    missing = Counter({name: int(lacks.sum()) for name, lacks in gaps.items()})
    return (
        f"{missing.total()} missing values are filled in ({emptiest_columns(missing)}): numbers with the {filling} of "
        "the training split, words with its most frequent one"
    )


def fit_imputed(
    train: Split, filling: Filling, names: Sequence[str], words: Sequence[slice], normalize: Normalize
) -> Imputed:
    """Learns from the training split, rows (n, columns) in float64, what to fill in and how to standardise.

    names: of the columns; words: the columns that are the zeros and ones of a column of words, for each of those.
    Raises DataError where a column is missing in all rows of the training split.
    """
    if not isinstance(train, InMemory):
        raise TypeError(f"the training split is not in memory but {type(train).__name__}")
    values = train.inputs.numpy()
    missing = np.isnan(values)
    if missing.all(0).any():
        name = names[int(np.argmax(missing.all(0)))]
        raise DataError(f"the column {name!r} has no value in any row of the training split; name it in data.ignore")
    fill = torch.from_numpy((np.nanmean if filling == "mean" else np.nanmedian)(values, axis=0))
    for columns in words:
        counts = np.nansum(values[:, columns], axis=0)
        fill[columns] = torch.nn.functional.one_hot(torch.tensor(int(counts.argmax())), len(counts)).to(fill.dtype)
    filled = torch.where(train.inputs.isnan(), fill, train.inputs)
    measured = standardize(InMemory(filled, train.targets), normalize)
    assert isinstance(measured, Standardize)
    return Imputed(fill, measured.mean, measured.std)

"""Reads the rows of tables with the columns and the classes of a model that is trained.

A file with few rows says less than the one that was trained on: which words a column may hold, which classes there are,
and whether whole numbers are classes. The model knows all of that.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import torch
from torch import Tensor

from workbench.data.column_names import check_names
from workbench.data.columns import Formats, numbers
from workbench.data.delimited import Rows, read_rows
from workbench.data.missing import without_missing
from workbench.data.number_format import Decimal, Thousands
from workbench.data.readers.table import TableReader
from workbench.data.samples import InMemory, Samples, Task, Texts
from workbench.data.text_rows import read_text_rows
from workbench.data.words import few
from workbench.errors import DataError
from workbench.prediction.matching import class_numbers
from workbench.settings.data import Csv
from workbench.settings.text_data import TextTable
from workbench.training.checkpointing.trained_model import TrainedModel


def read_table(data: Csv, reader: TableReader, trained: TrainedModel) -> Samples:
    """The rows of a CSV or TSV file, float64 (rows, columns). Raises DataError, with file, line and column."""
    rows = read_rows(Path(data.file), data.delimiter)
    check_names(rows, {"data.target": (data.target,)})
    reader.of(rows)  # says which columns the model needs
    names = [column.name for column in reader.columns]
    rows, left_out = without_missing(_filled(rows), names, data.target, data.missing, data.missing_values)
    inputs = reader.make(reader.of(rows))
    assert isinstance(inputs, Tensor)
    targets, task = _targets(rows, data.target, trained, data.decimal, data.thousands)
    return Samples(
        InMemory(inputs, targets),
        task,
        notes=(*rows.notes, *filter(None, [left_out])),
        columns=tuple(name for column in reader.columns for name in column.input_names),
        left_out=left_out,
        has_gaps=reader.keeps_gaps,
        origins={"train": rows.origin},
    )


def read_text_table(data: TextTable, trained: TrainedModel) -> Samples:
    """The rows of a table of texts. Raises as `read_table`."""
    rows = _filled(read_text_rows(Path(data.file), data.delimiter, data.encoding))
    check_names(rows, {"data.text": (data.text,), "data.target": (data.target,)})
    rows, left_out = without_missing(rows, [], data.target, data.missing, data.missing_values, ignorable=False)
    targets, task = _targets(rows, data.target, trained, "auto", "auto")
    return Samples(
        Texts(rows.column(data.text), targets),
        task,
        notes=(*rows.notes, *filter(None, [left_out])),
        left_out=left_out,
        origins={"train": rows.origin},
        fit_encoding=lambda train: trained.encoding,
    )


def _filled(rows: Rows) -> Rows:
    if not rows.values:
        raise DataError(f"{rows.file} has no rows below its header")
    return rows


def _targets(
    rows: Rows, name: str, trained: TrainedModel, decimal: Decimal, thousands: Thousands
) -> tuple[Tensor, Task]:
    """int64 classes of the model (rows,), or float64 numbers (rows, 1). Raises DataError."""
    outputs = int(trained.description["outputs"])
    if trained.task == "regression":
        formats = Formats(rows, [name], decimal, thousands)
        column = numbers(rows, name, formats.of(name) or formats.most_common(name))
        return torch.from_numpy(column).unsqueeze(1), Task("regression", 1, targets=(name,))
    values = rows.column(name)
    counts = Counter(values)
    known = class_numbers(list(counts), trained.classes)
    if unknown := [value for value, number in known.items() if number is None]:
        row = values.index(unknown[0])
        raise DataError(
            f"{rows.place(row, name)}: {values[row]!r} is not a class that the model knows ({few(trained.classes)}); "
            f"{sum(counts[value] for value in unknown)} of {len(values)} rows have such a class; correct or remove them"
        )
    numbered = torch.tensor([known[value] for value in values], dtype=torch.int64)
    return numbered, Task("classification", outputs, classes=trained.classes, targets=(name,))

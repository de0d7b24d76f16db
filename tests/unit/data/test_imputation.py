"""Missing values are filled in with what the training split says, and with nothing else."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from workbench.data.encodings import restored_encoding, saved_encoding
from workbench.data.finite import check_finite
from workbench.data.imputation import Imputed
from workbench.data.readers.kinds import restored_reader, saved_reader
from workbench.data.readers.source import Source
from workbench.data.samples import InMemory, Samples
from workbench.errors import DataError
from workbench.settings.data import Csv
from workbench.settings.preset import Preset
from workbench.training.prepared_data import prepare

TEXT = "size,city,y\n1,Rome,0\n,Paris,1\n3,,0\n8,Paris,1\n"


def read(folder: Path, text: str = TEXT, **settings: Any) -> Samples:
    file = folder / "data.csv"
    file.write_text(text)
    return Csv(file=str(file), target="y", **settings).build(lambda progress: None)


def fitted(samples: Samples, rows: list[int]) -> Imputed:
    """The encoding, learned from some of the rows."""
    assert samples.fit_encoding is not None
    encoding = samples.fit_encoding(samples.train.subset(torch.tensor(rows)))
    assert isinstance(encoding, Imputed)
    return encoding


def test_a_missing_value_is_nan_in_each_of_its_columns(tmp_path: Path) -> None:
    samples = read(tmp_path, missing="mean")
    assert samples.columns == ("size", "city=Paris", "city=Rome")
    assert isinstance(samples.train, InMemory)
    rows = [[None if math.isnan(value) else value for value in row] for row in samples.train.inputs.tolist()]
    assert rows == [[1, 0, 1], [None, 1, 0], [3, None, None], [8, 1, 0]]
    assert samples.notes[0] == (
        "2 missing values are filled in ('size' lacks 1, 'city' lacks 1): numbers with the mean of the training split, "
        "words with its most frequent one"
    )
    assert check_finite(samples).train is samples.train


@pytest.mark.parametrize(
    ("missing", "rows", "fill"),
    [
        ("mean", [0, 1, 2, 3], [4.0, 1, 0]),
        ("median", [0, 1, 2, 3], [3.0, 1, 0]),
        ("mean", [0, 1, 2], [2.0, 1, 0]),  # Paris and Rome once each: the first
        ("median", [0, 2, 3], [3.0, 1, 0]),
        ("median", [0, 2], [2.0, 0, 1]),
    ],
)
def test_what_is_filled_in_comes_from_the_training_split_alone(
    tmp_path: Path, missing: str, rows: list[int], fill: list[float]
) -> None:
    samples = read(tmp_path, missing=missing, normalize="none")
    encoding = fitted(samples, rows)
    assert encoding.fill.tolist() == fill
    made = encoding(samples.train.inputs)  # type: ignore[union-attr]
    assert made.tolist() == [[1, 0, 1], [fill[0], 1, 0], [3, *fill[1:]], [8, 1, 0]]
    assert made.dtype == torch.float32


def test_filled_numbers_are_standardised_with_what_was_filled_in(tmp_path: Path) -> None:
    samples = read(tmp_path, missing="mean")
    sizes = fitted(samples, [0, 1, 2, 3])(samples.train.inputs)[:, 0]  # type: ignore[union-attr]
    # 1, 4, 3, 8: mean 4, variance (9 + 0 + 1 + 16) / 4
    assert sizes.tolist() == pytest.approx([value / math.sqrt(6.5) for value in (-3, 0, -1, 4)])


def test_a_checkpoint_and_a_reader_give_the_same_for_new_rows(tmp_path: Path) -> None:
    samples = read(tmp_path, missing="median", normalize="none")
    encoding = restored_encoding(saved_encoding(fitted(samples, [0, 1, 2, 3])))
    assert samples.reader is not None
    reader = restored_reader(saved_reader(samples.reader))
    assert reader is not None
    new = tmp_path / "new.csv"
    new.write_text("city,size\n,NA\nRome,7\n")
    raw = reader.make([item for _, item in reader.items(Source(str(new)))])
    assert isinstance(raw, Tensor)
    assert encoding(raw).tolist() == [[3, 1, 0], [7, 0, 1]]


def test_without_a_way_to_fill_them_in_missing_values_stay_errors(tmp_path: Path) -> None:
    samples = read(tmp_path, "size,city,y\n1,Rome,0\n2,Paris,1\n3,Rome,0\n8,Paris,1\n")
    assert samples.reader is not None
    new = tmp_path / "new.csv"
    new.write_text("size,city\n,Rome\n")
    with pytest.raises(DataError, match="line 2, column 'size': the value is missing"):
        samples.reader.make([item for _, item in samples.reader.items(Source(str(new)))])
    with pytest.raises(DataError, match="2 missing values in 2 of 4 rows"):
        read(tmp_path)


def test_rows_without_a_target_are_left_out(tmp_path: Path) -> None:
    samples = read(tmp_path, TEXT + "5,Rome,\n", missing="mean")
    assert len(samples.train) == 4
    assert samples.left_out == "left out 1 of 5 rows with missing values ('y' lacks 1)"


def test_a_column_that_nothing_can_be_learned_from_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the column 'size' has no value in any row; name it in data.ignore"):
        read(tmp_path, "size,b,y\n,1,0\n,2,1\n,3,0\n,4,1\n", missing="mean")
    samples = read(tmp_path, missing="mean")
    with pytest.raises(DataError, match=r"'size' has no value in any row of the training split"):
        fitted(samples, [1])


def test_a_run_on_a_table_with_gaps_is_prepared(tmp_path: Path) -> None:
    lines = [f"{'' if row % 5 == 0 else row},{row * row},{row % 2}" for row in range(60)]
    file = tmp_path / "data.csv"
    file.write_text("a,b,y\n" + "\n".join(lines) + "\n")
    data = Csv(file=str(file), target="y", missing="mean", batch_size=8)
    prepared = prepare(Preset(data=data), lambda progress: None)
    assert isinstance(prepared.encoding, Imputed)
    assert bool(prepared.splits.train.inputs.isfinite().all())  # type: ignore[union-attr]
    assert any("12 missing values are filled in ('a' lacks 12)" in note for note in prepared.notes)
    present = [float(row) for row in range(60) if row % 5]
    assert min(present) < float(prepared.encoding.fill[0]) < max(present)


def test_tables_without_gaps_are_read_the_same_whatever_would_be_filled_in(tmp_path: Path) -> None:
    full = "size,city,y\n1,Rome,0\n2,Paris,1\n3,Rome,0\n8,Paris,1\n"
    make = partial(read, tmp_path, full)
    plain, filled = make(), make(missing="mean")
    assert torch.equal(plain.train[0][0], filled.train[0][0])
    assert not filled.has_gaps
    assert plain.notes == filled.notes

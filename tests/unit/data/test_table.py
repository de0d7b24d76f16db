from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from workbench.data.samples import InMemory, Samples
from workbench.data.table import table
from workbench.errors import DataError
from workbench.settings.data_choice import MISSING_VALUES

Read = Callable[..., Samples]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a text as a CSV file."""

    def read_text(text: str | bytes, target: str = "y", **settings: Any) -> Samples:
        file = tmp_path / "data.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        defaults = {
            "task": "auto",
            "numeric": (),
            "categorical": (),
            "ignore": (),
            "delimiter": "auto",
            "missing": "error",
            "missing_values": MISSING_VALUES,
        }
        return table(file, target, **(defaults | settings))

    return read_text


def inputs(samples: Samples) -> list[list[float]]:
    assert isinstance(samples.train, InMemory)
    assert samples.train.inputs.dtype == torch.float64
    return samples.train.inputs.tolist()


def targets(samples: Samples) -> list[Any]:
    assert samples.train.targets is not None
    return samples.train.targets.tolist()


def test_numbers_come_first_then_a_column_for_each_category_in_order(read: Read) -> None:
    samples = read("color,a,y\nred,1,0.5\nblue,2,1.5\n")
    assert inputs(samples) == [[1, 0, 1], [2, 1, 0]]
    assert samples.notes == ("column 'color' is read as 2 categories because line 2 holds 'red'",)


def test_the_categorical_setting_makes_categories_of_numbers(read: Read) -> None:
    samples = read("zip,y\n10,0.5\n20,1.5\n10,2.5\n", categorical=("zip",))
    assert inputs(samples) == [[1, 0], [0, 1], [1, 0]]
    assert samples.notes == ()


def test_ignored_columns_are_left_out_whatever_they_contain(read: Read) -> None:
    assert inputs(read("id,a,y\n,1,0.5\nx,2,1.5\n", ignore=("id",))) == [[1], [2]]


def test_names_with_underscores_are_not_numbers(read: Read) -> None:
    assert len(inputs(read("a,y\n1_000,0.5\n1_000,1.5\n"))[0]) == 1
    with pytest.raises(DataError, match="'1_000' is not a number"):
        read("a,y\n1_000,0.5\n", numeric=("a",))


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_inferred_from_the_header(read: Read, delimiter: str) -> None:
    text = "a,b,y\n1,2,0.5\n3,4,1.5\n".replace(",", delimiter)
    assert inputs(read(text)) == inputs(read(text, delimiter=delimiter)) == [[1, 2], [3, 4]]


def test_a_byte_order_mark_quotes_spaces_blank_lines_and_dos_line_ends_are_understood(read: Read) -> None:
    text = '\ufeff"a, or so", y\r\n 1 ,0.5\r\n\r\n"2", 1.5\r\n'
    assert inputs(read(text)) == [[1], [2]]


def test_a_column_without_a_name_is_left_out_and_reported(read: Read) -> None:
    samples = read(",a,y\n0,5,0.5\n1,6,1.5\n")
    assert inputs(samples) == [[5], [6]]
    assert samples.notes == ("left out 1 column without a name",)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", "b", "a", "b"], "classification"),
        (["1", "0", "1", "0"], "classification"),
        (["1.0", "2.0", "1", "2"], "classification"),
        (["1.5", "2", "1.5", "2"], "regression"),
        ([str(number) for number in range(21)] * 2, "regression"),
        ([str(number) for number in range(20)] * 2, "classification"),
    ],
)
def test_the_task_is_inferred_from_the_target(read: Read, values: list[str], kind: str) -> None:
    assert read("a,y\n" + "".join(f"1,{value}\n" for value in values)).task.kind == kind


def test_numeric_classes_are_sorted_by_value(read: Read) -> None:
    samples = read("a,y\n1,10\n1,9\n1,10\n1,9.0\n")
    assert samples.task.classes == ("9", "10")
    assert targets(samples) == [1, 0, 1, 0]


def test_classes_of_words_are_sorted_alphabetically(read: Read) -> None:
    samples = read("a,y\n1,no\n1,maybe\n1,no\n1,maybe\n")
    assert samples.task.classes == ("maybe", "no")
    assert targets(samples) == [1, 0, 1, 0]


def test_a_regression_keeps_the_name_of_its_column(read: Read) -> None:
    samples = read("a,price\n1,10\n2,20\n", target="price", task="regression")
    assert samples.task.targets == ("price",)
    assert targets(samples) == [[10], [20]]


def test_rows_with_missing_values_can_be_dropped_with_a_note(read: Read) -> None:
    samples = read("a,b,y\n1,NA,0.5\n2,3,1.5\n?,3,2.5\n4,5,\n6,7,4.5\n", missing="drop")
    assert inputs(samples) == [[2, 3], [6, 7]]
    assert samples.notes == ("left out 3 of 5 rows with missing values ('b' lacks 1, 'a' lacks 1, 'y' lacks 1)",)
    assert samples.left_out == samples.notes[0]


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("", {}, "is empty"),
        (" \n\n", {}, "is empty"),
        ("a,y\n", {}, "no rows below its header"),
        ("y\n1\n2\n", {}, "no input columns besides the target 'y'"),
        ("a,y\n1,2\n1,2,3\n", {}, r"line 3: 3 fields, but the header has 2 \(separated by ','"),
        ('a,y\n"x\nz",2\n1\n', {}, "line 4: 1 fields"),
        ('a,y\n1,"2\n3,4\n', {}, "line 2: unexpected end of data"),
        ("a,a,y\n1,2,3\n", {}, "more than one column is called 'a'"),
        ("a,y\n1,\n,2\n3,4\n", {}, "line 2, column 'y': the first of 2 missing values in 2 of 3 rows"),
        ("a,y\n1,\n", {"missing": "drop"}, r"left out 1 of 1 rows with missing values \('y' lacks 1\); no row is left"),
        ("a,y\n1,2\nx,3\n", {"numeric": ("a",)}, "line 3, column 'a': 'x' is not a number"),
        ("a,y\n1,2\ninf,3\n", {}, "line 3, column 'a': inf is not a finite number"),
        ("a,y\n1,2\n1e39,3\n", {}, "line 3, column 'a': 1e39 is not a finite number"),
        ("a,y\n1,2\n2,infinity\n", {}, "line 3, column 'y': infinity is not a finite number"),
        ("a,y\n1,x\n", {"task": "regression"}, "line 2, column 'y': 'x' is not a number"),
        ("a,y\n1,x\n2,x\n", {}, "column 'y': 'x' is the only class"),
        ("a,y\n1,x\n2,z\n3,x\n", {}, "line 3, column 'y': class 'z' has only this row; 1 of 2 classes"),
        (
            "price,y\n1,2\n",
            {"target": "prize"},
            "data.target: .* has no column 'prize', perhaps 'price'; it has 'price'",
        ),
        ("a,y\n1,2\n", {"target": "qqq"}, "no column 'qqq'; it has 'a', 'y'"),
        ("a,y\n1,2\n", {"ignore": ("zzz",)}, "data.ignore: "),
        ("a,y\n1,2\n", {"numeric": ("a",), "categorical": ("a",)}, "both in data.numeric and in data.categorical"),
        ("a,y\n1,2\n", {"ignore": ("y",)}, "both in data.target and in data.ignore"),
        (b"a,y\n1,2\n\xff,3\n", {}, "line 3: not UTF-8"),
    ],
)
def test_an_error_names_the_place_that_cannot_be_trained_on(
    read: Read, text: str | bytes, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read(text, **settings)


def test_an_identifier_is_not_categorical_unless_the_setting_says_so(read: Read) -> None:
    text = "id,y\n" + "".join(f"user{number},{number}.5\n" for number in range(51))
    with pytest.raises(DataError, match=r"line 2, column 'id': 'user0' is not a number.*data.ignore = \['id'\]"):
        read(text)
    assert len(inputs(read(text, categorical=("id",)))[0]) == 51


def test_a_missing_file_or_a_folder_in_its_place_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere.csv does not exist"):
        table(tmp_path / "nowhere.csv", "y", "auto", (), (), (), "auto", "error")
    with pytest.raises(DataError, match="is a folder"):
        table(tmp_path, "y", "auto", (), (), (), "auto", "error")


def test_a_pipe_a_device_and_a_too_long_name_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for file, message in {
        tmp_path / "pipe.csv": "cannot read .*: It is a FIFO, not a regular file",
        Path("/dev/zero"): "cannot read /dev/zero: It is a device, not a regular file",
        tmp_path / f"{'x' * 300}.csv": "cannot read .*: File name too long",
        tmp_path / "a\0b.csv": "cannot read .*: No file can have such a name",
    }.items():
        with pytest.raises(DataError, match=message):
            table(file, "y", "auto", (), (), (), "auto", "error")

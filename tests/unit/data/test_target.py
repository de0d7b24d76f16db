"""A table's target: classes or numbers, and the notes on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workbench.data.samples import Samples
from workbench.data.task_description import describe_task
from workbench.errors import DataError

Read = Callable[..., Samples]


def column(values: list[str], delimiter: str = ",") -> str:
    quoted = [f'"{value}"' for value in values]
    return f"a{delimiter}y\n" + "".join(f"{number}{delimiter}{value}\n" for number, value in enumerate(quoted))


def targets(samples: Samples) -> list[float]:
    assert samples.train.targets is not None
    return samples.train.targets.reshape(-1).tolist()


def test_classes_beyond_2_24_stay_distinct(read_csv: Read) -> None:
    names = [str(20000001 + number % 6) for number in range(18)]
    samples = read_csv(column(names))
    assert samples.task.classes == tuple(names[:6])
    assert targets(samples) == [0, 1, 2, 3, 4, 5] * 3


def test_classes_beyond_2_53_stay_distinct(read_csv: Read) -> None:
    samples = read_csv(column(["12345678901234567", "12345678901234568"] * 2))
    assert samples.task.classes == ("12345678901234567", "12345678901234568")


def test_targets_far_from_zero_stay_distinct(read_csv: Read) -> None:
    assert targets(read_csv(column(["1000000010.377", "1000000009.604"]))) == [1000000010.377, 1000000009.604]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["$1200", "$1300", "$1200", "$1300"], [1200, 1300, 1200, 1300]),
        (["7,5", "8,0", "7,5"], [7.5, 8, 7.5]),
        (["1,200", "3,400.5"], [1200, 3400.5]),
        (["12%", "7%"], [12, 7]),
    ],
)
def test_amounts_are_numbers_not_classes(read_csv: Read, values: list[str], expected: list[float]) -> None:
    samples = read_csv(column(values))
    assert samples.task.kind == "regression"
    assert targets(samples) == expected
    assert "column 'y' is read as numbers with" in " ".join(samples.notes)


def test_numbers_with_a_word_among_them_are_not_classes(read_csv: Read) -> None:
    values = [f"{number}.5" for number in range(9)] + ["n.a."]
    with pytest.raises(DataError, match=r"line 11, column 'y': 'n\.a\.' is not a number, but 9 of 10 .*data.task = "):
        read_csv(column(values))
    assert read_csv(column(values * 2), task="classification").task.outputs == 10


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["$1", "€2", "$3", "€4"], "line 2, column 'y': '\\$1' looks like an amount"),
        (["$1.2M", "$3.4M"] * 2, "'\\$1.2M' looks like an amount"),
        (["45%", "0.45"] * 2, "'45%' is not a number, but 2 of 4 values of the target are"),
        (
            [f"{number} kg" for number in range(30)],
            "'0 kg' looks like a number with its unit",
        ),
    ],
)
def test_amounts_that_cannot_be_parsed_are_not_classes(read_csv: Read, values: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_csv(column(values))


def test_few_whole_numbers_and_a_word_are_classes(read_csv: Read) -> None:
    assert read_csv(column(["0", "1", "2", "3+"] * 2)).task.classes == ("0", "1", "2", "3+")


def test_booleans_are_two_classes_in_any_case(read_csv: Read) -> None:
    samples = read_csv(column(["True", "true", "FALSE", "False"]))
    assert samples.task.classes == ("FALSE", "True")
    assert targets(samples) == [1, 1, 0, 0]
    assert samples.notes == (
        "column 'y': 'FALSE', 'False', 'True', 'true' are 2 classes; upper and lower case are the same",
    )


def test_classes_that_differ_only_in_case_are_reported(read_csv: Read) -> None:
    samples = read_csv(column(["cat", "Cat", "dog"] * 2))
    assert samples.task.classes == ("Cat", "cat", "dog")
    assert samples.notes == ("column 'y': classes 'Cat' and 'cat' differ only in case",)


def test_codes_with_leading_zeros_are_classes(read_csv: Read) -> None:
    assert read_csv(column(["007", "7", "07"] * 2)).task.classes == ("007", "07", "7")


def test_the_word_nan_is_a_class_like_any_other(read_csv: Read) -> None:
    samples = read_csv(column(["nan", "1"] * 3), task="classification", missing_values=[""])
    assert samples.task.classes == ("1", "nan")


def test_thousands_of_classes_are_not_guessed(read_csv: Read) -> None:
    values = [f"w{number}" for number in range(1001)] * 2
    with pytest.raises(DataError, match="1001 different values such as 'w0'"):
        read_csv(column(values))
    assert read_csv(column(values), task="classification").task.outputs == 1001


def test_a_guessed_task_names_the_setting_that_changes_it(read_csv: Read) -> None:
    few, many = ["3", "4", "5"] * 2, [str(number) for number in range(100)]
    as_numbers = 'set data.task = "regression" to predict them as numbers'
    assert read_csv(column(few)).task.doubt == as_numbers
    assert read_csv(column(["03", "04", "10"] * 2)).task.doubt == as_numbers
    assert read_csv(column(many)).task.doubt == (
        "'y' has 100 different whole numbers, and more than 20 are taken for numbers to predict: if they are classes, "
        'set data.task = "classification"'
    )
    assert read_csv(column(few), task="classification").task.doubt == ""
    assert read_csv(column(["a", "b"] * 2)).task.doubt == ""


@pytest.mark.parametrize(
    ("values", "learnt"),
    [
        (["3", "4", "5", "6", "7", "8"] * 2, "y: 6 classes (3, 4, … 8)"),
        (["no", "yes"] * 2, "y: 2 classes (no, yes)"),
        (["1.2", "9.9", "3"], "y: numbers from 1.2 to 9.9"),
        (["1000000010.377", "1000000009.5"], "y: numbers from 1000000009.5 to 1000000010.377"),
    ],
)
def test_the_task_is_described(read_csv: Read, values: list[str], learnt: str) -> None:
    assert describe_task(read_csv(column(values))) == learnt


def test_the_description_has_no_control_characters_and_no_long_names(read_csv: Read) -> None:
    learnt = describe_task(read_csv(column(["\x1b[31mred", "b" * 99] * 2)))
    assert learnt == f"y: 2 classes (\\x1b[31mred, {'b' * 31}…)"

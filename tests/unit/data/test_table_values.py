"""Columns of a table: number formats, codes, categories, and missing values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from workbench.data.samples import InMemory, Samples
from workbench.errors import DataError, PresetError

Read = Callable[..., Samples]


def inputs(samples: Samples) -> list[list[float]]:
    assert isinstance(samples.train, InMemory)
    assert samples.train.inputs.dtype == torch.float64
    return samples.train.inputs.tolist()


def rows(header: str, *lines: str, times: int = 1) -> str:
    return "\n".join([header, *lines * times]) + "\n"


def test_dates_and_seconds_keep_all_digits(read_csv: Read) -> None:
    samples = read_csv("day,at,y\n20230103,1700000001,0.5\n20230104,1700000002,1.5\n")
    assert inputs(samples) == [[20230103, 1700000001], [20230104, 1700000002]]


def test_numbers_with_thousands_separators_are_numbers_with_a_note(read_csv: Read) -> None:
    samples = read_csv('income,y\n"24,000",0.5\n"1,053,000",1.5\n')
    assert inputs(samples) == [[24000], [1053000]]
    assert samples.notes == (
        "column 'income' is read as numbers with ',' between thousands: '1,053,000' is 1053000; data.decimal and "
        "data.thousands change this",
    )
    # In a file whose fields are separated by commas, they are no decimal commas, unless others show it.
    assert inputs(read_csv('income,y\n"24,000",0.5\n"53,000",1.5\n')) == [[24000], [53000]]


def test_numbers_with_decimal_commas_are_numbers(read_csv: Read) -> None:
    samples = read_csv("acid;big;y\n4,1;1.000,5;7,5\n6,9;20;3\n")
    assert inputs(samples) == [[4.1, 1000.5], [6.9, 20]]
    assert samples.train.targets is not None
    assert samples.train.targets.tolist() == [[7.5], [3]]
    assert len(samples.notes) == 3
    assert "column 'acid' is read as numbers with decimal commas: '4,1' is 4.1" in samples.notes[0]


def test_other_columns_resolve_an_ambiguous_format(read_csv: Read) -> None:
    assert inputs(read_csv("a;b;y\n4,1;24,000;1,5\n6,9;53,500;2,5\n")) == [[4.1, 24], [6.9, 53.5]]


def test_a_decimal_point_in_another_column_makes_commas_thousands_separators(read_csv: Read) -> None:
    samples = read_csv('size,price,y\n"10,16","24,000",0.5\n"12,20","53,500",1.25\n')
    assert inputs(samples) == [[10.16, 24000], [12.2, 53500]]
    with pytest.raises(DataError, match="line 2, column 'price': '24,000' may be 24000 or 24"):
        read_csv("size;price;y\n10,16;24,000;0.5\n12,20;53,500;1.25\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a;y\n24,000;1\n53,500;2\n", "line 2, column 'a': '24,000' may be 24000 or 24; set data.decimal"),
        ("a;b;y\n4,1;24.000;1\n6,9;999;2\n", "line 2, column 'b': '24.000' may be 24 or 24000; set data.decimal"),
    ],
)
def test_ambiguous_numbers_need_a_setting(read_csv: Read, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_csv(text, task="regression")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"decimal": ","}, 24.0), ({"thousands": ","}, 24000.0), ({"thousands": "none"}, 24.0)],
)
def test_the_format_can_be_set(read_csv: Read, settings: dict[str, str], expected: float) -> None:
    samples = read_csv("a;y\n24,000;1\n53,500;2\n", task="regression", **settings)
    assert inputs(samples)[0] == [expected]


def test_currencies_and_percent_are_numbers_with_a_note(read_csv: Read) -> None:
    samples = read_csv('price,share,y\n"$1,200",12%,0.5\n"$3,400.50",7.5 %,1.5\n')
    assert inputs(samples) == [[1200, 12], [3400.5, 7.5]]
    assert "'$' beside them and ',' between thousands: '$3,400.50' is 3400.5" in samples.notes[0]
    assert "'%' beside them" in samples.notes[1]


def test_the_note_names_the_typing_error_among_numbers_with_commas(read_csv: Read) -> None:
    samples = read_csv("a;y\n1,5;1\n2,5;2\nx;3\n", task="regression")
    assert "column 'a' is read as 3 categories because line 4 holds 'x'" in samples.notes


def test_one_separator_cannot_be_both(read_csv: Read) -> None:
    with pytest.raises(PresetError, match="are both ','"):
        read_csv("a,y\n1,2\n", decimal=",", thousands=",")


def test_a_number_in_another_format_than_the_setting_is_a_word(read_csv: Read) -> None:
    samples = read_csv("a;y\n1.5;1\n2.5;2\n", task="regression", decimal=",")
    assert samples.notes == ("column 'a' is read as 2 categories because line 2 holds '1.5'",)


def test_few_of_many_columns_that_predict_by_chance_are_named(read_csv: Read) -> None:
    header = ",".join(f"c{number}" for number in range(9))
    lines = [",".join([f"{row}.5"] * 9 + ["ab"[row // 20]]) for row in range(40)]
    notes = read_csv(rows(f"{header},y", *lines)).notes
    assert len(notes) == 6
    assert notes[-1] == "the same is true of 4 other columns"


def test_few_codes_with_leading_zeros_are_categories(read_csv: Read) -> None:
    samples = read_csv(rows("zip,y", "01234,0.5", "1234,1.5", "20000,2.5", times=2))
    assert samples.columns == ("zip=01234", "zip=1234", "zip=20000")
    assert samples.notes == (
        "column 'zip' is read as 3 categories because '01234' with its leading zero is a code; data.numeric = ['zip'] "
        "makes it numeric",
    )
    assert inputs(read_csv("zip,y\n01234,0.5\n1234,1.5\n", numeric=["zip"])) == [[1234], [1234]]


def test_many_codes_with_leading_zeros_are_numbers_with_a_note(read_csv: Read) -> None:
    samples = read_csv(rows("zip,y", *(f"{number:05},{number}.5" for number in range(30))))
    assert samples.columns == ("zip",)
    assert "column 'zip' is read as numbers, but '00000' with its leading zero may be a code" in samples.notes[0]


def test_booleans_are_two_categories_in_any_case(read_csv: Read) -> None:
    samples = read_csv("a,y\nTrue,0.5\ntrue,1.5\nFALSE,2.5\n")
    assert samples.columns == ("a=FALSE", "a=True")


def test_a_table_of_only_categories_is_not_read_as_pixels(read_csv: Read) -> None:
    samples = read_csv(rows("a,y", "x,p", "z,q", times=2))
    assert inputs(samples) == [[1, 0], [0, 1], [1, 0], [0, 1]]


def test_a_column_with_the_name_of_a_category_column_is_kept(read_csv: Read) -> None:
    samples = read_csv(rows("a=x,a,y", "1.5,x,p", "2.5,z,q", times=2))
    assert samples.columns == ("a=x", "a=x", "a=z")
    assert inputs(samples)[:2] == [[1.5, 1, 0], [2.5, 0, 1]]


def test_pandas_row_numbers_are_left_out_unless_the_settings_name_them(read_csv: Read) -> None:
    text = rows("Unnamed: 0,a,y", "0,5,0.5", "1,6,1.5")
    samples = read_csv(text)
    assert samples.columns == ("a",)
    assert samples.notes == ("left out the column 'Unnamed: 0', which holds row numbers that pandas wrote",)
    assert read_csv(text, numeric=["Unnamed: 0"]).columns == ("Unnamed: 0", "a")
    twice = rows("Unnamed: 0.1,Unnamed: 0,Unnamed: 2,y", "0,0,7,0.5", "1,1,7,1.5")
    assert read_csv(twice).columns == ("Unnamed: 2",)


def test_row_numbers_and_a_leaking_column_are_reported(read_csv: Read) -> None:
    lines = [
        f"{number},{number % 7}.5,{number // 20 * 3.5 + number % 5 / 9},{'abc'[number // 20]}" for number in range(60)
    ]
    assert read_csv(rows("Id,a,tells,y", *lines)).notes == (
        "column 'Id' counts the rows and alone determines the class: leave it out with data.ignore, unless it is known "
        "when predicting",
        "column 'tells' alone determines the class: leave it out with data.ignore, unless it is known when predicting",
    )


def test_a_column_that_is_the_target_in_other_units_is_reported(read_csv: Read) -> None:
    lines = [f"{number * 1.8 + 32},{number % 7},{number}" for number in [3.5 * row for row in range(40)]]
    [note] = read_csv(rows("fahrenheit,a,y", *lines)).notes
    assert note.startswith("column 'fahrenheit' alone determines the target")


def test_whole_numbers_too_long_for_float64_are_reported(read_csv: Read) -> None:
    samples = read_csv("id,y\n12345678901234567,0.5\n12345678901234568,1.5\n3,2.5\n")
    assert samples.notes[0].startswith("column 'id' has 3 different values, of which only 2 stay distinct")
    [note] = read_csv("a,y\n1.5,12345678901234567\n2.5,12345678901234568\n3.5,3\n", task="regression").notes
    assert note.startswith("column 'y' has 3 different values, of which only 2 stay distinct")


MISSING = rows("el,y", "Na,a", "K,b", "None,a", "K,b")


def test_words_that_often_mean_a_missing_value_can_be_kept(read_csv: Read) -> None:
    """Na may be sodium."""
    assert read_csv(MISSING, missing_values=[""]).columns == ("el=K", "el=Na", "el=None")
    with pytest.raises(DataError, match=r"'Na' is the first of 2 .*data.missing_values = \[\"\"\] keeps it"):
        read_csv(MISSING)
    with pytest.raises(DataError, match="'None' is the first of 1 missing values in 1 of 4 rows"):
        read_csv(MISSING, missing_values=["", "None"])


def test_empty_fields_and_the_usual_words_are_missing_values_by_default(read_csv: Read) -> None:
    text = rows("a,y", *(f"{word},0.5" for word in ("", "NA", "n/a", "NaN", "null", "None", "?")), "1,2.5", "2,3.5")
    assert inputs(read_csv(text, missing="drop")) == [[1], [2]]


def test_a_note_says_that_a_class_called_none_is_dropped(read_csv: Read) -> None:
    text = rows("a,disorder", "1,None", "2,Apnea", "3,Insomnia", times=2)
    samples = read_csv(text, "disorder", missing="drop")
    assert samples.task.classes == ("Apnea", "Insomnia")
    assert samples.left_out == (
        "left out 2 of 6 rows with missing values ('disorder' lacks 2); 'None' occurs 2 times in the target: if it is "
        'an ordinary value, data.missing_values = [""] keeps it'
    )
    assert read_csv(text, "disorder", missing_values=[""]).task.classes == ("Apnea", "Insomnia", "None")


def test_a_class_without_a_complete_row_is_reported(read_csv: Read) -> None:
    text = rows("a,y", "1,x", "2,z", ",w", times=2)
    assert read_csv(text, missing="drop").left_out.endswith("this removes every row whose target is 'w'")


def test_the_columns_with_the_most_missing_values_are_named(read_csv: Read) -> None:
    text = rows("a,b,c,d,y", "1,,,,0.5", ",2,,,1.5", "1,,3,,2.5", "1,2,3,4,3.5")
    assert read_csv(text, missing="drop").left_out == (
        "left out 3 of 4 rows with missing values ('d' lacks 3, 'b' lacks 2, 'c' lacks 2 and 1 other columns)"
    )


@pytest.mark.parametrize("setting", [{"decimal": "x"}, {"thousands": "_"}, {"missing_values": 3}])
def test_settings_are_checked(read_csv: Read, setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        read_csv("a,y\n1,2\n", **setting)

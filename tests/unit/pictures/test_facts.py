"""What is said of a data set."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pictures.conftest import look_with
from tests.unit.pictures.made import FLOWERS, PRICES, TEXTS
from workbench.pictures.facts import fact_lines, length_words, number
from workbench.processes.data import ClassCount, DataSummary, Lengths, TensorShape


def said(summary: DataSummary, width: int = 72, *, ascii: bool = False) -> list[str]:
    return [line.plain.rstrip() for line in fact_lines(summary, width, look_with(ascii=ascii))]


def test_classes_have_a_row_each_with_counts_by_split() -> None:
    assert said(FLOWERS) == [
        "iris",
        "predicts    2 classes (rose, tulip)",
        "samples     1,500 · 1,200 train, 300 test",
        "each is     1 × 28 × 28 uint8",
        "model gets  1 × 28 × 28 float32, standardised",
        "",
        "class  train  test",
        f"rose   1,000   250  {'━' * 30}",
        f"tulip    200    50  {'━' * 6}",
        "",
        "· 12 rows with missing values were dropped",
    ]


def test_numbers_have_range_mean_and_quantiles() -> None:
    lines = said(PRICES)
    assert lines[6:8] == [
        "price  1 to 9.5000, mean 4.2500, deviation 2.5000",
        "       5 % 1.5000   25 % 2   median 4   75 % 6   95 % 9",
    ]


def test_texts_have_lengths_and_a_vocabulary() -> None:
    lines = said(TEXTS)
    assert "each is     text" in lines
    assert "model gets  128 int64, words, 20,000 tokens" in lines
    assert "lengths     3 to 3,000 tokens, median 61, 95 % have at most 120; 31 of" in lines
    assert "            1,200 cut at 128" in lines


def test_held_out_texts_that_are_cut_are_counted() -> None:
    assert TEXTS.lengths is not None
    lengths = replace(TEXTS.lengths, held_out=1300, held_out_cut=9, held_out_most=4000)
    assert length_words(lengths).endswith("at 128; held out: 9 of 1,300 cut at 128, the longest has 4,000")
    assert "held out" not in length_words(replace(lengths, held_out_cut=0))


def test_sounds_have_lengths_in_seconds() -> None:
    lengths = Lengths("seconds", 0.25, 0.5, 0.75, 1.5, 40)
    words = "0.25 to 1.5 seconds without the silence at their end, median 0.5, 95 % have at most 0.75"
    assert length_words(lengths) == words
    assert length_words(replace(lengths, least=1.5)) == "1.5 seconds each"


def test_of_many_classes_the_others_are_counted() -> None:
    assert "and 80 more classes, which have fewer samples" in said(replace(FLOWERS, more_classes=80))


def test_classes_that_are_not_counted_have_no_numbers_and_say_why() -> None:
    lines = said(replace(FLOWERS, classes=[ClassCount("rose", {}), ClassCount("tulip", {})]))
    assert lines[6:10] == ["class", "rose", "tulip", "not counted: only reading all samples would tell"]


def test_tensors_by_name_are_listed() -> None:
    shapes = [TensorShape("ids", [12], "int64"), TensorShape("length", [], "int64")]
    assert "each is     ids 12 int64, length int64" in said(replace(FLOWERS, raw=shapes))


@given(width=st.integers(40, 200))
@pytest.mark.parametrize("summary", [FLOWERS, PRICES, TEXTS], ids=["classes", "numbers", "texts"])
def test_lines_fit_and_are_ascii_where_the_terminal_is(summary: DataSummary, width: int) -> None:
    lines = fact_lines(replace(summary, notes=["a long note " * 20]), width, look_with(ascii=True))
    assert all(line.cell_len <= width and line.plain.isascii() for line in lines)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3.0, "3"),
        (1_000_000.0, "1,000,000"),
        (0.25, "0.2500"),
        (152.13348, "152.13"),
        (1e-7, "1e-07"),
        (-3.5, "-3.5000"),
    ],
)
def test_numbers_of_the_data_are_short(value: float, expected: str) -> None:
    assert number(value) == expected


def test_names_cannot_break_the_table() -> None:
    lines = said(
        replace(FLOWERS, classes=[ClassCount("a\nb\x1b[2J", {"train": 1}), ClassCount("c" * 80, {"train": 2})])
    )
    assert any(line.startswith("ab[2J ") for line in lines)
    assert any(line.startswith("c" * 27 + "… ") for line in lines)

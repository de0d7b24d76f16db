"""A few samples in a given room."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pictures.conftest import look_with
from tests.unit.pictures.made import FLOWERS, GREY, PRICES, ROW, SHORT, SPECTRUM, WAVE
from workbench.pictures.balance import balance_lines
from workbench.pictures.strip import strip_lines
from workbench.processes.data import ClassCount, DataSummary, Image, Row, Sample

KINDS = [
    Sample(0, "rose", image=GREY),
    Sample(0, "rose", row=ROW),
    Sample(0, "rose", text=SHORT),
    Sample(0, "rose", waveform=WAVE),
    Sample(0, "rose", waveform=WAVE, spectrogram=SPECTRUM),
]


def shown(samples: list[Sample], width: int, rows: int) -> list[str]:
    return [line.plain.rstrip() for line in strip_lines(samples, width, rows, look_with(ascii=True))]


def white(side: int) -> Image:
    return Image(1, side, side, [255] * side * side)


def test_pictures_stand_beside_each_other_under_their_classes() -> None:
    samples = [Sample(place, f"{place} - some", image=white(8)) for place in range(10)]
    assert shown(samples, 38, 5) == ["0         1         2         3", *["  ".join(["@" * 8] * 4)] * 4]


def test_there_are_as_many_strips_as_show_most() -> None:
    samples = [Sample(place, str(place), image=white(28)) for place in range(10)]
    lines = shown(samples, 46, 14)
    assert [line.split() for line in lines if "@" not in line] == [["0", "1", "2"], ["3", "4", "5"]]
    assert lines[1] == "  ".join(["@" * 12] * 3)


def test_strips_are_not_so_low_that_nothing_is_recognised() -> None:
    fine = replace(SPECTRUM, rows=64, columns=128, values=[0.5] * 64 * 128)
    spectra = [Sample(place, str(place), spectrogram=fine) for place in range(10)]
    lines = shown(spectra, 46, 9)
    assert [line.split() for line in lines if not line or line[0].isdigit()] == [["0", "1", "2"]]
    assert len(lines) == 1 + 7


def test_of_rows_each_sample_is_a_line_where_all_columns_have_room() -> None:
    assert shown([Sample(0, "rose", row=ROW), Sample(1, "tulip", row=ROW)], 40, 9) == [
        "       width  height",
        "rose     1.5     nan",
        "tulip    1.5     nan",
    ]


def test_of_many_columns_each_is_a_line_and_the_first_samples_have_room() -> None:
    wide = Row([f"column {place}" for place in range(9)], [float(place) for place in range(9)], [])
    lines = shown([Sample(place, "rose", row=wide) for place in range(9)], 40, 20)
    assert lines[0].split() == ["rose"] * 5
    assert lines[9].split() == ["column", "8", *["8"] * 5]
    assert len(lines) == 10, "the other samples are left out"


def test_texts_stand_one_below_the_other() -> None:
    assert shown([Sample(0, "rose", text=SHORT), Sample(1, "tulip", text=SHORT)], 40, 6) == [
        "rose", "to be or not", "", "tulip", "to be or not", "",
    ]  # fmt: skip


@given(st.sampled_from(KINDS), st.integers(1, 12), st.integers(4, 90), st.integers(0, 30))
def test_no_line_is_too_long_and_none_too_many(sample: Sample, count: int, width: int, rows: int) -> None:
    lines = strip_lines([sample] * count, width, rows, look_with(ascii=False))
    assert len(lines) <= rows
    assert all(line.cell_len <= width for line in lines)


def counted(*counts: int, more: int = 0) -> DataSummary:
    classes = [ClassCount(f"{place} - name", {"train": count}) for place, count in enumerate(counts)]
    return replace(FLOWERS, classes=classes, more_classes=more)


def balance(summary: DataSummary, width: int = 50, *, ascii: bool = False) -> list[str]:
    return [line.plain.rstrip() for line in balance_lines(summary, width, look_with(ascii=ascii))]


def test_of_many_classes_each_is_a_column_over_its_number() -> None:
    assert balance(counted(80, 40, 0, 80, 10)) == ["█ ▅   █ ▂  0 to 80 each", "0 1 2 3 4"]
    assert balance(counted(5, 5, 5, 5, 5))[0].endswith("  5 each")
    assert balance(counted(8, 8, 8, 8, 8, more=100))[0].endswith("8 each, 100 more classes")


def test_of_few_classes_each_has_a_bar() -> None:
    assert balance(FLOWERS, 25) == ["rose   1,000  ━━━━━━━━━━━", "tulip    200  ━━"]


def test_of_numbers_the_middle_half_is_thick_and_the_median_marked() -> None:
    name, line = balance(PRICES, 40)
    assert name == "price  mean 4.25"
    low, drawn, high = line.split()
    assert (low, high) == ("1", "9.5")
    room = len(drawn)
    assert drawn.index("╋") == int(3 / 8.5 * room)
    assert drawn.index("━") == int(1 / 8.5 * room)
    assert drawn.rindex("━") == int(5 / 8.5 * room)


@pytest.mark.parametrize("summary", [FLOWERS, PRICES, counted(1, 2, 3, 4, 5)])
def test_in_ascii_all_of_it_is_ascii(summary: DataSummary) -> None:
    assert "".join(balance(summary, ascii=True)).isascii()


def test_where_nothing_was_counted_there_is_nothing() -> None:
    assert balance(replace(FLOWERS, classes=[ClassCount("rose", {})], numbers=[])) == []

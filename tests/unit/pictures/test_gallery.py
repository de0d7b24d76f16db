"""Several samples beside and below each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pictures.conftest import look_with
from tests.unit.pictures.made import ROW, SHORT, SPECTRUM
from workbench.pictures.gallery import gallery_lines
from workbench.processes.data import Image, Row, Sample


def shown(samples: list[Sample], width: int = 80) -> list[str]:
    return [line.plain.rstrip() for line in gallery_lines(samples, width, look_with(ascii=True))]


def white(side: int) -> Image:
    return Image(1, side, side, [255] * side * side)


def test_images_stand_three_abreast_on_eighty_columns() -> None:
    lines = shown([Sample(place, f"digit {place}", image=white(28)) for place in range(4)])
    assert lines[1].split("  ")[0] == "digit 0"
    assert [lines[1].index(f"digit {place}") for place in range(3)] == [0, 27, 54]
    assert lines[2] == "  ".join(["@" * 25] * 3)
    assert lines[15] == "digit 3"
    assert lines[16] == "@" * 25


def test_a_long_name_of_a_class_is_cut_and_moves_nothing() -> None:
    lines = shown([Sample(0, "n" * 60, image=white(8)), Sample(1, "short", image=white(8))])
    assert lines[1].startswith("n" * 23 + "~")
    assert lines[1].endswith("short")


def test_rows_are_the_columns_of_a_table() -> None:
    assert shown([Sample(0, "rose", row=ROW), Sample(1, "tulip", row=ROW)]) == [
        "",
        "        rose  tulip",
        "width    1.5    1.5",
        "height   nan    nan",
    ]


def test_tables_that_are_too_wide_are_divided_evenly() -> None:
    lines = shown([Sample(place, f"class {place}", row=Row(["a"], [1.0], [], 9)) for place in range(6)], width=40)
    tables = [line.split("class ")[1:] for line in lines if "class" in line]
    assert [[int(name) for name in table] for table in tables] == [[0, 1, 2], [3, 4, 5]]
    assert lines[-1] == "and 9 more numbers of each"


def test_texts_and_sounds_stand_below_each_other() -> None:
    lines = shown([Sample(0, "calm", text=SHORT), Sample(1, "loud", spectrogram=SPECTRUM)])
    assert lines.index("calm") < lines.index("12 tokens:") < lines.index("loud")


@given(width=st.integers(20, 220), count=st.integers(1, 9))
@pytest.mark.parametrize("picture", [{"image": white(28)}, {"row": ROW}, {"text": SHORT}, {"spectrogram": SPECTRUM}])
def test_no_line_is_wider_than_the_terminal(picture: dict[str, object], width: int, count: int) -> None:
    samples = [Sample(place, "name" * place, **picture) for place in range(count)]  # type: ignore[arg-type]
    assert all(line.cell_len <= width for line in gallery_lines(samples, width, look_with()))

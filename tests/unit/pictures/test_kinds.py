"""What a sample of each kind looks like."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pictures.conftest import look_with
from tests.unit.pictures.made import COLOURED, GREY, ROW, SHORT, SPECTRUM, WAVE
from workbench.pictures.kinds import AXIS_CELLS, DRAWN, image_pixels, sample_lines, visible
from workbench.pictures.look import Look
from workbench.processes.data import Image, Row, Sample

PICTURES = {"image": GREY, "row": ROW, "text": SHORT, "waveform": WAVE, "spectrogram": SPECTRUM}
PLAIN = look_with(ascii=True)


def shown(sample: Sample, look: Look = PLAIN, width: int = 40, rows: int = 14) -> list[str]:
    return [line.plain.rstrip() for line in sample_lines(sample, width, rows, look)]


def test_every_kind_of_picture_is_drawn() -> None:
    assert set(DRAWN) == set(PICTURES) == {item.name for item in fields(Sample)} - {"number", "target"}


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("colours", [False, True])
@given(width=st.integers(12, 200), rows=st.integers(4, 60))
def test_no_line_is_wider_than_its_room(kind: str, ascii: bool, colours: bool, width: int, rows: int) -> None:
    sample = Sample(0, "a", **{kind: PICTURES[kind]})  # type: ignore[arg-type]
    lines = sample_lines(sample, width, rows, look_with(ascii=ascii, colours=colours))
    assert lines
    assert all(line.cell_len <= width for line in lines)
    assert not ascii or colours or all(line.plain.isascii() for line in lines)


def test_a_small_image_is_enlarged_and_its_pixels_stay_where_they_are() -> None:
    pixels = image_pixels(GREY, width=8, rows=4, look=PLAIN)
    black, white = (0, 0, 0), (255, 255, 255)
    assert list(pixels.rows) == [[black] * 4 + [white] * 4] * 4 + [[white] * 4 + [black] * 4] * 4
    assert shown(Sample(0, "a", image=GREY), width=8, rows=4) == ["    @@@@"] * 2 + ["@@@@"] * 2


def test_colours_are_those_of_the_channels() -> None:
    row = image_pixels(COLOURED, width=2, rows=1, look=PLAIN).rows[0]
    assert list(row) == [(255, 0, 0), (0, 255, 0)]


def test_numbers_that_are_no_pixels_are_said_below_the_image() -> None:
    lines = shown(Sample(0, "a", image=Image(1, 1, 1, [128], black=-1.25, white=3.0)))
    assert lines[-1] == "black -1.25, white 3"


def test_a_row_has_the_values_of_the_source_and_of_the_model() -> None:
    assert shown(Sample(0, "a", row=ROW)) == [
        "        value  model gets",
        "width     1.5        0.25",
        "height    nan          -2",
    ]
    assert shown(Sample(0, "a", row=Row(["[0]"], [3.0], [], more=1200))) == ["[0]  3", "and 1,200 more numbers"]


def test_a_text_is_followed_by_its_tokens_with_blanks_that_are_seen() -> None:
    assert shown(Sample(0, "a", text=SHORT)) == ["to be or", "not~", "", "12 tokens:", "to|_be|\\n"]
    assert shown(Sample(0, "a", text=SHORT), look_with())[-1] == "to│␣be│⏎"


def test_what_a_token_holds_cannot_steer_the_terminal() -> None:
    assert visible("a\x1b[31m\tb", look_with()) == "a[31m⇥b"


def test_a_waveform_is_loud_where_it_is_loud() -> None:
    *picture, said = shown(Sample(0, "a", waveform=WAVE), look_with())
    assert said.strip() == "0.50 s at 16,000 Hz"
    start = AXIS_CELLS
    assert [
        sum(line[start + place : start + place + 1] not in ("", " ") for line in picture) for place in range(4)
    ] == [*(4, 2, 1, 1)]


def test_a_spectrogram_has_high_frequencies_above_and_time_to_the_right() -> None:
    above, below, axis = shown(Sample(0, "a", spectrogram=SPECTRUM), rows=3)
    assert above == "   8 kHz   @@"
    assert below == "   20 Hz @@"
    assert axis.split() == ["0", "s", "2.00", "s"]

"""Half blocks: which pixels are in a cell, how they look without colours, and how images are resized."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color
from rich.style import Style

from tests.unit.pictures.conftest import look_with
from workbench.pictures.blocks import Pixels, drawn, fitting, resized
from workbench.pictures.colours import ANCHORS, colour_of
from workbench.pictures.look import Look

RED, BLUE, BLACK, WHITE = (255, 0, 0), (0, 0, 255), (0, 0, 0), (255, 255, 255)


def test_a_cell_has_the_upper_pixel_in_front_of_the_lower_one() -> None:
    [line] = drawn(Pixels([[RED, RED, WHITE], [BLUE, BLUE, BLACK]]), look_with(colours=True))
    assert line.plain == "▀▀▀"
    assert [(span.start, span.end, span.style) for span in line.spans] == [
        (0, 2, Style(color=Color.from_rgb(*RED), bgcolor=Color.from_rgb(*BLUE))),
        (2, 3, Style(color=Color.from_rgb(*WHITE), bgcolor=Color.from_rgb(*BLACK))),
    ]


def test_below_the_last_row_of_an_odd_number_is_the_background() -> None:
    lines = drawn(Pixels([[RED], [BLUE], [WHITE]]), look_with(colours=True))
    assert len(lines) == 2
    [span] = lines[1].spans
    assert span.style == Style(color=Color.from_rgb(*WHITE))


def test_without_colours_a_character_says_how_bright_both_pixels_are(look: Look) -> None:
    grey = (140, 140, 140)
    [line] = drawn(Pixels([[BLACK, WHITE, WHITE, grey], [BLACK, WHITE, BLACK, grey]]), look)
    assert line.plain == " @=+"
    assert not line.spans


def test_green_looks_brighter_than_blue(look: Look) -> None:
    [line] = drawn(Pixels([[(0, 255, 0), BLUE]]), look)
    green, blue = list(line.plain)
    assert "@%#*+=-:. ".index(green) < "@%#*+=-:. ".index(blue)


@pytest.mark.parametrize(
    ("size", "room", "factor", "expected"),
    [
        ((28, 28), (28, 14), 4, (28, 28)),
        ((28, 28), (25, 14), 4, (25, 24)),  # too narrow; whole cells
        ((28, 28), (80, 10), 4, (20, 20)),  # too low: two pixels a row
        ((8, 8), (25, 14), 8, (24, 24)),
        ((8, 8), (25, 14), 2, (16, 16)),
        ((64, 16), (32, 40), 4, (32, 8)),
        ((1000, 1), (10, 10), 4, (10, 1)),  # never without a pixel
    ],
)
def test_an_image_keeps_its_proportions_in_the_room_there_is(
    size: tuple[int, int], room: tuple[int, int], factor: int, expected: tuple[int, int]
) -> None:
    assert fitting(*size, *room, factor) == expected


def test_a_smaller_plane_has_the_means_of_what_it_covers() -> None:
    assert resized([[0.0, 2.0, 4.0, 6.0], [8.0, 10.0, 12.0, 14.0]], 2, 1) == [[5.0, 9.0]]
    [[left, right]] = resized([[0.0, 3.0, 6.0]], 2, 1)  # the middle one half to each side
    assert (left, right) == pytest.approx((1.0, 5.0))


def test_a_larger_plane_repeats_its_numbers() -> None:
    assert resized([[1.0, 2.0]], 4, 2) == [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]


@given(
    st.integers(1, 9).flatmap(
        lambda width: st.lists(st.lists(st.floats(0, 255), min_size=width, max_size=width), min_size=1, max_size=9)
    ),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_resizing_keeps_the_range_and_the_mean(plane: list[list[float]], width: int, height: int) -> None:
    found = resized(plane, width, height)
    assert [len(row) for row in found] == [width] * height
    values, before = [value for row in found for value in row], [value for row in plane for value in row]
    assert min(before) - 1e-6 <= min(values) <= max(values) <= max(before) + 1e-6
    assert sum(values) / len(values) == pytest.approx(sum(before) / len(before), abs=1e-6)


def test_the_colours_begin_dark_and_end_bright() -> None:
    assert colour_of(-1.0) == colour_of(0.0) == ANCHORS[0]
    assert colour_of(0.5) == ANCHORS[2]
    assert colour_of(1.0) == colour_of(7.0) == ANCHORS[-1]
    brightness = [sum(colour_of(step / 20)) for step in range(21)]
    assert brightness == sorted(brightness)

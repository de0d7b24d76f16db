"""Lines in dots: unbroken, no thicker than a dot, and nothing outside the canvas."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from workbench.ui.look.raster import FIRST_BRAILLE, Raster

COLUMNS, ROWS = 10, 5


def dots(raster: Raster) -> set[tuple[int, int]]:
    """(column, row) of each dot of braille, from the upper left."""
    left, right = {0x01: 0, 0x02: 1, 0x04: 2, 0x40: 3}, {0x08: 0, 0x10: 1, 0x20: 2, 0x80: 3}
    bits = {bit: (side, row) for side, rows in enumerate((left, right)) for bit, row in rows.items()}
    return {
        (2 * column + x, 4 * row + y)
        for row, masks in enumerate(raster.masks)
        for column, mask in enumerate(masks)
        for bit, (x, y) in bits.items()
        if mask & bit
    }


def drawn(*lines: tuple[float, float, float, float]) -> set[tuple[int, int]]:
    raster = Raster(COLUMNS, ROWS)
    for line in lines:
        raster.line(*line)
    return dots(raster)


def test_a_cell_of_braille_has_its_dots_where_unicode_has_them() -> None:
    raster = Raster(1, 1)
    raster.vertical(0.25, 0.0, 0.99)
    raster.vertical(0.75, 0.3, 0.3)
    assert chr(FIRST_BRAILLE + raster.masks[0][0]) == "⡧", "the left column, and the third dot of the right one"


def test_a_level_line_is_one_dot_high_and_a_diagonal_one_dot_a_column() -> None:
    assert drawn((0.0, 0.5, 1.0, 0.5)) == {(column, 10) for column in range(20)}
    assert drawn((0.0, 1.0, 1.0, 0.0)) == {(column, column) for column in range(20)}


def test_a_steep_line_is_one_dot_wide() -> None:
    found = drawn((0.4, 0.0, 0.6, 1.0))
    assert sorted(row for _, row in found) == list(range(20)), "each row once"
    assert {column for column, _ in found} == {8, 9, 10, 11}


places = st.floats(-3.0, 4.0)


@given(places, places, places, places)
def test_no_line_is_broken_and_none_depends_on_its_direction(x: float, y: float, end_x: float, end_y: float) -> None:
    there, back = drawn((x, y, end_x, end_y)), drawn((end_x, end_y, x, y))
    if x != end_x:
        assert there == back
    columns: dict[int, list[int]] = {}
    for column, row in sorted(there):
        columns.setdefault(column, []).append(row)
    for rows in columns.values():
        assert rows == list(range(rows[0], rows[-1] + 1))
    for (left, rows), (right, beside) in pairwise(columns.items()):
        assert right == left + 1
        assert beside[0] - rows[-1] <= 1
        assert rows[0] - beside[-1] <= 1


def test_a_line_from_far_outside_crosses_the_canvas_where_it_should() -> None:
    near = drawn((0.0, 0.5, 1.0, 0.75))
    assert drawn((-4.0, -0.5, 5.0, 1.75)) == near
    assert drawn((1.5, 0.0, 9.0, 1.0)) == drawn((-2.0, 0.0, -1.0, 1.0)) == set()
    assert drawn((0.0, 1.1, 1.0, 1e5)) == set()


def test_plain_ascii_has_a_dot_a_cell() -> None:
    raster = Raster(4, 4, ascii=True)
    raster.line(0.0, 0.99, 1.0, 0.0)
    assert [list(masks) for masks in raster.masks] == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def test_a_band_fills_all_between_two_ranges_and_nothing_else() -> None:
    raster = Raster(COLUMNS, ROWS)
    raster.band((0.0, 0.0, 0.99), (1.0, 0.5, 0.5))
    found = dots(raster)
    for column in range(20):
        at = (column + 0.5) / 20
        top, foot = int((1 - (0.99 - 0.49 * at)) * 20), int((1 - 0.5 * at) * 20)
        assert sorted(row for x, row in found if x == column) == list(range(top, min(foot, 19) + 1))
    outside = Raster(COLUMNS, ROWS)
    outside.band((-2.0, 0.0, 1.0), (-1.0, 0.0, 1.0))
    outside.band((0.5, 0.0, 1.0), (0.5, 0.0, 1.0))
    assert not dots(outside)

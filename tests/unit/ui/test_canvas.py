"""What a cell shows where curves meet."""

from __future__ import annotations

from workbench.ui.look.canvas import SHOW_THROUGH_CELLS, Canvas, Stroke
from workbench.ui.look.raster import FIRST_BRAILLE


def laid(*lines: tuple[Stroke, tuple[float, float, float, float]], ascii: bool = False) -> Canvas:
    canvas = Canvas(20, 4, ascii=ascii)
    for stroke, line in lines:
        raster = canvas.raster()
        raster.line(*line)
        canvas.add(raster, stroke)
    return canvas


def alone(line: tuple[float, float, float, float]) -> dict[tuple[int, int], int]:
    """The mask of each cell that a line goes through."""
    cells = laid((Stroke("", "*"), line)).cells()
    return {
        (row, column): ord(character) - FIRST_BRAILLE
        for row, line_of in enumerate(cells)
        for column, (character, _) in enumerate(line_of)
        if character != " "
    }


FALLING, RISING, LEVEL = (0.0, 0.95, 1.0, 0.05), (0.0, 0.05, 1.0, 0.95), (0.0, 0.6, 1.0, 0.6)
ONE, TWO = Stroke("train", "*"), Stroke("validation", "+")


def test_curves_that_cross_keep_all_their_dots() -> None:
    cells = laid((ONE, FALLING), (TWO, RISING)).cells()
    falling, rising = alone(FALLING), alone(RISING)
    for place in falling.keys() | rising.keys():
        character, style = cells[place[0]][place[1]]
        assert ord(character) - FIRST_BRAILLE == falling.get(place, 0) | rising.get(place, 0)
        if place not in falling.keys() & rising.keys():
            assert style == ("train" if place in falling else "validation")


def test_of_curves_that_run_together_none_vanishes() -> None:
    names = ("a", "b", "c", "upper")
    [row] = [row for row in laid(*((Stroke(name, "*"), LEVEL) for name in names)).cells() if row[0][1]]
    styles = [style for _, style in row]
    assert styles.count("upper") == 20 - 20 // SHOW_THROUGH_CELLS
    assert set(styles) == set(names)


def test_a_range_is_behind_every_curve_in_whatever_order_they_come() -> None:
    band = Stroke("line", ".", behind=True)
    for lines in (((band, LEVEL), (ONE, LEVEL)), ((ONE, LEVEL), (band, LEVEL))):
        assert {style for row in laid(*lines).cells() for _, style in row} == {"train", ""}
    crossing = laid((ONE, FALLING), (band, RISING)).cells()
    for (row, column), mask in alone(FALLING).items():
        assert crossing[row][column] == (chr(FIRST_BRAILLE + mask), "train")


def test_plain_ascii_shows_the_markers_of_the_upper_and_now_and_then_of_the_lower() -> None:
    [row] = [row for row in laid((ONE, LEVEL), (TWO, LEVEL), ascii=True).cells() if row[0][1]]
    assert "".join(character for character, _ in row) == "+++*" * 5


def test_a_text_is_written_where_it_hides_least() -> None:
    canvas = laid((ONE, (0.0, 0.9, 0.5, 0.9)))
    canvas.write_beside(0, 3, "▲ 3 above", "dim")
    assert "".join(character for character, _ in canvas.cells()[0]).index("▲") == 11, "just beyond the curve"
    canvas.write_beside(0, 3, "▲ 5", "dim")
    assert "".join(character for character, _ in canvas.cells()[0]).index("▲ 5") in (3, 6), (
        "over the curve, not the text"
    )
    canvas.write_beside(0, 3, "a text that is far too long", "dim")
    assert len(canvas.cells()[0]) == 20

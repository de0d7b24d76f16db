"""The range behind the curves of a plot."""

from __future__ import annotations

from rich.style import Style

from workbench.plotting.points import Point
from workbench.ui.look.band import band_rows
from workbench.ui.look.chart import Plot, Series, draw


def test_rows_follow_straight_lines_from_point_to_point() -> None:
    # 20 rows of one unit, 0 at the foot: from 4 .. 8 to 8 .. 16 over eight columns.
    band = [Point(0.0, 4.0, 8.0, 6.0), Point(4.0, 8.0, 16.0, 12.0)]
    rows = band_rows(band, (0.0, 8.0), 16, lambda value: 19 - int(value))
    assert (rows[0], rows[4]) == (range(10, 16), range(6, 14))
    assert rows[7] == range(4, 12)
    assert all(len(found) == 0 for found in rows[9:]), "behind the last point there is nothing"


def test_a_single_point_and_none_have_no_rows() -> None:
    for band in ([], [Point(1.0, 0.0, 1.0, 0.5)]):
        assert all(len(found) == 0 for found in band_rows(band, (0.0, 2.0), 10, lambda value: 0))


def test_the_colour_of_the_band_is_behind_the_curve_and_nowhere_else() -> None:
    curve = [Point(0.0, 0.0, 0.0, 0.0), Point(10.0, 10.0, 10.0, 10.0)]
    plot = Plot(
        [Series("train", curve)], (0.0, 10.0), str, str,
        band=[Point(0.0, 4.0, 6.0, 5.0), Point(10.0, 4.0, 6.0, 5.0)], band_style="cursor",
    )  # fmt: skip
    styles = {"cursor": Style(bgcolor="#112233"), "train": Style(color="#445566")}
    drawing = draw(plot, 40, 14, lambda name: styles.get(name, Style()))
    shaded = [line for line in drawing.lines if any(getattr(span.style, "bgcolor", None) for span in line.spans)]
    assert 0 < len(shaded) < 12
    for line in shaded:
        [span] = [span for span in line.spans if getattr(span.style, "bgcolor", None)]
        assert (span.start, span.end) == (drawing.left, drawing.left + drawing.columns)
        assert span.style == Style(bgcolor="#112233")

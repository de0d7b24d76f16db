"""Charts as SVG: where points, gaps, ranges, layers and letters lie."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from workbench.plotting.points import Point
from workbench.plotting.scales import count
from workbench.report_page.svg import HEIGHT, LETTER_PIXELS, TOP, WIDTH, Chart, Line, draw
from workbench.report_page.svg_file import standalone

SVG = "{http://www.w3.org/2000/svg}"
BOTTOM_EDGE = HEIGHT - 42


def points(*values: float) -> list[Point]:
    """At x = 0, 1, 2, ..."""
    return [Point(float(place), value, value, value) for place, value in enumerate(values)]


def chart(lines: Sequence[Line], **more: object) -> Chart:
    longest = max(len(line.points) for line in lines)
    usual = Chart("loss", "loss", lines, (0.0, float(longest - 1)), "step", count, "{:g}".format)
    return replace(usual, **more)  # type: ignore[arg-type]


def paths(drawn: str, kind: str) -> list[list[list[tuple[float, float]]]]:
    """The paths of a class as strokes of coordinates."""
    found = []
    for path in ElementTree.fromstring(drawn).iter(f"{SVG}path"):
        if kind in (path.get("class") or "").split():
            strokes = [stroke for stroke in (path.get("d") or "").removesuffix("Z").split("M") if stroke]
            found.append([[tuple(map(float, at.split(","))) for at in stroke.split()] for stroke in strokes])
    return found  # type: ignore[return-value]


def test_a_point_lies_at_its_value() -> None:
    [[stroke]] = paths(draw(chart([Line("", "train", points(0.0, 10.0, 5.0))])), "l")
    (left, bottom), (middle, top), (right, half) = stroke
    assert (bottom, top, half) == (BOTTOM_EDGE, TOP, (BOTTOM_EDGE + TOP) / 2)
    assert middle - left == pytest.approx(right - middle, abs=0.11)
    assert left > 14
    assert right == WIDTH - 16


def test_decades_are_equally_far_apart_on_a_log_scale() -> None:
    [[stroke]] = paths(draw(chart([Line("", "train", points(0.01, 0.1, 1.0, 10.0))], log=True)), "l")
    steps = [below[1] - above[1] for below, above in itertools.pairwise(stroke)]
    assert steps == pytest.approx([steps[0]] * 3, abs=0.11)
    assert stroke[0][1] == BOTTOM_EDGE
    assert stroke[-1][1] == TOP


def test_a_value_that_is_not_finite_breaks_the_line() -> None:
    drawn = draw(chart([Line("", "train", points(1.0, 2.0, math.nan, 3.0, 4.0, math.inf, 5.0))]))
    [strokes] = paths(drawn, "l")
    assert [len(stroke) for stroke in strokes] == [2, 2]
    circles = list(ElementTree.fromstring(drawn).iter(f"{SVG}circle"))
    assert len(circles) == 5, "the last point has no line to it, but a dot"


def test_a_long_curve_has_no_dots_but_for_a_lone_point() -> None:
    values = [1.0] * 50 + [math.nan, 2.0, math.nan, 1.0, 1.0]
    circles = list(ElementTree.fromstring(draw(chart([Line("", "train", points(*values))]))).iter(f"{SVG}circle"))
    assert len(circles) == 1


def test_the_range_of_each_point_is_behind_the_line() -> None:
    spread = [Point(0.0, 0.0, 10.0, 4.0), Point(1.0, 2.0, 8.0, 5.0)]
    drawn = draw(chart([Line("", "train", spread, has_range=True)]))
    [[outline]] = paths(drawn, "r")
    ten, eight, two, zero = (y for _, y in outline)
    assert (ten, zero) == (TOP, BOTTOM_EDGE)
    assert ten < eight < two < zero
    assert [len(stroke) for [stroke] in paths(drawn, "l")] == [2]
    assert not paths(draw(chart([Line("", "train", points(1.0, 2.0), has_range=True)])), "r")


def test_layers_lie_on_each_other() -> None:
    lines = [Line("data", "phase-data", points(1.0, 1.0)), Line("forward", "phase-forward", points(3.0, 1.0))]
    drawn = draw(chart(lines, is_stacked=True, from_zero=True))
    [[data]], [[forward]] = paths(drawn, "f-phase-data"), paths(drawn, "f-phase-forward")
    assert forward[0][1] == TOP, "1 + 3 is the top"
    assert data[2:] == [(WIDTH - 16, BOTTOM_EDGE), (data[0][0], BOTTOM_EDGE)]
    assert forward[2:] == data[1::-1], "a layer begins where the one below ends"


def test_letters_at_the_ends_do_not_lie_on_each_other() -> None:
    lines = [
        Line(letter, "train", points(5.0, value), letter=letter) for letter, value in zip("ABC", (0, 0, 9), strict=True)
    ]
    texts = ElementTree.fromstring(draw(chart(lines))).iter(f"{SVG}text")
    heights = {text.text: float(text.get("y") or 0) for text in texts if (text.get("class") or "").startswith("e")}
    assert heights["B"] - heights["A"] == LETTER_PIXELS
    assert heights["B"] <= BOTTOM_EDGE
    assert heights["C"] < heights["A"] - 100


def test_nothing_finite_and_one_point_can_be_drawn() -> None:
    for values in ((math.nan, math.nan), (3.0,)):
        drawn = draw(chart([Line("", "train", points(*values))], x_range=(0.0, 1.0)))
        assert ElementTree.fromstring(drawn).tag == f"{SVG}svg"
        assert "nan" not in drawn


def test_a_file_is_complete_and_what_it_says_is_escaped() -> None:
    lines = [
        Line("<b>&\x1b[31m\u202e", "train", points(1.0, 2.0), "7 4", "A"),
        Line("x" * 500, "validation", points(2.0, 1.0)),
    ]
    text = standalone(chart(lines, title='a "title" <script>'))
    root = ElementTree.fromstring(text.encode())
    shown = [each.text or "" for each in root.iter(f"{SVG}text")]
    assert 'a "title" <script>' in shown
    assert "A  <b>&\\u202e" in shown
    assert max(map(len, shown)) == 70
    assert re.search(r'stroke-dasharray="7 4"', text)
    assert "var(" not in text
    width, height = int(root.get("width") or 0), int(root.get("height") or 0)
    assert root.get("viewBox") == f"0 0 {width} {height}"
    assert height > HEIGHT + 40

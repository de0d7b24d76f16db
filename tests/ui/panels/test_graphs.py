"""Histories as areas: heights, scales, and what is not known."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from rich.text import Text

from tests.ui.panels.panel_app import seen
from workbench.ui.panels.graphs import Scale, area, history_lines
from workbench.ui.panels.panel import LineWidget


class Lines(LineWidget):
    """Shows some lines."""

    shown: Sequence[Text] = ()

    def lines(self, width: int, height: int) -> list[Text]:
        return list(self.shown)


def drawn(values: Sequence[float | None], width: int, height: int, scale: Scale) -> list[str]:
    found: list[str] = []

    def fill(widget: Lines) -> None:
        found.extend(line.plain for line in area(values, width, height, scale, widget))

    seen(Lines(), fill, (10, 1))
    return found


def written(values: Sequence[float], width: int, height: int) -> list[str]:
    found: list[str] = []

    def fill(widget: Lines) -> None:
        found.extend(line.plain for line in history_lines("x", values, width, height, lambda each: f"{each:g}", widget))

    seen(Lines(), fill, (10, 1))
    return found


def test_heights_are_eighths_of_a_line_and_the_latest_value_is_at_the_right() -> None:
    assert drawn([0.0, 0.125, 0.5, 1.0], 6, 1, Scale(0.0, 1.0)) == ["  ▁▁▄█"]
    assert drawn([0.0, 0.25, 0.5, 1.0], 4, 2, Scale(0.0, 1.0)) == ["   █", "▁▄██"]
    assert drawn([1.0] * 9 + [0.5], 3, 1, Scale(0.0, 1.0)) == ["██▄"]


def test_a_value_that_is_not_known_is_blank_and_one_beyond_the_scale_is_cut() -> None:
    assert drawn([None, 0.0, 2.0, -1.0], 4, 1, Scale(0.0, 1.0)) == [" ▁█▁"]


@pytest.mark.parametrize(
    ("values", "low", "high"), [([10.0, 20.0], 10.0, 20.0), ([100.0, 100.0], 90.0, 110.0), ([99.0, 101.0], 89.9, 110.1)]
)
def test_what_hardly_changes_lies_in_the_middle_of_its_scale(values: list[float], low: float, high: float) -> None:
    scale = Scale.around(values)
    assert [scale.low, scale.high] == pytest.approx([low, high])


def test_zeros_have_a_scale_too() -> None:
    assert drawn([0.0, 0.0], 2, 1, Scale.around([0.0, 0.0])) == ["▄▄"]


def test_a_history_says_its_range_or_has_labels_at_its_ends() -> None:
    assert written([1.0, 2.0, 3.0], 20, 1) == ["x         ▁▄█ 1 to 3"]
    assert written([2.0, 2.0], 20, 2) == ["x               ▄▄ 2"]
    assert written([1.0, 2.0, 3.0], 8, 3) == ["3      █", "x     ▄█", "1    ▁██"]
    assert written([], 20, 3) == []
    assert written([1.0], 8, 1) == [], "no room for a picture"
    assert written([1.0], 20, 0) == []

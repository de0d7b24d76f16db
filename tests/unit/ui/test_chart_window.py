"""Zooming and panning the x axis of all charts, and following a run at its end."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workbench.ui.panels.chart_window import Extent, Window, panned, zoomed

ENDED = Extent((0.0, 1000.0), done=1000.0, end=1000.0, least_width=4.0)
GROWING = Extent((0.0, 1100.0), done=1030.0, end=1030.0, least_width=4.0)


def test_a_zoom_keeps_the_cursor_in_its_place() -> None:
    window = zoomed((0.0, 1000.0), ENDED, 2.0, at=400.0)
    assert window == Window(200.0, 700.0)
    assert zoomed((200.0, 700.0), ENDED, 2.0, at=400.0) == Window(300.0, 550.0)
    assert zoomed((300.0, 550.0), ENDED, 1 / 2, at=400.0) == window
    assert zoomed((200.0, 700.0), ENDED, 1 / 2, at=400.0) is None, "the whole range is no window"


@given(st.floats(0, 900), st.floats(10, 1000), st.floats(0, 1), st.floats(0.2, 20))
def test_a_window_stays_where_there_are_data(first: float, width: float, part: float, factor: float) -> None:
    assume(first + width <= 1000)
    window = zoomed((first, first + width), ENDED, factor, at=first + part * width)
    if window is not None:
        assert 0 <= window.first < window.last <= 1000 + 1e-9
        assert window.last - window.first >= 4.0 - 1e-9


def test_no_zoom_goes_below_a_few_steps() -> None:
    window: Window | None = Window(0.0, 1000.0)
    for _ in range(40):
        assert window is not None
        window = zoomed((window.first, window.last), ENDED, 2.0, at=500.0)
    assert window is not None
    assert window.last - window.first == pytest.approx(4.0)


def test_panning_stops_at_the_ends() -> None:
    assert panned((200.0, 300.0), ENDED, 50.0) == Window(250.0, 350.0)
    assert panned((200.0, 300.0), ENDED, -500.0) == Window(0.0, 100.0)
    assert panned((200.0, 300.0), ENDED, 5000.0) == Window(900.0, 1000.0, follows=True)
    assert panned((0.0, 1000.0), ENDED, 50.0) is None


def test_a_window_at_the_end_follows_a_run_in_few_moves() -> None:
    window = zoomed((0.0, 1100.0), GROWING, 4.0, at=1030.0)
    assert window is not None
    assert window.follows
    moves = set()
    for done in range(1030, 1131):
        first, last = window.shown(Extent((0.0, 1200.0), done, done, 4.0))
        assert last - first == pytest.approx(275.0)
        assert done <= last <= done + 275 / 10, "no more than a tenth is free"
        moves.add(first)
    assert len(moves) <= 7


def test_a_window_elsewhere_stays_while_the_run_grows() -> None:
    window = panned((800.0, 1000.0), GROWING, -100.0)
    assert window == Window(700.0, 900.0)
    assert window.shown(Extent((0.0, 5000.0), 4990.0, 4990.0, 4.0)) == (700.0, 900.0)


def test_a_window_beyond_a_run_that_has_begun_again_shows_all_of_it() -> None:
    assert Window(700.0, 900.0).shown(Extent((0.0, 50.0), 48.0, 48.0, 4.0)) == (0.0, 50.0)


def test_the_window_of_a_short_run_that_follows_begins_at_zero() -> None:
    assert Window(0.0, 100.0, follows=True).shown(Extent((0.0, 50.0), 48.0, 48.0, 4.0)) == (0.0, 100.0)

"""The view of all charts: what keys and the wheel change, and what is remembered."""

from __future__ import annotations

import pytest

from tests.ui.made import events
from tests.unit.ui.fake_host import FakeHost
from workbench.runs.history import RunHistory
from workbench.ui.controllers.charts import ChartsController
from workbench.ui.live.remembered import Remembered


def history(steps: int = 1000) -> RunHistory:
    found = RunHistory()
    for event in events(steps):
        found.take(event)
    return found


def made(*overlays: RunHistory, remembered: Remembered | None = None) -> ChartsController:
    """Charts of a run of 1,000 steps, five epochs, 2.1 s; it is still in progress."""
    run = history()
    return ChartsController(remembered or Remembered(), FakeHost(), lambda: (run, overlays))


def shown(charts: ChartsController) -> tuple[float, float]:
    run, overlays = charts._runs()
    assert run is not None
    return charts.view.shown(charts.view.extent(run, overlays))


def test_keys_zoom_about_the_cursor_and_about_the_end_without_one() -> None:
    charts = made()
    assert shown(charts) == (0.0, 1000.0)
    charts.zoom(1)
    assert shown(charts) == (500.0, 1000.0)
    charts.show_whole()
    charts.put_cursor(200.0)
    charts.zoom(1)
    assert shown(charts) == (100.0, 600.0)
    charts.zoom(-1)
    assert charts.view.window is None


def test_a_key_that_can_show_no_more_says_so() -> None:
    host = FakeHost()
    run = history()
    charts = ChartsController(Remembered(), host, lambda: (run, []))
    for move in (charts.zoom, charts.pan):
        move(-1)
        assert host.said.pop() == ("text", "the charts show the whole range: + zooms in")
    charts.zoom(1)
    charts.pan(-1)
    assert host.said == []


def test_the_wheel_zooms_at_the_mouse() -> None:
    charts = made()
    for _ in range(2):
        charts.wheel(1, 300.0, pans=False)
    first, last = shown(charts)
    assert last - first == pytest.approx(1000 / 1.25**2)
    assert (300 - first) / (last - first) == pytest.approx(0.3)
    charts.wheel(1, 300.0, pans=True)
    assert shown(charts)[0] == pytest.approx(first + 0.05 * (last - first))


def test_the_cursor_takes_the_window_with_it() -> None:
    charts = made()
    charts.zoom(1)
    charts.pan(-1)
    assert shown(charts) == (375.0, 875.0)
    charts.put_cursor(900.0)
    assert shown(charts) == (400.0, 900.0)
    charts.put_cursor(100.0)
    assert shown(charts) == (100.0, 600.0)


def test_window_and_cursor_stay_at_their_moments_on_another_axis() -> None:
    charts = made()
    charts.put_cursor(400.0)
    charts.zoom(1)
    assert shown(charts) == (200.0, 700.0)
    charts.next_x_axis()
    assert shown(charts) == pytest.approx((1.0, 3.5))
    assert charts.view.cursor == pytest.approx(2.0)
    charts.next_x_axis()
    assert shown(charts) == pytest.approx((0.42, 1.47), abs=0.005)
    charts.next_x_axis()
    assert shown(charts) == pytest.approx((200.0, 700.0), abs=3)
    assert charts.view.cursor == pytest.approx(400.0, abs=3)


def test_another_run_is_shown_whole_and_without_a_cursor() -> None:
    charts = made()
    charts.watch("first")
    charts.put_cursor(400.0)
    charts.zoom(1)
    for run, is_kept in (("first", True), ("second", False)):
        charts.watch(run)
        assert [value is not None for value in (charts.view.window, charts.view.cursor)] == [is_kept] * 2


def test_scales_and_outliers_are_remembered_but_not_where_one_looked() -> None:
    remembered = Remembered()
    charts = made(remembered=remembered)
    charts.toggle_log("loss")
    charts.toggle_all_values()
    charts.zoom(1)
    again = made(remembered=remembered)
    assert again.view.unlike == {"loss"}
    assert again.view.all_values
    assert again.view.window is None


def test_a_chart_has_a_scale_of_its_own_until_all_are_switched() -> None:
    from workbench.plotting.quantities import LEARNING_RATE, LOSS

    charts = made()
    charts.toggle_log("loss")
    assert (charts.view.is_log(LOSS), charts.view.is_log(LEARNING_RATE)) == (True, False)
    charts.toggle_log(None)
    assert (charts.view.is_log(LOSS), charts.view.is_log(LEARNING_RATE)) == (True, True)
    charts.toggle_log("loss")
    assert (charts.view.is_log(LOSS), charts.view.is_log(LEARNING_RATE)) == (False, True)


def test_without_a_run_no_key_of_the_charts_does_harm() -> None:
    charts = ChartsController(Remembered(), FakeHost(), lambda: (None, []))
    charts.zoom(1)
    charts.pan(1)
    charts.wheel(1, 3.0, pans=False)
    charts.next_x_axis()
    assert charts.view.window is None


def test_a_longer_run_below_widens_what_there_is_to_see() -> None:
    charts = made(history(1300))
    assert shown(charts) == (0.0, 1300.0)
    charts.zoom(1)
    assert shown(charts) == (500.0, 1150.0), "the end of the own run stays in its place"

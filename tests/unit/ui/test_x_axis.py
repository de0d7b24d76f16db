"""The x axis of the charts: how far it reaches, the same moment on another axis, and its labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ui.made import events
from workbench.runs.curve import Curve
from workbench.runs.events import Finished
from workbench.runs.history import RunHistory
from workbench.ui.panels.x_axis import converted, extent_of, label_of, nearest


def history(steps: int) -> RunHistory:
    """A run of 200 steps an epoch and 2.1 ms a step."""
    found = RunHistory()
    for event in events(steps):
        found.take(event)
    return found


def test_the_axis_ends_where_the_data_end() -> None:
    """screen/REPORT #37: up to half of the width was empty."""
    run = history(1234)
    assert extent_of("step", run, []).whole == (0.0, 1300.0), "of a run in progress at a round number"
    assert extent_of("epoch", run, []).whole == pytest.approx((0.0, 6.5))
    run.take(Finished(status="stopped", step=1234, time=0.0))
    assert extent_of("step", run, []).whole == (0.0, 1234.0)
    longer = extent_of("step", run, [history(1300)])
    assert (longer.whole, longer.done, longer.end) == ((0.0, 1300.0), 1234.0, 1300.0)
    assert extent_of("step", RunHistory(), []).whole == (0.0, 1.0)


def test_a_growing_axis_seldom_changes() -> None:
    ends = set()
    run = RunHistory()
    for step in range(1000, 2001):
        run.view.step = step
        ends.add(extent_of("step", run, []).whole[1])
    assert len(ends) <= 12


@given(st.integers(1, 1300))
def test_a_moment_is_the_same_on_each_axis(step: int) -> None:
    assert converted(step, "step", "epoch", RUN) == step / 200
    assert converted(step, "step", "time", RUN) == pytest.approx(step * 0.0021, rel=1e-6)
    for axis in ("step", "epoch", "time"):
        there = converted(float(step), "step", axis, RUN)
        assert converted(there, axis, "step", RUN) == pytest.approx(step, abs=1e-6)


RUN = history(1300)


def test_the_nearest_point_is_found_and_none_beyond_the_end_of_the_run() -> None:
    losses, validation = RUN.curves["loss/train"], RUN.curves["loss/validation"]
    found = nearest("step", RUN, losses, 700.4, within=1.0)
    assert found is not None
    assert found.last_step == 700
    for x, step in ((290.0, 200), (310.0, 400), (1299.0, 1200), (0.0, 200)):
        found = nearest("step", RUN, validation, x, within=1.0)
        assert found is not None
        assert found.last_step == step
    assert nearest("step", RUN, losses, 1302.0, within=1.0) is None
    assert nearest("step", RUN, Curve(), 700.0, within=1.0) is None


@pytest.mark.parametrize(
    ("axis", "x_range", "x", "label"),
    [
        ("step", (0.0, 20_000.0), 10_000.0, "10,000"),
        ("step", (1000.0, 1010.0), 1002.0, "1,002"),
        ("epoch", (0.0, 10.0), 5.0, "5"),
        ("epoch", (96.0, 100.0), 97.5, "97.5"),
        ("epoch", (12.1, 12.3), 12.25, "12.25"),
        ("time", (0.0, 600.0), 120.0, "2:00"),
        ("time", (65.0, 67.0), 65.5, "1:05.5"),
        ("time", (3725.0, 3726.0), 3725.25, "1:02:05.2"),
        ("time", (39.0, 40.0), 39.4, "39.4 s"),
    ],
)
def test_labels_have_the_digits_that_tell_them_apart(
    axis: str, x_range: tuple[float, float], x: float, label: str
) -> None:
    assert label_of(axis, x_range)(x) == label  # type: ignore[arg-type]

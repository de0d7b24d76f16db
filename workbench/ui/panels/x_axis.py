"""The x axis of the charts: steps, epochs or time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from workbench.plotting.scales import clock, round_step
from workbench.runs.curve import Bucket
from workbench.runs.history import RunHistory

XAxis = Literal["step", "epoch", "time"]
GROWING_FRACTION = 0.1
"""Before this fraction of the planned training is done, x ends at a round number just beyond what is done."""


def x_of(axis: XAxis, history: RunHistory, step: int, seconds: float) -> float:
    """The position of a moment of a run on the axis."""
    if axis == "time":
        return seconds
    return step / history.steps_per_epoch if axis == "epoch" else float(step)


def range_of(axis: XAxis, history: RunHistory, overlays: Sequence[RunHistory]) -> tuple[float, float]:
    """The range from 0 to the end of the plan, or of a longer overlaid run.

    Before `GROWING_FRACTION` of the plan is done, it ends at a round number just beyond what is done.
    """
    view = history.view
    done = x_of(axis, history, view.step, view.seconds)
    end = _round_up(done) if done > 0 else 0.0
    if view.prepared is not None and view.fraction_done >= GROWING_FRACTION:
        if view.finished is not None:
            end = done
        elif axis == "time":
            end = _round_up(done / view.fraction_done)
        elif (epochs := view.prepared.epochs) is not None:
            end = float(epochs if axis == "epoch" else epochs * history.steps_per_epoch)
    ends = [x_of(axis, overlay, overlay.view.step, overlay.view.seconds) for overlay in overlays]
    return 0.0, max([end, *ends]) or 1.0


def nearest(axis: XAxis, history: RunHistory, key: str, x: float, *, within: float) -> Bucket | None:
    """The point of a curve that is nearest to x; None if the run ends more than `within` before x."""
    curve = history.curves.get(key)
    if curve is None or not curve.buckets:
        return None
    if x > x_of(axis, history, history.view.step, history.view.seconds) + within:
        return None
    return min(curve.buckets, key=lambda bucket: abs(x_of(axis, history, bucket.last_step, bucket.seconds) - x))


def written_x(axis: XAxis, x: float, *, with_name: bool) -> str:
    """An x with as many digits as can be read from the chart; with_name: after the name of its unit, if it has one."""
    if axis == "time":
        return clock(x)
    return f"{axis if with_name else ''} {f'{x:,.0f}' if axis == 'step' else f'{x:.2f}'}".strip()


def _round_up(value: float) -> float:
    """A round number above the value, by at most a fifth of it: a chart must not be half empty."""
    step = round_step(value / 10)
    return math.ceil(value / step - 1e-9) * step

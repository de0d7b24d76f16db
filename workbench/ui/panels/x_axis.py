"""The x axis of the charts: steps, epochs or time; how far it reaches, and where on it the data of a run lie."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Literal

from workbench.plotting.scales import clock, count, round_step, round_up
from workbench.runs.curve import Bucket, Curve
from workbench.runs.history import RunHistory
from workbench.ui.panels.chart_window import LEAST_STEPS, Extent

XAxis = Literal["step", "epoch", "time"]
EMPTY_FRACTION = 1 / 20
"""While a run grows, about this fraction of the width is free at the right, so that the axis seldom changes."""


def x_of(axis: XAxis, history: RunHistory, step: int, seconds: float) -> float:
    """The position of a moment of a run on the axis."""
    if axis == "time":
        return seconds
    return step / history.steps_per_epoch if axis == "epoch" else float(step)


def end_of(axis: XAxis, history: RunHistory) -> float:
    """Where the data of a run end on the axis."""
    return x_of(axis, history, history.view.step, history.view.seconds)


def extent_of(axis: XAxis, history: RunHistory, overlays: Sequence[RunHistory]) -> Extent:
    """What there is to see of a run and those that it overlays: from 0 to where their data end.

    Of a run in progress the axis ends at a round number just beyond. A run without steps has no place of its own.
    """
    done = end_of(axis, history)
    end = max([done, *(end_of(axis, overlay) for overlay in overlays)])
    own = done if history.view.finished is not None else round_up(done, round_step(done * EMPTY_FRACTION))
    done = done or end
    whole = 0.0, max(own, end) or 1.0
    steps = max([history.view.step, *(overlay.view.step for overlay in overlays)])
    return Extent(whole, done, end, least_width=whole[1] * min(LEAST_STEPS / max(steps, 1), 1.0))


def nearest(axis: XAxis, history: RunHistory, curve: Curve, x: float, *, within: float) -> Bucket | None:
    """The point of a curve that is nearest to x; None if the run ends more than `within` before x."""
    buckets = curve.buckets
    if not buckets or x > end_of(axis, history) + within:
        return None

    def place(bucket: Bucket) -> float:
        return x_of(axis, history, bucket.last_step, bucket.seconds)

    after = bisect_left(buckets, x, key=place)
    return min(buckets[max(after - 1, 0) : after + 1], key=lambda bucket: abs(place(bucket) - x))


def converted(x: float, axis: XAxis, to: XAxis, history: RunHistory) -> float:
    """The x of the same moment of a run on another axis."""
    if axis == to:
        return x
    if "time" not in (axis, to):
        return x / history.steps_per_epoch if to == "epoch" else x * history.steps_per_epoch
    longest = max(history.curves.values(), key=len, default=Curve())
    moments = [(0, 0.0), *((bucket.last_step, bucket.seconds) for bucket in longest.buckets)]
    moments.append((history.view.step, history.view.seconds))
    places, found = ([x_of(each, history, *moment) for moment in moments] for each in (axis, to))
    after = min(max(bisect_left(places, x), 1), len(places) - 1)
    left, right = places[after - 1], places[after]
    part = (x - left) / (right - left) if right > left else 1.0
    return found[after - 1] + part * (found[after] - found[after - 1])


def written_x(axis: XAxis, x: float, *, with_name: bool) -> str:
    """An x with as many digits as can be read from the chart; with_name: after the name of its unit, if it has one."""
    if axis == "time":
        return clock(x)
    return f"{axis if with_name else ''} {f'{x:,.0f}' if axis == 'step' else f'{x:.2f}'}".strip()


def label_of(axis: XAxis, x_range: tuple[float, float]) -> Callable[[float], str]:
    """Writes the labels of the axis, with as many digits as tell neighbouring ones apart."""
    width = x_range[1] - x_range[0]
    if axis == "step" or x_range[0] <= 0:
        return clock if axis == "time" else count
    decimals = max(-math.floor(math.log10(round_step(width / 10))), 0)
    if axis == "epoch":
        return lambda x: f"{x:,.{decimals}f}"
    return lambda x: clock(x, decimals)

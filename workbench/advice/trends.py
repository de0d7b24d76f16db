"""Trends of losses and memory, in a few numbers each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.runs.curve import Curve
    from workbench.runs.history import EpochLosses, RunHistory
    from workbench.runs.measurements import Memory

LEAST_WINDOW = 20
"""Least steps over which losses are averaged: the mean of a short epoch says little."""
FIRST_STEPS = 10
"""Steps whose mean is the loss at the start."""
PLATEAU_EPOCHS = 10
"""Epochs' worth of steps after which a loss that does not fall counts as a plateau."""
SMOOTHED = 3
"""Validations that are averaged: a single one is noisy."""
LEAST_READINGS = 30
"""Readings of memory, about one per second, before there is a trend."""


@dataclass(frozen=True)
class LossTrend:
    """The training loss, averaged over windows of an epoch (at least 20 steps)."""

    start: float
    """Mean over the first ten steps."""
    lowest: float
    """Lowest mean of a window so far."""
    recent: float
    """Mean of the last window."""
    highest: float | None = None
    """Highest loss of a single step within the last ten epochs' worth, without the first window."""
    highest_step: int | None = None
    """The step of `highest`, or one shortly after it."""


@dataclass(frozen=True)
class Plateau:
    """The training loss over the last ten epochs' worth of steps (at least 40 steps), in halves."""

    before: float
    after: float


@dataclass(frozen=True)
class ValidationTrend:
    """The validation loss averaged over three validations, which decides, and the epochs' own losses."""

    best: float
    latest: float
    validations_since: int
    """Validations since the best one."""
    best_step: int
    lowest: EpochLosses
    """The epoch with the lowest validation loss."""
    last: EpochLosses
    """The last validated epoch."""


@dataclass(frozen=True)
class MemoryTrend:
    """Memory of the trainer over the kept readings (the last four minutes)."""

    what: str
    """Whose memory: "the trainer's process", "PyTorch's tensors on the GPU"."""
    quarters: tuple[float, float, float, float]
    """Median bytes of each quarter of the readings, in time order."""
    seconds: float
    """From the first to the last reading; more than 0."""
    available_bytes: int | None = None
    """Free memory of that kind."""

    @property
    def bytes_per_second(self) -> float:
        """From the middle of the first to the middle of the last quarter."""
        return (self.quarters[3] - self.quarters[0]) / (0.75 * self.seconds)


def loss_trend(history: RunHistory) -> LossTrend | None:
    """The trend of the training loss; None before two windows, and where the first losses are unknown."""
    curve = history.curves.get("loss/train")
    if curve is None or not curve.buckets or curve.buckets[0].first_step > 1:
        return None
    epoch = history.steps_per_epoch
    window, last = max(epoch, LEAST_WINDOW), curve.buckets[-1].last_step
    means = _window_means(curve, window)
    start, recent = mean_between(curve, 1, max(FIRST_STEPS, curve.buckets[0].last_step)), means[-1] if means else None
    if len(means) < 2 or start is None or recent is None:
        return None
    reach = max(PLATEAU_EPOCHS * epoch, 2 * LEAST_WINDOW)
    late = [bucket for bucket in curve.buckets if bucket.first_step > max(window, last - reach) and bucket.count]
    highest = max(late, key=lambda bucket: bucket.maximum, default=None)
    return LossTrend(
        start=start,
        lowest=min(means),
        recent=recent,
        highest=None if highest is None else highest.maximum,
        highest_step=None if highest is None else highest.last_step,
    )


def plateau(history: RunHistory) -> Plateau | None:
    """The last epochs of the training loss; None before eleven epochs' worth, or where the curve is too coarse."""
    curve = history.curves.get("loss/train")
    if curve is None or not curve.buckets:
        return None
    epoch, last = history.steps_per_epoch, curve.buckets[-1].last_step
    half = max(PLATEAU_EPOCHS // 2 * epoch, LEAST_WINDOW)
    if last < 2 * half + epoch:
        return None
    before, after = mean_between(curve, last - 2 * half + 1, last - half), mean_between(curve, last - half + 1, last)
    return None if before is None or after is None else Plateau(before, after)


def validation_trend(history: RunHistory) -> ValidationTrend | None:
    """The trend of the validation loss; None before six validations."""
    curve = history.curves.get("loss/validation")
    if curve is None or not history.lowest or history.validated is None:
        return None
    points = [bucket for bucket in curve.buckets if bucket.count]
    if len(points) < 2 * SMOOTHED:
        return None
    smooth = [
        fmean(point.mean for point in points[index - SMOOTHED + 1 : index + 1])
        for index in range(SMOOTHED - 1, len(points))
    ]
    best = min(range(len(smooth)), key=smooth.__getitem__)
    return ValidationTrend(
        best=smooth[best],
        latest=smooth[-1],
        validations_since=len(smooth) - 1 - best,
        best_step=points[best + SMOOTHED - 1].last_step,
        lowest=history.lowest[-1],
        last=history.validated,
    )


def memory_trends(memories: Sequence[Memory], available_bytes: int | None) -> tuple[MemoryTrend, ...] | None:
    """Trends of the tensors on the device, where they are known, and of the trainer's process; None
    for few readings, and where the clock was set back between them.

    available_bytes: free memory of the host.
    """
    trends = (
        _memory_trend(memories, "torch_allocated_bytes", "PyTorch's tensors on the device", None),
        _memory_trend(memories, "host_rss_bytes", "the trainer's process", available_bytes),
    )
    return tuple(trend for trend in trends if trend is not None) or None


def _memory_trend(memories: Sequence[Memory], name: str, what: str, available_bytes: int | None) -> MemoryTrend | None:
    readings = [(memory.time, getattr(memory, name)) for memory in memories]
    known = [(time, value) for time, value in readings if value is not None]
    if len(known) < LEAST_READINGS:
        return None
    seconds = known[-1][0] - known[0][0]
    if seconds <= 0:
        return None  # the clock was set back
    borders = [round(len(known) * quarter / 4) for quarter in range(5)]
    first, second, third, fourth = (median(value for _, value in known[start:end]) for start, end in pairwise(borders))
    return MemoryTrend(what, (first, second, third, fourth), seconds, available_bytes)


def mean_between(curve: Curve, first: int, last: int) -> float | None:
    """Mean of the finite values of the buckets that lie within steps `first` to `last`; None if there are none."""
    within = [bucket for bucket in curve.buckets if bucket.first_step >= first and bucket.last_step <= last]
    count = sum(bucket.count for bucket in within)
    return sum(bucket.total for bucket in within) / count if count else None


def _window_means(curve: Curve, window: int) -> list[float]:
    """Means of consecutive windows of at least `window` steps, counted from the end; a short first one is left out."""
    means: list[float] = []
    total, count, steps = 0.0, 0, 0
    for bucket in reversed(curve.buckets):
        total, count, steps = (
            total + bucket.total,
            count + bucket.count,
            steps + bucket.last_step - bucket.first_step + 1,
        )
        if steps >= window:
            if count:
                means.append(total / count)
            total, count, steps = 0.0, 0, 0
    return means[::-1]

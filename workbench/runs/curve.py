"""A curve of any length in bounded memory: neighbouring points share a bucket that keeps their extremes.

A bucket holds the minimum, maximum and sum of a power-of-two number of points. When there are too many buckets,
neighbouring pairs are merged, so that a spike of one step in ten million stays visible.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MOST_BUCKETS = 2048


@dataclass(slots=True)
class Bucket:
    """Statistics of consecutive points."""

    first_step: int
    last_step: int
    seconds: float
    """Training time at the last point."""
    minimum: float
    maximum: float
    total: float
    count: int
    """Finite points; the extremes are NaN if there are none."""
    gap: bool = False
    """Whether a value was not finite; the drawn line has a gap here."""

    @property
    def mean(self) -> float:
        """Mean of the finite points; NaN if there are none."""
        return self.total / self.count if self.count else math.nan

    def merged(self, later: Bucket) -> Bucket:
        """Merges this bucket with the next one."""
        if not self.count or not later.count:
            kept = self if self.count else later
            minimum, maximum = kept.minimum, kept.maximum
        else:
            minimum, maximum = min(self.minimum, later.minimum), max(self.maximum, later.maximum)
        return Bucket(
            self.first_step, later.last_step, later.seconds, minimum, maximum,
            self.total + later.total, self.count + later.count, self.gap or later.gap,
        )  # fmt: skip


class Curve:
    """Values by optimizer step, in order."""

    def __init__(self, most_buckets: int = MOST_BUCKETS) -> None:
        self.buckets: list[Bucket] = []
        self.last: float | None = None
        """The latest value, NaN included."""
        self._most = most_buckets
        self._points_a_bucket = 1
        self._room = 0
        """Points that still fit into the last bucket."""
        self._coarse: dict[int, list[Bucket]] = {}
        """What `coarse` has returned for the present values."""
        self._averages: dict[tuple[float, float], list[float]] = {}
        """What `averages` has returned for the present values."""

    def __len__(self) -> int:
        return len(self.buckets)

    def add(self, step: int, value: float, seconds: float) -> None:
        """Adds one value."""
        self.extend(step, [value], seconds, seconds)

    def extend(self, first_step: int, values: Sequence[float], seconds_before: float, seconds: float) -> None:
        """Adds the values of consecutive steps, with the training time before the first and after the last step."""
        if not values:
            return
        self._forget()
        if len(values) <= self._room and math.isfinite(total := sum(values)):
            self._grow(values, total, first_step + len(values) - 1, seconds)
            return
        pace = (seconds - seconds_before) / len(values)
        done = 0
        while done < len(values):
            size = min(self._room or self._points_a_bucket, len(values) - done)
            block = values[done : done + size]
            new = _bucket(first_step + done, block, seconds_before + pace * (done + size))
            if self._room:
                self.buckets[-1] = self.buckets[-1].merged(new)
                self._room -= size
            else:
                self.buckets.append(new)
                self._room = self._points_a_bucket - size
            done += size
            if len(self.buckets) > self._most:
                self._halve()
        self.last = values[-1]

    def _grow(self, values: Sequence[float], total: float, last_step: int, seconds: float) -> None:
        """Adds finite values to the last bucket; the usual case in a long run."""
        bucket, low, high = self.buckets[-1], min(values), max(values)
        if bucket.count:
            low, high = min(bucket.minimum, low), max(bucket.maximum, high)
        bucket.minimum, bucket.maximum, bucket.last_step, bucket.seconds = low, high, last_step, seconds
        bucket.total += total
        bucket.count += len(values)
        self._room -= len(values)
        self.last = values[-1]

    def _halve(self) -> None:
        buckets, pairs = self.buckets, _halved(self.buckets)
        if len(buckets) % 2:
            self._room += self._points_a_bucket
        self.buckets = pairs
        self._points_a_bucket *= 2

    def coarse(self, most: int) -> list[Bucket]:
        """The buckets, with neighbours merged until there are at most `most`; kept as long as no value is added."""
        if most not in self._coarse:
            buckets = self.buckets
            while len(buckets) > max(most, 1):
                buckets = _halved(buckets)
            self._coarse[most] = buckets
        return self._coarse[most]

    def averages(self, smoothing: float, steps: float) -> list[float]:
        """The exponential moving average at the end of each bucket, unbiased at first; it begins anew behind a gap.

        Kept as long as no value is added.

        smoothing: the weight that the past keeps over so many steps, 0 to 1.
        """
        if (smoothing, steps) not in self._averages:
            self._averages = {(smoothing, steps): _averages(self.buckets, smoothing, steps)}
        return self._averages[smoothing, steps]

    def _forget(self) -> None:
        self._coarse, self._averages = {}, {}

    def truncate(self, after_step: int) -> None:
        """Removes the values after a step: a resumed run trains these steps again.

        A bucket across the step is removed too: its extremes may come from the removed part and, after a divergence,
        would stay on the chart for good. A bucket is narrower than a column of the chart.
        """
        if not self.buckets or self.buckets[-1].last_step <= after_step:
            return
        self._forget()
        while self.buckets and self.buckets[-1].last_step > after_step:
            self.buckets.pop()
        self._room = 0
        if not self.buckets:
            self._points_a_bucket = 1
        self.last = self.buckets[-1].mean if self.buckets else None


def _halved(buckets: Sequence[Bucket]) -> list[Bucket]:
    """The buckets with each two neighbours as one."""
    pairs = [first.merged(second) for first, second in zip(buckets[::2], buckets[1::2], strict=False)]
    return [*pairs, buckets[-1]] if len(buckets) % 2 else pairs


def _averages(buckets: Sequence[Bucket], smoothing: float, steps: float) -> list[float]:
    averages: list[float] = []
    average, weight, decays = 0.0, 0.0, dict[int, float]()
    before = _step_before(buckets)
    for bucket in buckets:
        passed, before = bucket.last_step - before, bucket.last_step  # a loop may log one step of many
        if (decay := decays.get(passed)) is None:
            decay = decays[passed] = smoothing ** (passed / steps)
        if not bucket.count:
            average = weight = 0.0
            averages.append(averages[-1] if averages else math.nan)
            continue
        average = decay * average + (1 - decay) * bucket.total / bucket.count
        weight = decay * weight + (1 - decay)
        averages.append(average / weight)
        if bucket.gap:
            average = weight = 0.0
    return averages


def _step_before(buckets: Sequence[Bucket]) -> int:
    """The step before the first bucket: of a loop that logs one step of many, as far back as the second is away."""
    if not buckets:
        return 0
    first, second = buckets[0], buckets[min(1, len(buckets) - 1)]
    return min(first.first_step - 1, max(2 * first.last_step - second.last_step, 0))


def _bucket(first_step: int, values: Sequence[float], seconds: float) -> Bucket:
    total = math.fsum(values) if len(values) < 3 else sum(values)
    last_step = first_step + len(values) - 1
    if math.isfinite(total):  # then all values are finite; the usual case
        return Bucket(first_step, last_step, seconds, min(values), max(values), total, len(values))
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return Bucket(first_step, last_step, seconds, math.nan, math.nan, 0.0, 0, gap=True)
    return Bucket(first_step, last_step, seconds, min(finite), max(finite), sum(finite), len(finite), gap=True)

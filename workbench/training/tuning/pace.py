"""Times training steps: how many samples a second, and how long a step takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

WARM_STEPS = 8
"""Not counted: in them memory is allocated, libraries choose their algorithms, and a step is captured."""
WARM_SECONDS = 1.0
"""The warm-up ends after the step in which this is over."""
LEAST_SECONDS, MOST_SECONDS = 0.3, 5.0
"""Steps are timed for at least this long; with long steps for no longer than the other."""
TURN_SECONDS = 0.05
"""Steps are timed in turns of about this length: other load on the machine then spoils some of them only."""
LEAST_TURNS = 3

RunSteps = Callable[[int], tuple[int, int]]
"""Runs at least that many steps, and waits for them; returns how many steps and samples they were."""


@dataclass(frozen=True)
class Pace:
    """How fast steps are: the median over some turns."""

    samples_per_second: float
    step_seconds: float


@dataclass(frozen=True)
class Effort:
    """How long steps are run and timed."""

    warm_steps: int
    warm_seconds: float
    least_seconds: float
    most_seconds: float


def pace_of(run: RunSteps, now: Callable[[], float] = perf_counter, effort: Effort | None = None) -> Pace:
    """Runs steps and times them. now: a clock, in seconds; effort: other than the constants of this file say."""
    effort = effort or Effort(WARM_STEPS, WARM_SECONDS, LEAST_SECONDS, MOST_SECONDS)
    began, warm = now(), 0
    while warm < effort.warm_steps and (warm == 0 or now() - began < effort.warm_seconds):
        warm += run(1)[0]
    began = now()
    steps, _ = run(1)
    turn_steps = max(round(TURN_SECONDS * steps / max(now() - began, 1e-9)), 1)
    paces: list[tuple[float, float]] = []
    began = now()
    while now() - began < effort.least_seconds or (len(paces) < LEAST_TURNS and now() - began < effort.most_seconds):
        before = now()
        steps, samples = run(turn_steps)
        seconds = max(now() - before, 1e-9)
        paces.append((samples / seconds, seconds / steps))
    return Pace(median(pace for pace, _ in paces), median(seconds for _, seconds in paces))

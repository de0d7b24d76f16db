"""Step times: measurements of some steps, and percentiles over any number of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from workbench.runs.phases import PHASES

_BINS_PER_DECADE = 120
"""Resolution of the run's percentiles: 10 ** (1 / 120), about 2 %."""


@dataclass
class Measured:
    """What was measured over some steps."""

    steps: int = 0
    samples: int = 0
    seconds: float = 0.0
    """Wall time of those steps."""
    timed_steps: int = 0
    phase_seconds: dict[str, float] = field(default_factory=dict)
    """Sum over the timed steps."""
    step_ms: list[float] = field(default_factory=list)
    """One number a timed step."""

    def phase_ms(self) -> dict[str, float]:
        """Mean milliseconds a step of each phase that was seen; empty before the first timed step."""
        if not self.timed_steps:
            return {}  # a run resumed at the very end of an epoch has marked phases, and no step
        return {
            phase: round(1000 * self.phase_seconds[phase] / self.timed_steps, 6)
            for phase in PHASES
            if phase in self.phase_seconds
        }


class StepTimes:
    """Percentiles of step times over a run of any length, in constant memory: a histogram with bins 2 % wide."""

    def __init__(self) -> None:
        self._counts = np.zeros(9 * _BINS_PER_DECADE, dtype=np.int64)  # from 1 µs to 1000 s
        self._max = 0.0

    def add(self, step_ms: list[float]) -> None:
        """Adds step times, in milliseconds."""
        if step_ms:
            bins = np.log10(np.maximum(step_ms, 1e-3)) * _BINS_PER_DECADE + 3 * _BINS_PER_DECADE
            np.add.at(self._counts, np.minimum(bins.astype(np.int64), len(self._counts) - 1), 1)
            self._max = max(self._max, *step_ms)

    def percentiles(self) -> dict[str, float]:
        """p50, p95, p99 and max in milliseconds; empty before the first step."""
        total = int(self._counts.sum())
        if total == 0:
            return {}
        cumulative = np.cumsum(self._counts)
        found = {}
        for name, fraction in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            bin_index = int(np.searchsorted(cumulative, fraction * total))
            centre = 10 ** ((bin_index + 0.5) / _BINS_PER_DECADE - 3)
            found[name] = round(min(centre, self._max), 6)
        return found | {"max": round(self._max, 6)}


def percentiles(step_ms: list[float]) -> dict[str, float]:
    """p50, p95, p99 and max of a few step times, exactly; empty for none."""
    if not step_ms:
        return {}
    p50, p95, p99 = np.percentile(step_ms, [50, 95, 99])
    return {
        name: round(float(value), 6)
        for name, value in (("p50", p50), ("p95", p95), ("p99", p99), ("max", max(step_ms)))
    }

"""From where on a fact matters, and who says so: one entry a rule."""

from __future__ import annotations

from dataclasses import dataclass

LEAST_STEPS = 20
"""Before so many steps nothing is said: the first ones warm up."""


@dataclass(frozen=True)
class Policy:
    """The thresholds of a rule."""

    title: str
    """Two or three words, as the finding is called."""
    warning: float
    """From here on it is a warning."""
    critical: float | None
    """From here on it is critical; None if it never is."""
    threshold: str
    """The same for people, with the unit."""
    source: str
    """Who says so: a paper, a tool, a measurement, or our own reason."""
    below: bool = False
    """True where small values are the bad ones."""

    def passes(self, value: float, limit: float | None) -> bool:
        """Whether `value` has reached the limit."""
        if limit is None:
            return False
        return value <= limit if self.below else value >= limit


TRACEML = "TraceML's diagnostics (traceopt-ai/traceml), which warn of waiting from the same shares on"

POLICY: dict[str, Policy] = {
    "waiting-for-data": Policy("waiting for data", 0.10, 0.20, "10 % of a step warns, 20 % is critical", TRACEML),
    "transfer": Policy("moving samples", 0.10, 0.20, "10 % of a step warns, 20 % is critical", TRACEML),
}

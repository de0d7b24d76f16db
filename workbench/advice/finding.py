"""A finding: what was measured, the threshold and its source, and what to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.processes.comparison import Measure

Severity = Literal["note", "warning", "critical"]


@dataclass(frozen=True)
class Finding:
    """One conclusion from the measured facts."""

    rule: str
    """The rule's name, as in the policy: "waiting-for-data"."""
    severity: Severity
    title: str
    """Two or three words: "waiting for data"."""
    fact: str
    """What was measured, with figures and units, as half a sentence: "data takes 23 % of a step"."""
    threshold: str
    """The threshold: "10 % warns, 20 % is critical"."""
    source: str
    """Where the threshold comes from: a paper, a tool, a measurement."""
    advice: str
    """What to do, as a sentence that is complete without the change."""
    change: tuple[str, ...] = ()
    """Settings to change, as `--set` takes them; empty where no setting helps."""
    learning_rate: float | None = None
    """A learning rate to set while the run continues; None where another rate does not help."""
    measure: Measure | None = "speed"
    """The measure that decides whether the change helps; None where a comparison of two runs cannot decide."""
    steps: int | None = None
    """The number of steps after which it showed, which a comparison must train too; None where any number is enough."""

"""A finding: what was measured, from where on it matters and who says so, and what to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.processes.comparison import Measure

Severity = Literal["note", "warning", "critical"]


@dataclass(frozen=True)
class Finding:
    """One thing that the measured facts mean."""

    rule: str
    """The rule's name, as in the policy: "waiting-for-data"."""
    severity: Severity
    title: str
    """Two or three words: "waiting for data"."""
    fact: str
    """What was measured, with figures and units, as half a sentence: "data takes 23 % of a step"."""
    threshold: str
    """From where on it counts: "10 % warns, 20 % is critical"."""
    source: str
    """Where the threshold comes from: a paper, a tool, a measurement."""
    advice: str
    """What to do, as a sentence that stands for itself where there is no change to apply."""
    change: tuple[str, ...] = ()
    """Settings to change, as `--set` takes them; empty where no setting helps."""
    learning_rate: float | None = None
    """A learning rate that can be set while the run goes on; None where that is not what helps."""
    measure: Measure | None = "speed"
    """By what it is decided whether the change helps; None where comparing two trainings cannot tell."""
    steps: int | None = None
    """After how many steps it showed, so that a comparison must train as many; None where any number can tell."""

"""One sentence about where the time of a step goes."""

from __future__ import annotations

from workbench.advice.policy import LEAST_STEPS
from workbench.advice.rule import percent, severity_of
from workbench.runs.events import Prepared
from workbench.runs.measurements import Timing


def verdict(timing: Timing | None, prepared: Prepared | None) -> str:
    """The phase that dominates a step, in words; empty where too little is known."""
    if timing is None or timing.step < LEAST_STEPS:
        return ""
    total = sum(timing.phase_ms.values())
    if total <= 0:
        return ""
    fractions = {phase: value / total for phase, value in timing.phase_ms.items()}
    waiting = fractions.get("data", 0.0)
    if severity_of("waiting-for-data", waiting) is not None:
        return f"waiting for data takes {percent(waiting)} of a step{_remedy(prepared)}"
    if severity_of("transfer", fractions.get("transfer", 0.0)) is not None:
        return f"moving samples to the device takes {percent(fractions['transfer'])} of a step"
    largest = max(fractions, key=lambda phase: fractions[phase])
    if largest == "rest":
        return f"{percent(fractions['rest'])} of a step is neither data nor arithmetic: a larger batch would pay"
    if largest == "step":
        return f"{percent(fractions['step'])} of a step is not split into phases"
    return f"{largest} takes {percent(fractions[largest])} of a step"


def _remedy(prepared: Prepared | None) -> str:
    if prepared is not None and prepared.data_loading == "dataloader":
        return "; more runtime.num_workers may help"
    return ""

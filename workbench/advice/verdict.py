"""One sentence on what a step spends its time on."""

from __future__ import annotations

from workbench.advice.policy import LEAST_STEPS
from workbench.advice.rule import percent, severity
from workbench.runs.events import Prepared, Timing


def verdict(timing: Timing | None, prepared: Prepared | None) -> str:
    """What dominates a step; empty where too little is known."""
    if timing is None or timing.step < LEAST_STEPS:
        return ""
    total = sum(timing.phase_ms.values())
    if total <= 0:
        return ""
    shares = {phase: value / total for phase, value in timing.phase_ms.items()}
    waiting = shares.get("data", 0.0)
    if severity("waiting-for-data", waiting) is not None:
        return f"waiting for data takes {percent(waiting)} of a step{_remedy(prepared)}"
    if severity("transfer", shares.get("transfer", 0.0)) is not None:
        return f"moving samples to the device takes {percent(shares['transfer'])} of a step"
    largest = max(shares, key=lambda phase: shares[phase])
    if largest == "rest":
        return f"{percent(shares['rest'])} of a step is neither data nor arithmetic: a larger batch would pay"
    return f"{largest} takes {percent(shares[largest])} of a step"


def _remedy(prepared: Prepared | None) -> str:
    if prepared is not None and prepared.data_loading == "dataloader":
        return "; more runtime.num_workers may help"
    return ""

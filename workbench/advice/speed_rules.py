"""Rules about speed and memory: what a step waits for, and what it does not use."""

from __future__ import annotations

from workbench.advice.facts import Facts
from workbench.advice.finding import Finding
from workbench.advice.rule import Rule, finding, percent, severity


def _waiting_for_data(facts: Facts) -> Finding | None:
    assert facts.shares is not None
    share = facts.shares.get("data", 0.0)
    grave = severity("waiting-for-data", share)
    if grave is None:
        return None
    return finding(
        "waiting-for-data", grave, f"data takes {percent(share)} of a step", "Samples come too slowly.",
        _more_workers(facts),
    )  # fmt: skip


def _more_workers(facts: Facts) -> tuple[str, ...]:
    if facts.preset is None or facts.prepared is None or facts.prepared.feed != "loader":
        return ()
    workers = facts.preset.runtime.loader_workers
    return (f"runtime.loader_workers={max(2 * workers, 2)}",)


SPEED_RULES = (Rule("waiting-for-data", ("shares",), _waiting_for_data),)

"""A rule: the facts that it needs, and how it decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.advice.facts import Facts
from workbench.advice.finding import Finding, Severity
from workbench.advice.policy import POLICY


@dataclass(frozen=True)
class Rule:
    """One rule; the policy of the same name holds its thresholds."""

    name: str
    needs: tuple[str, ...]
    """Names of the facts without which it abstains."""
    decide: Callable[[Facts], Finding | None]


def severity_of(rule: str, value: float) -> Severity | None:
    """How severe a value is by the policy; None below the warning threshold."""
    policy = POLICY[rule]
    if policy.passes(value, policy.critical):
        return "critical"
    return "warning" if policy.passes(value, policy.warning) else None


def finding(
    rule: str,
    severity: Severity,
    fact: str,
    advice: str,
    change: tuple[str, ...] = (),
    learning_rate: float | None = None,
    *,
    steps: int | None = None,
) -> Finding:
    """A finding with title, threshold, source and measure from the policy; steps: as in Finding."""
    policy = POLICY[rule]
    measure = policy.measure if changes_learning_or_speed(change) else None
    return Finding(
        rule,
        severity,
        policy.title,
        fact,
        policy.threshold,
        policy.source,
        advice,
        change,
        learning_rate,
        measure,
        steps,
    )


def changes_learning_or_speed(change: Sequence[str]) -> bool:
    """Whether a change affects the steps or their speed. When a run ends early, neither does."""
    return any(not assignment.startswith("training.early_stopping_") for assignment in change)


def percent(fraction: float) -> str:
    """A fraction as people read it: 23 %."""
    return f"{100 * fraction:.0f} %"

"""A rule: which facts it needs, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.advice.facts import Facts
from workbench.advice.finding import Finding, Severity
from workbench.advice.policy import POLICY


@dataclass(frozen=True)
class Rule:
    """One rule; its thresholds stand in the policy under its name."""

    name: str
    needs: tuple[str, ...]
    """Names of the facts without which it abstains."""
    decide: Callable[[Facts], Finding | None]


def severity(rule: str, value: float) -> Severity | None:
    """How grave a value is by the policy; None if it is not worth a word."""
    policy = POLICY[rule]
    if policy.passes(value, policy.critical):
        return "critical"
    return "warning" if policy.passes(value, policy.warning) else None


def finding(
    rule: str,
    grave: Severity,
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
        rule, grave, policy.title, fact, policy.threshold, policy.source, advice, change, learning_rate, measure, steps
    )


def changes_learning_or_speed(change: Sequence[str]) -> bool:
    """Whether two trainings differ by a change: when one of them ends changes neither its steps nor their pace."""
    return any(not assignment.startswith("training.early_stopping_") for assignment in change)


def percent(share: float) -> str:
    """A share as people read it."""
    return f"{100 * share:.0f} %"

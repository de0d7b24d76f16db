"""A rule: which facts it needs, and what it makes of them."""

from __future__ import annotations

from collections.abc import Callable
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
) -> Finding:
    """A finding with title, threshold and source from the policy."""
    policy = POLICY[rule]
    return Finding(rule, grave, policy.title, fact, policy.threshold, policy.source, advice, change, learning_rate)


def percent(share: float) -> str:
    """A share as people read it."""
    return f"{100 * share:.0f} %"

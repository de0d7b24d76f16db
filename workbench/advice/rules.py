"""All rules, and their findings from the facts of a run."""

from __future__ import annotations

from dataclasses import replace

from workbench.advice.facts import FACT_NAMES, Facts
from workbench.advice.finding import Finding
from workbench.advice.learning_rules import LEARNING_RULES
from workbench.advice.policy import LEAST_STEPS
from workbench.advice.rule import Rule
from workbench.advice.speed_rules import SPEED_RULES
from workbench.advice.tuned import Tuned
from workbench.settings.preset import Preset

RULES: tuple[Rule, ...] = (*LEARNING_RULES, *SPEED_RULES)
"""All rules; findings of one severity are listed in this order."""

BEFORE_A_RUN = ("learning-rate-too-high",)
"""Rules that need no run: all other facts come from one."""

AT_ONCE = ("not-finite",)
"""Rules that hold however early: a run that has diverged has no further steps to wait for."""

_SEVERITIES = ("critical", "warning", "note")


def findings(facts: Facts) -> list[Finding]:
    """The findings from the facts, the most severe first; a rule that lacks a fact abstains.

    Before 20 steps nothing is found, but that the run has ended in numbers that are not finite.
    """
    if facts.step is None:
        return []
    rules = [rule for rule in RULES if facts.step >= LEAST_STEPS or rule.name in AT_ONCE]
    found = [rule.decide(facts) for rule in rules if not missing(rule, facts)]
    if facts.preset is None:  # a loop of the user's own has no settings that could be changed here
        found = [finding if finding is None else replace(finding, change=(), measure=None) for finding in found]
    return sorted(
        (finding for finding in found if finding is not None), key=lambda finding: _SEVERITIES.index(finding.severity)
    )


def findings_before_a_run(preset: Preset, tuned: Tuned) -> list[Finding]:
    """The findings about settings that nothing has been trained with yet, from what tuning has measured of them."""
    facts = Facts(preset=preset, learning_rate=preset.optimizer.learning_rate, range_test=tuned.range_test(preset))
    found = [rule.decide(facts) for rule in RULES if rule.name in BEFORE_A_RUN and not missing(rule, facts)]
    return [finding for finding in found if finding is not None]


def abstained(facts: Facts) -> list[tuple[str, str]]:
    """The rules that cannot decide, each with the facts that it lacks, in words."""
    return [(rule.name, ", ".join(lacks)) for rule in RULES if (lacks := missing(rule, facts))]


def missing(rule: Rule, facts: Facts) -> list[str]:
    """The facts that a rule lacks, in words, each once."""
    return list(dict.fromkeys(FACT_NAMES[name] for name in rule.needs if getattr(facts, name) is None))

"""Rules about the learning: whether the loss falls, overfitting, dead units, vanishing and exploding gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.advice import changes
from workbench.advice.facts import Facts
from workbench.advice.finding import Finding
from workbench.advice.rule import Rule, finding, percent, severity_of
from workbench.advice.trends import LossTrend
from workbench.processes.range_test import SAFETY
from workbench.runs.events import Prepared
from workbench.units import count, decimals

STUCK_FRACTION = 0.5
"""A loss that stopped falling above this fraction of the loss at the start is a warning: little was learned."""
CONVERGED_FRACTION = 0.1
"""Below this fraction of the loss at the start, small gradients are normal."""
LEAST_VALIDATIONS_SINCE_BEST = 3
LEAST_FRACTION_OF_START = 0.01
"""A rise of the validation loss by less than this fraction of the loss at the start is ignored."""
LEAST_SPIKE_BATCH = 8
"""In smaller batches a single unusual sample makes a spike."""


def _not_finite(facts: Facts) -> Finding | None:
    assert facts.diverged is not None
    fact = f"{facts.diverged} is not a finite number" if facts.diverged else _not_finite_in_health(facts)
    if not fact:
        return None
    change, rate = changes.lower_learning_rate(facts)
    measured = ""
    if facts.preset is not None and facts.range_test is None:
        measured = " A range test measures which rates train (M on the learning rate, or workbench tune lr)."
    return finding(
        "not-finite",
        "critical",
        fact,
        "The steps are too large: a smaller learning rate, a clipped gradient or some epochs of warm-up help. Check "
        f"that no input and no target is NaN.{measured}",
        change + changes.clipped(facts),
        rate,
        steps=facts.step,
    )


def _not_finite_in_health(facts: Facts) -> str:
    if facts.health is None or (facts.preset is not None and facts.preset.runtime.precision == "fp16"):
        return ""  # loss scaling in fp16 causes infinite gradients by design, and skips those steps
    bad = [str(tensor["name"]) for tensor in facts.health.tensors if tensor.get("non_finite_share")]
    return f"the gradient or the weight of {_listed(bad)} has values that are not finite" if bad else ""


def _loss_rising(facts: Facts) -> Finding | None:
    assert facts.loss is not None
    trend = facts.loss
    lost = _lost_fraction(trend)
    severity = severity_of("loss-rising", lost)
    if severity is None:
        return None
    change, rate = changes.lower_learning_rate(facts)
    return finding(
        "loss-rising",
        severity,
        f"the training loss had fallen to {decimals(trend.lowest)} and is {decimals(trend.recent)} now "
        f"(at the start: {decimals(trend.start)})",
        "The steps have become too large: lower the learning rate, by hand or by a schedule, or clip the gradient.",
        change,
        rate,
        steps=facts.step,
    )


def _is_small(prepared: Prepared | None) -> bool:
    """Whether the batches are so small that single samples make spikes."""
    return prepared is not None and prepared.batch_size is not None and prepared.batch_size < LEAST_SPIKE_BATCH


def _lost_fraction(trend: LossTrend) -> float:
    """The fraction of the gain that is lost again; for a loss that hardly fell, relative to half of the start."""
    gained = max(trend.start - trend.lowest, abs(trend.start) / 2)
    return (trend.recent - trend.lowest) / gained if gained > 0 else 0.0


def _loss_spike(facts: Facts) -> Finding | None:
    assert facts.loss is not None
    trend = facts.loss
    if trend.highest is None or trend.start <= 0 or _is_small(facts.prepared):
        return None
    severity = severity_of("loss-spike", trend.highest / trend.start)
    if severity is None:
        return None
    return finding(
        "loss-spike",
        severity,
        f"near step {count(trend.highest_step or 0)} the loss was {decimals(trend.highest)}, "
        f"{trend.highest / trend.start:.1f} times the loss at the start; the last epoch's mean is "
        f"{decimals(trend.recent)}",
        "One step was much too large: clip the gradient, or lower the learning rate.",
        changes.clipped(facts) or changes.lower_learning_rate(facts)[0],
        changes.lower_learning_rate(facts)[1],
        steps=trend.highest_step,
    )


def _loss_not_falling(facts: Facts) -> Finding | None:
    assert facts.loss is not None
    assert facts.plateau is not None
    before, after, start = facts.plateau.before, facts.plateau.after, facts.loss.start
    if severity_of("loss-rising", _lost_fraction(facts.loss)) is not None:
        return None
    fall = (before - after) / abs(before) if before else 0.0
    if severity_of("loss-not-falling", fall) is None:
        return None
    fact = (
        f"over the last ten epochs' worth of steps the training loss went from {decimals(before)} to {decimals(after)}"
    )
    if after > STUCK_FRACTION * start:
        change, rate = changes.lower_learning_rate(facts)
        return finding(
            "loss-not-falling",
            "warning",
            f"{fact} (at the start: {decimals(start)})",
            "Hardly anything has been learned: check for dead units and vanishing gradients first, then try another "
            "learning rate, ten times smaller or larger, or a larger model.",
            change,
            rate,
        )
    return finding(
        "loss-not-falling",
        "note",
        fact,
        "The loss no longer falls at this learning rate: stop here, or lower the rate to improve further.",
        changes.stopped_early(facts),
    )


def _overfitting(facts: Facts) -> Finding | None:
    assert facts.validation is not None
    trend = facts.validation
    lowest, latest = trend.lowest, trend.last
    if trend.best <= 0 or trend.validations_since < LEAST_VALIDATIONS_SINCE_BEST:
        return None
    if latest.train >= lowest.train or latest.validation <= lowest.validation:
        return None
    if facts.loss is not None and trend.latest - trend.best < LEAST_FRACTION_OF_START * facts.loss.start:
        return None
    severity = severity_of("overfitting", trend.latest / trend.best - 1)
    if severity is None:
        return None
    # What a loop of the user's own keeps is not known.
    kept = "" if facts.preset is None else " The best epoch's weights are kept (training.keep_best)."
    return finding(
        "overfitting",
        severity,
        f"the validation loss has {_risen(latest.validation / lowest.validation)}, from "
        f"{decimals(lowest.validation)} in epoch {count(lowest.epoch)} to {decimals(latest.validation)} in epoch "
        f"{count(latest.epoch)}, while the training loss fell from {decimals(lowest.train)} to "
        f"{decimals(latest.train)}",
        "The model memorises its training samples: dropout, weight decay, more samples, augmentation or a smaller "
        f"model help.{kept}",
        changes.regularised(facts),
        # Twice as long as it took to reach the best epoch: a slower run must have the chance to get lower.
        steps=2 * trend.best_step if facts.step is None else min(2 * trend.best_step, facts.step),
    )


def _risen(times: float) -> str:
    """A rise to `times` the lowest value in words: risen by 23 %; above 200 %, risen to 16 × its lowest."""
    if times <= 3:
        return f"risen by {percent(times - 1)}"
    return f"risen to {times:.1f} × its lowest" if times < 10 else f"risen to {times:,.0f} × its lowest"


def _dead_units(facts: Facts) -> Finding | None:
    assert facts.health is not None
    layers = [layer for layer in facts.health.layers if None not in (layer.get("dead_share"), layer.get("units"))]
    bad = [layer for layer in layers if severity_of("dead-units", layer["dead_share"]) is not None]
    if not bad:
        return None
    worst = max(bad, key=lambda layer: float(layer["dead_share"]))
    severity = severity_of("dead-units", worst["dead_share"])
    assert severity is not None
    named = f"{percent(worst['dead_share'])} of the {count(worst['units'])} units of {worst['name']} ({worst['kind']})"
    return finding(
        "dead-units",
        severity,
        f"{named} are dead{_and_others(bad)}, seen on {count(facts.health.samples)} samples",
        "Dead units hardly ever recover. Start a new run with a smaller learning rate, and with an activation that has "
        "a slope below zero.",
        changes.other_activation(facts, "leaky_relu") + changes.lower_learning_rate(facts)[0],
        steps=facts.health.step,
    )


def _saturated_units(facts: Facts) -> Finding | None:
    assert facts.health is not None
    layers = [layer for layer in facts.health.layers if layer.get("saturated_share") is not None]
    bad = [layer for layer in layers if severity_of("saturated-units", layer["saturated_share"]) is not None]
    if not bad:
        return None
    worst = max(bad, key=lambda layer: float(layer["saturated_share"]))
    severity = severity_of("saturated-units", worst["saturated_share"])
    assert severity is not None
    return finding(
        "saturated-units",
        severity,
        f"{percent(worst['saturated_share'])} of the values of {worst['name']} ({worst['kind']}) are saturated"
        f"{_and_others(bad)}, seen on {count(facts.health.samples)} samples",
        "Saturated units pass hardly any gradient: normalise the layers, use a ReLU, or start a new run with a smaller "
        "learning rate.",
        _unsaturated(facts),
        steps=facts.health.step,
    )


def _vanishing_gradient(facts: Facts) -> Finding | None:
    assert facts.health is not None
    assert facts.loss is not None
    if facts.loss.recent <= CONVERGED_FRACTION * facts.loss.start:
        return None  # there is little left to learn
    known = [tensor for tensor in facts.health.tensors if tensor.get("gradient_mean") is not None]
    bad = [tensor for tensor in known if severity_of("vanishing-gradient", tensor["gradient_mean"]) is not None]
    if not bad:
        return None
    least = min(bad, key=lambda tensor: float(tensor["gradient_mean"]))
    return finding(
        "vanishing-gradient",
        "warning",
        f"the mean |gradient| of {least['name']} is {least['gradient_mean']:.1e}{_and_others(bad)}",
        "These weights hardly change now: use a ReLU, normalise the layers, or use fewer layers.",
        _unsaturated(facts),
    )


def _exploding_gradient(facts: Facts) -> Finding | None:
    assert facts.health is not None
    if facts.health.gradient_norm is None or facts.health.weight_norm is None:
        return None
    if facts.preset is not None and facts.preset.training.gradient_clip_norm:
        return None
    severity = severity_of("exploding-gradient", facts.health.gradient_norm)
    if severity is None:
        return None
    return finding(
        "exploding-gradient",
        severity,
        f"the norm of the gradient is {facts.health.gradient_norm:,.0f}, of the weights {facts.health.weight_norm:.3g}",
        "Clip the gradient, lower the learning rate, or scale inputs and targets to a standard deviation near 1.",
        changes.clipped(facts),
    )


def _class_imbalance(facts: Facts) -> Finding | None:
    assert facts.class_counts is not None
    counts = {number: seen for number, seen in enumerate(facts.class_counts) if seen > 0}
    if len(counts) < 2 or (
        facts.preset is not None and getattr(facts.preset.loss, "class_weights", "equal") != "equal"
    ):
        return None
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    severity = severity_of("class-imbalance", counts[most] / counts[least])
    if severity is None:
        return None
    return finding(
        "class-imbalance",
        severity,
        f"class {_class_name(facts, most)} has {count(counts[most])} samples and class {_class_name(facts, least)} "
        f"{count(counts[least])}: {counts[most] / counts[least]:.0f} times fewer",
        'Weight the rare classes more, and judge by F1 (training.monitor = "f1_macro") rather than by accuracy.',
        changes.balanced(facts),
    )


def _learning_rate_too_high(facts: Facts) -> Finding | None:
    assert facts.range_test is not None
    assert facts.learning_rate is not None
    suggested = facts.range_test.suggested
    if suggested.before_divergence is None:
        return None
    if facts.learning_rate <= max(suggested.steepest or 0.0, suggested.valley or 0.0):
        return None  # the range test names a rate as high as this
    last = SAFETY * suggested.before_divergence
    severity = severity_of("learning-rate-too-high", facts.learning_rate / last)
    if severity is None:
        return None
    named = suggested.before_divergence if suggested.best is None else suggested.best
    falls = "" if suggested.best is None else f" and falls best near {suggested.best:.3g}"
    return finding(
        "learning-rate-too-high",
        severity,
        f"the learning rate is {facts.learning_rate:.3g}; in the range test of these settings the loss diverges above "
        f"{last:.3g}{falls}",
        "Use the rate that the range test suggests, or lower the present one by a schedule.",
        (f"optimizer.learning_rate={named!r}",),
        named if facts.is_live else None,
        steps=facts.step,
    )


def _unsaturated(facts: Facts) -> tuple[str, ...]:
    """Batch norm where the model has it and it is off, else ReLU."""
    if facts.preset is not None and getattr(facts.preset.model, "batch_norm", None) is False:
        return ("model.batch_norm=true",)
    return changes.other_activation(facts, "relu")


def _and_others(bad: Sequence[Mapping[str, Any]]) -> str:
    others = len(bad) - 1
    return f", and {count(others)} more like it" if others else ""


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {count(len(names) - 1)} more"


def _class_name(facts: Facts, number: int) -> str:
    names = [] if facts.prepared is None else facts.prepared.classes
    return repr(names[number]) if number < len(names) else str(number)


LEARNING_RULES = (
    Rule("not-finite", ("diverged",), _not_finite),
    Rule("loss-rising", ("loss",), _loss_rising),
    Rule("dead-units", ("health",), _dead_units),
    Rule("saturated-units", ("health",), _saturated_units),
    Rule("vanishing-gradient", ("health", "loss"), _vanishing_gradient),
    Rule("exploding-gradient", ("health",), _exploding_gradient),
    Rule("loss-not-falling", ("loss", "plateau"), _loss_not_falling),
    Rule("loss-spike", ("loss",), _loss_spike),
    Rule("overfitting", ("validation",), _overfitting),
    Rule("learning-rate-too-high", ("range_test", "learning_rate"), _learning_rate_too_high),
    Rule("class-imbalance", ("class_counts",), _class_imbalance),
)

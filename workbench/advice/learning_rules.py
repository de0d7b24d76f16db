"""Rules about the learning: whether the loss falls, what the validation says, and whether units and gradients live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.advice import changes
from workbench.advice.facts import Facts
from workbench.advice.finding import Finding
from workbench.advice.rule import Rule, finding, percent, severity
from workbench.advice.trends import LossTrend
from workbench.units import count

STUCK_SHARE = 0.5
"""A loss that stands still above this share of the loss at the start has hardly learned: that is a warning."""
CONVERGED_SHARE = 0.1
"""Below this share of the loss at the start, gradients may well be small."""
LEAST_VALIDATIONS_SINCE_BEST = 3
LEAST_SHARE_OF_START = 0.01
"""A rise of the validation loss by less than this share of the loss at the start is of no account."""
LEAST_SPIKE_BATCH = 8
"""In smaller batches a single odd sample makes a spike."""


def _not_finite(facts: Facts) -> Finding | None:
    assert facts.diverged is not None
    fact = f"{facts.diverged} is not a finite number" if facts.diverged else _not_finite_in_health(facts)
    if not fact:
        return None
    change, rate = changes.lower_learning_rate(facts)
    return finding(
        "not-finite",
        "critical",
        fact,
        "The steps are too long: a smaller learning rate, a clipped gradient or some epochs of warm-up help. Check "
        "that no input and no target is NaN.",
        change + changes.clipped(facts),
        rate,
        steps=facts.step,
    )


def _not_finite_in_health(facts: Facts) -> str:
    if facts.health is None or (facts.preset is not None and facts.preset.runtime.precision == "fp16"):
        return ""  # loss scaling in fp16 provokes infinite gradients, and skips those steps
    bad = [str(tensor["name"]) for tensor in facts.health.tensors if tensor.get("non_finite_share")]
    return f"the gradient or the weight of {_listed(bad)} is not a finite number everywhere" if bad else ""


def _loss_rising(facts: Facts) -> Finding | None:
    assert facts.loss is not None
    trend = facts.loss
    lost = _lost_share(trend)
    grave = severity("loss-rising", lost)
    if grave is None:
        return None
    change, rate = changes.lower_learning_rate(facts)
    return finding(
        "loss-rising",
        grave,
        f"the training loss was down to {trend.lowest:.3g} and is at {trend.recent:.3g} again "
        f"(at the start: {trend.start:.3g})",
        "The steps are too long by now: lower the learning rate, let a schedule lower it, or clip the gradient.",
        change,
        rate,
        steps=facts.step,
    )


def _lost_share(trend: LossTrend) -> float:
    """How much of what was gained is lost again; of a loss that hardly fell, relative to half of the start."""
    gained = max(trend.start - trend.lowest, abs(trend.start) / 2)
    return (trend.recent - trend.lowest) / gained if gained > 0 else 0.0


def _loss_spike(facts: Facts) -> Finding | None:
    assert facts.loss is not None
    trend = facts.loss
    if trend.highest is None or trend.start <= 0 or (facts.prepared and facts.prepared.batch_size < LEAST_SPIKE_BATCH):
        return None
    grave = severity("loss-spike", trend.highest / trend.start)
    if grave is None:
        return None
    return finding(
        "loss-spike",
        grave,
        f"near step {count(trend.highest_step or 0)} the loss was {trend.highest:.3g}, "
        f"{trend.highest / trend.start:.1f} times that at the start; the last epoch's mean is {trend.recent:.3g}",
        "One step went much too far: clip the gradient, or lower the learning rate.",
        changes.clipped(facts) or changes.lower_learning_rate(facts)[0],
        changes.lower_learning_rate(facts)[1],
        steps=trend.highest_step,
    )


def _loss_not_falling(facts: Facts) -> Finding | None:
    assert facts.loss is not None
    assert facts.plateau is not None
    before, after, start = facts.plateau.before, facts.plateau.after, facts.loss.start
    if severity("loss-rising", _lost_share(facts.loss)) is not None:
        return None
    fall = (before - after) / abs(before) if before else 0.0
    if severity("loss-not-falling", fall) is None:
        return None
    fact = f"over the last ten epochs' worth of steps the training loss went from {before:.3g} to {after:.3g}"
    if after > STUCK_SHARE * start:
        change, rate = changes.lower_learning_rate(facts)
        return finding(
            "loss-not-falling",
            "warning",
            f"{fact} (at the start: {start:.3g})",
            "Hardly anything has been learned: look at dead units and vanishing gradients first, then try another "
            "learning rate, a tenth or ten times, or a larger model.",
            change,
            rate,
        )
    return finding(
        "loss-not-falling",
        "note",
        fact,
        "The training has converged at this learning rate: stop here, or lower the rate to get further.",
        changes.stopped_early(facts),
    )


def _overfitting(facts: Facts) -> Finding | None:
    assert facts.validation is not None
    trend = facts.validation
    if trend.best <= 0 or trend.validations_since < LEAST_VALIDATIONS_SINCE_BEST:
        return None
    if trend.train_latest >= trend.train_at_best:
        return None
    if facts.loss is not None and trend.latest - trend.best < LEAST_SHARE_OF_START * facts.loss.start:
        return None
    rise = trend.latest / trend.best - 1
    grave = severity("overfitting", rise)
    if grave is None:
        return None
    return finding(
        "overfitting",
        grave,
        f"the validation loss has risen by {percent(rise)}, from {trend.best:.3g} at step {count(trend.best_step)} to "
        f"{trend.latest:.3g}, while the training loss fell from {trend.train_at_best:.3g} to {trend.train_latest:.3g}",
        "The model memorises its training samples: dropout, weight decay, more or varied samples or a smaller "
        "model help. The best epoch's weights are kept (training.keep_best).",
        changes.regularised(facts),
        # As long again as it took to the best epoch: a slower training must have its chance to get lower.
        steps=2 * trend.best_step if facts.step is None else min(2 * trend.best_step, facts.step),
    )


def _dead_units(facts: Facts) -> Finding | None:
    assert facts.health is not None
    layers = [layer for layer in facts.health.layers if None not in (layer.get("dead_share"), layer.get("units"))]
    bad = [layer for layer in layers if severity("dead-units", layer["dead_share"]) is not None]
    if not bad:
        return None
    worst = max(bad, key=lambda layer: float(layer["dead_share"]))
    grave = severity("dead-units", worst["dead_share"])
    assert grave is not None
    named = f"{percent(worst['dead_share'])} of the {count(worst['units'])} units of {worst['name']} ({worst['kind']})"
    return finding(
        "dead-units",
        grave,
        f"{named} are dead{_and_others(bad)}, seen on {count(facts.health.samples)} samples",
        "Dead units hardly ever come back. Start again with a smaller learning rate, and with an activation that has "
        "a slope below zero.",
        changes.other_activation(facts, "leaky_relu") + changes.lower_learning_rate(facts)[0],
        steps=facts.health.step,
    )


def _saturated_units(facts: Facts) -> Finding | None:
    assert facts.health is not None
    layers = [layer for layer in facts.health.layers if layer.get("saturated_share") is not None]
    bad = [layer for layer in layers if severity("saturated-units", layer["saturated_share"]) is not None]
    if not bad:
        return None
    worst = max(bad, key=lambda layer: float(layer["saturated_share"]))
    grave = severity("saturated-units", worst["saturated_share"])
    assert grave is not None
    return finding(
        "saturated-units",
        grave,
        f"{percent(worst['saturated_share'])} of the values of {worst['name']} ({worst['kind']}) are at the flat ends"
        f"{_and_others(bad)}, seen on {count(facts.health.samples)} samples",
        "At the flat ends hardly any gradient passes: normalise the layers, use a ReLU, or start again with a smaller "
        "learning rate.",
        _unsaturated(facts),
        steps=facts.health.step,
    )


def _vanishing_gradient(facts: Facts) -> Finding | None:
    assert facts.health is not None
    assert facts.loss is not None
    if facts.loss.recent <= CONVERGED_SHARE * facts.loss.start:
        return None  # there is little left to learn
    known = [tensor for tensor in facts.health.tensors if tensor.get("gradient_mean") is not None]
    bad = [tensor for tensor in known if severity("vanishing-gradient", tensor["gradient_mean"]) is not None]
    if not bad:
        return None
    least = min(bad, key=lambda tensor: float(tensor["gradient_mean"]))
    return finding(
        "vanishing-gradient",
        "warning",
        f"the mean |gradient| of {least['name']} is {least['gradient_mean']:.1e}{_and_others(bad)}",
        "These weights hardly move any more: use a ReLU, normalise the layers, or take fewer of them.",
        _unsaturated(facts),
    )


def _exploding_gradient(facts: Facts) -> Finding | None:
    assert facts.health is not None
    if facts.health.gradient_norm is None or facts.health.weight_norm is None:
        return None
    if facts.preset is not None and facts.preset.training.gradient_clip_norm:
        return None
    grave = severity("exploding-gradient", facts.health.gradient_norm)
    if grave is None:
        return None
    return finding(
        "exploding-gradient",
        grave,
        f"the gradient's norm is {facts.health.gradient_norm:,.0f}, that of the weights {facts.health.weight_norm:.3g}",
        "Clip the gradient, lower the learning rate, or bring inputs and targets to a deviation near 1.",
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
    grave = severity("class-imbalance", counts[most] / counts[least])
    if grave is None:
        return None
    return finding(
        "class-imbalance",
        grave,
        f"class {_class_name(facts, most)} has {count(counts[most])} samples and class {_class_name(facts, least)} "
        f"{count(counts[least])}: {counts[most] / counts[least]:.0f} times fewer",
        'Weigh the rare classes more, and judge by F1 (training.monitor = "f1_macro") rather than by accuracy.',
        changes.balanced(facts),
    )


def _unsaturated(facts: Facts) -> tuple[str, ...]:
    """Batch norm where the model has it and it is off, else ReLUs."""
    if facts.preset is not None and getattr(facts.preset.model, "batch_norm", None) is False:
        return ("model.batch_norm=true",)
    return changes.other_activation(facts, "relu")


def _and_others(bad: Sequence[Mapping[str, Any]]) -> str:
    others = len(bad) - 1
    return f", and {count(others)} more {'is' if others == 1 else 'are'} like it" if others else ""


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
    Rule("class-imbalance", ("class_counts",), _class_imbalance),
)

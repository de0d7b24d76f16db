"""The rounds of a comparison: both contenders train in turns, and what each round brought is kept.

For speed and memory a round lasts a fraction of a second. For what a run learns, both contenders train from the start
on the same number of samples, and are measured on the same validation samples after each round.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import fmean, stdev

from workbench.training.health.probe import HealthProbe
from workbench.training.processes.comparison_validation import Validated, Validation
from workbench.training.processes.contender import Contender
from workbench.training.timing.step_times import Measured
from workbench.units import count, duration

TURN_SECONDS = 0.25
"""Of a round of speed, for each contender: short, so that other load on the machine affects both alike."""
SPEED_ROUNDS = 8
LEAST_ROUNDS = 3
"""Of speed, however long a step takes."""
MOST_DELAY = 3
"""Rounds of speed end early, with long steps or on a busy machine, once they took this many times as long as meant."""
LEARNING_ROUNDS = 10
PROBE_SECONDS = 1.0
"""How long both contenders train before the time of the whole comparison is estimated."""
FREE_FRACTION = 0.25
"""Fraction of the longest time that a comparison takes which may end after any number of steps."""
MOST_EPOCHS = 10
"""Of such a comparison."""
LOSS_FRACTION = 0.1
"""Without a validation split, the loss is averaged over the last samples trained on: this fraction of them."""
STANDARD_ERRORS = 2.131
"""Half the width of the 95 % interval of a mean of 16 values, those of the parts (Student's t)."""

Report = Callable[[int, int, float | None], None]
"""Called with every round: its number from 1, how many there are, and about how many seconds are left."""
Naming = Callable[[Contender], AbstractContextManager[None]]
"""Names the contender in what goes wrong inside the `with`."""


class TooLongError(Exception):
    """The question cannot be answered in the time that a comparison may take; the text says why."""


@dataclass
class Rounds:
    """What was measured of the two, round by round."""

    paces: list[tuple[float, float]] = field(default_factory=list)
    """Samples a second of both, the present settings' first."""
    present: list[Validated] = field(default_factory=list)
    changed: list[Validated] = field(default_factory=list)
    validation_samples: int = 0
    """0 where the losses are those of training samples."""


def speed_rounds(
    present: Contender, changed: Contender, report: Report, naming: Naming, adapt: Callable[[], None]
) -> Rounds:
    """Rounds of speed; adapt: takes a look at who else uses the cores, once both are warm."""
    found = Rounds()
    for contender in (present, changed):
        with naming(contender):
            contender.warm_up(TURN_SECONDS)
    adapt()
    started, done = time.perf_counter(), 0
    while done < LEAST_ROUNDS or (
        done < SPEED_ROUNDS and time.perf_counter() - started < MOST_DELAY * 2 * TURN_SECONDS * SPEED_ROUNDS
    ):
        each = (time.perf_counter() - started) / done if done else None
        report(done + 1, SPEED_ROUNDS, None if each is None else each * (SPEED_ROUNDS - done))
        pace: dict[Contender, float] = {}
        for contender in (present, changed) if done % 2 == 0 else (changed, present):
            with naming(contender):
                pace[contender] = contender.turn(TURN_SECONDS)
        found.paces.append((pace[present], pace[changed]))
        done += 1
    return found


def learning_rounds(
    present: Contender,
    changed: Contender,
    steps: int | None,
    most_seconds: float,
    report: Report,
    naming: Naming,
    *,
    or_fewer: bool = False,
) -> Rounds:
    """Trains both contenders on the same number of samples, and measures them after each round.

    steps: optimizer steps of the present settings that both must train (or_fewer: if there is time for them); None: any
    number from an epoch on. Raises TooLongError where that would take more than `most_seconds`.
    """
    found = Rounds()
    validations = _validations(present, changed)
    found.validation_samples = 0 if validations is None else len(validations[0])
    samples = None if steps is None else max(present.samples_of(steps), changed.samples_per_step)
    pace = _probe(present, changed, samples, naming)
    if or_fewer and samples is not None and samples * pace > most_seconds:
        samples = None
    samples = _samples(present, samples, pace, most_seconds)
    # Each round has a step of both at least.
    trained, largest = present.samples_trained, max(present.samples_per_step, changed.samples_per_step)
    samples, started = max(samples, trained + LEARNING_ROUNDS * largest), time.perf_counter()
    for number in range(1, LEARNING_ROUNDS + 1):
        goal = trained + (samples - trained) * number // LEARNING_ROUNDS
        spent, left = time.perf_counter() - started, LEARNING_ROUNDS - number + 1
        report(number, LEARNING_ROUNDS, spent / (number - 1) * left if number > 1 else (samples - trained) * pace)
        measured: dict[Contender, Measured] = {}
        for contender in (present, changed) if number % 2 else (changed, present):
            with naming(contender):
                measured[contender] = contender.train_to(goal)
        if measured[present].steps and measured[changed].steps:
            found.paces.append((_pace(measured[present]), _pace(measured[changed])))
        for place, (contender, kept) in enumerate(((present, found.present), (changed, found.changed))):
            with naming(contender):
                kept.append(_trained_loss(contender, goal) if validations is None else validations[place].measure(goal))
    return found


def _validations(present: Contender, changed: Contender) -> tuple[Validation, Validation] | None:
    if present.job.validation is None or changed.job.validation is None:
        return None
    return Validation(present.job), Validation(changed.job)


def _probe(present: Contender, changed: Contender, most_samples: int | None, naming: Naming) -> float:
    """Trains both on the same few samples; returns the seconds that a sample takes on both together."""
    goal, began = max(present.samples_per_step, changed.samples_per_step), time.perf_counter()
    before, seconds = 0, 0.0
    while True:
        seconds = 0.0
        for contender in (present, changed):
            with naming(contender):
                seconds += contender.train_to(goal).seconds
        pace = seconds / max(goal - before, 1)
        enough = time.perf_counter() - began >= PROBE_SECONDS
        if enough or (most_samples is not None and 2 * goal > most_samples / LEARNING_ROUNDS):
            return pace
        before, goal = goal, 2 * goal


def _samples(present: Contender, wanted: int | None, pace: float, most_seconds: float) -> int:
    """Returns how many samples both train on. Raises TooLongError."""
    epoch = present.job.samples_per_epoch
    if wanted is None:
        wanted = max(
            min(int(FREE_FRACTION * most_seconds / pace), MOST_EPOCHS * epoch), epoch, 2 * present.samples_trained
        )
    seconds = (wanted - present.samples_trained) * pace
    if seconds > most_seconds:
        epochs = wanted / epoch
        shown = count(round(epochs)) if epochs >= 100 else f"{epochs:.3g}"
        raise TooLongError(
            f"to answer this, both settings would have to train on {count(wanted)} samples "
            f"({shown} epochs), which takes about {duration(seconds)} here, more than the "
            f"{duration(most_seconds)} that a comparison may take. Keep the change, start a run with it, and compare "
            "the two runs."
        )
    return wanted


def _pace(measured: Measured) -> float:
    return measured.samples / measured.seconds


def _trained_loss(contender: Contender, samples: int) -> Validated:
    window = max(LOSS_FRACTION * samples, contender.samples_per_step)
    return Validated(samples, contender.loss_after(samples, window))


# What the rounds say.


@dataclass(frozen=True)
class PairedPaces:
    """Two paces that were measured in turns."""

    present: float
    """Samples a second, as is the next."""
    changed: float
    ratio: float
    """Changed over present."""
    ratio_low: float
    ratio_high: float


def paired(paces: Sequence[tuple[float, float]]) -> PairedPaces:
    """Two paces and their ratio, from rounds that each measured both: figures that cannot contradict each other.

    A quarter of the rounds at either end, by their ratio, is left out: a hiccup has nothing to do with the settings. Of
    the others all three are geometric means, so that the ratio is that of the two paces.
    """
    ordered = sorted(paces, key=lambda pair: pair[1] / pair[0])
    cut = len(ordered) // 4
    kept = ordered[cut : len(ordered) - cut]
    before, after = (math.exp(fmean(math.log(pair[place]) for pair in kept)) for place in (0, 1))
    ratios = [pair[1] / pair[0] for pair in kept]
    return PairedPaces(before, after, after / before, min(ratios), max(ratios))


def lowest(validated: Sequence[Validated]) -> Validated | None:
    """Where the loss was lowest; None if it was never a finite number."""
    finite = [each for each in validated if math.isfinite(each.loss)]
    return min(finite, key=lambda each: each.loss, default=None)


def difference(present: Validated | None, changed: Validated | None) -> tuple[float, float] | None:
    """The 95 % interval of the difference of two losses, given that the validation samples are a random draw.

    Changed less present; None where it is not known.
    """
    if present is None or changed is None or not present.parts or len(present.parts) != len(changed.parts):
        return None
    differences = [after - before for before, after in zip(present.parts, changed.parts, strict=True)]
    half = STANDARD_ERRORS * stdev(differences) / math.sqrt(len(differences))
    middle = changed.loss - present.loss
    return middle - half, middle + half


def worst_fraction(contender: Contender, which: str) -> float | None:
    """Returns the fraction of dead units ("dead_share"), or of saturated values, in the worst layer.

    0 where no activation can have any; None for a model whose activations cannot be looked at.
    """
    health = HealthProbe(contender.job).measure(contender.steps, contender.epoch)
    if health is None:
        return None
    return max((float(layer[which]) for layer in health.layers if layer.get(which) is not None), default=0.0)

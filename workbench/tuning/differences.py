"""How two sides differ: in settings, environment and step time, and in their metrics, with what can be concluded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import UsageError
from workbench.metrics import METRICS, Metric, metric
from workbench.settings.differing import NAMES
from workbench.settings.judged import decides_loss
from workbench.tuning.sides import PAIRED_BY, SPLITS, Side, differences_of
from workbench.tuning.statistics import (
    LEVEL,
    SignFlipTest,
    least_pairs,
    mean_and_deviation,
    mean_interval,
    pairs_needed,
    sign_flip_test,
)

REVISION = "git_revision"
"""The key of environment.json that is the code's."""


@dataclass(frozen=True)
class MetricDifference:
    """One metric on one split: the second side minus the first."""

    metric: Metric
    split: str
    difference: float
    """Mean over the pairs; without pairs, the difference of the two means."""
    deviation: float | None
    """Of the differences of the pairs; None for fewer than two pairs."""
    pairs: int
    interval: tuple[float, float] | None
    """Of 95 %, with Nadeau and Bengio's correction for folds; None for fewer than two pairs."""
    test: SignFlipTest
    test_to_train: float
    """Of folds, validation samples over training samples; else 0."""

    @property
    def is_told_apart(self) -> bool:
        """Whether the test and the interval agree that the sides differ."""
        if self.interval is None or self.test.p >= LEVEL:
            return False
        low, high = self.interval
        return low > 0 or high < 0

    @property
    def second_is_better(self) -> bool:
        """Whether the second side had the better mean."""
        return self.metric.rank(self.difference) > 0

    @property
    def pairs_needed(self) -> int | None:
        """How many pairs would show a difference like this one, and allow a p below 0.05; None if none would."""
        if self.deviation is None:
            return least_pairs()
        return pairs_needed(self.difference, self.deviation, test_to_train=self.test_to_train)


@dataclass(frozen=True)
class Effort:
    """The trainings that it takes to tell two sides apart: one side or both, anew with more seeds."""

    seeds: int
    """On each side."""
    first_seed: int
    """The others follow it."""
    sides: tuple[Side, ...]
    """Those that have not enough of these seeds."""
    seconds: float | None
    """All of it takes about this long, one run after another; None if it is not known."""


def compare_metrics(first: Side, second: Side) -> list[MetricDifference]:
    """The metrics that both sides have, of the validation split before those of the test split.

    The loss is left out where the sides minimise different losses. Raises UsageError where nothing can be compared.
    """
    _check_tasks(first, second)
    found = []
    for split in SPLITS:
        for each in [*METRICS, *own_metrics((first, second))]:
            if each.name == "loss" and not same_loss(first, second):
                continue
            here, there = first.values(split, each.name), second.values(split, each.name)
            if here and there:
                found.append(_compare(each, split, first, second, here, there))
    if not found:
        raise UsageError(f"{first.name} and {second.name} have no metric in common, so that nothing can be compared")
    return found


def own_metrics(sides: Iterable[Side]) -> list[Metric]:
    """The metrics of loops of the user's own that are not declared, in the order in which they are found."""
    known = {each.name for each in METRICS}
    names = [name for side in sides for run in side.runs.values() for found in run.metrics.values() for name in found]
    return [metric(name) for name in dict.fromkeys(names) if name not in known]


def _compare(
    metric: Metric, split: str, first: Side, second: Side, here: Mapping[Any, float], there: Mapping[Any, float]
) -> MetricDifference:
    keys = [key for key in shared_keys(first, second) if key in here and key in there]
    if not keys:
        apart = mean_and_deviation(list(there.values()))[0] - mean_and_deviation(list(here.values()))[0]
        return MetricDifference(metric, split, apart, None, 0, None, SignFlipTest(1.0, 1.0, True), 0.0)
    differences = [there[key] - here[key] for key in keys]
    mean, deviation = mean_and_deviation(differences)
    has_folds = len({key.fold for key in keys}) > 1
    ratio = max(first.runs[key].test_to_train for key in keys) if has_folds else 0.0
    interval = mean_interval(differences, test_to_train=ratio) if len(keys) > 1 else None
    return MetricDifference(metric, split, mean, deviation, len(keys), interval, sign_flip_test(differences), ratio)


def deciding(found: Sequence[MetricDifference], first: Side) -> MetricDifference:
    """The difference that answers which side is better: of the metric by which the first side chose its best epoch."""
    return next((each for each in found if each.metric.name == first.first.monitor), found[0])


def shared_keys(first: Side, second: Side) -> list[Any]:
    """The seeds and folds that both sides were trained with. Folds of different splits are none of them."""
    if first.folds and second.folds and not same_split(first, second):
        return []
    return [key for key in first.runs if key in second.runs and key.seed is not None]


def same_split(first: Side, second: Side) -> bool:
    """Whether both sides train, validate and test on the same samples."""
    return not any(_splits_samples(path) for path in settings_that_differ(first, second))


def same_loss(first: Side, second: Side) -> bool:
    """Whether both sides minimise the same loss, so that its values can be compared."""
    return not any(map(decides_loss, settings_that_differ(first, second)))


def settings_that_differ(first: Side, second: Side) -> dict[str, tuple[Any, Any]]:
    """By key path: the values of both sides. Seed and fold: all that each side was trained with."""
    found = {
        path: values
        for path, values in differences_of(first.first.settings, second.first.settings).items()
        if path not in (*NAMES, *PAIRED_BY)
    }
    for path, here, there in zip(PAIRED_BY, (first.seeds, first.folds), (second.seeds, second.folds), strict=True):
        if here != there:
            found[path] = (_one_or_all(here), _one_or_all(there))
    return found


def environments_that_differ(first: Side, second: Side) -> dict[str, tuple[str | None, str | None]]:
    """By key path of environment.json: the values of both sides, the code's revision last."""
    here, there = first.environment, second.environment
    paths = [path for path in dict.fromkeys((*here, *there)) if path != REVISION]
    return {path: (here.get(path), there.get(path)) for path in (*paths, REVISION) if here.get(path) != there.get(path)}


def effort(decided: MetricDifference, first: Side, second: Side) -> Effort | None:
    """What it would take to tell the sides apart by this metric; None where more seeds would not do it.

    Where there are too few pairs for any p below 0.05, it is at least the number that allows one.
    """
    by_effect = decided.pairs_needed
    if decided.pairs >= least_pairs():
        if by_effect is None:
            return None
        seeds = max(by_effect, decided.pairs + 1)
    else:
        # The deviation of two pairs says nothing about that of more.
        seeds = max(by_effect or 0, least_pairs()) if decided.pairs > 2 else least_pairs()
    whole = [side for side in (first, second) if len(side.seeds) >= seeds]
    first_seed = (whole or [first])[0].seeds[0]
    wanted = set(range(first_seed, first_seed + seeds))
    sides = tuple(side for side in (first, second) if not wanted <= set(side.seeds))
    times = [time for side in sides if (time := side.seconds_of(seeds)) is not None]
    return Effort(seeds, first_seed, sides, sum(times) if len(times) == len(sides) else None)


def _splits_samples(path: str) -> bool:
    """Whether a setting says which samples there are, or which split they are in."""
    table, _, key = path.partition(".")
    if table == "data":
        return key in ("name", "file", "folder", "function", "arguments")
    return table == "validation" and path not in PAIRED_BY


def _one_or_all(values: Sequence[int]) -> Any:
    return None if not values else values[0] if len(values) == 1 else tuple(values)


def _task(side: Side) -> str | None:
    names = {name for run in side.runs.values() for values in run.metrics.values() for name in values}
    return next((each.task for each in METRICS if each.task is not None and each.name in names), None)


def _check_tasks(first: Side, second: Side) -> None:
    here, there = _task(first), _task(second)
    if here is not None and there is not None and here != there:
        raise UsageError(
            f"{first.name} is a {here} and {second.name} a {there}: they have different metrics, "
            "so that they cannot be compared"
        )

"""The end of a search: which of the best is best, by what they give with fresh seeds, or that chance hides it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.metrics import Metric
from workbench.tuning.statistics import LEVEL, least_pairs, mean_and_deviation, mean_interval, sign_flip_test
from workbench.tuning.view import StudyView, TrialView

SEED = "training.seed"


@dataclass(frozen=True)
class Candidate:
    """One of the best trials, and what its settings give with fresh seeds."""

    trial: TrialView
    fresh: dict[int, float]
    """The value by seed. The seed of the search is not among them: with it, the trial was chosen."""
    failed: int
    """Trainings with a fresh seed that failed."""

    @property
    def mean(self) -> float | None:
        """Over the fresh seeds; None without any."""
        return mean_and_deviation(list(self.fresh.values()))[0] if self.fresh else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the mean, 95 %; None for fewer than two seeds."""
        return mean_interval(list(self.fresh.values())) if len(self.fresh) > 1 else None


@dataclass(frozen=True)
class Verdict:
    """What the search has found."""

    best: Candidate
    others: tuple[Candidate, ...]
    """The other candidates, the best first."""
    tied: tuple[Candidate, ...]
    """Those of the others that cannot be told apart from the best."""


def candidates_of(view: StudyView, trials: Sequence[TrialView]) -> list[Candidate]:
    """The trials with their repeats. Those for which no time was left are not among them."""
    found = []
    for trial in trials:
        ended = [each for each in view.repeats_of(trial.number) if each.status in ("completed", "failed")]
        fresh = {each.settings[SEED]: each.value for each in ended if each.value is not None and SEED in each.settings}
        found.append(Candidate(trial, fresh, len(ended) - len(fresh)))
    return found


def judge(view: StudyView, trials: Sequence[TrialView], metric: Metric) -> Verdict | None:
    """Judges the trials by their repeats; None where there are no trials.

    Those without repeats, for which no time was left, come after those with some, and are tied.
    """
    candidates = candidates_of(view, trials)
    candidates.sort(key=lambda each: _order(each, metric), reverse=True)
    if not candidates:
        return None
    best, *others = candidates
    tied = tuple(each for each in others if not is_told_apart(best, each, comparisons=len(others)))
    return Verdict(best, tuple(others), tied)


def _order(candidate: Candidate, metric: Metric) -> tuple[bool, bool, float]:
    value = candidate.trial.best(metric) if candidate.mean is None else candidate.mean
    return bool(candidate.fresh), candidate.failed == 0, -math.inf if value is None else metric.rank(value)


def is_told_apart(best: Candidate, other: Candidate, *, comparisons: int = 1) -> bool:
    """Whether the values with the same fresh seeds differ by more than chance.

    The paired interval by Student's t must not hold 0, at a level that allows for the number of comparisons
    (Bonferroni). Where there are enough pairs for the exact sign-flip test to find anything at that level, it must
    agree; fewer pairs whose differences are all the same say nothing: few samples make equal steps of an accuracy.
    """
    seeds = sorted(best.fresh.keys() & other.fresh.keys())
    if len(seeds) < 2:
        return False
    differences = [best.fresh[seed] - other.fresh[seed] for seed in seeds]
    level = LEVEL / comparisons
    low, high = mean_interval(differences, confidence=1 - level)
    if low <= 0 <= high:
        return False
    if len(seeds) >= least_pairs(level):
        return sign_flip_test(differences).p < level
    return high - low > 1e-9 * max(abs(low), abs(high))

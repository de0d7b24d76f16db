"""Rules that discard trials before their end, as functions of what is known of a study.

A trial that is not better than others after a few epochs seldom is at the end. Values are the best up to an epoch.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from statistics import median as median_of
from typing import Any

from workbench.metrics import Metric
from workbench.tuning.question import Question
from workbench.tuning.steps import Continue, Discard
from workbench.tuning.view import StudyView, TrialView

SCHEDULE = "schedule.name"
SPARE = 2
"""How many trials wait with their weights, as a multiple of those that are kept: one that is kept may still fail."""
REDUCTION = 3
"""ASHA: one of this many trials is promoted from each rung, and rungs are this many times farther apart."""
STARTUP_TRIALS = 5
"""Median: trials that complete before any is discarded."""


def value_at(trial: TrialView, epoch: int, metric: Metric) -> float | None:
    """The best value up to an epoch; None where the trial has not got there, or had no finite value."""
    if max(trial.values, default=0) < epoch:
        return None
    known = [value for at, value in trial.values.items() if at <= epoch and math.isfinite(value)]
    return max(known, key=metric.rank, default=None)


def keep(view: StudyView, count: int) -> Continue | Discard | None:
    """The best trials that are paused or completed are trained to their end, the other paused ones are discarded.

    All at once, when every trial has come to its pause; the best first, for the time may end. None where no trial is
    paused.
    """
    kept = next((trial for trial in _best(view, count) if trial.status == "paused"), None)
    if kept is not None:
        return Continue(kept.number)
    paused = next((trial for trial in view.trials.values() if trial.status == "paused"), None)
    return None if paused is None else _not_kept(paused, count, view)


def surplus(view: StudyView, count: int) -> Discard | None:
    """While trials are still being tried: one that is paused and so far behind that it will not be kept."""
    waiting = _best(view, SPARE * count)
    behind = [trial for trial in view.trials.values() if trial.status == "paused" and trial not in waiting]
    return _not_kept(behind[0], count, view) if behind else None


def not_kept_at(
    view: StudyView, trials: Sequence[TrialView], epoch: int, count: int, *, by_fraction: bool = False
) -> list[Discard]:
    """Those that are not among the best of all trials that have been trained for that many epochs.

    count: how many of all are kept. by_fraction: one of REDUCTION is kept where that is more, as ASHA promotes.
    """
    metric = view.metric
    if metric is None:
        return []
    own = [trial for trial in view.trials.values() if trial.repeats is None and trial.status != "failed"]
    ordered = _best_at(own, epoch, metric)
    if by_fraction:
        kept = ordered[: max(len(ordered) // REDUCTION, count)]
        reason = f"not among the best {len(kept)} of {len(ordered)} after epoch {epoch}"
    else:
        kept = ordered[:count]
        reason = f"not among the best {count} after epoch {epoch}{_among(view)}"
    return [Discard(trial.number, reason) for trial in trials if trial not in kept]


def _best_at(trials: Iterable[TrialView], epoch: int, metric: Metric) -> list[TrialView]:
    """Those that have been trained for that many epochs, the best first; of each schedule in turn."""
    return _in_turn([trial for _, trial in _ranked_at(trials, epoch, metric)])


def _ranked_at(trials: Iterable[TrialView], epoch: int, metric: Metric) -> list[tuple[float, TrialView]]:
    """Values of those that have been trained for that many epochs, with them; the best first."""
    values = [(value_at(trial, epoch, metric), trial) for trial in trials]
    known = [(value, trial) for value, trial in values if value is not None]
    return sorted(known, key=lambda pair: (-metric.rank(pair[0]), pair[1].number))


def _best(view: StudyView, count: int) -> list[TrialView]:
    ranked = [trial for trial in view.ranked() if trial.status in ("paused", "completed", "running", "waiting")]
    return _in_turn(ranked)[:count]


def _in_turn(ranked: Sequence[TrialView]) -> list[TrialView]:
    """The best of each schedule first, then the second of each: a rate that falls later is worth more at the end.

    After a few epochs trials can only be compared with those whose rate takes the same course.
    """
    before: Counter[Any] = Counter()
    places = []
    for trial in ranked:
        schedule = trial.settings.get(SCHEDULE)
        places.append(before[schedule])
        before[schedule] += 1
    return [trial for _, trial in sorted(zip(places, ranked, strict=True), key=itemgetter(0))]


def _not_kept(trial: TrialView, count: int, view: StudyView) -> Discard:
    return Discard(trial.number, f"not among the best {count} after epoch {trial.epoch}{_among(view)}")


def _among(view: StudyView) -> str:
    schedules = {each.settings.get(SCHEDULE) for each in view.trials.values()}
    return "" if len(schedules) == 1 else ", taken from each schedule in turn"


def rungs(first: int, epochs: int) -> list[int]:
    """The epochs at which ASHA decides: 1, 3, 9, ... before the last."""
    found = []
    while first < epochs:
        found.append(first)
        first *= REDUCTION
    return found


def rungs_of(question: Question, epochs: int) -> list[int]:
    """The rungs of a search; empty where it discards by another rule than ASHA. epochs: of a whole trial."""
    return rungs(question.discard_after, epochs) if question.discard == "asha" else []


def asha(view: StudyView, first: int, epochs: int) -> Continue | None:
    """The next trial that is promoted to a higher rung; None where there is none.

    Asynchronous successive halving (Li et al. 2020, *A System for Massively Parallel Hyperparameter Tuning*, algorithm
    2): of the trials that have reached a rung, the best third is promoted, as soon as there are enough, and the highest
    rung comes first. Where schedules are searched, the best of each in turn.
    """
    metric = view.metric
    if metric is None:
        return None
    own = [trial for trial in view.trials.values() if trial.repeats is None]
    levels = rungs(first, epochs)
    for level in range(len(levels) - 1, -1, -1):
        reached = _best_at(own, levels[level], metric)
        for trial in reached[: len(reached) // REDUCTION]:
            if trial.status == "paused" and _rung_of(trial, levels) == levels[level]:
                following = levels[level + 1] if level + 1 < len(levels) else None
                return Continue(trial.number, following)
    return None


def _rung_of(trial: TrialView, levels: Sequence[int]) -> int:
    """The highest rung that a trial has reached; 0 where it has reached none."""
    return max((level for level in levels if level <= trial.epoch), default=0)


def asha_thresholds(view: StudyView, trial: TrialView, ahead: Sequence[int]) -> dict[int, float | None]:
    """What a trial must beat at each rung ahead of it for ASHA to promote it there and then.

    None: too few trials have reached the rung, so that it pauses there. A rung is left out where any value is enough.
    """
    metric = view.metric
    if metric is None:
        return dict.fromkeys(ahead[:1])
    others = [each for each in view.trials.values() if each.repeats is None and each is not trial]
    thresholds: dict[int, float | None] = {}
    for rung in ahead:
        known = _ranked_at(others, rung, metric)
        place = _last_promoted([each for _, each in known], trial)
        if place < len(known):
            thresholds[rung] = known[place][0] if place >= 0 else None
        if place < 0:
            break
    return thresholds


def _last_promoted(ranked: Sequence[TrialView], trial: TrialView) -> int:
    """The last place, from 0, among ranked trials at which a trial would be promoted; -1 where it would be at none."""
    promoted = (len(ranked) + 1) // REDUCTION
    for place in range(len(ranked), -1, -1):
        if trial in _in_turn([*ranked[:place], trial, *ranked[place:]])[:promoted]:
            return place
    return -1


def median(view: StudyView, trial: TrialView, first: int) -> Discard | None:
    """Discards a trial at the first epoch after which it is worse than the median of those that have completed.

    Golovin et al. 2017, *Google Vizier*, section 3.5.2, with the best value up to the epoch for the running average,
    as Optuna has it. first: the first epoch at which it decides. None where it is good enough so far, or fewer than
    STARTUP_TRIALS have completed. A trial whose values are all not finite is worse than any.
    """
    metric = view.metric
    if metric is None or trial.repeats is not None:
        return None
    completed = [each for each in view.trials.values() if each.status == "completed" and each.repeats is None]
    if len(completed) < STARTUP_TRIALS:
        return None
    for epoch in sorted(epoch for epoch in trial.values if epoch >= first):
        others = [value for each in completed if (value := value_at(each, epoch, metric)) is not None]
        if not others:
            continue
        middle, own = median_of(others), value_at(trial, epoch, metric)
        if own is None or metric.rank(own) < metric.rank(middle):
            return Discard(trial.number, f"worse than the median of the others after epoch {epoch}", epoch)
    return None

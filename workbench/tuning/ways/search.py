"""A search: a sampler suggests settings, most are discarded early, the best are trained again with other seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from workbench.errors import EXIT_FAILED, EXIT_USAGE, USERS_KINDS, DataError
from workbench.metrics import Metric
from workbench.tuning.discarding import SPARE, asha, asha_thresholds, keep, median, not_kept_at, rungs_of, surplus
from workbench.tuning.question import Question, parse_target
from workbench.tuning.sampler import Suggestion
from workbench.tuning.steps import BY_HAND, Discard, Done, NewTrial, Step, Wait
from workbench.tuning.verdict import SEED, Candidate, judge
from workbench.tuning.view import StudyView, TrialView

AT_ONCE = 16
"""Settings that are tried together before any of them has given a value: a sampler learns nothing meanwhile."""
EXPLORING = 0.5
"""Of the time after the first trial: as long as that, new settings are tried."""
RESERVE = 1.5
"""Later, they are tried while this many times as long is left as it takes to train the best to their end and again."""
KEPT_FROM = 8
"""Settings that have been tried before any of them is trained to its end: the first would be the best of few."""
MOST_FAILED = 3
"""Trials that fail, before any has had a value: then something is wrong with all of them."""

Suggest = Callable[[StudyView], Suggestion | None]
"""The settings of the next trial, from what the earlier ones have given; None where there are no more."""


class Search:
    """Tries settings until the budget is used up."""

    def __init__(self, question: Question, suggest: Suggest, epochs: int, seed: int, at_once: int = AT_ONCE) -> None:
        """epochs: of a whole trial. seed: that of the preset, with which all settings are tried.

        at_once: how many settings may be tried before any of them has given a value.
        """
        self._at_once = at_once
        self._question = question
        self._suggest = suggest
        pauses = question.discard in ("keep", "asha") and question.discard_after < epochs
        self._until_epoch = question.discard_after if pauses else None
        self._epochs = epochs
        self._seed = seed
        self._exhausted = False

    def next(self, view: StudyView) -> Step:
        if (done := self.gives_up(view)) is not None:
            return done
        own = [trial for trial in view.trials.values() if trial.repeats is None]
        if self._question.discard == "asha" and not self._is_late(view) and not self._reached(view):
            promoted = asha(view, self._question.discard_after, self._epochs)
            if promoted is not None:
                return promoted
        if self._question.discard == "keep" and (step := self._keep(view, own)) is not None:
            return step
        if self._explores(view, own):
            suggestion = self._suggest(view)
            if suggestion is not None:
                return NewTrial(suggestion.values, suggestion.origin, None, self._until_epoch)
            self._exhausted = True
        if any(trial.until_epoch is not None for trial in view.running):
            return Wait()
        if any(trial.status == "waiting" for trial in own):
            return Wait()
        count = self._question.keep if self._question.discard == "keep" else max(self._question.confirm, 1)
        if (step := keep(view, count)) is not None:
            return step
        if view.running:
            return Wait()
        return self._confirm(view) or Done()

    def gives_up(self, view: StudyView) -> Done | None:
        own = [trial for trial in view.trials.values() if trial.repeats is None]
        if own and own[0].origin == "preset" and own[0].kind in USERS_KINDS and not own[0].values:
            is_of_data = own[0].kind == DataError.kind
            return Done(own[0].reason, failed=True, exit_code=EXIT_FAILED if is_of_data else EXIT_USAGE)
        failed = [trial for trial in own if trial.status in ("failed", "discarded") and trial.reason != BY_HAND]
        if not any(trial.values for trial in own) and len(failed) >= MOST_FAILED:
            return Done(f"the first {MOST_FAILED} trials failed: {failed[0].reason}", failed=True)
        return None

    def begins_again(self, view: StudyView) -> Sequence[int]:
        return ()

    @property
    def at_once(self) -> int:
        return self._at_once

    @property
    def decided_after(self) -> Sequence[int]:
        if self._question.discard == "asha":
            return rungs_of(self._question, self._epochs)
        return [self._until_epoch] if self._until_epoch is not None else []

    @property
    def needs_scores(self) -> bool:
        return False

    def discards_among(self, view: StudyView, trials: Sequence[int], epoch: int) -> list[Discard]:
        question, own = self._question, [view.trials[number] for number in trials]
        if self._reached(view) and epoch < self._epochs:
            best = view.ranked()[: max(question.confirm, 1)]
            reason = f"another trial has reached {question.until}"
            return [Discard(trial.number, reason) for trial in own if trial not in best]
        if question.discard == "median":
            found = [median(view, trial, question.discard_after) for trial in own]
            return [each for each in found if each is not None]
        if epoch not in self.decided_after:
            return []
        if question.discard == "keep":
            return not_kept_at(view, own, epoch, question.keep)
        return not_kept_at(view, own, epoch, max(question.confirm, 1), by_fraction=True)

    def _keep(self, view: StudyView, own: list[TrialView]) -> Step | None:
        """While settings are tried: trains those to their end that are among the best of all so far."""
        if sum(bool(trial.values) for trial in own) < KEPT_FROM:
            return surplus(view, self._question.keep)
        return keep(view, self._question.keep)

    def _explores(self, view: StudyView, own: list[TrialView]) -> bool:
        question = self._question
        if self._exhausted or (question.trials and len(own) >= question.trials):
            return False
        return not self._is_late(view) and not self._reached(view)

    def _is_late(self, view: StudyView) -> bool:
        """Whether so much of the time is used up that only the best are trained."""
        start, seconds = view.start_seconds, self._question.seconds
        if not seconds or start is None or view.seconds < start + EXPLORING * (seconds - start):
            return False
        return view.seconds + RESERVE * self._seconds_to_finish(view) >= seconds

    def _seconds_to_finish(self, view: StudyView) -> float:
        """About what it takes to train the best to their end, and again with fresh seeds; infinity if not known."""
        question = self._question
        best = [trial for trial in view.ranked() if not trial.has_ended or trial.status == "completed"]
        best = best[: max(question.keep, question.confirm, 1)]
        if not best or not all(view.seconds_of(trial) and trial.epoch for trial in best):
            return math.inf
        longest = max(view.seconds_of(trial) / trial.epoch for trial in best)
        epochs = sum(self._epochs - trial.epoch for trial in best)
        return longest * (epochs + question.confirm * len(question.seeds) * self._epochs)

    def _reached(self, view: StudyView) -> bool:
        if not self._question.until or view.metric is None:
            return False
        target = parse_target(self._question.until).value
        best = next(iter(view.ranked()), None)
        value = None if best is None else best.best(view.metric)
        return value is not None and view.metric.rank(value) >= view.metric.rank(target)

    def _confirm(self, view: StudyView) -> Step | None:
        """Trains the best again with a fresh seed."""
        for offset in range(1, len(self._question.seeds) + 1):
            seed = self._question.seeds[offset - 1]
            for trial in self._candidates(view):
                repeats = view.repeats_of(trial.number)
                if not any(other.settings.get(SEED) == seed for other in repeats):
                    settings = trial.trained_settings | {SEED: seed}
                    return NewTrial(settings, f"trial {trial.number} with seed {seed}", trial.number)
        return None

    def _candidates(self, view: StudyView) -> list[TrialView]:
        completed = [trial for trial in view.ranked() if trial.status == "completed"]
        return completed[: self._question.confirm]

    def is_over(self, view: StudyView, seconds: float) -> str:
        if self._question.seconds and seconds >= self._question.seconds:
            return f"the time of {self._question.seconds:g} s is over"
        return ""

    @property
    def most_weights(self) -> int | None:
        question = self._question
        kept = max(question.keep, question.confirm, 1)
        if question.discard == "asha":
            return question.trials or None
        return 1 + (max(SPARE * question.keep, kept) if self._until_epoch is not None else kept)

    def thresholds(self, view: StudyView, trial: TrialView, until_epoch: int) -> dict[int, float | None]:
        if self._question.discard != "asha" or self._is_late(view) or self._reached(view):
            return {until_epoch: None}
        return asha_thresholds(view, trial, [rung for rung in self.decided_after if rung >= until_epoch])

    def discards(self, view: StudyView, trial: TrialView) -> Discard | None:
        if self._question.discard != "median":
            return None
        return median(view, trial, self._question.discard_after)

    def keeps_weights(self, view: StudyView, trial: TrialView) -> bool:
        """Of the best that have completed; the others are known by their values alone.

        Where one of the best has no run, for it was trained together with others, its first repeat keeps its weights.
        """
        completed = [each for each in view.ranked() if each.status == "completed"]
        best = completed[: max(self._question.keep, self._question.confirm, 1)]
        if trial.repeats is None:
            return trial in best
        repeated = view.trials[trial.repeats]
        return repeated in best and not repeated.run and trial is view.repeats_of(trial.repeats)[0]

    def result(self, view: StudyView) -> dict[str, Any]:
        metric = view.metric
        own = [trial for trial in view.trials.values() if trial.repeats is None]
        counts = {"trials": len(own), "discarded": sum(trial.status == "discarded" for trial in own)}
        verdict = None if metric is None else judge(view, self._candidates(view) or view.ranked()[:1], metric)
        if metric is None or verdict is None:
            return {"best": None, "tied": [], **counts}
        return {
            "best": _as_json(verdict.best, metric, view),
            "tied": [_as_json(each, metric, view) for each in verdict.tied],
            **counts,
        }


def _as_json(candidate: Candidate, metric: Metric, view: StudyView) -> dict[str, Any]:
    """value: as searched. mean, low, high: over the fresh seeds, with the interval of 95 %.

    run: of a trial that was trained together with others, that of its first repeat; empty where there is none.
    """
    low, high = candidate.interval or (None, None)
    repeats = [each.run for each in view.repeats_of(candidate.trial.number) if each.status == "completed"]
    return {
        "trial": candidate.trial.number,
        "run": candidate.trial.run or next(iter(repeats), ""),
        "settings": candidate.trial.trained_settings,
        "metric": metric.name,
        "value": candidate.trial.best(metric),
        "seeds": sorted(candidate.fresh),
        "mean": candidate.mean,
        "low": low,
        "high": high,
    }

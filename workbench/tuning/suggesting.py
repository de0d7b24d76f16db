"""Suggests settings to a search, from what its earlier trials have given."""

from __future__ import annotations

from workbench.settings.preset import Preset
from workbench.tuning.question import Question
from workbench.tuning.sampler import Sampler, Suggestion
from workbench.tuning.samplers import make_sampler
from workbench.tuning.space import SearchSpace
from workbench.tuning.view import StudyView, TrialView


class Suggesting:
    """Keeps a sampler in step with a study."""

    def __init__(self, question: Question, preset: Preset) -> None:
        """Raises PresetError where the search space does not fit the preset."""
        self._question = question
        self._preset = preset
        self._space = SearchSpace.parse(question.search, preset)
        self._sampler: Sampler | None = None
        self._maximizes: bool | None = None
        """What the sampler was made for; None: nothing was known yet."""
        self._told: dict[int, tuple[float | None, int | None]] = {}
        """What the sampler knows, by its own number of the trial: the value, and the epoch if it was cut short."""

    def __call__(self, view: StudyView) -> Suggestion | None:
        """The settings of the next trial; None where everything has been tried."""
        own = [trial for trial in view.trials.values() if trial.repeats is None]
        sampler = self._sampler_for(view, own)
        for number, trial in enumerate(own):
            if number not in self._told:
                sampler.add_trial(number, trial.settings)
                self._told[number] = None, None
            result = _result(trial, view)
            if result is not None and self._told[number] != result:
                sampler.tell(number, *result)
                self._told[number] = result
        suggestion = sampler.ask(len(own))
        if suggestion is not None:
            self._told[len(own)] = None, None
        return suggestion

    def _sampler_for(self, view: StudyView, own: list[TrialView]) -> Sampler:
        """Made anew once the first trial has named the metric, and so whether larger values are better."""
        maximizes = None if view.metric is None else view.metric.higher_is_better
        if self._sampler is None or maximizes != self._maximizes:
            name, seed = self._question.sampler, self._question.seed
            self._sampler = make_sampler(name, self._space, self._preset, seed=seed, maximize=bool(maximizes))
            self._maximizes, self._told = maximizes, {}
        return self._sampler


def _result(trial: TrialView, view: StudyView) -> tuple[float | None, int | None] | None:
    """The value, and the epoch where the trial was not trained to its end; None while nothing is known."""
    if trial.status == "failed":
        return None, None
    best = None if view.metric is None else trial.best(view.metric)
    if trial.status == "completed":
        return best, None
    if trial.status in ("paused", "discarded") and best is not None:
        return best, trial.epoch
    return (None, None) if trial.status == "discarded" else None

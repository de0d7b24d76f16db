"""Suggests settings to a search, from what its earlier trials have given."""

from __future__ import annotations

from workbench.settings.preset import Preset
from workbench.tuning.discarding import rungs_of, value_at
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
        self._rungs = rungs_of(question, preset.training.epochs)
        self._known: dict[int, tuple[float | None, int | None]] = {}
        """What the sampler knows, by its own number of the trial: the value, and the epoch if it was cut short."""

    def __call__(self, view: StudyView) -> Suggestion | None:
        """The settings of the next trial; None where everything has been tried."""
        own = [trial for trial in view.trials.values() if trial.repeats is None]
        sampler = self._sampler_for(view, own)
        for number, trial in enumerate(own):
            if number not in self._known:
                sampler.add_trial(number, trial.settings)
                self._known[number] = None, None
            result = self._result(trial, view)
            if result is not None and self._known[number] != result:
                sampler.tell(number, *result)
                self._known[number] = result
        suggestion = sampler.ask(len(own))
        if suggestion is not None:
            self._known[len(own)] = None, None
        return suggestion

    def _sampler_for(self, view: StudyView, own: list[TrialView]) -> Sampler:
        """Made anew once the first trial has named the metric, and so whether larger values are better."""
        maximizes = None if view.metric is None else view.metric.higher_is_better
        if self._sampler is None or maximizes != self._maximizes:
            name, seed = self._question.sampler, self._question.seed
            self._sampler = make_sampler(name, self._space, self._preset, seed=seed, maximize=bool(maximizes))
            self._maximizes, self._known = maximizes, {}
        return self._sampler

    def _result(self, trial: TrialView, view: StudyView) -> tuple[float | None, int | None] | None:
        """The value, and the epoch where the trial was not trained to its end; None while nothing is known."""
        if trial.status == "failed":
            return None, None
        best = None if view.metric is None else trial.best(view.metric)
        if trial.status == "completed":
            return best, None
        if trial.status in ("paused", "discarded") and best is not None:
            return best, trial.epoch
        if trial.status == "discarded":
            return None, None
        reached = [rung for rung in self._rungs if rung <= trial.epoch]
        if view.metric is None or not reached:
            return None
        at_rung = value_at(trial, reached[-1], view.metric)  # it has passed a threshold there, and is trained on
        return None if at_rung is None else (at_rung, reached[-1])

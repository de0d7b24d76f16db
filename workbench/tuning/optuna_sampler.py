"""The samplers of Optuna: TPE, random and quasi-Monte Carlo. Imported only where a search runs: it takes 0.4 s.

Optuna's study is made anew for each suggestion, from the trials that are known, with a seed of the trial's number.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from random import Random
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from workbench.settings.preset import Preset
from workbench.tuning.dimensions import Dimension, Numbers
from workbench.tuning.grid import MOST_COMBINATIONS, combinations
from workbench.tuning.near import near
from workbench.tuning.sampler import RememberingSampler, Suggestion, Trial
from workbench.tuning.space import SearchSpace

NEAR = 0.1
"""Probability that a suggestion lies near the preset or the best trial: with more, searches found less."""
ATTEMPTS = 20
"""After this number of suggestions that were all tried before, the combinations that are left are searched."""

optuna.logging.set_verbosity(optuna.logging.CRITICAL)


class OptunaSampler(RememberingSampler):
    """TPE or random search; a tenth of the suggestions lies near the preset or the best trial."""

    def __init__(self, space: SearchSpace, preset: Preset, seed: int, maximize: bool, name: str) -> None:
        super().__init__(space, preset, seed, maximize)
        self._name = name
        self._frozen: dict[int, tuple[Trial, FrozenTrial | None]] = {}

    def suggest(self, number: int) -> Suggestion | None:
        for attempt in range(ATTEMPTS):
            suggestion = self._suggest(number, attempt)
            if not self.was_tried(suggestion.values) and self.is_possible(suggestion.values):
                return suggestion
        if math.prod(dimension.size for dimension in self.space.dimensions) > MOST_COMBINATIONS:
            return suggestion
        for values in combinations(self.space, MOST_COMBINATIONS):
            if not self.was_tried(values) and self.is_possible(values):
                return Suggestion(values, self._name)
        return None

    def _suggest(self, number: int, attempt: int) -> Suggestion:
        random = Random(self.seed_of(number, attempt))
        if random.random() < NEAR:
            best = self.best()
            if best is None or random.random() < 0.5:
                centre, origin = self.space.own_values(self.preset), "near the preset"
            else:
                centre, origin = self.trials[best].values, f"near trial {best}"
            return Suggestion(near(self.space, self.preset, centre, random), origin)
        with _quiet():
            return Suggestion(self._sampled(random.getrandbits(32)), self._name)

    def _sampled(self, seed: int) -> dict[str, Any]:
        study = optuna.create_study(sampler=self._sampler(seed), direction="maximize" if self.maximize else "minimize")
        if self._name != "random":
            for number, trial in self.known():
                if (known := self._frozen.get(number)) is None or known[0] != trial:
                    known = self._frozen[number] = trial, self._freeze(trial)
                if known[1] is not None:
                    study.add_trial(known[1])
        asked = study.ask()
        values: dict[str, Any] = {}
        for dimension in self.space.dimensions:
            if self.space.is_active(dimension, values):
                values[dimension.path] = _suggested(asked, dimension)
        return values

    def _sampler(self, seed: int) -> optuna.samplers.BaseSampler:
        if self._name == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        # group: settings that only some trials have are modelled together with the choice that they belong to.
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)

    def _freeze(self, trial: Trial) -> FrozenTrial | None:
        """A trial as Optuna has it; None of one that has an option which is not searched, as the preset may have.

        Numbers outside a range count as its nearest end.
        """
        active = self.space.active(trial.values)
        if not all(isinstance(item, Numbers) or item.contains(trial.values[item.path]) for item in active):
            return None
        states = {
            "running": TrialState.RUNNING,
            "completed": TrialState.COMPLETE,
            "failed": TrialState.FAIL,
            "cut_short": TrialState.PRUNED,
        }
        frozen = create_trial(
            state=TrialState.WAITING if trial.state == "running" else states[trial.state],
            value=trial.value if trial.state == "completed" else None,
            params=_merged(parameters(dimension, trial.values[dimension.path]) for dimension in active),
            distributions=_merged(map(distributions, active)),
            intermediate_values={trial.epoch: trial.value} if trial.state == "cut_short" else None,
        )
        if trial.state == "running":
            frozen.state, frozen.datetime_start = TrialState.RUNNING, datetime.now()
        return frozen


class QmcSampler(RememberingSampler):
    """A scrambled Sobol sequence over the whole space; of a point, the settings that are active count."""

    def __init__(self, space: SearchSpace, preset: Preset, seed: int, maximize: bool) -> None:
        super().__init__(space, preset, seed, maximize)
        self._distributions = {dimension.name: distribution_of(dimension) for dimension in space.dimensions}
        self._points: list[dict[str, Any]] = []
        with _quiet():
            self._study = optuna.create_study()
            self._qmc = optuna.samplers.QMCSampler(seed=self.seed_of(0), scramble=True)

    def suggest(self, number: int) -> Suggestion:
        with _quiet():
            trial = create_trial(state=TrialState.FAIL)
            while len(self._points) < number:
                self._points.append(self._qmc.sample_relative(self._study, trial, self._distributions))
        values: dict[str, Any] = {}
        for dimension in self.space.dimensions:
            if self.space.is_active(dimension, values):
                values[dimension.path] = external(dimension, self._points[number - 1][dimension.name])
        return Suggestion(values, "qmc")


def distribution_of(dimension: Dimension) -> BaseDistribution:
    """How Optuna sees a dimension: options and evenly spaced numbers by their index, other numbers as they are."""
    if not isinstance(dimension, Numbers):
        return CategoricalDistribution(tuple(range(dimension.count)))
    if dimension.count is not None:
        return IntDistribution(0, dimension.count - 1)
    if dimension.is_whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def internal(dimension: Dimension, value: Any) -> Any:
    """A value of a setting as Optuna has it."""
    if isinstance(dimension, Numbers) and dimension.count is None:
        return min(max(value, dimension.low), dimension.high)
    return dimension.index(value)


def distributions(dimension: Dimension) -> dict[str, BaseDistribution]:
    """A dimension for TPE: where it has axes, an index on each, so that TPE knows which options are neighbours."""
    if dimension.axes is not None:
        scales = zip(dimension.axes.names, dimension.axes.scales, strict=True)
        return {_of_axis(dimension, name): IntDistribution(0, len(scale) - 1) for name, scale in scales}
    return {dimension.name: distribution_of(dimension)}


def parameters(dimension: Dimension, value: Any) -> dict[str, Any]:
    """A value of a setting in those distributions."""
    if dimension.axes is not None:
        names = [_of_axis(dimension, name) for name in dimension.axes.names]
        return dict(zip(names, dimension.axes.point(dimension.value(dimension.index(value))), strict=True))
    return {dimension.name: internal(dimension, value)}


def _of_axis(dimension: Dimension, axis: str) -> str:
    return f"{dimension.name} {axis}".rstrip()


def _merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}


def _suggested(trial: optuna.Trial, dimension: Dimension) -> Any:
    """What Optuna suggests for a dimension, as the setting has it."""
    found = [_drawn(trial, name, distribution) for name, distribution in distributions(dimension).items()]
    if dimension.axes is not None:
        return dimension.axes.option(found)
    return external(dimension, found[0])


def _drawn(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> Any:
    match distribution:
        case CategoricalDistribution() as options:
            return trial.suggest_categorical(name, options.choices)
        case IntDistribution() as whole:
            return trial.suggest_int(name, whole.low, whole.high, log=whole.log)
        case FloatDistribution() as real:
            return trial.suggest_float(name, real.low, real.high, log=real.log)
    raise AssertionError(distribution)


def external(dimension: Dimension, suggested: Any) -> Any:
    """A value that Optuna suggests as the setting has it."""
    if isinstance(dimension, Numbers) and dimension.count is None:
        return dimension.rounded(suggested)
    return dimension.value(int(suggested))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's warnings about what is experimental: they are for who programs, not for who searches."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

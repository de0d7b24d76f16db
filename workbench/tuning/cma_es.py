"""CMA-ES (Hansen, 2001), by the package that Optuna takes for it: it begins at the preset.

Only numbers that every trial has are sampled so; the rest is drawn at random. Generations are rebuilt from the trials
that are known, which Optuna's own class cannot do: it keeps its state in trials that it made itself.
"""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
from cmaes import CMA

from workbench.errors import PresetError
from workbench.settings.preset import Preset
from workbench.tuning.dimensions import Numbers
from workbench.tuning.sampler import RememberingSampler, Suggestion
from workbench.tuning.space import SearchSpace

SIGMA = 1 / 6
"""Of the first generation, as a fraction of each range; Optuna's default."""


class CmaEsSampler(RememberingSampler):
    """CMA-ES over the numbers of a space, each on a scale from 0 to 1."""

    def __init__(self, space: SearchSpace, preset: Preset, seed: int, maximize: bool) -> None:
        """Raises PresetError where fewer than two numbers are searched."""
        super().__init__(space, preset, seed, maximize)
        self._numbers = [
            dimension for dimension in space.dimensions if isinstance(dimension, Numbers) and dimension.labels is None
        ]
        if len(self._numbers) < 2:
            raise PresetError(
                "the sampler cmaes needs ranges of at least two numbers that every trial has; take tpe, or search more"
            )

    def suggest(self, number: int) -> Suggestion:
        places = self._optimizer(self.seed_of(number)).ask()
        numbers = dict(zip([dimension.path for dimension in self._numbers], places, strict=True))
        random = Random(self.seed_of(number, 1))
        values: dict[str, Any] = {}
        for dimension in self.space.dimensions:
            place = float(numbers[dimension.path]) if dimension.path in numbers else random.random()
            if self.space.is_active(dimension, values):
                values[dimension.path] = dimension.at(place)
        return Suggestion(values, "cmaes")

    def _optimizer(self, seed: int) -> CMA:
        """The distribution after all generations that are complete."""
        own = self.space.own_values(self.preset)
        bounds = np.array([[0.0, 1.0]] * len(self._numbers))
        optimizer = CMA(self._places(own), SIGMA, bounds, n_max_resampling=10 * len(bounds), seed=seed)
        ended = [trial for number, trial in self.known() if number > 0 and trial.state != "running"]
        size = optimizer.population_size
        for first in range(0, len(ended) - size + 1, size):
            generation = ended[first : first + size]
            losses = [-trial.value if self.maximize else trial.value for trial in generation]
            finite = [loss for loss in losses if not math.isnan(loss)]
            if finite:  # those that failed are as bad as the worst
                worst = max(finite)
                optimizer.tell(
                    [
                        (self._places(trial.values), worst if math.isnan(loss) else loss)
                        for trial, loss in zip(generation, losses, strict=True)
                    ]
                )
        return optimizer

    def _places(self, values: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([dimension.place(values[dimension.path]) for dimension in self._numbers])

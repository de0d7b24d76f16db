"""How much each setting mattered."""

from __future__ import annotations

import math
from random import Random

import pytest

from workbench.metrics import metric
from workbench.settings.preset import Preset
from workbench.settings.search import Range
from workbench.tuning.importance import LEAST_TRIALS, importances
from workbench.tuning.space import SearchSpace
from workbench.tuning.view import StudyView, TrialView

PRESET = Preset()
RANGES = {
    "optimizer.learning_rate": Range(low=1e-4, high=1e-1, log=True),
    "model.dropout": Range(low=0.0, high=0.5),
    "data.batch_size": Range(choices=(16, 32, 64)),
}
SPACE = SearchSpace.parse(RANGES, PRESET)


def study(trials: int, higher_is_better: bool = True) -> StudyView:
    """The accuracy, or the loss, depends on the learning rate alone."""
    view, chance = StudyView(metric=metric("accuracy" if higher_is_better else "loss")), Random(0)
    for number in range(trials):
        rate = 10 ** chance.uniform(-4, -1)
        settings = {
            "optimizer.learning_rate": rate,
            "model.dropout": chance.uniform(0, 0.5),
            "data.batch_size": chance.choice((16, 32, 64)),
        }
        accuracy = 1.0 - 0.2 * abs(math.log10(rate) + 2)
        view.trials[number] = TrialView(number, settings, values={1: accuracy if higher_is_better else 1 - accuracy})
    return view


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_the_setting_that_decides_matters_most(higher_is_better: bool) -> None:
    found = importances(study(60, higher_is_better), SPACE, PRESET)
    assert next(iter(found)) == "optimizer.learning_rate"
    assert found["optimizer.learning_rate"] > 0.6
    assert set(found) == set(RANGES)
    assert sum(found.values()) == pytest.approx(1.0)


def test_few_trials_say_nothing() -> None:
    assert importances(study(LEAST_TRIALS - 1), SPACE, PRESET) == {}


def test_repeats_and_trials_without_a_value_do_not_count() -> None:
    view = study(LEAST_TRIALS)
    view.trials[0].values = {}
    view.trials[99] = TrialView(99, view.trials[1].settings, repeats=1, values={1: 0.1})
    assert importances(view, SPACE, PRESET) == {}

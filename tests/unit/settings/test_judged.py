"""What trainings are judged by, and what may be searched then."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.errors import PresetError
from workbench.settings.judged import loss_scale, may_be_judged_by_loss, task_of
from workbench.settings.preset import Preset
from workbench.tuning.space import SearchSpace

SMOOTHING = {"loss.label_smoothing": {"low": 0.0, "high": 0.3}}
LOSSES = {"loss.name": {"choices": ["mse", "l1", "huber"]}}
SCALING = {"data.normalize_target": {"choices": [True, False]}}
NUMBERS = ("data.name=diabetes", "loss.name=mse")
OWN_DATA = ("data.name=csv", "data.file=a.csv", "data.target=y")


@pytest.mark.parametrize(
    ("assignments", "task"),
    [
        (("data.name=iris",), "classification"),
        (("data.name=iris", "loss.name=mse"), "classification"),
        (NUMBERS, "regression"),
        ((*OWN_DATA, "loss.name=mse"), None),
        ((*OWN_DATA, "loss.name=cross_entropy"), "classification"),
        ((*OWN_DATA, "loss.name=mse", "data.task=regression"), "regression"),
        ((*OWN_DATA, "loss.name=mse", "training.monitor=rmse"), "regression"),
    ],
)
def test_the_settings_say_which_task_it_is(assignments: tuple[str, ...], task: str | None) -> None:
    preset = Preset().override(assignments)
    assert task_of(preset) == task
    assert may_be_judged_by_loss(preset) == (task != "classification" and preset.training.monitor == "auto")


def test_the_loss_judges_where_it_is_named() -> None:
    assert may_be_judged_by_loss(Preset().override(["data.name=iris", "training.monitor=loss"]))
    assert task_of(Preset().override([*OWN_DATA, "loss.name=mse"]), ("kl_divergence",)) == "classification"


@pytest.mark.parametrize(
    ("ranges", "assignments", "advice"),
    [
        (LOSSES, NUMBERS, 'as training.monitor = "auto" does for numbers: .*such as rmse$'),
        (SCALING, NUMBERS, "data.normalize_target cannot be searched while the loss judges the trials.*such as rmse$"),
        (SMOOTHING, ("data.name=iris", "training.monitor=loss"), "judges the trials: it changes.*such as accuracy$"),
        (LOSSES, (*OWN_DATA, "loss.name=mse"), r"such as rmse \(for numbers\) or accuracy \(for classes\)$"),
    ],
)
def test_trials_with_different_losses_are_not_ranked_by_their_loss(
    ranges: dict[str, Any], assignments: tuple[str, ...], advice: str
) -> None:
    with pytest.raises(PresetError, match=advice):
        SearchSpace.parse(ranges, Preset().override(assignments))


@pytest.mark.parametrize(
    ("ranges", "assignments"),
    [
        (LOSSES | SCALING, (*NUMBERS, "training.monitor=rmse")),
        (SMOOTHING, ("data.name=iris",)),
        (SMOOTHING, ("data.name=iris", "loss.name=mse", "training.monitor=f1_macro")),
    ],
)
def test_they_are_ranked_by_a_metric_that_is_the_same_for_all(
    ranges: dict[str, Any], assignments: tuple[str, ...]
) -> None:
    assert SearchSpace.parse(ranges, Preset().override(assignments)).paths == list(ranges)


def test_the_scale_of_a_loss_is_decided_by_its_settings_and_that_of_the_target() -> None:
    first = Preset().override([*NUMBERS])
    assert loss_scale(first) != loss_scale(first.override(["data.normalize_target=false"]))
    assert loss_scale(first) != loss_scale(first.override(["loss.name=huber"]))
    assert loss_scale(first) == loss_scale(first.override(["data.batch_size=7", "optimizer.weight_decay=0.1"]))

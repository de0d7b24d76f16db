"""The limits of a search, and the presets that cannot be tuned, as the command line takes them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from workbench.errors import PresetError, UsageError
from workbench.headless import tune
from workbench.headless.tune import Budget, check_task_has, preset_until
from workbench.headless.tuned_preset import load_tuned
from workbench.settings.preset import Preset


@pytest.mark.parametrize(
    ("time", "seconds"), [("", 0.0), ("15", 15.0), ("15s", 15.0), ("1.5m", 90.0), (" 2h ", 7200.0)]
)
def test_a_time_has_a_unit(time: str, seconds: float) -> None:
    assert Budget.parse(0, time, "").seconds == seconds


@pytest.mark.parametrize("time", ["0", "0s", "0.0m", "5x", "-5", "s", "1e3", "9" * 400])
def test_a_time_that_is_none_is_refused(time: str) -> None:
    with pytest.raises(UsageError, match=r"^--time .*, such as 15s, 10m or 2h$"):
        Budget.parse(0, time, "")


def test_a_search_without_any_limit_tries_twenty_settings() -> None:
    assert Budget.parse(0, "", "").trials_of(None) == 20
    assert Budget.parse(7, "", "").trials_of(None) == 7
    assert Budget.parse(0, "10m", "").trials_of(None) == 0
    assert Budget.parse(0, "", "accuracy>=0.9").trials_of(None) == 0
    assert Budget.parse(0, "10m", "").trials_of(30) == 30


def test_two_numbers_of_trials_are_refused() -> None:
    assert Budget.parse(30, "", "").trials_of(30) == 30
    with pytest.raises(UsageError, match="--trials 50, but --search asks for 30 trials; name one number"):
        Budget.parse(50, "", "").trials_of(30)


@pytest.mark.parametrize(
    ("text", "monitor"), [("accuracy>=0.98", "accuracy"), ("loss <= 1e-3", "loss"), ("r2>=-2", "r2")]
)
def test_the_trials_are_judged_by_the_metric_at_whose_value_a_search_ends(text: str, monitor: str) -> None:
    assert preset_until(text, Preset()).training.monitor == monitor


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("accuracy>=98", "accuracy is at most 1; write accuracy>=0.98"),
        ("accuracy>=1.5", "accuracy is at most 1"),
        ("r2>=2", "r2 is at most 1"),
        ("accuracy>=1e999", "write a metric and its value"),
        ("accuracy>=", "write a metric and its value"),
        ("accuracy", "write a metric and its value"),
        ("accuracy<=0.5", "higher is better for accuracy; write accuracy>=0.5"),
        ("loss>=0.5", "lower is better for loss; write loss<=0.5"),
        ("acuracy>=0.5", "there is no metric acuracy to end at; did you mean accuracy"),
    ],
)  # fmt: skip
def test_a_value_that_no_search_can_reach_is_refused(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as refused:
        preset_until(text, Preset())
    assert str(refused.value).startswith(f"--until {text}: {problem}")


def test_a_preset_that_stands_for_all_folds_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(PresetError, match="stands for several runs where one is needed"):
        load_tuned("iris", ["validation.method=k_fold"], trust_code=False)
    assert load_tuned("iris", ["validation.method=k_fold", "validation.fold=1"], trust_code=False).name == "iris"


OWN_DATA = ("data.name=csv", "data.file=a.csv", "data.target=y", "loss.name=mse")


@pytest.mark.parametrize(
    ("text", "assignments", "planned", "problem"),
    [
        ("r2>=0.5", ("data.name=iris",), None, "t has no r2: that is a classification; its metrics are loss, accuracy"),
        ("accuracy>=0.5", ("data.name=diabetes", "loss.name=mse"), None, "t has no accuracy: that is a regression"),
        ("r2>=0.5", OWN_DATA, ("classification", 3), "t has no r2: that is a classification"),
        ("top5_accuracy>=0.5", ("data.name=iris",), ("classification", 3), "no top5_accuracy: it takes at least 6 cl"),
        ("top5_accuracy>=0.5", ("data.name=digits",), ("classification", 10), ""),
        ("r2>=0.5", OWN_DATA, ("regression", 1), ""),
        ("loss<=0.5", OWN_DATA, None, ""),
        ("accuracy>=0.5", ("data.name=iris",), None, ""),
    ],
)  # fmt: skip
def test_a_metric_that_the_task_lacks_is_refused_before_there_is_a_study(
    text: str,
    assignments: tuple[str, ...],
    planned: tuple[str, int] | None,
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plans = []

    def plan(preset: Preset) -> SimpleNamespace:
        assert planned is not None, "the settings say the task"
        plans.append(preset)
        return SimpleNamespace(task=planned[0], outputs=planned[1])

    monkeypatch.setattr(tune, "make_plan", plan)
    preset = Preset().override(["name=t", *assignments])
    if problem:
        with pytest.raises(UsageError, match=f"--until {text}: .*{problem}"):
            check_task_has(text, preset)
    else:
        check_task_has(text, preset)
    assert len(plans) == (planned is not None)

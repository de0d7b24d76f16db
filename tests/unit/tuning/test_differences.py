"""What differs between two sides, and what can be concluded from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from tests.unit.tuning.made import ENVIRONMENT, made_run, made_study
from workbench.errors import UsageError
from workbench.settings.preset import Preset
from workbench.settings.validation import HoldOut
from workbench.tuning.differences import (
    MetricDifference,
    compare_metrics,
    deciding,
    effort,
    environments_that_differ,
    same_loss,
    same_split,
    settings_that_differ,
    shared_keys,
)
from workbench.tuning.sides import Key, Side, read_side

LOW = [0.80, 0.81, 0.79, 0.80, 0.82, 0.78]
HIGH = [0.85, 0.88, 0.83, 0.86, 0.86, 0.84]
FASTER = Preset().override(["optimizer.learning_rate=0.05"])


def study(tmp_path: Path, accuracies: Sequence[float | None], preset: Preset | None = None, **more: Any) -> Side:
    made = made_study(tmp_path / "studies", preset, accuracies=accuracies, **more)
    return read_side(str(made.path), tmp_path, tmp_path)


def run(tmp_path: Path, preset: Preset | None = None, **values: Any) -> Side:
    made = made_run(tmp_path / "runs", preset, **values)
    return read_side(str(made.path), tmp_path, tmp_path)


def named(found: list[MetricDifference], split: str, name: str) -> MetricDifference:
    [one] = [each for each in found if (each.split, each.metric.name) == (split, name)]
    return one


def test_a_difference_is_paired_over_the_shared_seeds(tmp_path: Path) -> None:
    first, second = study(tmp_path, [*LOW, 0.1]), study(tmp_path, HIGH, FASTER)
    found = compare_metrics(first, second)
    assert [(each.split, each.metric.name) for each in found] == [
        ("validation", "loss"), ("validation", "accuracy"), ("test", "accuracy"),
    ]  # fmt: skip
    accuracy = named(found, "validation", "accuracy")
    expected = stats.ttest_rel(HIGH, LOW).confidence_interval(0.95)
    assert accuracy.pairs == 6, "the seventh seed of the first side has no partner"
    assert accuracy.difference == pytest.approx(sum(HIGH) / 6 - sum(LOW) / 6)
    assert accuracy.interval == pytest.approx(tuple(expected))
    assert (accuracy.test.p, accuracy.test.smallest_p, accuracy.test_to_train) == (0.03125, 0.03125, 0.0)
    assert accuracy.is_told_apart
    assert accuracy.second_is_better
    loss = named(found, "validation", "loss")
    assert loss.difference == pytest.approx(-accuracy.difference)
    assert loss.second_is_better, "a lower loss is better"
    assert deciding(found, first) is accuracy


def test_five_pairs_are_never_enough_and_six_of_noise_are_not_either(tmp_path: Path) -> None:
    five = compare_metrics(study(tmp_path, LOW[:5]), study(tmp_path, HIGH[:5], FASTER))[0]
    assert five.interval is not None
    assert five.interval[1] < 0, "the interval alone would tell them apart"
    assert five.test.p == 0.0625
    assert not five.is_told_apart
    noise = compare_metrics(study(tmp_path, LOW), study(tmp_path, LOW[::-1], FASTER))[0]
    assert noise.test.p > 0.05
    assert not noise.is_told_apart


def test_single_runs_tell_nothing(tmp_path: Path) -> None:
    first = run(tmp_path, validation={"accuracy": 0.8})
    paired = run(tmp_path, FASTER, validation={"accuracy": 0.9})
    apart = run(tmp_path, FASTER.override(["training.seed=5"]), validation={"accuracy": 0.9})
    for second, pairs in ((paired, 1), (apart, 0)):
        [one] = compare_metrics(first, second)
        assert (one.pairs, one.interval, one.test.p, one.test.smallest_p) == (pairs, None, 1.0, 1.0)
        assert one.difference == pytest.approx(0.1)
        assert not one.is_told_apart


def test_without_shared_seeds_the_means_differ(tmp_path: Path) -> None:
    found = compare_metrics(study(tmp_path, [0.5, 0.7]), study(tmp_path, [0.9, 0.9], FASTER, first_seed=2))
    assert named(found, "validation", "accuracy").difference == pytest.approx(0.3)
    assert named(found, "validation", "accuracy").pairs == 0


def test_what_it_takes_is_six_seeds_at_least_then_what_the_difference_needs(tmp_path: Path) -> None:
    single, other = run(tmp_path, validation={"accuracy": 0.8}), run(tmp_path, FASTER, validation={"accuracy": 0.9})
    taken = effort(compare_metrics(single, other)[0], single, other)
    assert taken is not None
    assert (taken.seeds, taken.first_seed, taken.sides) == (6, 0, (single, other))
    assert taken.seconds == pytest.approx(2 * (3.0 + 6 * 2.5))

    whole = study(tmp_path, LOW, first_seed=3)
    taken = effort(compare_metrics(whole, other)[0], whole, other)
    assert taken is not None
    assert (taken.seeds, taken.first_seed, taken.sides) == (6, 3, (other,)), "one side has its seeds already"

    small = [0.80, 0.81, 0.79, 0.80, 0.82, 0.79]
    unclear, close = study(tmp_path, LOW), study(tmp_path, small, FASTER)
    found = deciding(compare_metrics(unclear, close), unclear)
    effect = abs(found.difference) / (found.deviation or math.nan)
    taken = effort(found, unclear, close)
    assert taken is not None
    n = taken.seeds
    power = stats.nct.sf(stats.t.ppf(0.975, n - 1), n - 1, effect * math.sqrt(n))
    assert 0.79 < power < 0.83

    same = study(tmp_path, LOW, FASTER)
    assert effort(deciding(compare_metrics(unclear, same), unclear), unclear, same) is None


class Fold(HoldOut):
    """A way of validating that has folds."""

    fold: int


def in_folds(side: Side, *, first: int = 0) -> Side:
    """The side with its runs as folds of one seed."""
    runs = {}
    for fold, trained in enumerate(side.runs.values(), start=first):
        assert trained.preset is not None
        one_seed = trained.preset.override(["training.seed=0"])
        preset = one_seed.model_copy(update={"validation": Fold(fold=fold, seed=one_seed.validation.seed)})
        runs[Key(0, fold)] = replace(trained, preset=preset)
    assert [each.key for each in runs.values()] == list(runs)
    return replace(side, runs=runs)


def test_folds_are_paired_and_their_interval_is_corrected(tmp_path: Path) -> None:
    first, second = in_folds(study(tmp_path, LOW)), in_folds(study(tmp_path, HIGH, FASTER))
    assert (first.seeds, first.folds) == ([0], [0, 1, 2, 3, 4, 5])
    accuracy = named(compare_metrics(first, second), "validation", "accuracy")
    differences = [high - low for low, high in zip(LOW, HIGH, strict=True)]
    error = math.sqrt(stats.tvar(differences) * (1 / 6 + 100 / 900))  # the runs have 100 samples to 900
    assert accuracy.interval == pytest.approx(stats.t.interval(0.95, 5, accuracy.difference, error))
    assert (accuracy.pairs, accuracy.test.p) == (6, 0.03125)
    assert accuracy.test_to_train == pytest.approx(1 / 9)


def test_only_folds_of_one_split_are_pairs(tmp_path: Path) -> None:
    first = in_folds(study(tmp_path, LOW))
    fewer = in_folds(study(tmp_path, HIGH[:4], FASTER), first=2)
    assert shared_keys(first, fewer) == [Key(0, fold) for fold in (2, 3, 4, 5)]
    assert settings_that_differ(first, fewer)["validation.fold"] == ((0, 1, 2, 3, 4, 5), (2, 3, 4, 5))
    otherwise = in_folds(study(tmp_path, HIGH, Preset().override(["validation.seed=9"])))
    assert shared_keys(first, otherwise) == []
    assert compare_metrics(first, otherwise)[0].pairs == 0
    assert shared_keys(first, study(tmp_path, LOW)) == [], "a fold is no whole run"


def test_settings_and_environment_that_differ(tmp_path: Path) -> None:
    elsewhere = ENVIRONMENT | {"git_revision": "fedcba", "torch": "2.11.0", "command": "another", "cudnn": 9}
    first = study(tmp_path, [0.5, 0.6, 0.7])
    second = run(
        tmp_path, FASTER.override(["training.seed=1"]).model_copy(update={"name": "mine", "description": "x"}),
        validation={"accuracy": 0.9}, environment=elsewhere,
    )  # fmt: skip
    assert settings_that_differ(first, second) == {
        "optimizer.learning_rate": (Preset().optimizer.learning_rate, 0.05),
        "training.seed": ((0, 1, 2), 1),
    }
    found = environments_that_differ(first, second)
    assert list(found.items()) == [
        ("torch", ("2.9.0", "2.11.0")), ("cudnn", (None, "9")), ("git_revision", ("0123456789ab", "fedcba")),
    ]  # fmt: skip


@pytest.mark.parametrize("assignment", ["loss.label_smoothing=0.1", "data.normalize_target=false"])
def test_values_of_different_losses_are_not_compared(assignment: str, tmp_path: Path) -> None:
    smoothed = Preset().override([assignment])
    first, second = study(tmp_path, LOW), study(tmp_path, HIGH, smoothed)
    assert not same_loss(first, second)
    assert {each.metric.name for each in compare_metrics(first, second)} == {"accuracy"}


def test_other_samples_are_noticed_and_other_batches_of_the_same_are_not(tmp_path: Path) -> None:
    first = study(tmp_path, LOW)
    for assignment, same in (("validation.seed=3", False), ("data.name=iris", False), ("data.batch_size=32", True)):
        second = study(tmp_path, HIGH, Preset().override([assignment]))
        assert same_split(first, second) is same
        assert shared_keys(first, second) == [Key(seed) for seed in range(6)]


def test_another_task_and_nothing_in_common_are_refused(tmp_path: Path) -> None:
    classes = run(tmp_path, validation={"loss": 0.1, "accuracy": 0.9})
    numbers = run(tmp_path, validation={"loss": 0.1, "rmse": 3.0, "r2": 0.5}, monitor="loss")
    with pytest.raises(UsageError, match=r"is a classification and .* a regression"):
        compare_metrics(classes, numbers)
    tested = run(tmp_path, validation=None, test={"accuracy": 0.9})
    validated = run(tmp_path, validation={"accuracy": 0.9})
    with pytest.raises(UsageError, match="no metric in common"):
        compare_metrics(tested, validated)


def test_a_run_in_the_study_without_a_metric_is_no_pair(tmp_path: Path) -> None:
    first, second = study(tmp_path, [0.5, None, 0.7]), study(tmp_path, [0.6, 0.6, 0.6], FASTER)
    assert compare_metrics(first, second)[0].pairs == 2

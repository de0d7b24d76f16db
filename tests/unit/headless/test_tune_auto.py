"""What `tune auto` searches, and what its page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.tuning.scripted import new_study
from workbench.headless.tune_auto import measured_of, rate_ranges, search_ranges
from workbench.metrics import metric
from workbench.processes.range_test import RangeTest, Suggested
from workbench.settings.preset import Preset
from workbench.tuning.dimensions import Numbers
from workbench.tuning.directory import create_study
from workbench.tuning.measured import Measured, read_measured
from workbench.tuning.page import page
from workbench.tuning.question import Question
from workbench.tuning.space import SearchSpace
from workbench.tuning.view import StudyView, TrialView

PRESET = Preset().override(["data.batch_size=64", "optimizer.learning_rate=0.01"])


def range_test(best: float | None = 0.002, diverges: float | None = 0.1) -> RangeTest:
    return RangeTest([0.1], [1.0], [1.0], [1.0], Suggested(best, None, diverges), ["they disagree"])


def rates(own: RangeTest | None = None, *, name: str = "adam", **others: RangeTest) -> dict[str, RangeTest]:
    return {
        name: own or range_test(),
        "adamw": others.get("adamw", range_test()),
        "nadam": others.get("nadam", range_test()),
    }


def test_what_was_measured_bounds_the_search() -> None:
    ranges = search_ranges(PRESET, 256, rates())
    rate = ranges["optimizer.learning_rate"]
    assert (rate.low, rate.high, rate.log) == (0.0001, 0.1, True)
    assert ranges["data.batch_size"].choices == (64, 128, 256)
    assert ranges["optimizer.name"].choices == ("adam", "adamw", "nadam")
    space = SearchSpace.parse(ranges, PRESET)
    own = space.own_values(PRESET) | {"optimizer.weight_decay": 1e-4, "schedule.name": "cosine"}
    assert space.contains(own)


def test_labels_are_smoothed_only_where_that_can_be_compared_and_changes_something() -> None:
    def smooths(*assignments: str) -> bool:
        return "loss.label_smoothing" in search_ranges(PRESET.override(assignments), 256, rates())

    assert smooths()
    assert smooths("training.monitor=f1_macro")
    assert not smooths("training.monitor=loss")
    numbers = ("data.name=diabetes", "loss.name=mse")
    assert not smooths(*numbers)
    assert not smooths(*numbers, "training.monitor=rmse")


def test_a_rate_that_stays_as_it_is_is_not_searched() -> None:
    assert search_ranges(PRESET, 256, rates())["schedule.name"].choices == ("one_cycle", "cosine")
    step = PRESET.override(["schedule.name=step"])
    assert search_ranges(step, 256, rates())["schedule.name"].choices == ("step", "one_cycle", "cosine")


def test_an_optimizer_whose_rates_are_others_has_a_range_of_its_own() -> None:
    sgd = Preset().override(["optimizer.name=sgd", "optimizer.learning_rate=0.05"])
    ranges = rate_ranges(sgd, rates(range_test(0.2, 1.0), name="sgd", nadam=range_test(None, None)))
    assert {name: (each.low, each.high) for name, each in ranges.items()} == {
        "optimizer.learning_rate": (0.01, 1.0),
        "optimizer.learning_rate@adamw": (0.0001, 0.1),
        "optimizer.learning_rate@nadam": (0.0001, 0.02),  # around its default of 0.002, for none is named
    }
    space = SearchSpace.parse(search_ranges(sgd, 128, rates(range_test(0.2, 1.0), name="sgd")), sgd)
    assert space.contains(space.own_values(sgd) | {"optimizer.weight_decay": 1e-4, "schedule.name": "cosine"})
    decays = [each.high for each in space.dimensions if isinstance(each, Numbers) and "decay" in each.path]
    assert decays == [1e-3, 0.1]


def test_optimizers_with_comparable_rates_share_a_range() -> None:
    near = {"adamw": range_test(0.0055), "nadam": range_test(0.00067)}
    assert list(rate_ranges(PRESET, rates() | near)) == ["optimizer.learning_rate"]
    assert "optimizer.learning_rate@nadam" in rate_ranges(PRESET, rates(nadam=range_test(0.0066)))


@pytest.mark.parametrize(
    ("measured", "low", "high"),
    [
        (range_test(None, None), 0.0005, 0.1),
        (range_test(1.0, None), 0.01, 10.0),
        (range_test(None, 1e-5), 0.0005, 0.01),
    ],
)
def test_where_no_rate_is_named_the_presets_own_is_the_centre(measured: RangeTest, low: float, high: float) -> None:
    rate = search_ranges(PRESET, 256, rates(measured))["optimizer.learning_rate"]
    assert (rate.low, rate.high) == (low, high)
    assert rate.low is not None
    assert rate.low <= PRESET.optimizer.learning_rate


def test_a_knee_far_above_the_presets_batch_is_not_searched_up_to() -> None:
    assert search_ranges(PRESET, 8192, rates())["data.batch_size"].choices == (64, 128, 256, 512)
    assert "data.batch_size" not in search_ranges(PRESET, None, rates())


def test_the_page_says_what_is_better_by_how_much_and_how_sure_that_is(tmp_path: Path) -> None:
    study = new_study(tmp_path, Question(way="search"))
    view = StudyView(metric=metric("accuracy"))
    view.trials[0] = TrialView(0, {"optimizer.learning_rate": 0.01}, status="completed", value=0.9)
    view.trials[1] = TrialView(1, {"optimizer.learning_rate": 0.02}, status="completed", value=0.95)
    best = {
        "trial": 1, "run": "r", "settings": {"optimizer.learning_rate": 0.02}, "metric": "accuracy", "value": 0.95,
        "seeds": [], "mean": None, "low": None, "high": None,
    }  # fmt: skip
    result = {"best": best, "tied": [], "trials": 2, "discarded": 0}
    space = SearchSpace.parse(search_ranges(PRESET, 256, rates()), PRESET)
    measured = measured_of(256, rates(nadam=range_test(None)))
    text = "\n".join(page(PRESET, measured, space, result, view, study))
    assert "90.00 % before, 95.00 % now" in text
    assert "not trained again with fresh seeds: that may be chance" in text
    assert "optimizer.learning_rate=0.02" in text
    assert "the knee of the throughput is at 256" in text
    assert (
        "learning rate of adam: 0.002\n  learning rate of adamw: 0.002\n  learning rate of nadam: they disagree" in text
    )
    best["seeds"], result["tied"] = [1, 2], [{"trial": 0}]
    assert "trials 1, 0 cannot be told apart" in "\n".join(page(PRESET, measured, space, result, view, study))

    # A trial that was trained together with others has its test metrics in the study.
    assert "on the test split" not in text
    view.trials[1].test = {"accuracy": 0.9625}
    text = "\n".join(page(PRESET, measured, space, result, view, study))
    assert "accuracy on the test split, which decided nothing: 96.25 %" in text

    # The preset may have been discarded early: then both are compared after that epoch.
    view.trials[0] = TrialView(0, {}, status="discarded", values={1: 0.6}, epoch=1)
    view.trials[1].values = {1: 0.7, 2: 0.95}
    text = "\n".join(page(PRESET, measured, space, result, view, study))
    assert "accuracy on the validation split: 95.00 %\nafter epoch 1, up to which the preset was trained: " in text
    assert "60.00 % before, 70.00 % now" in text


def test_what_was_measured_is_kept_with_the_study(tmp_path: Path) -> None:
    measured = Measured(None, {"adam": 0.002, "nadam": None}, {"nadam": ["they disagree"]})
    study = create_study(tmp_path, PRESET, Question(way="search"), measured=measured)
    assert read_measured(study.measured) == measured
    study.measured.write_text("[]")
    assert read_measured(study.measured) is None
    assert not create_study(tmp_path, PRESET, Question(way="search")).measured.exists()

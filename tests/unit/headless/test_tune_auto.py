"""What `tune auto` searches, and what its page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.tuning.scripted import new_study
from workbench.headless.tune_auto import Found, page, search_ranges
from workbench.metrics import metric
from workbench.processes.batch_scan import BatchScan
from workbench.processes.range_test import RangeTest, Suggested
from workbench.settings.preset import Preset
from workbench.tuning.question import Question
from workbench.tuning.space import SearchSpace
from workbench.tuning.view import StudyView, TrialView

PRESET = Preset().override(["data.batch_size=64", "optimizer.learning_rate=0.01"])


def found(knee: int | None = 256, best: float | None = 0.002, diverges: float | None = 0.1) -> Found:
    rates = RangeTest([0.1], [1.0], [1.0], [1.0], Suggested(best, None, diverges), ["they disagree"])
    return Found(BatchScan([], knee, knee, "CPU", "eager"), rates)


def test_what_was_measured_bounds_the_search() -> None:
    ranges = search_ranges(PRESET, found())
    rate = ranges["optimizer.learning_rate"]
    assert (rate.low, rate.high, rate.log) == (0.0001, 0.1, True)
    assert ranges["data.batch_size"].choices == (64, 128, 256)
    assert SearchSpace.parse(ranges, PRESET).contains(
        SearchSpace.parse(ranges, PRESET).own_values(PRESET) | {"optimizer.weight_decay": 1e-4}
    )


@pytest.mark.parametrize(
    ("measured", "low", "high"),
    [
        (found(best=None, diverges=None), 0.0005, 0.1),
        (found(best=1.0, diverges=None), 0.01, 10.0),
        (found(best=None, diverges=1e-5), 0.0005, 0.01),
    ],
)
def test_where_no_rate_is_named_the_presets_own_is_the_centre(measured: Found, low: float, high: float) -> None:
    rate = search_ranges(PRESET, measured)["optimizer.learning_rate"]
    assert (rate.low, rate.high) == (low, high)
    assert rate.low is not None
    assert rate.low <= PRESET.optimizer.learning_rate


def test_a_knee_far_above_the_presets_batch_is_not_searched_up_to() -> None:
    assert search_ranges(PRESET, found(knee=8192))["data.batch_size"].choices == (64, 128, 256, 512)
    assert "data.batch_size" not in search_ranges(PRESET, found(knee=None))


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
    space = SearchSpace.parse(search_ranges(PRESET, found()), PRESET)
    text = "\n".join(page(PRESET, found(), space, result, view, study))
    assert "90.00 % before, 95.00 % now" in text
    assert "not trained again with fresh seeds: that may be chance" in text
    assert "optimizer.learning_rate=0.02" in text
    assert "the knee of the throughput is at 256" in text
    best["seeds"], result["tied"] = [1, 2], [{"trial": 0}]
    assert "trials 1, 0 cannot be told apart" in "\n".join(page(PRESET, found(), space, result, view, study))

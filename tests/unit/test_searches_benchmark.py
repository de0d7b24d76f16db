"""The arithmetic of the comparison of searches, and that all tools have the same task; no other tool is imported."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random

import pytest

from tests.benchmarks.searches import results as results_module
from tests.benchmarks.searches.curves import Value, best_of, curve, loss_at, quartiles, regret_at, time_to
from tests.benchmarks.searches.reference import Reference, keep, references, summed_up
from tests.benchmarks.searches.report import report
from tests.benchmarks.searches.results import read, run
from tests.benchmarks.searches.task import TASKS, UNITS, Task, arrays, draw, preset_of, settings_of
from tests.benchmarks.searches.tools import Found
from tests.benchmarks.searches.training import Course, network, train
from workbench.tuning.space import SearchSpace

CURVE = [(2.0, 1.0), (10.0, 0.5), (40.0, 0.22)]


def test_the_best_so_far_falls_in_the_order_of_time() -> None:
    values = [
        Value(3.0, 0.9, 1, {"a": 1}),
        Value(1.0, 1.0, 0, {"a": 0}),
        Value(2.0, math.nan, 0, {"a": 0}),
        Value(4.0, 0.95, 1, {"a": 1}),
        Value(6.0, 0.4, 3, {"a": 3}),
        Value(5.0, 0.4, 2, {"a": 2}),
    ]
    assert curve(values) == [(1.0, 1.0), (3.0, 0.9), (5.0, 0.4)]
    best = best_of(values)
    assert best is not None
    assert best.trial == 2
    assert best_of([Value(1.0, math.nan, 0, {})]) is None
    assert curve([Value(1.0, math.inf, 0, {})]) == []


def test_time_to_a_loss_and_regret() -> None:
    assert time_to(CURVE, 0.5) == 10.0
    assert time_to(CURVE, 0.49) == 40.0
    assert time_to(CURVE, 0.1) == math.inf
    assert loss_at(CURVE, 1.9) == math.inf
    assert loss_at(CURVE, 10.0) == 0.5
    assert regret_at(CURVE, 30.0, 0.2) == pytest.approx(0.3)
    assert regret_at(CURVE, 60.0, 0.25) == pytest.approx(-0.03)


def test_quartiles_with_searches_that_never_got_there() -> None:
    assert quartiles([4.0, 1.0, 3.0, 2.0]) == (1.75, 2.5, 3.25)
    assert quartiles([7.0]) == (7.0, 7.0, 7.0)
    assert quartiles([1.0, 2.0, math.inf]) == (1.5, 2.0, math.inf)
    assert quartiles([1.0, math.inf, math.inf]) == (math.inf, math.inf, math.inf)
    assert quartiles([1.0, 2.0, 3.0, math.inf, math.inf]) == (2.0, 3.0, math.inf)


def test_the_table() -> None:
    found = [
        {"dataset": "wine", "tool": "optuna", "seed": seed, "budget": 30.0, "trials": 4 + seed, "values": 80}
        | {"curve": points, "test": 0.5 + seed}
        for seed, points in enumerate([[(5.0, 1.0), (12.0, 0.21)], [(20.0, 0.3)], [(6.0, 0.4), (25.0, 0.2)]])
    ]
    lines = report(found, {"wine": Reference(0.2, 0.35)}).splitlines()
    assert lines[0] == "wine: lowest validation loss of trainings by chance 0.2000, that of the best 1 % 0.3500"
    cells = [cell.strip() for cell in lines[2].split("  ") if cell.strip()]
    assert cells == [
        "optuna",
        "30 s",
        "3",
        "25.0 (18.5 to > 30), 2 of 3",
        "20.0 (16.0 to 22.5), 3 of 3",
        "0.2000 (0.1050 to none)",
        "0.0100 (0.0050 to 0.0550)",
        "5 (4 to 6)",
        "80 (80 to 80)",
        "1.5000 (1.0000 to 2.0000)",
    ]
    assert report(found, {}) == "wine: there is no reference of it yet"


def test_an_interrupted_benchmark_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def search(tool: str, task: Task, seed: int, seconds: float) -> Found:
        asked.append((tool, seed))
        if len(asked) == 3:
            raise KeyboardInterrupt
        return Found([(1.0, 0.5)], {"units": 64}, 1, 2)

    monkeypatch.setattr(results_module, "search", search)
    found = tmp_path / "found.json"
    with pytest.raises(KeyboardInterrupt):
        run(TASKS["wine"], ["optuna", "ray"], range(2), 30.0, found)
    run(TASKS["wine"], ["optuna", "ray"], range(2), 30.0, found)
    assert asked == [("optuna", 0), ("ray", 0), ("optuna", 1), ("optuna", 1), ("ray", 1)]
    assert [(each["tool"], each["seed"], each["curve"]) for each in read(found)] == [
        (tool, seed, [[1.0, 0.5]]) for seed in (0, 1) for tool in ("optuna", "ray")
    ]


def test_the_reference_is_the_best_of_all(tmp_path: Path) -> None:
    done = [{"loss": loss / 10, "test": loss, "settings": {"units": loss}} for loss in range(101, 0, -1)]
    done.append({"loss": math.inf, "test": math.nan, "settings": {}})
    found = summed_up(TASKS["wine"], done)
    assert (found["loss"], found["test"], found["settings"]) == (0.1, 1, {"units": 1})
    assert (found["trainings"], found["diverged"]) == (102, 1)
    assert found["quantiles"]["1 %"] == pytest.approx(0.2)
    assert found["quantiles"]["50 %"] == pytest.approx(5.1)
    kept = tmp_path / "reference.json"
    keep("wine", found, kept)
    keep("digits", found | {"loss": 0.05}, kept)
    assert references(kept) == {"wine": Reference(0.1, 0.2), "digits": Reference(0.05, 0.2)}
    assert json.loads(kept.read_text())["wine"]["epochs"] == TASKS["wine"].epochs


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_every_draw_is_in_the_space_of_workbench(task: Task) -> None:
    preset = preset_of(task)
    space = SearchSpace.parse(preset.search, preset)
    random = Random(0)
    for _ in range(50):
        settings = draw(task, random)
        values = {
            "data.batch_size": settings["batch_size"],
            "optimizer.learning_rate": settings["learning_rate"],
            "optimizer.momentum": settings["momentum"],
            "optimizer.weight_decay": settings["weight_decay"],
            "model.hidden": (settings["units"],) * settings["layers"],
            "model.dropout": settings["dropout"],
        }
        assert space.contains(values)
        assert settings_of(task, values) == settings
    [hidden] = [dimension for dimension in space.dimensions if dimension.path == "model.hidden"]
    assert hidden.size == 5 * len(UNITS)


def test_the_largest_batch_fills_the_training_split() -> None:
    task = TASKS["wine"]
    data = arrays(task)
    sizes = {name: tuple(tensor.shape) for name, tensor in data.items() if name.endswith("inputs")}
    assert sizes == {"train_inputs": (100, 13), "validation_inputs": (34, 13), "test_inputs": (44, 13)}
    assert max(task.batch_sizes) == 64
    assert data["train_inputs"].mean(dim=0).abs().max() < 1e-5
    settings = draw(task, Random(1)) | {"layers": 2, "units": 64, "learning_rate": 0.05, "dropout": 0.1}
    assert sum(weights.numel() for weights in network(task, 13, settings).parameters()) == 14 * 64 + 65 * 64 + 65 * 3
    course = train(task, data, settings, 0)
    assert len(course.losses) == task.epochs
    assert course.lowest == min(course.losses) < 0.8
    assert course == train(task, data, settings, 0)
    assert Course((math.nan, 0.4), 0.5).lowest == 0.4
    assert Course((math.nan,), 0.5).lowest == math.inf

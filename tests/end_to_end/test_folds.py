"""Cross-validation by one command: a run for each fold, and all that they left out judged together."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.end_to_end.conftest import Workbench
from workbench.runs.directory import RunDirectory, list_runs
from workbench.runs.study import read_study
from workbench.settings.preset import Preset
from workbench.settings.validation import KFold

SMALL = ["--set", "training.epochs=3", "--set", "model.hidden=[8]", "--set", "runtime.device=cpu"]
FOLDS = ["--set", "validation.method=k_fold", "--set", "validation.folds=3"]


def result_in(output: str) -> dict[str, Any]:
    """The result, which is the last line."""
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result


def fold_of(run: RunDirectory) -> int:
    """The fold that a run leaves out."""
    validation = Preset.of_run(run.preset).validation
    assert isinstance(validation, KFold)
    return validation.number


@pytest.mark.slow
def test_all_folds_are_trained_and_judged_together(workbench: Workbench) -> None:
    done = workbench.run("--preset", "iris", *SMALL, *FOLDS, "--one-by-one", "--json")
    assert done.returncode == 0, done.stderr
    [study] = (workbench.folder / "studies").iterdir()
    runs = sorted(list_runs(study / "trials"), key=fold_of)
    assert not workbench.runs
    assert [read_study(run.study) for run in runs] == [study.name] * 3
    assert [fold_of(run) for run in runs] == [0, 1, 2]
    result = result_in(done.stdout)
    assert list(result) == ["type", "metric", "mean", "deviation", "folds", "pooled"]
    assert (result["type"], result["metric"]) == ("result", "accuracy")
    assert json.loads((study / "summary.json").read_text()) == result
    kept = [np.load(run.validation_scores) for run in runs]
    right = [each["scores"].argmax(1) == each["targets"] for each in kept]
    assert sum(len(each) for each in right) == 120  # of 150; 30 are the test split
    assert result["pooled"]["accuracy"] == pytest.approx(np.concatenate(right).mean())
    assert [fold["value"] for fold in result["folds"]] == pytest.approx([each.mean() for each in right])
    assert result["mean"] == pytest.approx(np.mean([each.mean() for each in right]))
    assert [fold["run"] for fold in result["folds"]] == [run.name for run in runs]
    summaries = [json.loads(run.summary.read_text()) for run in runs]
    assert [summary["validation"]["accuracy"] for summary in summaries] == [fold["value"] for fold in result["folds"]]
    assert {sum(summary["test"]["support"]) for summary in summaries} == {30}
    done = workbench.run("--preset", "iris", *SMALL, *FOLDS, "--together", "--json")
    assert done.returncode == 0, done.stderr
    assert_close(numbers_of(result_in(done.stdout)), numbers_of(result))
    assert {fold["run"] for fold in result_in(done.stdout)["folds"]} == {""}


def numbers_of(result: dict[str, Any]) -> dict[str, Any]:
    """All numbers that a cross-validation gives."""
    folds = [{**fold["metrics"], "samples": fold["samples"], "value": fold["value"]} for fold in result["folds"]]
    return {"mean": result["mean"], "deviation": result["deviation"], "folds": folds, "pooled": result["pooled"]}


def assert_close(found: Any, expected: Any) -> None:
    """Equal but for rounding, however deep the numbers lie."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            assert_close(found[key], expected[key])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_close(one, other)
    else:
        assert found == (expected if expected is None else pytest.approx(expected, rel=2e-4, abs=1e-6))


def both_ways(workbench: Workbench, *arguments: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The results of folds that are trained together, and one by one."""
    results = []
    for option in ("--together", "--one-by-one"):
        done = workbench.run(*arguments, option, "--json")
        assert done.returncode == 0, done.stderr
        results.append(result_in(done.stdout))
    return results[0], results[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "settings"),
    [
        ("iris", [*SMALL, "--set=validation.method=leave_one_out", "--set=validation.test_fraction=0.85"]),
        ("fast", ["--set=validation.method=k_fold", "--set=training.epochs=3", "--set=runtime.device=cpu"]),
    ],
)
def test_folds_that_are_trained_together_give_what_they_give_one_by_one(
    preset: str, settings: list[str], workbench: Workbench
) -> None:
    together, one_by_one = both_ways(workbench, "--preset", preset, *settings)
    assert_close(numbers_of(together), numbers_of(one_by_one))
    assert {fold["run"] for fold in together["folds"]} == {""}
    assert all(fold["run"] for fold in one_by_one["folds"])
    if preset == "iris":
        assert [fold["samples"] for fold in together["folds"]] == [1] * len(together["folds"])
        assert {fold["metrics"]["roc_auc"] for fold in together["folds"]} == {None}, "a single sample has none"
        assert together["pooled"]["roc_auc"] > 0.3


@pytest.mark.slow
def test_more_folds_than_a_class_has_samples_are_refused_before_there_is_a_study(workbench: Workbench) -> None:
    done = workbench.run("--preset", "iris", *SMALL, *FOLDS, "--set", "validation.folds=60", "--json")
    assert done.returncode == 2
    assert "validation.folds = 60, but class " in done.stderr
    assert "samples to divide; choose at most 4" in done.stderr
    assert done.stdout == ""
    assert not (workbench.folder / "studies").exists()


@pytest.mark.slow
def test_leaving_out_each_of_many_samples_is_refused_with_its_cost(workbench: Workbench) -> None:
    write_table(workbench.folder / "many.csv", 2500)
    settings = ["data.name=csv", "data.file=many.csv", "data.target=y", "validation.test_fraction=0"]
    settings.append("validation.method=leave_one_out")
    asked = ["--preset", "iris", "--dry-run", *(f"--set={each}" for each in settings)]
    done = workbench.run(*asked)
    assert done.returncode == 2
    assert "trains a model for each of 2,500 samples" in done.stderr
    assert "validation.allow_large = true" in done.stderr


def test_a_profile_of_all_folds_is_refused(workbench: Workbench) -> None:
    done = workbench.run("--preset", "iris", *FOLDS, "--profile", "3")
    assert done.returncode == 2
    assert "--profile takes a single run; choose one with --set validation.fold=0" in done.stderr


def write_table(path: Path, rows: int) -> None:
    """A table of two columns of numbers and one of classes."""
    source = random.Random(0)
    lines = [f"{source.random():.3f},{source.random():.3f},{source.choice('ab')}" for _ in range(rows)]
    path.write_text("\n".join(["u,v,y", *lines]) + "\n")

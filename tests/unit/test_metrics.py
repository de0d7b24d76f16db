"""The table of metrics, and that all who list metrics read it."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from workbench.metrics import METRICS, Metric, keeps_curve, metric, metrics_for, undeclared, written
from workbench.wording import headline


@pytest.mark.slow
def test_a_metric_needs_one_declaration_and_its_function(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.unit.declared_metric", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_top_5_is_there_with_more_than_five_classes_alone() -> None:
    for classes, there in ((5, False), (6, True)):
        names = [each.name for each in metrics_for("classification", classes)]
        assert ("top5_accuracy" in names, "mcc" in names, "r2" in names) == (there, True, False)
    assert [each.name for each in metrics_for("regression", 6)] == ["loss", "rmse", "mae", "r2"]
    tokens = ["loss", "token_accuracy", "perplexity", "bits_per_byte"]
    assert [each.name for each in metrics_for("language_modeling", 6)] == tokens


def test_names_are_unique_and_labels_fit_the_table_of_runs() -> None:
    assert len({each.name for each in METRICS}) == len({each.label for each in METRICS}) == len(METRICS)
    assert all(len(each.label) <= 9 for each in METRICS)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("accuracy", 0.97334, "97.33 %"),
        ("top5_accuracy", 1.0, "100.00 %"),
        ("mcc", -0.123456, "-0.1235"),
        ("roc_auc", 0.99871, "0.9987"),
        ("loss", 0.25, "0.2500"),
        ("loss", 0.0000321, "3.21e-05"),
        ("rmse", 1234.56, "1235"),
        ("r2", 0.8, "0.800"),
        ("token_accuracy", 0.5, "50.00 %"),
        ("perplexity", 7.38905, "7.389"),
        ("bits_per_byte", 1.80341, "1.8034"),
        ("accuracy", math.nan, "nan"),
        ("of_a_newer_version", 0.5, "0.5"),
    ],
)
def test_values_as_people_read_them(name: str, value: float, expected: str) -> None:
    assert metric(name).write(value) == expected


def test_results_are_read_in_one_order_and_what_is_not_there_is_left_out() -> None:
    values = {"loss": None, "f1_macro": 0.5, "roc_auc": None, "accuracy": 0.75, "f1": [0.1, 0.9], "unknown": 3}
    assert list(written(values)) == [("accuracy", "75.00 %"), ("F1", "50.00 %"), ("loss", "nan")]
    assert list(written({"loss": 1.0}, [Metric("r2", "R²"), metric("loss")])) == [("loss", "1.0000")]


def test_the_line_of_an_epoch_shows_the_metric_that_tells_the_best_one() -> None:
    values = {"loss": 0.5, "accuracy": 0.9, "f1_macro": 0.8, "top5_accuracy": 0.99}
    assert headline(values) == "loss 0.5000 accuracy 90.00 %"
    assert headline(values, "accuracy") == "loss 0.5000 accuracy 90.00 %"
    assert headline(values, "top5_accuracy") == "loss 0.5000 accuracy 90.00 % top-5 99.00 %"


def test_weighted_means_are_not_taken_for_metrics_of_a_loop_of_the_users_own() -> None:
    values: dict[str, Any] = {
        "loss": 0.5,
        "f1_weighted": 0.7,
        "precision_weighted": 0.7,
        "recall_weighted": 0.6,
        "f1": [1.0],
        "mine": 2,
    }
    assert undeclared(values) == {"mine": 2}
    assert [name for name in values if keeps_curve(name)] == ["loss", "mine"]
    assert headline(values) == "loss 0.5000 mine 2"

"""A task: which predictions are correct, and which metrics it has."""

from __future__ import annotations

import pytest
import torch

from workbench.data.task import Task


def test_a_prediction_is_correct_if_its_class_has_the_highest_score() -> None:
    scores = torch.tensor([[0.1, 2.0, -1.0], [3.0, 2.9, 0.0], [-2.0, -3.0, -1.0], [1.0, 1.0, 0.0]])
    count = Task("classification", 3).correct
    assert count is not None
    correct = count(scores, torch.tensor([1, 1, 2, 0]))
    assert (correct.dtype, correct.shape, int(correct)) == (torch.int64, (), 3)


@pytest.mark.parametrize(
    ("task", "monitor", "counts_correct", "metrics"),
    [
        (
            Task("classification", 3), "accuracy", True,
            ["loss", "accuracy", "f1_macro", "precision_macro", "recall_macro", "roc_auc", "mcc"],
        ),
        (Task("regression", 8), "loss", False, ["loss", "rmse", "mae", "r2"]),
    ],
    ids=["classes", "numbers"],
)  # fmt: skip
def test_a_task_knows_its_metrics(task: Task, monitor: str, counts_correct: bool, metrics: list[str]) -> None:
    assert [metric.name for metric in task.metrics] == metrics
    assert task.default_monitor == monitor
    assert (task.correct is not None) == counts_correct

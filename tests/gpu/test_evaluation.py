"""Metrics accumulate on a GPU without waiting for it, and are those of the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.gpu.conftest import GPU_ONLY
from workbench.data.samples import Task
from workbench.settings.loss import CrossEntropy, LossChoice, MeanSquaredError
from workbench.training.accumulators import MeanLoss
from workbench.training.evaluation import split_metrics

pytestmark = GPU_ONLY

SAMPLES, BATCH = 600, 100


@pytest.fixture(params=[False, True], ids=["fast", "deterministic"])
def _deterministic(request: pytest.FixtureRequest) -> Iterator[None]:
    torch.use_deterministic_algorithms(request.param)
    yield
    torch.use_deterministic_algorithms(False)


def evaluated(task: Task, choice: LossChoice, scores: Tensor, targets: Tensor) -> dict[str, Any]:
    """Loss and metrics, each batch added with an error where the host waits for the device."""
    counts = torch.bincount(targets.cpu(), minlength=task.outputs) if task.kind == "classification" else None
    counts = None if counts is None else counts.to(scores.device)
    loss = MeanLoss(choice.build(counts), choice.batch_weight(counts))
    metrics = split_metrics(task, choice, SAMPLES)
    for some, true in zip(scores.split(BATCH), targets.split(BATCH), strict=True):
        torch.cuda.set_sync_debug_mode("error")
        try:
            loss.update(some, true)
            metrics.update(some, true)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return {"loss": loss.compute()} | metrics.compute()


@pytest.mark.usefixtures("_deterministic")
@pytest.mark.parametrize("classes", [10, 150])
def test_metrics_of_classes_wait_for_nothing_and_are_those_of_the_cpu(classes: int) -> None:
    generator = torch.Generator().manual_seed(1)
    targets = torch.randint(0, classes, (SAMPLES,), generator=generator)
    scores = torch.randn(SAMPLES, classes, generator=generator) + 2 * torch.nn.functional.one_hot(targets, classes)
    task, choice = Task("classification", classes), CrossEntropy(class_weights="balanced", label_smoothing=0.1)
    found = evaluated(task, choice, scores.cuda(), targets.cuda())
    expected = evaluated(task, choice, scores, targets)
    assert found.pop("confusion", None) == expected.pop("confusion", None)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-5), name


@pytest.mark.usefixtures("_deterministic")
def test_metrics_of_numbers_wait_for_nothing_and_are_those_of_the_cpu() -> None:
    generator = torch.Generator().manual_seed(2)
    targets = 1e3 + torch.randn(SAMPLES, 3, generator=generator)
    scores = targets + torch.randn(SAMPLES, 3, generator=generator)
    task, choice = Task("regression", 3), MeanSquaredError()
    found = evaluated(task, choice, scores.cuda(), targets.cuda())
    assert found == pytest.approx(evaluated(task, choice, scores, targets), rel=1e-5)

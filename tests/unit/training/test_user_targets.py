"""A loss that is for other targets than a user's function returned is answered with what to return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from workbench.data.samples import InMemory
from workbench.errors import PresetError
from workbench.settings.preset import Preset
from workbench.training.job import build_job

Functions = dict[str, Callable[..., Any]]

X = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
PRESET = ("data.name=module", "data.function=mine:data", "data.batch_size=8", "runtime.device=cpu")


@pytest.mark.parametrize(
    ("targets", "loss", "message"),
    [
        (torch.arange(60) % 7, "mse", r"whole numbers .* classes \(7 classes .*targets.float\(\), make a regression$"),
        (torch.arange(60) % 2 * 1.0, "cross_entropy", r"integer targets, targets.long\(\), make classes"),
        (X[:, 0], "cross_entropy", r"numbers to predict \(target: numbers from .*\); these do: mse, l1, huber$"),
    ],
)
def test_a_loss_for_other_targets_is_answered_with_what_to_return(
    user_functions: Functions, targets: torch.Tensor, loss: str, message: str
) -> None:
    """data/REPORT 15, 17."""
    user_functions["mine:data"] = lambda: (X, targets)
    with pytest.raises(PresetError, match=message):
        build_job(Preset().override([*PRESET, f"loss.name={loss}"]), lambda progress: None)


def test_named_classes_may_be_trained_with_a_loss_for_numbers(user_functions: Functions) -> None:
    data = torch.utils.data.TensorDataset(X, torch.arange(60) % 2)
    data.classes = ["no", "yes"]  # type: ignore[attr-defined]
    user_functions["mine:data"] = lambda: data
    assert build_job(Preset().override([*PRESET, "loss.name=mse"]), lambda progress: None).task.outputs == 2


def test_a_split_in_float64_beside_training_samples_in_float32_becomes_float32(user_functions: Functions) -> None:
    """A device may know no float64 at all."""
    user_functions["mine:data"] = lambda: {"train": (X, X[:, 0]), "validation": (X[:20].double(), X[:20, 0])}
    job = build_job(Preset().override([*PRESET, "loss.name=mse", "validation.method=predefined"]), lambda _: None)
    for split in (job.samples.train, job.samples.validation):
        assert isinstance(split, InMemory)
        assert split.inputs.dtype == torch.float32
    assert job.validation is not None
    batch = job.validation.sample(20)
    assert batch is not None
    assert batch.tensor.dtype == torch.float32

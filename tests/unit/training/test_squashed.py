"""A model that ends in softmax or sigmoid, where the loss applies it as well (data/REPORT 42)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.unit.training.scripted import of_type
from tests.unit.training.test_not_finite import Rows, trainer_of
from workbench.runs.events import WarningRaised
from workbench.settings.preset import Preset
from workbench.training.squashed import squashed_twice

SCORES = 3 * torch.randn(40, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("loss", "scores", "said"),
    [
        ("cross_entropy", SCORES.softmax(1), "seems to end in a softmax, but the loss cross_entropy applies softmax"),
        ("cross_entropy", SCORES.softmax(1).bfloat16().float(), "end in a softmax"),
        ("cross_entropy", SCORES[:1].softmax(1), "end in a softmax"),
        ("kl_divergence", SCORES.softmax(1), "the loss kl_divergence applies softmax itself"),
        ("cross_entropy", SCORES.sigmoid(), "end in a sigmoid, but the loss cross_entropy applies softmax"),
        (
            "binary_cross_entropy",
            SCORES.sigmoid(),
            "end in a sigmoid, but the loss binary_cross_entropy applies sigmoid",
        ),
        ("binary_cross_entropy", SCORES.softmax(1), "end in a softmax"),
        ("cross_entropy", SCORES, ""),
        ("cross_entropy", SCORES.log_softmax(1), ""),
        ("cross_entropy", SCORES.relu(), ""),
        ("cross_entropy", torch.zeros(40, 3), ""),
        ("cross_entropy", SCORES[:3].sigmoid(), ""),
        ("binary_cross_entropy", SCORES, ""),
        ("mse", SCORES.softmax(1), ""),
    ],
)
def test_scores_that_are_probabilities_already_are_reported(loss: str, scores: Tensor, said: str) -> None:
    found = squashed_twice(scores, Preset().override([f"loss.name={loss}"]).loss)
    assert said in found
    assert bool(found) == bool(said)


@pytest.mark.parametrize(("last", "warnings"), [(nn.Softmax(1), 1), (nn.Identity(), 0), (nn.LogSoftmax(1), 0)])
@pytest.mark.parametrize("method", ["holdout", "none"])
def test_a_run_says_it_once(
    user_functions: dict[str, Callable[..., Any]], tmp_path: Path, last: nn.Module, warnings: int, method: str
) -> None:
    user_functions["mine:data"] = Rows
    user_functions["mine:model"] = lambda inputs, outputs, activation: nn.Sequential(nn.Linear(3, outputs), last)
    trainer = trainer_of(
        tmp_path, "model.name=module", "model.function=mine:model", f"validation.method={method}", "training.epochs=3"
    )
    trainer.train()
    assert sum("softmax" in event.message for event in of_type(trainer, WarningRaised)) == warnings

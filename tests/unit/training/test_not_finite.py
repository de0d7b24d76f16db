"""Samples that are not finite, in every split: named, and never called divergence."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import Dataset

from workbench.errors import DataError, DivergedError
from workbench.runs.directory import create_run
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.training.inbox import Inbox
from workbench.training.job import build_job
from workbench.training.trainer import Trainer

Functions = dict[str, Callable[..., Any]]

PRESET = (
    "data.name=module", "data.function=mine:data", "data.batch_size=4", "runtime.device=cpu",
    "training.epochs=2", "runtime.num_workers=0", "validation.stratified=false",
)  # fmt: skip


class Rows(Dataset[Any]):
    """Rows with a number that is none in one sample's input or target."""

    classes = 2

    def __init__(self, bad: int | None = None, *, bad_target: bool = False, numbers: bool = False) -> None:
        generator = torch.Generator().manual_seed(1)
        self.inputs = torch.randn(5000, 3, generator=generator)
        self.targets: Any = self.inputs.sum(1) if numbers else (self.inputs[:, 0] > 0).long()
        if bad is not None:
            (self.targets if bad_target else self.inputs[:, 2])[bad] = math.nan
        self.length = 60

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Any:
        return self.inputs[index], self.targets[index]


def trainer_of(folder: Path, *assignments: str) -> Trainer:
    preset = Preset().override([*PRESET, *assignments])
    run = create_run(folder, preset.name, preset.to_toml())
    return Trainer(build_job(preset, lambda progress: None), run, EventWriter(run.events), Inbox(run))


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("name", ["validation", "test"])
def test_a_bad_input_that_is_read_late_is_named_with_its_split(
    user_functions: Functions, tmp_path: Path, name: str, activation: str
) -> None:
    """data/REPORT 29; also where a ReLU makes 0 of NaN, so that no loss tells."""
    user_functions["mine:data"] = lambda: {"train": Rows(), "validation": Rows(), "test": Rows()} | {name: Rows(7)}
    with pytest.raises(DataError, match=rf"sample 7 of the {name} split holds nan at \(2,\)") as caught:
        trainer_of(tmp_path, "validation.method=predefined", f"activation.name={activation}").train()
    assert "diverge" not in str(caught.value)


@pytest.mark.parametrize("seed", range(4))
def test_a_bad_target_is_named_by_its_number_in_the_whole_whichever_split_it_falls_into(
    user_functions: Functions, tmp_path: Path, seed: int
) -> None:
    """data/REPORT 30."""
    user_functions["mine:data"] = lambda: Rows(41, bad_target=True, numbers=True)
    with pytest.raises(DataError, match=r"the target of sample 41 of the data .counted from 0. is nan"):
        trainer_of(tmp_path, "loss.name=mse", f"validation.seed={seed}", "training.epochs=1").train()


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_bad_training_sample_that_was_not_looked_at_before_is_named(
    user_functions: Functions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, activation: str
) -> None:
    monkeypatch.setattr("workbench.data.standardize.LAZY_SAMPLES", 8)
    user_functions["mine:data"] = lambda: {"train": Rows(34), "test": Rows()}
    trainer = trainer_of(tmp_path, f"activation.name={activation}", "validation.method=none")
    with pytest.raises(DataError, match="sample 34 of the training split holds nan"):
        trainer.train()


def test_what_is_in_memory_is_refused_before_training(user_functions: Functions, tmp_path: Path) -> None:
    """data/REPORT 29, 30."""
    good, bad = Rows(), Rows(7)
    user_functions["mine:data"] = lambda: {
        "train": (good.inputs, good.targets), "validation": (bad.inputs, bad.targets)
    }  # fmt: skip
    with pytest.raises(DataError, match="sample 7 of the validation split holds nan"):
        trainer_of(tmp_path)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loaders_worker_tells_it_without_its_traceback(
    user_functions: Functions, tmp_path: Path, workers: int
) -> None:
    user_functions["mine:data"] = lambda: {"train": Rows(), "test": Rows(7)}
    trainer = trainer_of(tmp_path, f"runtime.num_workers={workers}", "training.epochs=1")
    try:
        with pytest.raises(DataError, match=r"^sample 7 of the test split holds nan at \(2,\) .counted"):
            trainer.train()
    finally:
        trainer.job.close()


def test_finite_samples_and_weights_that_give_no_number_say_so(user_functions: Functions, tmp_path: Path) -> None:
    class DividesByZero(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 2)

        def forward(self, x: Any) -> Any:
            return self.linear(x) if self.training else self.linear(x) / 0

    user_functions["mine:data"] = Rows
    trainer = trainer_of(tmp_path)
    trainer._held_out._evaluator._model = DividesByZero()
    with pytest.raises(DivergedError, match=r"validation loss .* number: samples and weights are finite"):
        trainer.train()

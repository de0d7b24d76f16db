"""What is learnt, from the file to the plan, the loss that fits it, the model's input and the metrics."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from workbench.errors import PresetError
from workbench.headless.display import describe
from workbench.headless.report import print_plan
from workbench.processes.plan import Plan
from workbench.runs.events import Prepared
from workbench.settings.preset import Preset
from workbench.training.processes.plan import make_plan
from workbench.training.timing.clock import PhaseClock
from workbench.training.trainer import Trainer

ROWS = 60


def table(
    tmp_path: Path, *, target: Callable[[int], Any], feature: Callable[[int], Any] = lambda row: row % 11
) -> list[str]:
    """The settings for a CSV file of one feature and a target."""
    lines = [f"{feature(row)},{target(row)}" for row in range(ROWS)]
    (tmp_path / "d.csv").write_text("\n".join(["a,quality", *lines]))
    return ["data.name=csv", f"data.file={json.dumps(str(tmp_path / 'd.csv'))}", "data.target=quality"]


def npz(tmp_path: Path, y: Any) -> list[str]:
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(0).normal(size=(ROWS, 3)), y=y)
    return ["data.name=npz", f"data.file={json.dumps(str(tmp_path / 'd.npz'))}"]


def plan(*assignments: str) -> Plan:
    return make_plan(Preset().override(["runtime.device=cpu", "data.batch_size=16", *assignments]))


def test_a_plan_says_what_is_learnt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = table(tmp_path, target=lambda row: 3 + row % 6)
    found = plan(*settings)
    assert found.learns == "quality: 6 classes (3, 4, … 8)"
    print_plan(Preset().override(settings), found)
    assert "learns           quality: 6 classes (3, 4, … 8)" in capsys.readouterr().out.splitlines()


def test_the_head_of_a_run_says_what_is_learnt() -> None:
    prepared = Prepared(
        device="cpu", device_name="CPU", engine="eager", engine_reason="", data_loading="on_device", parameters=1000,
        task="regression", classes=[], train_samples=64, validation_samples=8, test_samples=8, batch_size=64,
        steps_per_epoch=1, epochs=20, monitor="loss", seconds=1.0, learns="price: numbers from 1.2 to 9.9",
    )  # fmt: skip
    assert "learns price: numbers from 1.2 to 9.9" in str(describe(prepared)).splitlines()


@pytest.mark.parametrize("loss", ["mse", "l1", "huber"])
def test_a_loss_for_numbers_does_not_train_guessed_classes(tmp_path: Path, loss: str) -> None:
    """data/REPORT 06."""
    settings = [*table(tmp_path, target=lambda row: 3 + row % 6), f"loss.name={loss}"]
    with pytest.raises(PresetError, match=r"quality: 6 classes \(3, 4, … 8\)\); set data.task = \"regression\""):
        plan(*settings)
    assert plan(*settings, "data.task=regression").learns == "quality: numbers from 3 to 8"
    assert plan(*settings, "data.task=classification").learns == "quality: 6 classes (3, 4, … 8)"
    assert plan(*settings, "loss.name=cross_entropy").task == "classification"


def test_classes_of_words_may_be_trained_by_a_loss_for_numbers(tmp_path: Path) -> None:
    assert plan(*table(tmp_path, target=lambda row: "ab"[row % 2]), "loss.name=mse").outputs == 2


def test_whole_numbers_of_an_npz_are_no_classes_for_a_loss_for_numbers(tmp_path: Path) -> None:
    """data/REPORT 07."""
    settings = [*npz(tmp_path, 100_000 + 1000 * (np.arange(ROWS) % 10)), "loss.name=mse"]
    with pytest.raises(PresetError, match=r"y: 10 classes \(100000, 101000, … 109000\)\); set data.task = "):
        plan(*settings)
    assert plan(*settings, "data.task=regression").learns == "y: numbers from 100000 to 109000"


def test_a_loss_for_classes_says_how_whole_numbers_become_classes(tmp_path: Path) -> None:
    """data/REPORT 14."""
    settings = table(tmp_path, target=lambda row: row % 30)
    with pytest.raises(PresetError, match=r"'quality' has 30 different whole numbers.* data.task = \"classification\""):
        plan(*settings)
    assert plan(*settings, "data.task=classification", "validation.stratified=false").outputs == 30


def test_amounts_of_money_are_not_classes(tmp_path: Path) -> None:
    """data/REPORT 09."""
    with pytest.raises(PresetError, match=r"quality: numbers from 1000 to 1900\).* mse, l1, huber"):
        plan(*table(tmp_path, target=lambda row: f"${1000 + row % 10 * 100}"))


def test_one_hot_labels_are_classes(tmp_path: Path) -> None:
    """data/REPORT 16."""
    found = plan(*npz(tmp_path, np.eye(3)[np.arange(ROWS) % 3]))
    assert (found.learns, found.outputs) == ("y: 3 classes (0, 1, 2)", 3)
    assert "y is one-hot encoded: each column is a class" in found.notes


def test_too_few_samples_after_rows_were_dropped_are_reported_with_the_emptiest_columns(tmp_path: Path) -> None:
    """data/REPORT 31."""
    settings = table(tmp_path, target=lambda row: "ab"[row % 2], feature=lambda row: row if row < 20 else "")
    with pytest.raises(PresetError, match=r"only 14 samples \(left out 40 of 60 rows.*'a' lacks 40\)"):
        plan(*settings, "data.missing=drop")


def test_values_that_fall_together_without_standardising_are_said(tmp_path: Path) -> None:
    """data/REPORT 02."""
    settings = table(tmp_path, target=lambda row: "ab"[row % 2], feature=lambda row: 20230101 + row)
    assert not any("different values become" in note for note in plan(*settings).notes)
    [note] = [note for note in plan(*settings, "data.normalize=none").notes if "different values become" in note]
    assert note.startswith("column 'a': 60 different values become 31 in float32")


@pytest.mark.parametrize("data_loading", ["on_device", "dataloader"])
def test_numbers_far_from_zero_reach_the_model_apart_and_metrics_are_in_their_units(
    make_trainer: Callable[..., Trainer], tmp_path: Path, data_loading: str
) -> None:
    """data/REPORT 02 and 04: features at 2e7, targets at 1e9."""
    settings = table(
        tmp_path, feature=lambda row: 20230101 + row * 7 % ROWS, target=lambda row: 1e9 + (row * 7 % ROWS) / 10
    )
    trainer = make_trainer(
        *settings, "loss.name=mse", "training.epochs=150", "optimizer.learning_rate=0.02",
        f"runtime.data_loading={data_loading}",
        "runtime.num_workers=0",
    )  # fmt: skip
    batches = list(trainer.job.train.batches(torch.arange(len(trainer.job.train)), PhaseClock()))
    inputs, targets = torch.cat([batch.tensor for batch in batches]), torch.cat([batch.targets for batch in batches])
    assert inputs.dtype == targets.dtype == torch.float32
    assert len(inputs.unique()) == len(targets.unique()) == len(trainer.job.train)
    assert float(inputs.mean()) == pytest.approx(0, abs=1e-5)
    assert float(inputs.std(correction=0)) == pytest.approx(1, rel=1e-5)
    trainer.train()
    assert trainer.test_metrics is not None
    assert trainer.test_metrics["r2"] > 0.9
    assert trainer.test_metrics["rmse"] < 0.6

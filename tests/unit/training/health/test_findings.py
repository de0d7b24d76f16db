"""Findings that come true on purpose: real small trainings that go wrong in one way each, and one that goes right."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.unit.advice.made import PREPARED
from tests.unit.training.scripted import new_trainer
from workbench.advice import facts
from workbench.advice.facts import Facts
from workbench.advice.finding import Finding
from workbench.advice.learning_rules import LEARNING_RULES
from workbench.advice.rules import findings
from workbench.errors import DivergedError
from workbench.runs.events import Finished, Started
from workbench.runs.history import RunHistory
from workbench.runs.tail import EventTail
from workbench.settings import code
from workbench.training.trainer import Trainer

LEARNING = {rule.name for rule in LEARNING_RULES}


def findings_of(trainer: Trainer) -> dict[str, Finding]:
    """Trains to the end, and what is found then, by rule."""
    job, history = trainer.job, RunHistory()
    prepared = replace(
        PREPARED, data_loading=job.train.name, batch_size=job.preset.data.batch_size, train_samples=len(job.train),
        steps_per_epoch=job.steps_per_epoch, epochs=job.preset.training.epochs, classes=list(job.task.classes),
        class_counts=None if job.class_counts is None else job.class_counts.tolist(),
    )  # fmt: skip
    history.take(Started(process_id=1, learning_rate=trainer.base_learning_rate))
    history.take(prepared)
    finished = Finished(status="completed", step=0)
    try:
        trainer.train()
    except DivergedError as error:
        finished = Finished(status="failed", step=0, kind=error.kind, what=error.what, at_step=error.step)
    for _, event in EventTail(trainer.run.events).read():
        history.take(event)
    history.take(replace(finished, step=trainer.state.step))
    known = Facts.of(history, job.preset)
    assert known.cores
    return {finding.rule: finding for finding in findings(replace(known, cores=8))}


def test_a_good_run_is_not_warned_of_anything(tmp_path: Path) -> None:
    settings = ("data.name=digits", "data.batch_size=64", "model.hidden=[64]", "training.epochs=12")
    found = findings_of(new_trainer(tmp_path, settings))
    assert [finding for finding in found.values() if finding.rule in LEARNING and finding.severity != "note"] == []


def test_a_network_of_dead_units(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, ("training.epochs=12",))
    with torch.no_grad():
        trainer.job.model.get_parameter("layers.1.bias").fill_(-100.0)
    found = findings_of(trainer)
    dead = found["dead-units"]
    assert dead.severity == "critical"
    assert "100 % of the 8 units of layers.2 (relu) are dead" in dead.fact
    assert "activation.name=leaky_relu" in dead.change
    assert "layers.1.weight is 0.0e+00" in found["vanishing-gradient"].fact
    assert found["loss-not-falling"].severity == "warning"


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_saturated_units(tmp_path: Path, activation: str) -> None:
    trainer = new_trainer(tmp_path, (f"activation.name={activation}", "training.epochs=4"))
    with torch.no_grad():
        trainer.job.model.get_parameter("layers.1.weight").mul_(1000.0)
    saturated = findings_of(trainer)["saturated-units"]
    assert saturated.severity == "critical"
    assert f"layers.2 ({activation})" in saturated.fact


def test_a_gradient_that_vanishes_in_a_deep_network_of_sigmoids(tmp_path: Path) -> None:
    settings = (f"model.hidden={[8] * 16}", "activation.name=sigmoid", "training.epochs=6")
    vanishing = findings_of(new_trainer(tmp_path, settings))["vanishing-gradient"]
    assert "layers.1.weight" in vanishing.fact
    assert vanishing.change == ("model.batch_norm=true",)


def test_a_loss_that_is_not_finite(tmp_path: Path) -> None:
    settings = ("optimizer.name=sgd", "loss.name=mse", "optimizer.learning_rate=2.4", "training.epochs=40")
    finding = findings_of(new_trainer(tmp_path, settings))["not-finite"]
    assert finding.severity == "critical"
    assert "is not a finite number" in finding.fact
    assert finding.change == ("optimizer.learning_rate=0.24", "training.gradient_clip_norm=1.0")


def test_overfitting(tmp_path: Path) -> None:
    """Three quarters of the iris flowers have a label drawn by lot, so that there is nothing else to learn."""
    settings = ("model.hidden=[256]", "optimizer.learning_rate=0.01", "training.epochs=60")
    trainer = new_trainer(tmp_path, settings)
    targets = trainer.job.train._targets  # type: ignore[attr-defined]
    drawn = torch.randint(3, targets.shape, generator=torch.Generator().manual_seed(0))
    kept = torch.arange(len(targets)) % 4 == 0
    targets.copy_(torch.where(kept, targets, drawn))
    overfitting = findings_of(trainer)["overfitting"]
    assert overfitting.change == ("model.dropout=0.2",)


@pytest.fixture
def slow_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A data set of the user's, each sample of which takes two milliseconds."""
    (tmp_path / "slow_samples.py").write_text(
        "import time\n"
        "import torch\n"
        "class Slow(torch.utils.data.Dataset):\n"
        "    classes = 2\n"
        "    def __len__(self):\n"
        "        return 160\n"
        "    def __getitem__(self, index):\n"
        "        time.sleep(0.002)\n"
        "        return torch.full((4,), float(index % 2)), index % 2\n"
        "def samples():\n"
        "    return Slow()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    code.trust("slow_samples:samples")
    yield "slow_samples:samples"
    sys.modules.pop("slow_samples", None)


def test_a_slow_data_set_is_waited_for(tmp_path: Path, slow_module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "LEAST_SECONDS", 0.1)  # else the test would have to train for two
    settings = (
        "data.name=module", f"data.function={slow_module}", "data.batch_size=4", "runtime.num_workers=0",
        "training.epochs=1",
    )  # fmt: skip
    trainer = new_trainer(tmp_path, settings)
    try:
        found = findings_of(trainer)
    finally:
        trainer.job.close()
    assert found["waiting-for-data"].severity == "critical"
    assert found["waiting-for-data"].change == ("runtime.num_workers=2",)
    assert found["loader-workers"].change == ("runtime.num_workers=2",)


def test_few_samples_of_a_class(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    rows = [f"{index},{index % 7},{'rare' if index % 10 == 0 else 'common'}" for index in range(300)]
    table.write_text("\n".join(["a,b,kind", *rows]) + "\n")
    trainer = new_trainer(tmp_path / "runs", ("data.name=csv", f"data.file={table}", "data.target=kind"))
    found = findings_of(trainer)["class-imbalance"]
    assert "class 'common' has" in found.fact
    assert "9 times fewer" in found.fact
    assert found.change == ("loss.class_weights=balanced",)

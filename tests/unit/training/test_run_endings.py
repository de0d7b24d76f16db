"""How a run ends that cannot train: its directory was deleted, or its preset can no longer be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.training.conftest import SMALL
from tests.unit.training.iris import STEPS_PER_EPOCH, MakeTrainer
from workbench.errors import RunDeletedError
from workbench.runs.control import Request
from workbench.runs.directory import create_run
from workbench.runs.status import read_summary
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.training.inbox import Inbox
from workbench.training.processes.worker import _Worker


def test_a_run_whose_directory_is_deleted_ends_and_leaves_nothing(tmp_path: Path) -> None:
    preset = Preset().override([*SMALL, "training.epochs=1000000"])
    run = create_run(tmp_path, preset.name, preset.to_toml())

    class Deleting(Inbox):
        """Somebody deletes the run while it trains."""

        def read(self) -> list[Request]:
            if run.environment.exists():
                shutil.rmtree(run.path)
            return []

    with pytest.raises(RunDeletedError, match="deleted"):
        _Worker(run, EventWriter(run.events), Deleting(run), 0.0).work()
    assert not run.path.exists()


def test_a_resumed_run_that_never_gets_to_training_keeps_its_results(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    run, events = trainer.run, EventWriter(trainer.run.events)
    trainer.train()
    run.preset.write_text("[data]\nbatch_sise = 3\n")
    _Worker(run, events, Inbox(run), 0.0).work()
    summary = read_summary(run)
    assert summary is not None
    assert summary.status == "failed"
    assert "batch_sise" in summary.reason
    assert (summary.step, summary.epoch) == (2 * STEPS_PER_EPOCH, 2)
    assert summary.best_epoch == trainer.state.best_epoch
    assert summary.validation == trainer.state.best_validation

"""Starting the trainer's process where the system does not let us."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from workbench.errors import TrainerLostError
from workbench.headless import train as headless
from workbench.headless.options import Options
from workbench.processes.worker import start_trainer
from workbench.runs.directory import create_run
from workbench.settings.preset import Preset


def test_a_process_that_cannot_be_started_is_reported_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """reliability R7: under a foreign user id Python itself may not be readable."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    run = create_run(tmp_path, "fast", Preset().to_toml())
    with pytest.raises(TrainerLostError, match=r"cannot start the trainer.s process .*python.*: No such file"):
        start_trainer(run, "workbench")
    with pytest.raises(TrainerLostError, match="cannot start the trainer's process"):
        headless.dry_run(Preset(), Options(runs_dir=tmp_path))

"""The trainer's process as whoever launched it sees it: its exit code."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.training.conftest import SMALL
from workbench.files import storage_error
from workbench.processes.worker import EXIT_STORAGE
from workbench.runs.directory import create_run
from workbench.runs.status import read_summary
from workbench.settings.preset import Preset
from workbench.training.processes import worker
from workbench.training.processes.process_state import ProcessState


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_on_a_full_disk_the_exit_code_says_so_though_the_log_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "process.json").mkdir()  # in place of the file that it would have to write
    command = [sys.executable, "-m", "workbench.training.processes.worker", str(tmp_path / "run")]
    with Path("/dev/full").open("wb") as full:
        assert subprocess.run(command, stdout=full, stderr=full, check=False).returncode == EXIT_STORAGE
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == EXIT_STORAGE
    assert "cannot write" in ended.stderr


def test_a_life_that_trains_no_epoch_summarizes_the_last_one(tmp_path: Path) -> None:
    """Of a run that was interrupted while it was being tested, for example."""
    preset = Preset().override([*SMALL, "validation.method=none"])
    run = create_run(tmp_path, preset.name, preset.to_toml())
    process = ProcessState.now()
    first, second = [(worker.live(run), read_summary(run))[1] for _ in range(2)]
    process.restore()
    assert first is not None
    assert second is not None
    assert first.train
    assert (second.step, second.epoch, second.train) == (first.step, first.epoch, first.train)


def test_only_a_full_disk_is_said_to_need_space() -> None:
    full = storage_error(Path("runs/a"), OSError(errno.ENOSPC, "No space left on device"))
    assert str(full) == "cannot write runs/a: No space left on device. Free some space or choose another folder."
    closed = storage_error(Path("runs/a"), OSError(errno.EACCES, "Permission denied"))
    assert str(closed) == "cannot write runs/a: Permission denied. Choose another folder."


def test_a_preset_that_stands_for_several_runs_is_not_trained_as_one(tmp_path: Path) -> None:
    preset = Preset().override([*SMALL, "validation.method=k_fold"])
    run = create_run(tmp_path, preset.name, preset.to_toml())
    process = ProcessState.now()
    life = worker.live(run)
    process.restore()
    summary = read_summary(run)
    assert summary is not None
    assert (life.exit_code, summary.status, summary.kind) == (2, "failed", "preset")
    assert '"k_fold" with validation.fold = "all" stands for several runs' in summary.reason

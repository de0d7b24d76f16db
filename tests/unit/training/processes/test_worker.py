"""The trainer's process as whoever launched it sees it: its exit code."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.files import storage_error
from workbench.processes.worker import EXIT_STORAGE


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_on_a_full_disk_the_exit_code_says_so_though_the_log_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "process.json").mkdir()  # in place of the file that it would have to write
    command = [sys.executable, "-m", "workbench.training.processes.worker", str(tmp_path / "run")]
    with Path("/dev/full").open("wb") as full:
        assert subprocess.run(command, stdout=full, stderr=full, check=False).returncode == EXIT_STORAGE
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == EXIT_STORAGE
    assert "cannot write" in told.stderr


def test_only_a_full_disk_is_said_to_need_space() -> None:
    full = storage_error(Path("runs/a"), OSError(errno.ENOSPC, "No space left on device"))
    assert str(full) == "cannot write runs/a: No space left on device. Free some space or choose another folder."
    closed = storage_error(Path("runs/a"), OSError(errno.EACCES, "Permission denied"))
    assert str(closed) == "cannot write runs/a: Permission denied. Choose another folder."

"""The lock of a run decides whether it is in progress, whatever its files say."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from workbench.errors import StorageError, UsageError
from workbench.runs import lock
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.lock import claim, is_running, local_process_id, process_id
from workbench.runs.status import status


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return create_run(tmp_path, "fast", 'name = "fast"\n')


@pytest.fixture
def trainer(run: RunDirectory) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the run's lock."""
    script = (
        "import sys; from pathlib import Path\n"
        "from workbench.runs.directory import RunDirectory; from workbench.runs.lock import claim\n"
        "lock = claim(RunDirectory(Path(sys.argv[1]))); print('mine', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(run.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdin is not None
    assert other.stdout is not None
    assert other.stdout.readline() == b"mine\n"
    yield other
    other.kill()
    other.wait()
    other.stdin.close()
    other.stdout.close()


@pytest.mark.usefixtures("trainer")
def test_a_run_stays_in_progress_when_the_clock_changes(run: RunDirectory) -> None:
    """The start time that the trainer wrote no longer matches the clock."""
    values = json.loads(run.process.read_text())
    run.process.write_text(json.dumps(values | {"start_time": values["start_time"] - 3600}))
    assert is_running(run)
    assert status(run) == "running"


@pytest.mark.usefixtures("trainer")
def test_a_run_is_in_progress_even_if_its_process_id_is_unknown_here(run: RunDirectory) -> None:
    """As from another container, or another machine on a shared disk."""
    run.process.write_text(json.dumps({"process_id": 2**22 - 1, "start_time": 1.0}))
    assert is_running(run)


def test_the_trainer_is_a_process_of_this_machine_only_while_it_is_there_with_its_start_time(
    run: RunDirectory, trainer: subprocess.Popen[bytes]
) -> None:
    assert local_process_id(run) == trainer.pid
    run.process.write_text(json.dumps({"process_id": os.getpid(), "start_time": 1.0}))
    assert local_process_id(run) is None, "that id is another process here, as of another machine on a shared disk"
    run.process.unlink()
    assert local_process_id(run) is None


@pytest.mark.usefixtures("trainer")
def test_deleting_process_json_admits_no_second_trainer(run: RunDirectory) -> None:
    run.process.unlink()
    assert is_running(run)
    assert process_id(run) is None
    with pytest.raises(UsageError, match="another process"):
        claim(run)


@pytest.mark.parametrize("pid", [1, os.getpid()], ids=["the first process", "this one"])
def test_a_live_process_without_the_lock_blocks_nobody(run: RunDirectory, pid: int) -> None:
    """Even if process.json names it."""
    run.process.write_text(json.dumps({"process_id": pid, "start_time": psutil.Process(pid).create_time()}))
    assert not is_running(run)
    claim(run).close()


def test_two_processes_cannot_train_one_run(run: RunDirectory, trainer: subprocess.Popen[bytes]) -> None:
    with pytest.raises(UsageError, match="another process"):
        claim(run)
    assert process_id(run) == trainer.pid
    trainer.kill()
    trainer.wait()
    assert status(run) in ("new", "lost")
    claim(run).close()


def test_a_killed_trainer_releases_the_lock(run: RunDirectory, trainer: subprocess.Popen[bytes]) -> None:
    assert process_id(run) == trainer.pid
    trainer.kill()
    trainer.wait()
    assert not is_running(run)
    claim(run).close()


def test_a_check_at_the_same_moment_does_not_keep_a_trainer_out(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    descriptor = os.open(run.path, os.O_RDONLY)
    assert not lock._is_held(descriptor)  # holds it until it is closed
    monkeypatch.setattr(time, "sleep", lambda _: os.close(descriptor))
    claim(run).close()


def test_on_a_disk_that_locks_only_files_the_file_lock_is_enough(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on NFS."""
    flock = fcntl.flock

    def only_files(descriptor: int, how: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112
            raise OSError(errno.EBADF, "Bad file descriptor")
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", only_files)
    with claim(run):
        assert is_running(run)
        with pytest.raises(UsageError, match="another process"):
            claim(run)
    assert not is_running(run)


def test_on_a_disk_without_locks_the_named_process_decides(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    claim(run).close()
    assert is_running(run)  # this very process is named
    with pytest.raises(UsageError, match="another process"):
        claim(run)
    run.process.write_text(json.dumps({"process_id": os.getpid(), "start_time": 1.0}))
    assert not is_running(run)
    claim(run).close()


def test_checking_changes_no_file(run: RunDirectory) -> None:
    claim(run).close()
    before = {path: path.stat() for path in [run.path, *run.path.iterdir()]}
    assert not is_running(run)
    assert {path: path.stat() for path in [run.path, *run.path.iterdir()]} == before


def test_claiming_a_run_removes_incomplete_files_of_a_killed_trainer(run: RunDirectory) -> None:
    run.checkpoints.mkdir()
    run.profiles.mkdir()
    left = [
        run.checkpoints / ".last.pt.k3_x9abc",
        run.checkpoints / ".best-pending.pt.abcdefgh",
        run.path / ".summary.json.12345678",
        run.profiles / ".step-1-2.json.gz.plain",
    ]
    kept = [run.checkpoints / "last.pt", run.checkpoints / ".mine", run.path / "notes.abcdefgh"]
    for path in (*left, *kept):
        path.write_text("x")
    claim(run).close()
    assert [path for path in left if path.exists()] == []
    assert [path for path in kept if not path.exists()] == []


def test_a_missing_folder_is_reported(run: RunDirectory) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        claim(RunDirectory(run.path / "gone"))

"""A trainer that dies with the process that waits for it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer

import psutil
import pytest

from tests.end_to_end.conftest import LONG, has_ended, wait_for
from workbench.errors import UsageError
from workbench.processes import tethered
from workbench.processes.tethered import train_tethered
from workbench.processes.worker import EXIT_BUSY
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.lock import claim, process_id
from workbench.runs.status import read_summary, status
from workbench.settings.preset import Preset


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return create_run(tmp_path, "long", Preset().override(LONG[1::2]).to_toml())


def test_a_machine_that_does_not_see_the_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"does not see .*/elsewhere: all machines .* --studies-dir"):
        train_tethered(str(tmp_path / "elsewhere"), {}, str(tmp_path))


def test_the_trainer_dies_with_the_process_that_waits_for_it(run: RunDirectory) -> None:
    code = f"from workbench.processes.tethered import train_tethered; train_tethered({str(run.path)!r}, {{}}, '/')"
    waiting = subprocess.Popen([sys.executable, "-P", "-c", code])
    try:
        trainer = psutil.Process(wait_for(lambda: process_id(run)))
        assert trainer.ppid() == waiting.pid
    finally:
        waiting.send_signal(signal.SIGKILL)
        waiting.wait()
    wait_for(lambda: has_ended(trainer))
    assert read_summary(run) is None
    assert status(run) == "lost"


def test_the_lock_of_a_trainer_that_is_gone_is_waited_for(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    with claim(run):
        monkeypatch.setattr(tethered, "LOCK_SECONDS", 0.0)
        assert train_tethered(str(run.path), {}, "/nowhere") == EXIT_BUSY
    codes = iter([EXIT_BUSY, EXIT_BUSY, 0])
    monkeypatch.setattr(tethered, "_train", lambda *_: next(codes))
    monkeypatch.setattr(tethered, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(tethered, "LOCK_SECONDS", 60.0)
    assert train_tethered(str(run.path), {}, "/") == 0


def test_an_interrupt_ends_the_trainer(run: RunDirectory) -> None:
    """As where Ray withdraws a task."""

    def interrupt() -> None:
        wait_for(lambda: process_id(run))
        signal.raise_signal(signal.SIGINT)

    timer = Timer(0.0, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        train_tethered(str(run.path), {}, "/")
    timer.join()
    assert process_id(run) is None
    assert status(run) == "lost"

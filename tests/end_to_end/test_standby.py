"""The standby trainer: its run is the one that a cold trainer would have been, and it never outlives its launcher."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.conftest import events_of, wait_for
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.launch import start_trainer
from workbench.runs.standby import Standby
from workbench.runs.status import read_summary, status
from workbench.settings.preset import Preset

PRESET = Preset.from_mapping(
    {"name": "standby", "data": {"name": "digits"}, "model": {"name": "mlp", "hidden": [32], "dropout": 0.2},
     "training": {"epochs": 3}},
    "standby",
)  # fmt: skip

pytestmark = pytest.mark.slow


def new_run(folder: Path) -> RunDirectory:
    return create_run(folder / "runs", PRESET.name, PRESET.to_toml())


def losses(run: RunDirectory) -> list[float]:
    return [loss for event in events_of(run, "steps") for loss in event["losses"]]


def test_a_run_that_a_ready_standby_takes_is_that_of_a_cold_trainer_to_the_bit(tmp_path: Path) -> None:
    warm, cold = new_run(tmp_path), new_run(tmp_path)
    standby = Standby.launch()
    assert not standby.is_ready
    wait_for(lambda: standby.is_ready)
    trainer = standby.start(warm, "workbench")
    assert trainer.wait(60) == 0
    assert start_trainer(cold, "workbench").wait(120) == 0
    assert losses(warm) == losses(cold)
    ends = [read_summary(run) for run in (warm, cold)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert (ends[0].status, ends[0].test) == (ends[1].status, ends[1].test)


def test_a_run_handed_over_while_it_still_imports_starts_as_soon_as_it_can(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    assert Standby.launch().start(run, "workbench").wait(120) == 0
    assert status(run) == "completed"


def test_closing_it_ends_the_process() -> None:
    standby = Standby.launch()
    standby.close()
    assert not psutil.pid_exists(standby.process_id)


def test_it_ends_when_whoever_launched_it_is_killed(tmp_path: Path) -> None:
    script = (
        "import time; from workbench.runs.standby import Standby; "
        "standby = Standby.launch(); print(standby.process_id, flush=True); time.sleep(600)"
    )
    launcher = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert launcher.stdout is not None
    standby = psutil.Process(int(launcher.stdout.readline()))
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()
    wait_for(lambda: not standby.is_running() or standby.status() == psutil.STATUS_ZOMBIE)


def test_a_standby_that_has_died_is_replaced_by_a_cold_trainer(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    standby = Standby.launch()
    os.kill(standby.process_id, signal.SIGKILL)
    wait_for(lambda: not standby.is_alive)
    assert standby.start(run, "workbench").wait(120) == 0
    assert status(run) == "completed"

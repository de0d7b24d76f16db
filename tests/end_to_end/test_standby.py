"""The standby trainer: its run is the one that a cold trainer would have been, and it never outlives its launcher."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.end_to_end.conftest import PATIENCE_SECONDS, events_of, has_ended, steps_logged, wait_for
from workbench.errors import StorageError
from workbench.processes.standby import Standby
from workbench.processes.worker import start_trainer
from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.status import read_summary, status
from workbench.settings import code
from workbench.settings.preset import Preset

PRESET = Preset.from_mapping(
    {"name": "standby", "data": {"name": "digits"}, "model": {"name": "mlp", "hidden": [32], "dropout": 0.2},
     "training": {"epochs": 3}},
    "standby",
)  # fmt: skip


def new_run(folder: Path, *assignments: str) -> RunDirectory:
    return create_run(folder / "runs", PRESET.name, PRESET.override(assignments).to_toml())


@pytest.fixture
def standby() -> Iterator[Standby]:
    """One that has just been launched, and is not left behind."""
    launched = Standby.launch()
    yield launched
    launched.close()


def reproducible_events(run: RunDirectory) -> list[dict[str, Any]]:
    """Losses, metrics and preparation of a run, without anything that depends on the clock."""
    losses = [loss for event in events_of(run, "steps") for loss in event["losses"]]
    epochs = [
        {name: value for name, value in event.items() if name != "time" and not name.endswith("seconds")}
        for event in events_of(run, "epoch")
    ]
    tests = [event["metrics"] for event in events_of(run, "test")]
    prepared = [{**event, "time": 0, "seconds": 0, "engine_seconds": 0} for event in events_of(run, "prepared")]
    return [{"losses": losses}, *epochs, *tests, *prepared]


TABLES = ["data.name=iris", "model.hidden=[16]", "optimizer.name=sgd", "data.batch_size=16"]
IN_TURN: tuple[list[str], ...] = (
    [],
    [*TABLES, "runtime.num_threads=1", "runtime.deterministic=true", "runtime.precision=bf16", "training.seed=7"],
    ["optimizer.name=adamw", "schedule.name=cosine", "model.batch_norm=true"],
)
"""Each asks for something that the next one does not ask for."""
HARMFUL = (
    ["data.name=diabetes", "loss.name=mse", "optimizer.name=sgd", "optimizer.learning_rate=1000", "training.seed=3"],
    ["data.name=npz", 'data.file="nowhere.npz"'],
)
"""A run that diverges, and one that cannot be prepared."""


def assert_equal_runs(warm: RunDirectory, cold: RunDirectory) -> None:
    """Whether both have trained the same to the bit, and say the same of how they ended and where they ran."""
    assert reproducible_events(warm) == reproducible_events(cold)
    ends = [read_summary(run) for run in (warm, cold)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert (ends[0].status, ends[0].test, ends[0].validation) == (ends[1].status, ends[1].test, ends[1].validation)
    environments = [json.loads(run.environment.read_text()) for run in (warm, cold)]
    assert environments[0] == environments[1]
    assert warm.worker_log.read_bytes() == cold.worker_log.read_bytes()


@pytest.mark.slow
def test_a_run_that_a_ready_standby_takes_is_that_of_a_cold_trainer_to_the_bit(
    tmp_path: Path, standby: Standby
) -> None:
    """Whatever it trained before: other settings, and a run that failed."""
    others, failing, warm, cold = (new_run(tmp_path, *each) for each in (IN_TURN[1], HARMFUL[0], [], []))
    assert not standby.is_ready
    wait_for(lambda: standby.is_ready)
    assert standby.train(others, "workbench").wait(PATIENCE_SECONDS) == 0
    assert standby.train(failing, "workbench").wait(PATIENCE_SECONDS) == 3
    assert standby.is_ready
    assert standby.start(warm, "workbench --preset x").wait(PATIENCE_SECONDS) == 0
    assert start_trainer(cold, "workbench --preset x").wait(PATIENCE_SECONDS) == 0
    assert_equal_runs(warm, cold)


@pytest.mark.slow
def test_one_worker_trains_runs_in_turn_each_as_a_cold_trainer_does_to_the_bit(
    tmp_path: Path, standby: Standby
) -> None:
    """Four processes that import PyTorch. The test above compares the last of three runs; this one, each of them."""
    warm: list[RunDirectory] = []
    wait_for(lambda: standby.is_ready)
    for number, assignments in enumerate(IN_TURN):
        warm.append(new_run(tmp_path, *assignments))
        given = standby.train(warm[-1], "workbench --preset x")
        assert given.pid == standby.process_id
        assert given.wait(PATIENCE_SECONDS) == 0, warm[-1].worker_log.read_text()
        assert status(warm[-1]) == "completed", "its lock is free"
        if number < len(HARMFUL):
            failing = new_run(tmp_path, *HARMFUL[number])
            assert standby.train(failing, "workbench").wait(PATIENCE_SECONDS) == 3
            assert status(failing) == "failed"
        assert standby.is_ready, "at once"
    cold = [new_run(tmp_path, *assignments) for assignments in IN_TURN]
    for run in cold:
        assert start_trainer(run, "workbench --preset x").wait(PATIENCE_SECONDS) == 0
    for one, other in zip(warm, cold, strict=True):
        assert_equal_runs(one, other)
    last = new_run(tmp_path, *TABLES)
    trainer = standby.start(last, "workbench")
    assert trainer.wait(PATIENCE_SECONDS) == 0, "the pipe is closed, so it ends with its last run"
    assert status(last) == "completed"


def test_a_signal_stops_the_run_and_ends_the_worker(tmp_path: Path, standby: Standby) -> None:
    run = new_run(tmp_path, *TABLES, "training.epochs=1000000")
    given = standby.train(run, "workbench")
    wait_for(lambda: steps_logged(run) > 0)
    ask(run, "stop")
    assert given.wait(PATIENCE_SECONDS) == 130
    assert standby.is_alive, "a request is for the run alone"
    other = new_run(tmp_path, *TABLES, "training.epochs=1000000")
    given = standby.train(other, "workbench")
    wait_for(lambda: steps_logged(other) > 0)
    os.kill(standby.process_id, signal.SIGTERM)
    assert given.wait(PATIENCE_SECONDS) == 130
    assert status(other) == "stopped"
    wait_for(lambda: not standby.is_alive)


DRAWING = """
import random
import numpy as np
import torch

class Samples(torch.utils.data.Dataset):
    classes = ["no", "yes"]
    def __init__(self):
        import torchvision  # a standby has imported it, a cold trainer has not
        self.shift = random.random() + np.random.rand()
        self.targets = [random.randrange(2) for _ in range(400)]
    def __len__(self):
        return 400
    def __getitem__(self, index):
        noise = random.gauss(0, 1) + np.random.randn() + float(torch.randn(()))
        return torch.full((4,), self.targets[index] + self.shift + 0.1 * noise), self.targets[index]

def data():
    return Samples()

def model(inputs, outputs, activation):
    import pytorch_optimizer
    scale = random.random() + np.random.rand()
    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, outputs)
        def forward(self, x):
            return self.layer(x) * scale
    return Model()
"""


@pytest.mark.slow
def test_code_that_draws_from_random_and_numpy_gives_the_same_losses_warm_and_cold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reliability R2: in data(), in model(), and sample by sample."""
    (tmp_path / "drawing.py").write_text(DRAWING)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    chosen = Preset.from_mapping(
        {"name": "drawing", "data": {"name": "module", "function": "drawing:data", "batch_size": 32},
         "model": {"name": "module", "function": "drawing:model"}, "runtime": {"num_workers": 0},
         "training": {"epochs": 2}},
        "drawing",
    )  # fmt: skip
    for reference in chosen.code_references():
        code.trust(reference)
    warm, again, cold = (create_run(tmp_path / "runs", chosen.name, chosen.to_toml()) for _ in range(3))
    standby = Standby.launch()
    wait_for(lambda: standby.is_ready)
    before = standby.process_id
    assert standby.train(warm, "workbench --preset x").wait(PATIENCE_SECONDS) == 0, warm.worker_log.read_text()
    assert not standby.is_ready, "what the code has changed is not known: the process starts itself anew"
    assert standby.start(again, "workbench --preset x").wait(PATIENCE_SECONDS) == 0, again.worker_log.read_text()
    assert standby.process_id == before
    assert start_trainer(cold, "workbench --preset x").wait(PATIENCE_SECONDS) == 0
    assert reproducible_events(warm) == reproducible_events(again) == reproducible_events(cold)
    [losses] = [each["losses"] for each in reproducible_events(warm) if "losses" in each]
    assert len(set(losses)) > 1


@pytest.mark.slow
def test_what_a_standby_imports_and_a_cold_trainer_does_not_draws_no_random_number() -> None:
    """Reliability R2: but for what a job imports before it seeds."""
    script = """
import random, sys
import rich.style
before, known = random.getstate(), set(sys.modules)
draws = []
class Finder:
    def find_spec(self, name, path=None, target=None):
        if random.getstate() != before:
            draws.append(name)
            random.setstate(before)
sys.meta_path.insert(0, Finder())
import torch, torchvision.datasets, pytorch_optimizer, sklearn.model_selection
import workbench.training.trainer
from workbench.training.processes import environment, summary, worker
assert not draws and random.getstate() == before, draws
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_it_goes_on_with_its_run_when_whoever_launched_it_is_killed(tmp_path: Path) -> None:
    chosen = PRESET.override(["data.name=iris", "training.epochs=1000000"])
    run = create_run(tmp_path / "runs", chosen.name, chosen.to_toml())
    launcher = launch_from_a_process(
        "from pathlib import Path; from workbench.runs.directory import RunDirectory; "
        f"standby.start(RunDirectory(Path({str(run.path)!r})), 'workbench')"
    )
    assert launcher.stdout is not None
    launcher.stdout.readline()
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()
    wait_for(lambda: steps_logged(run) > 0)
    assert status(run) == "running"
    ask(run, "stop")
    wait_for(lambda: status(run) == "stopped")


def test_a_run_handed_over_during_the_imports_is_trained_and_closing_the_standby_leaves_it_alone(
    tmp_path: Path, standby: Standby
) -> None:
    """After a run that cannot be written, which is reported: the standby then waits for another."""
    gone, run = new_run(tmp_path), new_run(tmp_path)
    shutil.rmtree(gone.path)
    with pytest.raises(StorageError, match=gone.name):
        standby.start(gone, "workbench")
    assert not standby.is_ready
    trainer = standby.start(run, "workbench")
    standby.close()
    assert trainer.wait(PATIENCE_SECONDS) == 0
    assert status(run) == "completed"


@pytest.mark.slow
def test_warming_up_never_asks_for_a_gpu_and_leaves_no_file(tmp_path: Path) -> None:
    script = """
import torch
def touched(*arguments, **named): raise SystemExit("a GPU was asked for")
torch.cuda._lazy_init = torch.cuda.device_count = touched
# What asks the driver: the number of GPUs, the stream of one.
torch._C._cuda_getDeviceCount = torch._C._accelerator_getStream = touched
from workbench.training.processes.standby import warm_up
asked = torch.cuda.is_available
warm_up()
assert not torch.cuda.is_initialized()
assert torch.cuda.is_available is asked
"""
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("workbench-*"))


def test_closing_it_ends_the_process() -> None:
    standby = Standby.launch()
    standby.close()
    assert not psutil.pid_exists(standby.process_id)


@pytest.mark.slow
def test_it_ends_when_whoever_launched_it_is_killed() -> None:
    launcher = launch_from_a_process("")
    assert launcher.stdout is not None
    standby = psutil.Process(int(launcher.stdout.readline()))
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()
    wait_for(lambda: has_ended(standby))


def launch_from_a_process(then: str) -> subprocess.Popen[str]:
    """A process that launches a standby, does something with it, prints the standby's process id, and sleeps."""
    script = (
        f"import time; from workbench.processes.standby import Standby; standby = Standby.launch(); {then or 'pass'}; "
        "print(standby.process_id, flush=True); time.sleep(600)"
    )
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_standby_that_has_died_is_replaced_by_a_cold_trainer(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    standby = Standby.launch()
    os.kill(standby.process_id, signal.SIGKILL)
    wait_for(lambda: not standby.is_alive)
    assert standby.start(run, "workbench").wait(120) == 0
    assert status(run) == "completed"

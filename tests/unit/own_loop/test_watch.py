from __future__ import annotations

import errno
import os
import shlex
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import workbench
from tests.unit.own_loop.reading import events, summary_of
from workbench.errors import NoPresetError, StorageError, UsageError
from workbench.runs.directory import RunDirectory, list_runs
from workbench.runs.events import EpochEnd, Finished, Logged, Prepared, Started, Steps, TestResult, WarningRaised
from workbench.runs.history import read_history
from workbench.runs.lock import is_running
from workbench.runs.own_loop import OwnLoop, read_own_loop
from workbench.settings.preset import Preset


def test_a_torch_loop_tells_its_model_device_rate_and_losses(tmp_path: Path) -> None:
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(32, 4)
    loader = DataLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=8)
    losses = []
    with workbench.watch("mine", epochs=2, model=model, optimizer=optimizer, runs_dir=tmp_path) as run:
        assert run.directory is not None
        assert is_running(RunDirectory(run.directory))
        for epoch in run.epochs():
            for inputs, targets in run.steps(loader):
                with run.forward():
                    loss = ((model(inputs) - targets) ** 2).mean()
                with run.backward():
                    loss.backward()
                with run.optimizer_step():
                    optimizer.step()
                    optimizer.zero_grad()
                run.log(loss=loss)
                losses.append(loss.item())
            optimizer.param_groups[0]["lr"] = 0.01
            run.validation(loss=losses[-1] + epoch)
    assert not is_running(RunDirectory(run.directory))
    [started], [prepared] = events(run.directory, Started), events(run.directory, Prepared)
    assert started.learning_rate == 0.1
    assert (prepared.device, prepared.parameters, prepared.batch_size, prepared.steps_per_epoch) == ("cpu", 5, 8, 4)
    assert prepared.data_loading == "dataloader"
    steps = events(run.directory, Steps)
    assert [loss for event in steps for loss in event.losses] == pytest.approx(losses, rel=1e-6)
    rates = {event.learning_rate for event in steps if event.last <= 4}, {steps[-1].learning_rate}
    assert rates == ({0.1}, {0.01})
    assert steps[-1].epoch == 2.0
    epochs = events(run.directory, EpochEnd)
    assert epochs[0].train["loss"] == pytest.approx(np.mean(losses[:4]), rel=1e-6)
    assert epochs[0].learning_rate == 0.1
    summary = summary_of(run.directory)
    assert set(summary.phase_ms) == {"data", "forward", "backward", "optimizer", "rest"}
    assert summary.samples_per_second is not None
    assert summary.samples_per_second * summary.seconds["train"] == pytest.approx(64, rel=0.05)
    assert (summary.best_epoch, summary.status) == (1 if losses[3] < losses[7] + 1 else 2, "completed")


def test_a_logged_loss_does_not_keep_its_graph(tmp_path: Path) -> None:
    weight = torch.ones(3, requires_grad=True)
    with workbench.watch("mine", runs_dir=tmp_path, measure=False) as run:
        for _ in run.steps([0]):
            activations = weight * 2
            kept = weakref.ref(activations)
            loss = activations.sum()
            run.log(loss=loss)
            del loss, activations
            assert kept() is None


def test_steps_without_a_loss_are_counted_and_no_loss_is_invented(tmp_path: Path) -> None:
    with workbench.watch("mine", epochs=1, runs_dir=tmp_path, measure=False) as run:
        for number in run.steps(range(10)):
            if number % 4 == 1:
                run.log(loss=float(number))
    assert run.directory is not None
    found: dict[int, float] = {}
    for event in events(run.directory, Steps):
        found |= {event.first_step + place: loss for place, loss in enumerate(event.losses)}
    assert found == {2: 1.0, 6: 5.0, 10: 9.0}
    history = read_history(RunDirectory(run.directory))
    assert (history.view.step, history.view.epoch) == (10, 1.0)
    assert not any(bucket.gap for bucket in history.curves["loss/train"].buckets)


def test_a_loop_that_logs_nothing_is_still_followed(tmp_path: Path) -> None:
    with workbench.watch("mine", runs_dir=tmp_path, measure=False) as run:
        for _ in run.steps(iter(range(7))):
            pass
    assert run.directory is not None
    view = read_history(RunDirectory(run.directory)).view
    assert (view.step, view.loss, view.fraction_done) == (7, None, 0.0)
    [prepared] = events(run.directory, Prepared)
    assert (prepared.epochs, prepared.steps_per_epoch, prepared.batch_size) == (None, None, None)


def test_breaking_off_counts_the_step_that_was_made(tmp_path: Path) -> None:
    with workbench.watch("mine", epochs=2, runs_dir=tmp_path, measure=False) as run:
        for _ in run.epochs():
            for number in run.steps(range(100)):
                if number == 5:
                    break  # before anything was done
                run.log(loss=1.0)
                if number == 4:
                    continue
        assert run.step == 10
        for number in run.steps(range(100)):
            with run.optimizer_step():
                pass
            if number == 2:
                break
    assert run.step == 13


def test_what_is_no_number_is_told_and_left_out(tmp_path: Path) -> None:
    with workbench.watch("mine", runs_dir=tmp_path, measure=False) as run:
        for _ in run.steps(range(2)):
            run.log(loss=torch.ones(3), name="x", fine=np.float32(2.0), there=None)
        run.validation(accuracy=0.5, precision=torch.tensor(0.25), confusion=[[1, 0], [0, 1]], mine=np.array([3]))
        run.test(accuracy=0.75)
        run.test(f1=0.5, token_accuracy=75)
    warned = {event.message for event in events(run.directory, WarningRaised)}
    assert warned == {
        "log: a value of shape (3,) is not one number: log its mean or its sum",
        "log: str is not a number",
        "validation: confusion is not one number, and is left out",
        "test: token_accuracy is 75, and is taken as a fraction, which is 1 at most",
    }
    assert {name for event in events(run.directory, Logged) for name in event.metrics} == {"fine"}
    [epoch] = events(run.directory, EpochEnd)
    # Under `precision` readers expect a list by class.
    assert epoch.validation == {"accuracy": 0.5, "precision_score": 0.25, "mine": 3.0}
    assert epoch.monitor == "accuracy"
    assert events(run.directory, TestResult)[-1].metrics == {"accuracy": 0.75, "f1_score": 0.5, "token_accuracy": 75.0}


def test_a_full_disk_warns_once_and_what_follows_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("workbench.own_loop.recorder.RETRY_SECONDS", 0.0)
    is_full, write = False, os.write
    torn: list[bool] = []

    def full(descriptor: int, data: Any) -> int:
        if is_full and bytes(data).startswith(b'{"type"'):
            if not torn:
                torn.append(True)
                return write(descriptor, bytes(data)[:5])  # half a line, as when the last block is used up
            raise OSError(errno.ENOSPC, "No space left on device")
        if is_full and torn and bytes(data)[:1] != b"\n":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    with workbench.watch("mine", epochs=3, runs_dir=tmp_path, measure=False) as run:
        for epoch in run.epochs():
            is_full = epoch == 1
            for _ in run.steps(range(3)):
                run.log(loss=float(epoch))
                time.sleep(0.06)
        is_full = False
    told = capsys.readouterr().err
    assert told.count("workbench.watch:") == 1
    assert "No space left on device" in told
    assert "training continues" in told
    assert summary_of(run.directory).status == "completed"
    assert [epoch.epoch for epoch in events(run.directory, EpochEnd)] == [1, 2, 3]
    losses = [loss for event in events(run.directory, Steps) for loss in event.losses]
    assert losses == [0.0] * 3 + [1.0] * 3 + [2.0] * 3


def test_a_deleted_run_stays_deleted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import shutil

    with workbench.watch("mine", epochs=2, runs_dir=tmp_path, measure=False) as run:
        for _ in run.epochs():
            for _ in run.steps(range(3)):
                time.sleep(0.06)
            assert run.directory is not None
            shutil.rmtree(run.directory, ignore_errors=True)
    assert run.directory is not None
    assert not run.directory.exists()
    assert "training continues" in capsys.readouterr().err


def test_a_runs_folder_that_cannot_be_written_ends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    with workbench.watch("mine", epochs=1, runs_dir=tmp_path / "file" / "runs") as run:
        steps = sum(1 for _ in run.epochs() for _ in run.steps(range(3)))
    assert (steps, run.directory) == (3, None)
    assert "training continues unwatched" in capsys.readouterr().err


def test_a_disk_that_is_full_from_the_start_leaves_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(path: Path) -> None:
        raise StorageError(f"cannot write {path}: No space left on device")

    monkeypatch.setattr("workbench.own_loop.recorder.EventWriter", full)
    with workbench.watch("mine", epochs=1, runs_dir=tmp_path) as run:
        steps = sum(1 for _ in run.epochs() for _ in run.steps(range(3)))
    assert (steps, run.directory, list(tmp_path.iterdir())) == (3, None, [])
    assert "training continues unwatched" in capsys.readouterr().err


def test_only_the_first_rank_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with workbench.watch("mine", epochs=1, runs_dir=tmp_path) as run:
        for _ in run.epochs():
            for _ in run.steps(range(3)):
                run.log(loss=1.0)
    assert run.directory is None
    assert list_runs(tmp_path) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": "a b"}, "a run cannot be called 'a b'"),
        ({"name": "../x"}, "a run cannot be called"),
        ({"epochs": 0}, "epochs=0: a number from 1 up"),
        ({"monitor": "acuracy"}, "did you mean accuracy?"),
    ],
)
def test_wrong_arguments_are_refused(tmp_path: Path, wrong: dict[str, Any], told: str) -> None:
    options: dict[str, Any] = {"name": "mine", "runs_dir": tmp_path} | wrong
    with pytest.raises(UsageError) as raised:
        workbench.watch(**options)
    assert told in str(raised.value)
    assert list_runs(tmp_path) == []


def test_settings_are_kept_as_toml_can_hold_them(tmp_path: Path) -> None:
    settings: dict[Any, Any] = {
        "lr": np.float64(0.5), "layers": (1, 2), "path": Path("a"), "none": None, "kind": torch.relu,
        "t": torch.tensor(3), "nested": {"deep": {"width": 2}}, "on": True, 4: "four",
    }  # fmt: skip
    with workbench.watch("mine", settings=settings, runs_dir=tmp_path, measure=False) as run:
        pass
    assert run.directory is not None
    preset = RunDirectory(run.directory).preset
    own = read_own_loop(preset)
    assert own is not None
    assert dict(own.settings) | {"kind": ""} == {
        "lr": 0.5, "layers": [1, 2], "path": "a", "kind": "", "t": 3, "nested": {"deep": {"width": 2}}, "on": True,
        "4": "four",
    }  # fmt: skip
    assert own.flat()["settings.nested.deep.width"] == 2
    with pytest.raises(NoPresetError, match="made by a loop of your own"):
        Preset.of_run(preset)
    assert read_own_loop(tmp_path / "none.toml") is None
    assert OwnLoop("x", "unknown").maker == "a loop of your own"


def test_the_environment_is_recorded(tmp_path: Path) -> None:
    import json

    with workbench.watch("mine", epochs=1, runs_dir=tmp_path) as run:
        for _ in run.steps(range(3)):
            pass
    assert run.directory is not None
    found = json.loads(RunDirectory(run.directory).environment.read_text())
    assert found["torch"] == torch.__version__
    assert found["command"].startswith(shlex.quote(sys.executable))
    assert found["host"]["cpu"]


def test_a_fault_of_workbench_ends_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a fault\nin two lines")

    monkeypatch.setattr("workbench.own_loop.values.ValueReader.read", broken)
    with workbench.watch("mine", epochs=1, runs_dir=tmp_path, measure=False) as run:
        steps = sum(1 for _ in run.epochs() for _ in run.steps(range(3)))
    assert steps == 3
    told = capsys.readouterr().err
    assert told == "workbench.watch: nothing more is recorded: RuntimeError: a fault; training continues\n"
    assert summary_of(run.directory).status == "completed"  # but for how it ended


def test_a_learning_rate_that_the_loops_scheduler_overrules_is_told(tmp_path: Path) -> None:
    from workbench.own_loop.learning_rate import OptimizerRate

    parameters = [torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.ones(1))]
    groups: list[dict[str, Any]] = [{"params": [parameters[0]]}, {"params": [parameters[1]], "lr": 0.01}]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    rate = OptimizerRate(optimizer)
    assert rate.set(float("nan")) == "a learning rate is a number from 0 up"
    assert rate.set(0.05) is None
    assert [group["lr"] for group in optimizer.param_groups] == [0.05, pytest.approx(0.005)]
    assert rate.overruled() is None
    rate.set(0.2)
    optimizer.param_groups[0]["lr"] = 0.09
    assert rate.overruled() == 0.09
    assert rate.overruled() is None
    assert OptimizerRate(None).set(0.1) is not None


@pytest.mark.parametrize("ending", ["sys.exit(0)", "raise ValueError('of the child')", "run.close()"])
def test_a_forked_child_records_nothing_of_its_parents_run(tmp_path: Path, ending: str) -> None:
    code = (
        "import os, sys, time, workbench\n"
        f"with workbench.watch('mine', epochs=1, runs_dir={str(tmp_path)!r}, measure=False) as run:\n"
        "    for _ in run.epochs():\n"
        "        for batch in run.steps(range(6)):\n"
        "            run.log(loss=float(batch))\n"
        "            if batch == 2:\n"
        "                time.sleep(0.3)\n"
        "                if (child := os.fork()) == 0:\n"
        "                    run.log(loss=99.0)\n"
        f"                    {ending}\n"
        "                    os._exit(0)\n"
        "                os.waitpid(child, 0)\n"
        "                assert not (run.directory / 'summary.json').exists()\n"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert "workbench.watch:" not in done.stderr
    [run] = list_runs(tmp_path)
    [finished] = events(run.path, Finished)
    assert (finished.status, finished.step) == ("completed", 6)
    assert [loss for event in events(run.path, Steps) for loss in event.losses] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert summary_of(run.path).status == "completed"

"""Ctrl-C, SIGTERM, kill -9 and a lost reader: nothing is lost, and a resumed run ends as if it had never stopped."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
import torch

from tests.end_to_end.conftest import LONG, Workbench, events_of, steps_logged, wait_for
from tests.unit.training.scripted import STOP, asked_at, build_trainer, new_trainer, poll_after_every_step
from workbench.errors import EXIT_INTERRUPTED
from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.lock import is_running, process_id
from workbench.runs.status import status
from workbench.training.processes.summary import summarize


def weights(run: RunDirectory) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = torch.load(run.checkpoints / "last.pt", weights_only=True)["model"]
    return loaded


def losses(run: RunDirectory) -> list[float]:
    """The loss of each step, the last time it was done."""
    by_step: dict[int, float] = {}
    for event in events_of(run, "steps"):
        by_step.update(enumerate(event["losses"], start=event["first_step"]))
    return [by_step[step] for step in sorted(by_step)]


@pytest.mark.parametrize(
    "stop_signal",
    [pytest.param(signal.SIGINT, id="ctrl-c"), pytest.param(signal.SIGTERM, id="sigterm", marks=pytest.mark.slow)],
)
def test_the_first_signal_stops_gracefully(workbench: Workbench, stop_signal: signal.Signals) -> None:
    reader = workbench.start("--preset", "iris", *LONG)
    run = workbench.training_run()
    reader.send_signal(stop_signal)
    stdout, stderr = reader.communicate()
    assert reader.returncode == 130
    assert "interrupt again to end it" in stderr
    assert "--resume" in stdout
    assert "not evaluated" in stdout
    summary = json.loads(run.summary.read_text())
    assert summary["status"] == "stopped"
    state = torch.load(run.checkpoints / "last.pt", weights_only=True)
    assert state["position"]["step"] == summary["step"] == steps_logged(run)
    assert status(run) == "stopped"


@pytest.mark.slow
def test_the_second_ctrl_c_ends_it_at_once_and_the_run_can_still_be_resumed(workbench: Workbench) -> None:
    reader = workbench.start("--preset", "iris", *LONG)
    run = workbench.training_run()
    trainer = process_id(run)
    assert trainer is not None
    wait_for(lambda: events_of(run, "checkpoint"))
    os.kill(trainer, signal.SIGSTOP)  # a trainer that cannot answer
    reader.send_signal(signal.SIGINT)
    time.sleep(0.3)
    reader.send_signal(signal.SIGINT)
    _, stderr = reader.communicate()
    assert reader.returncode == 130
    assert "--resume" in stderr
    assert status(run) == "lost"


def test_killed_and_resumed_it_ends_with_the_same_weights_bit_for_bit(workbench: Workbench, tmp_path: Path) -> None:
    """As a run of the same preset that nobody has disturbed, which this process trains."""
    choice = ["training.epochs=20", "training.checkpoint_seconds=0", "model.dropout=0.2", "data.shift=1"]
    reader = workbench.start("--preset", "fast", *(word for each in choice for word in ("--set", each)))
    run = workbench.training_run(after_step=50)
    wait_for(lambda: events_of(run, "checkpoint"))
    trainer = process_id(run)
    assert trainer is not None
    os.kill(trainer, signal.SIGKILL)
    _, stderr = reader.communicate()
    assert reader.returncode == 3
    assert "killed by signal 9" in stderr
    assert f"--resume {run.path.relative_to(workbench.folder)}" in stderr
    killed_at = steps_logged(run)
    resumed = workbench.run("--resume", run.name)
    assert resumed.returncode == 0, resumed.stderr
    [_, started] = events_of(run, "started")
    assert 0 < started["step"] <= killed_at + 1
    other = create_run(tmp_path / "unbroken", "fast", run.preset.read_text())
    build_trainer(other).train()
    assert losses(run) == losses(other)
    for name, tensor in weights(other).items():
        assert torch.equal(tensor, weights(run)[name]), name
    test = [events_of(each, "test")[0]["metrics"] for each in (run, other)]
    assert test[0] == test[1]


@pytest.mark.slow
def test_a_rate_set_by_hand_survives_kill_9_and_the_preset_of_the_run_repeats_it(
    workbench: Workbench, tmp_path: Path
) -> None:
    """reliability R3, screen #13: no checkpoint is written between the change and the kill."""
    reader = workbench.start("--preset", "fast", "--set", "training.epochs=300", "--set", "model.dropout=0.2",
                             "--set", "training.checkpoint_seconds=1000")  # fmt: skip
    run = workbench.training_run(after_step=50)
    ask(run, "checkpoint")
    wait_for(lambda: events_of(run, "checkpoint"))
    ask(run, "set_learning_rate", 0.0123)
    wait_for(lambda: len(events_of(run, "obeyed")) == 2)
    changed_at = events_of(run, "obeyed")[1]["step"]
    wait_for(lambda: steps_logged(run) > changed_at + 60)
    trainer = process_id(run)
    assert trainer is not None, "it must not have completed"
    os.kill(trainer, signal.SIGKILL)
    reader.communicate()
    resumed = workbench.run("--resume", run.name)
    assert resumed.returncode == 0, resumed.stderr
    [_, started] = events_of(run, "started")
    assert (started["step"] < changed_at, started["learning_rate"]) == (True, 0.001)
    assert f"0.001 → 0.0123 at step {changed_at:,}" in resumed.stdout
    repeated = workbench.run("--preset", str(run.preset), "--runs-dir", "repeated")
    assert repeated.returncode == 0, repeated.stderr
    other = RunDirectory(next((tmp_path / "repeated").iterdir()))
    assert losses(run) == losses(other)
    for name, tensor in weights(other).items():
        assert torch.equal(tensor, weights(run)[name]), name


def test_killing_the_reader_leaves_the_trainer_running(workbench: Workbench) -> None:
    reader = workbench.start("--preset", "iris", *LONG)
    run = workbench.training_run()
    reader.kill()
    reader.wait()
    step = steps_logged(run)
    wait_for(lambda: steps_logged(run) > step)
    assert is_running(run)
    busy = workbench.run("--resume", run.name)
    assert busy.returncode == 2
    assert "still running" in busy.stderr
    ask(run, "stop")
    wait_for(lambda: status(run) == "stopped")


@pytest.mark.slow
def test_a_lost_terminal_leaves_the_trainer_running(workbench: Workbench) -> None:
    reader = workbench.start("--preset", "iris", *LONG)
    run = workbench.training_run()
    os.killpg(reader.pid, signal.SIGHUP)
    reader.wait(timeout=30)
    step = steps_logged(run)
    wait_for(lambda: steps_logged(run) > step)
    assert is_running(run)


@pytest.mark.slow
def test_requests_are_obeyed_and_recorded_with_their_step(workbench: Workbench) -> None:
    reader = workbench.start("--preset", "iris", *LONG)
    run = workbench.training_run()
    ask(run, "set_learning_rate", 0.0625)
    ask(run, "checkpoint")
    ask(run, "pause")
    wait_for(lambda: events_of(run, "state") and events_of(run, "state")[-1]["state"] == "paused")
    paused_at = steps_logged(run)
    with run.control.open("a") as file:
        file.write("dance\n")
    wait_for(lambda: any(event["command"] == "dance" for event in events_of(run, "obeyed")))
    assert steps_logged(run) == paused_at
    ask(run, "resume")
    wait_for(lambda: steps_logged(run) > paused_at)
    ask(run, "stop")
    reader.communicate()
    assert reader.returncode == 130
    obeyed = {event["command"]: event for event in events_of(run, "obeyed")}
    assert list(obeyed) == ["set_learning_rate", "checkpoint", "pause", "dance", "resume", "stop"]
    assert [event["command"] for event in obeyed.values() if not event.get("accepted", True)] == ["dance"]
    assert obeyed["pause"]["step"] == obeyed["resume"]["step"] == paused_at
    changed_at = obeyed["set_learning_rate"]["step"]
    for event in events_of(run, "steps"):
        last = event["first_step"] + len(event["losses"]) - 1
        assert (event["learning_rate"] == 0.0625) == (last > changed_at)


@pytest.mark.parametrize(
    "how", [pytest.param([], id="lines", marks=pytest.mark.slow), pytest.param(["--json"], id="json")]
)
def test_a_closed_pipe_leaves_the_trainer_running_and_says_so(workbench: Workbench, how: list[str]) -> None:
    reader = workbench.start("--preset", "iris", *LONG, *how)
    assert reader.stdout is not None
    reader.stdout.readline()
    reader.stdout.close()
    reader.stdout = None
    run = workbench.training_run()
    _, stderr = reader.communicate()
    assert reader.returncode == 0
    assert str(run.path) in stderr
    assert "Traceback" not in stderr
    step = steps_logged(run)
    wait_for(lambda: steps_logged(run) > step)


@pytest.mark.slow
def test_a_run_whose_settings_had_other_names_is_listed_and_resumed(
    workbench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an earlier version left it; the same file as a preset of one's own is refused with the new names."""
    chosen = ["training.gradient_clip_norm=0.5", "runtime.data_loading=dataloader", "runtime.num_workers=0"]
    with monkeypatch.context() as patch:
        poll_after_every_step(patch)
        trainer = new_trainer(workbench.folder / "runs", [*chosen, "training.epochs=1000000"], asked_at(5, [STOP]))
        trainer.train()
    run = trainer.run
    assert trainer.state.step < trainer.job.steps_per_epoch
    summarize(trainer, "stopped", "", EXIT_INTERRUPTED, "", 1.0).save(run)
    text = run.preset.read_text()
    for now, then in (
        ("gradient_clip_norm", "clip_norm"),
        ('data_loading = "dataloader"', 'feed = "loader"'),
        ("num_workers", "loader_workers"),
        ("epochs = 1000000", "epochs = 1"),
    ):
        assert now in text
        text = text.replace(now, then)
    run.preset.write_text(text)
    copied = workbench.folder / "mine.toml"
    copied.write_text(text)
    refused = workbench.run("--preset", "mine.toml", "--dry-run")
    assert refused.returncode == 2
    assert "training.clip_norm is now called training.gradient_clip_norm" in refused.stderr
    assert 'runtime.feed is now called runtime.data_loading and "loader" is now called "dataloader"' in refused.stderr
    [listed] = [json.loads(line) for line in workbench.run("runs", "--json").stdout.splitlines()]
    assert (listed["name"], listed["status"], listed["epochs"]) == (run.name, "stopped", 1)
    resumed = workbench.run("resume", run.name)
    assert resumed.returncode == 0, resumed.stderr
    assert status(run) == "completed"

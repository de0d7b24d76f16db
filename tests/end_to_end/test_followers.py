"""TensorBoard and alerts beside a real run: the command, its trainer and their ends."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.end_to_end.conftest import LONG, Workbench, events_of, wait_for
from workbench.runs.lock import is_running, process_id


def steps_in(folder: Path) -> list[int]:
    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    return [event.step for event in accumulator.Scalars("loss/step")]


@pytest.mark.slow
def test_a_run_that_loses_its_terminal_and_its_trainer_is_told_of_and_shown_whole_after_its_resume(
    workbench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, settings = tmp_path / "alerts", tmp_path / "alerts.toml"
    settings.write_text(f"[alerts]\ncommand = 'cat >> {out}; echo >> {out}'\nstall_seconds = 600\n")
    settings.chmod(0o600)
    monkeypatch.setenv("WORKBENCH_ALERTS", str(settings))

    def sent() -> list[str]:
        return [json.loads(line)["event"] for line in out.read_text().splitlines()] if out.exists() else []

    command = workbench.start("train", "fast", *LONG, "--tensorboard", "tb")
    run = workbench.training_run(after_step=50)
    command.kill()  # the terminal is gone, and the command with it
    trainer = process_id(run)
    assert trainer is not None
    wait_for(lambda: (run.path / "followers" / "tensorboard.json").exists() and events_of(run, "checkpoint"))
    os.kill(trainer, signal.SIGKILL)
    wait_for(lambda: sent() == ["lost"])

    resumed = workbench.start("resume", run.name)
    wait_for(lambda: len(events_of(run, "started")) == 2 and events_of(run, "started")[-1]["step"] > 0)
    first = events_of(run, "started")[-1]["step"] + 1
    wait_for(lambda: events_of(run, "steps")[-1]["first_step"] > first)
    resumed.send_signal(signal.SIGINT)
    _, errors = resumed.communicate(timeout=60)
    assert "warning" not in errors
    wait_for(lambda: sent() == ["lost", "stopped"])
    wait_for(lambda: "the end" in (run.path / "followers" / "tensorboard.log").read_text().splitlines()[-1])
    assert not is_running(run)
    last = events_of(run, "finished")[-1]["step"]
    assert steps_in(tmp_path / "tb" / run.name) == list(range(1, last + 1))

    exported = workbench.run("export", run.name, "--to", "tensorboard", "--out", "exported", "--json")
    assert exported.returncode == 0, exported.stderr
    assert json.loads(exported.stdout)["runs"] == [run.name]
    assert steps_in(tmp_path / "exported" / run.name) == list(range(1, last + 1))
    again = workbench.run("export", run.name, "--to", "tensorboard", "--out", "exported")
    assert again.returncode == 2
    assert "exists already" in again.stderr
    (tmp_path / "exported" / "another").mkdir()
    assert workbench.run("export", run.name, "--to", "tensorboard", "--out", "exported", "--overwrite").returncode == 0
    assert sorted(path.name for path in (tmp_path / "exported").iterdir()) == sorted([run.name, "another"])


def test_alerts_are_shown_and_tried_without_a_secret(
    workbench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, settings = "a-secret", tmp_path / "alerts.toml"
    monkeypatch.setenv("WORKBENCH_ALERTS", str(settings))
    missing = workbench.run("alerts")
    assert (missing.returncode, "does not exist" in missing.stderr) == (2, True)
    address = f"http://127.0.0.1:1/{secret}"
    settings.write_text(f"[alerts]\nterminal = 'bell'\ncommand = 'exit 0 {secret}'\nwebhook = '{address}'\n")
    settings.chmod(0o644)
    shown = workbench.run("alerts")
    assert shown.returncode == 0
    assert "webhook          http://127.0.0.1:1/…" in shown.stdout
    assert "others can read" in shown.stderr
    tried = workbench.run("alerts", "test", "--json")
    assert tried.returncode == 3
    problems = json.loads(tried.stdout)["problems"]
    assert problems == {
        "terminal": "there is no terminal here",
        "command": "",
        "webhook": "the server cannot be reached: Connection refused",
    }
    listed = workbench.run("alerts", "--json")
    assert json.loads(listed.stdout)["settings"]["command"] == "exit …"
    for done in (shown, tried, listed):
        assert secret not in done.stdout + done.stderr

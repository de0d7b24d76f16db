"""Runs with the real trainer, started and steered by keys: what the user sees, and what reaches the run directory."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.end_to_end.conftest import events_of
from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made_advice import LAUNCH_BOUND, make_findings
from workbench.processes.standby import Standby, StandbyRun
from workbench.runs.directory import RunDirectory, list_runs
from workbench.runs.lock import process_id
from workbench.runs.status import status
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.ui.app import WorkbenchApp
from workbench.ui.dialogs.message import MessageDialog
from workbench.ui.dialogs.profile import ProfileDialog
from workbench.ui.live import session

PATIENCE_SECONDS = 120


def quick(epochs: int = 3) -> Preset:
    """A second of training, after the seconds of importing PyTorch."""
    return Preset.from_mapping(
        {"name": "quick", "data": {"name": "digits"}, "model": {"name": "mlp", "hidden": [16]},
         "training": {"epochs": epochs, "checkpoint_seconds": 0.2}},
        "quick",
    )  # fmt: skip


async def until(pilot: Pilot[None], condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, screen_text(pilot.app)  # type: ignore[arg-type]
        await pilot.pause(0.1)


def the_run(tmp_path: Path) -> RunDirectory:
    [run] = list_runs(tmp_path / "runs")
    return run


def state(app: WorkbenchApp) -> str:
    return "idle" if app.session.watch is None else app.session.watch.state


@pytest.fixture(autouse=True)
def no_trainer_is_left(tmp_path: Path) -> Any:
    yield
    for run in list_runs(tmp_path / "runs"):
        if (trainer := process_id(run)) is not None:
            os.kill(trainer, signal.SIGKILL)


class WarmTrainers:
    """Stands in for `start_trainer`: one process that has imported PyTorch trains run after run.

    Each as a cold trainer does, which tests/end_to_end/test_standby.py shows.
    """

    def __init__(self) -> None:
        self._standby: Standby | None = None

    def start(self, run: RunDirectory, command: str) -> StandbyRun | subprocess.Popen[bytes]:
        if self._standby is None or not self._standby.is_alive:
            self._standby = Standby.launch()
        return self._standby.train(run, command)

    def close(self) -> None:
        if self._standby is not None:
            self._standby.close()


@pytest.fixture(scope="module")
def trainers() -> Iterator[WarmTrainers]:
    started = WarmTrainers()
    yield started
    started.close()


@pytest.fixture
def warm(trainers: WarmTrainers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the test is not of how a trainer starts or dies."""
    monkeypatch.setattr(session, "start_trainer", trainers.start)


def test_a_run_is_started_watched_to_its_end_and_reported(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", chosen=quick())

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("space")
        await until(pilot, lambda: status(the_run(tmp_path)) == "completed")
        await until(pilot, lambda: "valid" in screen_text(app) and "completed" in screen_text(app).splitlines()[0])
        text = screen_text(app)
        assert "epoch 3/3" in text
        [loss] = [line for line in text.splitlines() if "loss  " in line and "train " in line]
        assert "valid" in loss, text
        await pilot.press("4")
        await pilot.pause(0.2)
        assert "test split" in screen_text(app)
        await pilot.press("5")
        await pilot.pause(0.2)
        assert "completed at step" in screen_text(app)

    drive(app, steps, (120, 40))
    run = the_run(tmp_path)
    assert status(run) == "completed"
    assert Preset.load(run.preset).differences(quick()) == {}


@pytest.mark.usefixtures("warm")
def test_pause_learning_rate_checkpoint_profile_resume_and_stop_reach_the_trainer_and_are_shown(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", chosen=quick(100_000))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("space")
        await until(pilot, lambda: state(app) == "training")
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: events_of(the_run(tmp_path), "obeyed"))
        await pilot.press("l")
        await pilot.pause()
        await pilot.press(*["backspace"] * 10, *"0.003", "enter")
        await until(pilot, lambda: app.session.watch is not None and app.session.watch.learning_rate == 0.003)
        await until(pilot, lambda: "run: 0.003" in screen_text(app))  # beside the setting (screen #1)
        await pilot.press("z")
        await until(pilot, lambda: app.session.watch is not None and app.session.watch.learning_rate == 0.0005)
        await until(pilot, lambda: "run: 0.0005" in screen_text(app))
        await pilot.press("c", "p")
        await until(pilot, lambda: isinstance(app.screen, ProfileDialog) and "aten::" in screen_text(app))
        await pilot.press("escape", "P")
        await until(pilot, lambda: isinstance(app.screen, MessageDialog) and "By kind" in screen_text(app))
        await pilot.press("escape", "space")
        await until(pilot, lambda: state(app) == "paused")
        assert "paused" in screen_text(app)
        await pilot.press("space")
        await until(pilot, lambda: state(app) == "training")
        await pilot.press("x")
        await until(pilot, lambda: status(the_run(tmp_path)) == "stopped")
        await pilot.pause(0.6)
        marks = app.session.watch.history.marks if app.session.watch is not None else ()
        assert [mark.kind for mark in marks] == [
            "learning_rate", "learning_rate", "learning_rate", "checkpoint", "pause", "resume", "stop",
        ]  # fmt: skip

    drive(app, steps)
    run = the_run(tmp_path)
    obeyed = [(event["command"], event.get("value"), event["step"]) for event in events_of(run, "obeyed")]
    assert [(command, value) for command, value, _ in obeyed[:3]] == [
        ("set_learning_rate", 0.0005),
        ("set_learning_rate", 0.003),
        ("set_learning_rate", 0.0005),
    ]
    changes = [(change.step, change.learning_rate) for change in Preset.load(run.preset).changes]
    assert changes == [(step, value) for _, value, step in obeyed[:3]]
    assert [command for command, *_ in obeyed[3:]] == [
        "checkpoint",
        "profile",
        "memory_snapshot",
        "pause",
        "resume",
        "stop",
    ]
    assert status(run) == "stopped"


@pytest.mark.usefixtures("warm")
def test_quitting_leaves_the_run_running_and_the_next_start_offers_it(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", chosen=quick(100_000))

    async def begin(pilot: Pilot[None]) -> None:
        await pilot.press("space")
        await until(pilot, lambda: state(app) == "training")
        await pilot.press("q")
        await pilot.pause()
        assert "leave it running" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()

    drive(app, begin)
    run = the_run(tmp_path)
    assert status(run) == "running"
    again = make_app(tmp_path / "runs", chosen=quick())

    async def attach(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "still running" in screen_text(again))
        await pilot.press("enter")
        await until(pilot, lambda: state(again) == "training")
        await pilot.press("x")
        await until(pilot, lambda: status(run) == "stopped")
        await until(pilot, lambda: state(again) == "stopped")

    drive(again, attach)


def test_a_killed_trainer_is_reported_and_its_run_can_be_resumed(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", chosen=quick(100_000))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("space")
        await until(pilot, lambda: (tmp_path / "runs").exists() and events_of(the_run(tmp_path), "checkpoint"))
        trainer = process_id(the_run(tmp_path))
        assert trainer is not None
        os.kill(trainer, signal.SIGKILL)
        await until(pilot, lambda: state(app) == "lost")
        await pilot.pause(0.6)
        assert "the trainer is lost" in screen_text(app)
        assert "R resumes from the last checkpoint" in screen_text(app)
        await pilot.press("R")
        await until(pilot, lambda: state(app) == "training")
        await pilot.pause(0.6)
        assert "the trainer is lost" not in screen_text(app)
        await pilot.press("x")
        await until(pilot, lambda: state(app) == "stopped")

    drive(app, steps)
    started = events_of(the_run(tmp_path), "started")
    assert [event.get("resumed", False) for event in started] == [False, True]
    assert started[1]["step"] > 0


def test_settings_that_do_not_fit_the_data_start_no_run(tmp_path: Path) -> None:
    """screen/REPORT #30: each such try left a failed run in the list."""
    app = make_app(tmp_path / "runs", chosen=quick().override(["loss.name=huber", "data.name=digits"]))
    wrong = app.draft.preset.override(["data.name=diabetes", "loss.name=cross_entropy"])
    app.draft.take(wrong)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("space")
        await until(pilot, lambda: "cannot start" in screen_text(app))
        assert state(app) == "idle"
        assert "numbers" in screen_text(app)
        assert "training failed" not in screen_text(app)

    drive(app, steps)
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.usefixtures("warm")
def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    diverging = ["optimizer.name=sgd", "optimizer.learning_rate=1000", "training.checkpoint_seconds=0"]
    app = make_app(tmp_path / "runs", chosen=library.load("regression").override(diverging))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("space")
        await until(pilot, lambda: state(app) == "failed")
        await pilot.pause(0.6)
        assert "training failed" in screen_text(app)
        assert "diverged" in screen_text(app)
        assert "5 log   esc hides this" in screen_text(app)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "training failed" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "training failed" not in screen_text(app)

    drive(app, steps)


def test_a_folder_that_cannot_be_written_is_reported_and_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")
    app = make_app(tmp_path / "runs", chosen=quick())

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("space")
        await pilot.pause(0.2)
        assert "cannot write" in screen_text(app), screen_text(app)
        assert state(app) == "idle"

    drive(app, steps)


def test_the_standby_trainer_takes_the_run_and_ends_with_the_app(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", chosen=quick(), standby=True)
    launched: list[int] = []

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.session.is_warm)
        await pilot.press("space")
        await until(pilot, lambda: state(app) == "completed")
        assert events_of(the_run(tmp_path), "prepared")[0]["seconds"] < 60
        await until(pilot, lambda: app.session._standby is not None)
        assert app.session._standby is not None
        launched.append(app.session._standby.process_id)

    drive(app, steps)
    assert not Path(f"/proc/{launched[0]}").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
def test_a_real_comparison_beside_a_real_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run stands still while both settings are measured, then it continues; what is kept is in the settings.

    Quick tests have its halves: test_advice.py the keys and the paused run, tests/unit/ui/test_comparison.py the real
    process.
    """
    make_findings(monkeypatch, [replace(LAUNCH_BOUND, change=("data.batch_size=256",))])
    app = make_app(tmp_path / "runs", chosen=quick(100_000))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("space")
        await until(pilot, lambda: "advice 1/1" in screen_text(app))
        await pilot.press("a")
        await until(pilot, lambda: "the run is paused; measuring" in screen_text(app))
        assert state(app) == "paused"
        await until(pilot, lambda: "steps measured" in screen_text(app))
        await pilot.press("enter")
        await until(pilot, lambda: state(app) == "training")
        await pilot.press("x")
        await until(pilot, lambda: state(app) == "stopped")

    drive(app, steps)
    [run] = list_runs(tmp_path / "runs")
    assert [event["command"] for event in events_of(run, "obeyed")] == ["pause", "resume", "stop"]
    assert app.draft.changes() == {"data.batch_size": (64, 256)}

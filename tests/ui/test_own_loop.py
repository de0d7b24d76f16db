"""Runs that workbench has not trained, in the app: a loop of the user's own, live, and another program's log."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

import workbench
from tests.ui.conftest import drive, make_app, screen_text
from tests.unit.foreign_logs.written import history, log_file
from workbench.errors import UsageError
from workbench.runs.directory import RunDirectory
from workbench.ui.options import AppOptions
from workbench.ui.panels.metric_chart import MetricChart
from workbench.ui.start import _run_to_attach

PATIENCE_SECONDS = 15


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, screen_text(pilot.app)  # type: ignore[arg-type]
        await pilot.pause(0.1)


def begin(folder: Path, **options: object) -> tuple[workbench.WatchedRun, RunDirectory]:
    run = workbench.watch("mine", runs_dir=folder / "runs", measure=False, **options)  # type: ignore[arg-type]
    assert run.directory is not None
    return run, RunDirectory(run.directory)


def test_the_app_follows_a_loop_and_stops_it(tmp_path: Path) -> None:
    run, directory = begin(tmp_path, epochs=10_000, settings={"lr": 0.5})
    app = make_app(tmp_path / "runs", attach=directory)

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.session.watch is not None)
        passes = run.epochs()
        next(passes)
        for _ in run.steps(range(2000)):
            run.log(loss=2.5, grad_norm=7.0)
        run.validation(accuracy=0.5, mine=3.25)
        next(passes)
        await pilot.press("4")
        await until(pilot, lambda: "mine 3.25" in screen_text(app))
        assert "epoch 2/10,000" in screen_text(app)
        assert "training" in screen_text(app)
        chart = app.screen.query_one(MetricChart)
        assert chart.quantity.title == "accuracy %"
        chart.action_next_metric()
        assert chart.quantity.title == "grad_norm"
        chart.action_next_metric()
        assert chart.quantity.title == "mine"
        await pilot.press("x")  # stop
        await until(pilot, lambda: "stop" in directory.control.read_text() if directory.control.exists() else False)
        for _ in run.steps(range(10_000_000)):
            pass
        assert run.should_stop
        run.close()
        await until(pilot, lambda: app.session.watch is not None and app.session.watch.state == "stopped")

    drive(app, steps, size=(140, 44))


@pytest.mark.parametrize("ending", ["failed", "completed"])
def test_what_needs_a_preset_says_why_not(tmp_path: Path, ending: str) -> None:
    run, directory = begin(tmp_path, epochs=2)
    for _ in run.epochs():
        for _ in run.steps(range(5)):
            run.log(loss=1.0)
        run.validation(loss=0.5)
    run.end(ValueError("no such file") if ending == "failed" else None)
    app = make_app(tmp_path / "runs", attach=directory)

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.session.watch is not None)
        await until(pilot, lambda: app.session.watch is not None and app.session.watch.state == ending)
        if ending == "failed":
            assert "ValueError: no such file" in screen_text(app)
            assert "R restarts" not in screen_text(app)
            await pilot.press("R")
            await until(pilot, lambda: "made by a loop of your own" in screen_text(app))
        assert "settings · next run" in screen_text(app)  # not those of the run
        await pilot.press("r")
        await until(pilot, lambda: "completed" in screen_text(app) or "failed" in screen_text(app))
        await pilot.press("t")  # take its settings
        await until(pilot, lambda: "made by a loop of your own" in screen_text(app))

    drive(app, steps, size=(160, 44))


def test_attach_takes_another_programs_log(tmp_path: Path) -> None:
    logs = tmp_path / "wandb" / "run-1"
    logs.mkdir(parents=True)
    (logs / "run-x.wandb").write_bytes(log_file([history(step, {"loss": 0.25, "x/y": 1.5}) for step in range(30)]))
    run = _run_to_attach(str(logs), tmp_path / "runs")
    app = make_app(tmp_path / "runs", attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "0.2500" in screen_text(app) or "0.25" in screen_text(app))
        assert "following" in screen_text(app)
        await pilot.press("x")
        await pilot.press("5")
        await until(pilot, lambda: "another program trains this run" in screen_text(app))

    drive(app, steps, size=(140, 44))


def test_attach_to_a_folder_without_a_log_names_what_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no run"):
        _run_to_attach(str(tmp_path), AppOptions(tmp_path / "runs").runs_folder)

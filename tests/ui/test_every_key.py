"""Every key of the tables of actions does something, whatever is on the screen, and none ends the app."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import preset, write_run
from workbench.ui.keys.actions import ACTIONS
from workbench.ui.keys.judge_actions import ACTIONS as JUDGE_ACTIONS
from workbench.ui.keys.runs_actions import ACTIONS as RUNS_ACTIONS
from workbench.ui.keys.tune_actions import ACTIONS as TUNE_ACTIONS
from workbench.ui.screens.judge import JudgeScreen
from workbench.ui.screens.main import MainScreen
from workbench.ui.screens.runs import RunsScreen
from workbench.ui.screens.tune import TuneScreen


@pytest.mark.parametrize(
    ("screen", "name"),
    [(MainScreen, action.name) for action in ACTIONS]
    + [(RunsScreen, action.name) for action in RUNS_ACTIONS]
    + [(TuneScreen, action.name) for action in TUNE_ACTIONS]
    + [(JudgeScreen, action.name) for action in JUDGE_ACTIONS],
)
def test_every_action_has_its_method(screen: type[object], name: str) -> None:
    assert callable(getattr(screen, f"action_{name.partition('(')[0]}", None))


@pytest.mark.parametrize(
    "ending", ["alive", *(pytest.param(each, marks=pytest.mark.slow) for each in ("", "stopped", "completed"))]
)
def test_no_key_of_the_main_screen_ends_the_app(tmp_path: Path, ending: str) -> None:
    """ "": before any run. What a key opens is left by esc; what would start a trainer is pressed elsewhere."""
    runs, path = tmp_path / "runs", tmp_path / "mine.toml"
    run = None
    if ending:
        run = write_run(runs, alive=ending == "alive", ending="" if ending == "alive" else ending)
    starts = {"start_or_pause", "resume_run"} if ending != "alive" else set()
    app = make_app(runs, attach=run, chosen=preset("mine"), path=path)

    async def steps(pilot: Pilot[None]) -> None:
        for action in ACTIONS:
            if action.name in starts or action.name == "ask_to_quit":
                continue
            for key in action.keys:
                await pilot.press(key)
                await pilot.pause(0.05)
                while app.screen is not app.screen_stack[0]:
                    await pilot.press("escape")
                    await pilot.pause()
                if action.name == "find":
                    await pilot.press("escape")
        assert app.is_running
        assert screen_text(app)

    drive(app, steps)
    asked = run.control.read_text() if run is not None and run.control.exists() else ""
    expected = ["pause", "stop", "set_learning_rate", "profile", "memory_snapshot", "checkpoint"]
    assert [command for command in expected if f'"{command}"' in asked] == (expected if ending == "alive" else [])
    assert path.exists(), "ctrl+s has saved"

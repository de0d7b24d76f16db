"""A real search, started and watched by the app, which may quit meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from workbench.runs.lock import is_running
from workbench.settings.preset import Preset
from workbench.tuning.directory import list_studies
from workbench.tuning.view import read_study_view
from workbench.ui.screens.tune import TuneScreen

PATIENCE_SECONDS = 180.0


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Lets the app work until the condition holds."""
    waited = 0.0
    while not condition():
        assert waited < PATIENCE_SECONDS, screen_text(pilot.app)  # type: ignore[arg-type]
        await pilot.pause(0.1)
        waited += 0.1


@pytest.mark.slow
def test_a_search_outlives_the_app_and_is_attached_to_again(tmp_path: Path) -> None:
    quick = {"data": {"name": "iris"}, "model": {"hidden": [8]}, "training": {"epochs": 200}}
    # Trials with this optimizer are trained one by one: together they might have ended before they can be paused.
    chosen = Preset.from_mapping({"name": "quick", "optimizer": {"name": "radam"}, **quick}, "quick")
    studies = tmp_path / "studies"
    app = make_app(tmp_path / "runs", chosen=chosen)

    async def start(pilot: Pilot[None]) -> None:
        app.draft.enter("optimizer.learning_rate", "1e-3..1e-1 x4")
        await pilot.press("space")
        await until(pilot, lambda: isinstance(app.screen, TuneScreen) and "1 running" in screen_text(app))
        await pilot.press("space")  # so that it cannot end before the app opens again
        await until(pilot, lambda: "● paused" in screen_text(app))

    drive(app, start, (140, 40))
    [study] = list_studies(studies)
    assert is_running(study), "the app has quit, the study continues"
    again = make_app(tmp_path / "runs", chosen=chosen)

    async def watch(pilot: Pilot[None]) -> None:
        await pilot.press("T")
        await until(pilot, lambda: isinstance(again.screen, TuneScreen) and "● paused" in screen_text(again))
        await pilot.press("space")
        await until(pilot, lambda: "● completed" in screen_text(again))
        await pilot.press("B")
        await until(pilot, lambda: "settings of trial" in screen_text(again))

    drive(again, watch, (140, 40))
    view = read_study_view(study)
    assert view.finished is not None
    assert view.finished.status == "completed"
    assert sum(trial.repeats is None for trial in view.trials.values()) == 4
    assert again.draft.preset.optimizer.learning_rate in {
        trial.settings["optimizer.learning_rate"] for trial in view.trials.values()
    }

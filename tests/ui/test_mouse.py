"""The mouse: what is written of keys can be clicked on."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import write_run
from workbench.ui.app import WorkbenchApp
from workbench.ui.dialogs.advice import AdviceDialog
from workbench.ui.dialogs.help import HelpDialog
from workbench.ui.screens.main import MainScreen
from workbench.ui.screens.runs import RunsScreen


async def click(pilot: Pilot[None], app: WorkbenchApp, text: str) -> None:
    """Clicks on the last place where that text stands on the screen."""
    row, line = [(row, line) for row, line in enumerate(screen_text(app).splitlines()) if text in line][-1]
    await pilot.click(offset=(line.rindex(text), row))
    await pilot.pause(0.1)
    await pilot.pause()


def test_a_click_on_a_key_at_the_foot_presses_it(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", page="settings")

    async def steps(pilot: Pilot[None]) -> None:
        await click(pilot, app, "keys  q")
        assert isinstance(app.screen, HelpDialog)
        await click(pilot, app, "esc close")
        assert isinstance(app.screen, MainScreen)
        await click(pilot, app, "^s save")
        await pilot.press(*"mine")
        await click(pilot, app, "save  esc")
        assert isinstance(app.screen, MainScreen)
        assert app.draft.preset.name == "mine"
        await click(pilot, app, "r runs")
        assert isinstance(app.screen, RunsScreen)
        await click(pilot, app, "back")
        assert isinstance(app.screen, MainScreen)
        await click(pilot, app, "1-8 panels")
        assert isinstance(app.screen, MainScreen), "no key of that name: nothing happens"

    drive(app, steps)


def test_a_click_on_a_key_of_the_advice_presses_it(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", steps=700, diverges=True, ending="failed"))

    async def steps(pilot: Pilot[None]) -> None:
        await click(pilot, app, "i why")
        assert isinstance(app.screen, AdviceDialog)
        await click(pilot, app, "esc close")
        assert isinstance(app.screen, MainScreen)

    drive(app, steps)

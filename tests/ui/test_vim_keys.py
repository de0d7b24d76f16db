"""Keys of vim move wherever the arrows do, in lists, panels and dialogs; in a field they are letters."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import write_run
from workbench.ui.dialogs.quit import QuitDialog
from workbench.ui.panels.settings import SettingsPanel


def test_in_the_settings_and_the_log(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(pilot: Pilot[None]) -> None:
        panel = app.screen.query_one(SettingsPanel)
        paths = [panel.row.path if panel.row is not None else ""]
        for key in ("G", "g", "j", "k", "ctrl+d", "ctrl+u"):
            await pilot.press(key)
            await pilot.pause(0.1)
            paths.append(panel.row.path if panel.row is not None else "")
        first, last, top, below, above, page, back = paths
        assert first == top == above == back == "data"
        assert below == "data.batch_size"
        assert last not in (first, below)
        assert page not in (first, below, last)
        await pilot.press("5", "g")
        await pilot.pause(0.1)
        assert "a class has 3 samples only" in screen_text(app)

    drive(app, steps, (140, 40))


def test_in_a_dialog_with_choices_and_not_in_one_with_a_field(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("q")
        await pilot.pause(0.2)
        assert isinstance(app.screen, QuitDialog)
        choices = app.screen.query_one(OptionList)
        for key, place in (("j", 1), ("G", 2), ("k", 1), ("g", 0)):
            await pilot.press(key)
            await pilot.pause(0.1)
            assert choices.highlighted == place
        await pilot.press("escape", "ctrl+o", *"jgk")
        await pilot.pause(0.1)
        assert app.screen.query_one(Input).value == "jgk"

    drive(app, steps, (140, 40))

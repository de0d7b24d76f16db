"""What the app asks before it runs a preset's own code (reliability S2)."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text, settled
from tests.ui.made import preset
from workbench.settings import code


@pytest.fixture(autouse=True)
def own_module(own_folders: None) -> None:
    Path("helper.py").write_text("")
    Path("mine.py").write_text("import helper\ndef wide(*_, **__): ...\n")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
@pytest.mark.parametrize("length", [1, 5_000])
def test_the_question_shows_what_would_run_and_its_answers_stay_in_sight(
    tmp_path: Path, size: tuple[int, int], length: int
) -> None:
    """However long an argument is: nobody is made to say yes to what cannot be seen, nor left without a no."""
    arguments = [
        "model.name=module",
        "model.function=mine:wide",
        f'model.arguments={{command = "touch {"X" * length}"}}',
    ]
    app = make_app(tmp_path / "runs", chosen=preset().override(arguments))

    async def steps(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("space")
        await pilot.pause(0.3)
        shown = screen_text(app)
        for part in ("run this code?", "mine:wide(command='touch", "yes, trust it until", "no"):
            assert part in shown
        if length == 1:
            assert "helper.py" in shown
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert not code.is_trusted("mine:wide")
        assert not (tmp_path / "runs").exists()

    drive(app, steps, size)


def test_a_store_that_others_may_write_is_reported(tmp_path: Path) -> None:
    """Reliability S6."""
    code.trust("mine:wide")
    [store] = tmp_path.rglob("trusted")
    store.chmod(0o777)
    app = make_app(tmp_path / "runs", chosen=preset().override(["model.name=module", "model.function=mine:wide"]))

    async def steps(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("space")
        await pilot.pause(0.3)
        assert "others can write" in screen_text(app)
        assert not (tmp_path / "runs").exists()

    drive(app, steps, (140, 40))


def test_who_says_no_stays_at_the_settings(tmp_path: Path) -> None:
    """On a small screen too, where the charts of a run that began would take their place."""
    app = make_app(tmp_path / "runs", chosen=preset().override(["model.name=module", "model.function=mine:wide"]))

    async def steps(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("space")
        await pilot.pause(0.3)
        assert "run this code?" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert app.screen.query_one("#settings").display
        assert not app.screen.query_one("#charts").display

    drive(app, steps, (80, 24))

"""The palette: one line an action, found by many words; what was chosen last comes first."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.command import Command, CommandList
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from workbench.ui.app import WorkbenchApp
from workbench.ui.dialogs.help import HelpDialog
from workbench.ui.keys.actions import ACTIONS
from workbench.ui.keys.app_actions import ACTIONS as APP_ACTIONS
from workbench.ui.keys.runs_actions import ACTIONS as RUNS_ACTIONS
from workbench.ui.palette import score


def best(typed: str) -> str:
    """The title of the action that comes first on the main screen."""
    found = max((*ACTIONS, *APP_ACTIONS), key=lambda action: score(action, typed))
    return found.title if score(found, typed) else ""


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("scre", "Take a screenshot"),
        ("full scre", "Maximise the panel"),
        ("save", "Save the preset"),
        ("run", "List runs"),
        ("compare run", "List runs"),
        ("theme", "Next theme"),
        ("resume", "Resume the run"),
        ("continue", "Resume the run"),
        ("lr", "Set the learning rate"),
        ("onnx", "Export the run"),
        ("QUIT", "Quit"),
        ("exit", "Quit"),
        ("diff", "Show the changes"),
        ("xqxq", ""),
    ],
)
def test_an_action_is_found_by_the_words_that_people_use(typed: str, first: str) -> None:
    """screen/REPORT #21: "resume", "screenshot" and "compare run" found nothing; "scre" maximised a panel."""
    assert best(typed) == first


@pytest.mark.parametrize("action", [*ACTIONS, *APP_ACTIONS], ids=lambda action: action.name)
def test_an_action_is_the_best_answer_to_its_own_title(action: object) -> None:
    assert best(action.title) == action.title  # type: ignore[attr-defined]


def shown(app: WorkbenchApp) -> list[str]:
    commands = app.screen.query_one(CommandList)
    options = [commands.get_option_at_index(place) for place in range(commands.option_count)]
    return [str(option.hit.text) for option in options if isinstance(option, Command)]


def test_what_is_typed_brings_its_action_to_the_top_and_enter_does_it(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+p")
        await pilot.pause(0.2)
        assert [title for title in shown(app) if title in {each.title for each in ACTIONS}] == [
            each.title for each in ACTIONS
        ]
        await pilot.press(*"keyboard")
        await pilot.pause(0.5)
        assert shown(app)[0] == "Keyboard help"
        [line] = [line for line in screen_text(app).splitlines() if "Keyboard help" in line]
        assert "Keyboard help ? what every key does" in " ".join(line.split()), "one line: title, key, rest"
        await pilot.press("enter")
        await pilot.pause(0.2)
        assert isinstance(app.screen, HelpDialog)

    drive(app, steps)


def test_what_was_chosen_last_comes_first_in_the_next_start_too(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", recent=["X axis", "Log scale"])

    async def steps(pilot: Pilot[None]) -> None:
        await app.palette_entries()[1].run()
        assert app.remembered.recent == ["Log scale", "X axis"]
        await pilot.press("ctrl+p")
        await pilot.pause(0.2)
        assert shown(app)[:3] == ["Log scale", "X axis", ACTIONS[0].title]

    drive(app, steps)
    app.keep_habits()
    assert type(app.remembered).load().recent == ["Log scale", "X axis"]


def test_over_the_list_of_runs_the_palette_has_its_actions(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("r")
        await pilot.pause(0.2)
        titles = [entry.action.title for entry in app.palette_entries()]
        assert titles[: len(RUNS_ACTIONS)] == [each.title for each in RUNS_ACTIONS]
        assert "Take a screenshot" in titles

    drive(app, steps)

"""The keyboard help: every key of every table, in two columns where there is room, narrowed by typing."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.conftest import drive, make_app, screen_text
from workbench.ui.dialogs.help import HelpDialog
from workbench.ui.keys.actions import ACTIONS, OTHER_KEYS
from workbench.ui.keys.app_actions import ACTIONS as APP_ACTIONS
from workbench.ui.keys.help import help_sections, matching
from workbench.ui.keys.key_names import key_name
from workbench.ui.keys.runs_actions import ACTIONS as RUNS_ACTIONS
from workbench.ui.keys.tune_actions import ACTIONS as TUNE_ACTIONS
from workbench.ui.screens.runs import RunsScreen


@pytest.mark.parametrize("table", [ACTIONS, RUNS_ACTIONS, TUNE_ACTIONS], ids=["main", "runs", "Tune"])
def test_the_help_of_a_screen_has_all_its_keys_and_those_that_work_everywhere(table: tuple[object, ...]) -> None:
    rows = [row for _, rows in help_sections(table) for row in rows]  # type: ignore[arg-type]
    for action in (*table, *APP_ACTIONS):
        if action.keys:  # type: ignore[attr-defined]
            keys = " ".join(map(key_name, action.keys))  # type: ignore[attr-defined]
            assert (keys, action.help) in [(row.keys, row.text) for row in rows]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("x", ["x"]),
        ("^s", ["^s"]),
        ("snapshot", ["P", "W"]),
        ("learning rate", ["l", "[", "]", "z", "M"]),
        ("tmux", ["tmux"]),
        ("xqxq", []),
    ],
)
def test_typing_narrows_the_help_to_a_key_or_to_words(typed: str, found: list[str]) -> None:
    kept = matching(help_sections(ACTIONS), typed)
    assert [row.keys for _, rows in kept for row in rows] == found


@pytest.mark.parametrize(("width", "has_columns"), [(110, True), (109, False)])
def test_the_keys_stand_in_two_columns_where_there_is_room(tmp_path: Path, width: int, has_columns: bool) -> None:
    """screen/REPORT #45: one column of 60 lines, and End needed to see the keys of the charts."""
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("question_mark")
        await pilot.pause()
        titles = [title for title, _ in help_sections(ACTIONS, OTHER_KEYS)]
        most = max(sum(title in line for title in titles) for line in screen_text(app).splitlines())
        assert most == (2 if has_columns else 1)

    drive(app, steps, (width, 40))


def test_the_help_is_searched_scrolled_and_closed_by_its_own_key(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("question_mark")
        await pilot.pause()
        assert "start, pause or resume" in screen_text(app)
        await pilot.press("pagedown", "pagedown", "pagedown", "pagedown")
        await pilot.pause()
        assert "start, pause or resume" not in screen_text(app)
        await pilot.press(*"snapshot")
        await pilot.pause()
        assert "show the last memory snapshot" in screen_text(app)
        assert "write a checkpoint" not in screen_text(app)
        await pilot.press("question_mark")
        await pilot.pause(0.2)
        assert not isinstance(app.screen, HelpDialog)

    drive(app, steps, (80, 24))


def test_the_keys_of_panels_are_in_the_help_of_the_main_screen() -> None:
    titles = [title for title, _ in help_sections(ACTIONS, OTHER_KEYS)]
    groups = ["The run", "Settings and presets", "What is shown", "The charts", "Everywhere"]
    assert titles == [*groups, "In the settings", "In the health of the layers"]


def test_the_key_of_the_help_held_down_closes_the_help_alone(tmp_path: Path) -> None:
    """Each of its characters asks to close it; the second one closed the screen below, or the app."""
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("r")
        await pilot.pause(0.2)
        below = app.screen
        assert isinstance(below, RunsScreen)
        await pilot.press("question_mark")
        await pilot.pause(0.1)
        field = app.screen.query_one(Input)
        field.value = "?"
        field.value = "??"
        await pilot.pause(0.2)
        assert app.screen is below
        assert app.is_running

    drive(app, steps)

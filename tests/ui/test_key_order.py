"""Keys that arrive all at once, as from a quick hand over a slow line, do what they do one by one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.conftest import drive, make_app, screen_text
from workbench.ui.app import WorkbenchApp

NAMES = {
    "/": "slash",
    "\r": "enter",
    "\x1b": "escape",
    "\x0f": "ctrl+o",
    " ": "space",
    "?": "question_mark",
}


async def burst(pilot: Pilot[None], text: str, until: Callable[[], bool]) -> None:
    """Sends all keys before the app has seen the first, and waits for what they lead to."""
    for character in text:
        printable = character if character.isprintable() else None
        pilot.app.post_message(events.Key(NAMES.get(character, character), printable))
    for _ in range(60):
        await pilot.pause(0.05)
        if until():
            return
    raise AssertionError(screen_text(pilot.app))  # type: ignore[arg-type]


def field(app: WorkbenchApp) -> str:
    """What stands in the field that has the focus."""
    return app.focused.value if isinstance(app.focused, Input) else ""


def test_the_word_after_a_slash_is_what_is_looked_for(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        theme = app.theme
        await burst(pilot, "/optim x", lambda: field(app) == "optim x")
        assert app.theme == theme, "t is a letter here"
        assert app.session.watch is None, "and space is no start"

    drive(app, steps)


def test_a_value_can_be_typed_without_waiting_for_its_field(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await burst(pilot, "/batch\r\r256\r", lambda: app.draft.preset.data.batch_size == 256)

    drive(app, steps)


@pytest.mark.parametrize(("keys", "typed"), [("\x0fmnist", "mnist"), ("Sqx", "qx")])
def test_what_is_typed_behind_the_key_of_a_dialog_goes_into_it(tmp_path: Path, keys: str, typed: str) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await burst(pilot, keys, lambda: field(app) == typed)
        assert len(app.screen_stack) == 2

    drive(app, steps)


def test_a_key_whose_widget_goes_away_holds_nothing_back(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await burst(pilot, "?\x1b?\x1b/seed\x1b" + "2", lambda: app.focused is not None and app.focused.id == "loss")
        assert len(app.screen_stack) == 1

    drive(app, steps)

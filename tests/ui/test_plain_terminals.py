"""Terminals without Unicode, without colours, and without patience for what moves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import append, looks, write_run
from tests.ui.made_judge import judging_process
from tests.ui.made_measuring import fake_process
from tests.ui.made_study import write_study
from tests.ui.test_chart_grid import lay_over, others
from tests.ui.test_data import MADE, lines
from tests.ui.test_judge import opened, settle, with_checkpoint
from tests.ui.test_runs_live import until
from workbench.ui.app import WorkbenchApp
from workbench.ui.look.ascii import KNOWN, ascii_of

SIZE = (120, 36)
IN_WORDS = {"×", "≤", "≥", "²", "±", "·", "–", "→", "…"}
"""Characters of sentences, which the filter replaces one by one; nothing is drawn with them."""
OF_TEXTUAL = {*"╭╮╰╯─│", *"▁▂▃▄▅▆▇█▌▍▎▏▋▊▉"}
"""Borders and bars of Textual's own, around dialogs and beside lists; the filter replaces them."""
BLINKING = Input.__dict__["cursor_blink"]
"""As Textual has it: elsewhere tests keep cursors from blinking."""
Visit = Callable[[Pilot[None]], Awaitable[None]]


def pressing(*keys: str) -> Visit:
    async def press(pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await settle(pilot)

    return press


async def overlaid(pilot: Pilot[None]) -> None:
    app = pilot.app
    assert isinstance(app, WorkbenchApp)
    runs = app.options.runs_folder
    await lay_over(pilot, app, others(runs.parent, "optimizer.learning_rate=0.02", "optimizer.learning_rate=0.05"))
    await pilot.press("2", "V", "V", "home")
    await settle(pilot)


async def runs_with_a_base(pilot: Pilot[None]) -> None:
    await pilot.press("r")
    await until(pilot, lambda: "running" in screen_text(pilot.app))  # type: ignore[arg-type]
    await pilot.press("asterisk", "percent_sign")
    await settle(pilot)


async def comparison(pilot: Pilot[None]) -> None:
    await runs_with_a_base(pilot)
    await pilot.press("v")
    await settle(pilot)


async def judged(pilot: Pilot[None], page: str) -> None:
    screen = await opened(pilot)
    await pilot.press(page)
    await until(pilot, lambda: page != "3" or screen.samples is not None)
    await settle(pilot)


async def tuned(pilot: Pilot[None]) -> None:
    await pilot.press("T")
    await until(pilot, lambda: "load settings" in screen_text(pilot.app))  # type: ignore[arg-type]
    await settle(pilot)


async def data(pilot: Pilot[None]) -> None:
    await pilot.press("D")
    await until(pilot, lambda: "sample 7 of" in screen_text(pilot.app))  # type: ignore[arg-type]
    await pilot.press("right", "right", "right")
    await settle(pilot)


VISITS: dict[str, Visit] = {
    "charts": overlaid,
    "maximised": pressing("2", "home", "m"),
    "machine": pressing("6"),
    "health": pressing("7"),
    "step time": pressing("3"),
    "advice": pressing("i"),
    "runs": runs_with_a_base,
    "comparison": comparison,
    "confusion": lambda pilot: judged(pilot, "1"),
    "curves": lambda pilot: judged(pilot, "2"),
    "worst samples": lambda pilot: judged(pilot, "3"),
    "tune": tuned,
    "data": data,
    "help": pressing("question_mark"),
    "palette": pressing("ctrl+p"),
}
"""The pages, panels and dialogs that draw more than words."""


@pytest.mark.parametrize("name", VISITS)
def test_in_ascii_nothing_is_drawn_with_other_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What panels draw, before the last filter replaces what is left; with it, all is ASCII."""
    is_judged = name in ("confusion", "curves", "worst samples")
    run = write_run(tmp_path / "runs", alive=not is_judged, ending="completed" if is_judged else "", device="cuda:0")
    append(run, *looks(13))
    if name == "tune":
        write_study(tmp_path / "studies", finished="completed")
    elif name == "data":
        fake_process(monkeypatch, tmp_path, lines(MADE))
    elif is_judged:
        judging_process(monkeypatch, tmp_path)
    app = make_app(tmp_path / "runs", attach=with_checkpoint(run), gpus=2, ascii_only=True)
    app._ascii_filters = []

    async def steps(pilot: Pilot[None]) -> None:
        await VISITS[name](pilot)
        drawn = screen_text(app)
        allowed = IN_WORDS | (OF_TEXTUAL if app.screen.is_modal else set())
        assert {each for each in drawn if not each.isascii()} <= allowed
        assert "".join(map(ascii_of, drawn)).isascii()

    drive(app, steps, SIZE)


def test_each_character_of_sentences_has_one_in_ascii() -> None:
    assert set(KNOWN) >= IN_WORDS


def test_nothing_moves_or_blinks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever TEXTUAL_ANIMATIONS says: scrolling jumps, and the cursor of a field stands."""
    monkeypatch.setattr(Input, "cursor_blink", BLINKING)
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        assert app.animation_level == "none"
        await pilot.press("slash")
        await settle(pilot)
        field = app.focused
        assert isinstance(field, Input)
        assert not field.cursor_blink
        await pilot.pause(0.6)
        assert field._cursor_visible

    drive(app, steps, SIZE)

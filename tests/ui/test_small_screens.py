"""Where room is short, less is said, and nothing is cut in the middle of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import write_run
from tests.ui.made_judge import judging_process
from tests.ui.test_judge import judged_app, opened, settle
from tests.ui.test_runs_live import until
from workbench.ui.keys.key_names import edits_text
from workbench.ui.panels.lines import fitting_dialog_keys

SMALL = (60, 20)
KEYS = [("enter", "take"), ("space", "choose"), ("^x", "the usual ones"), ("esc", "cancel")]


def test_a_dialog_keeps_its_first_key_and_the_one_that_closes_it() -> None:
    assert [each.key for each in fitting_dialog_keys(KEYS, 80)] == ["enter", "space", "^x", "esc"]
    assert [each.key for each in fitting_dialog_keys(KEYS, 40)] == ["enter", "space", "esc"]
    assert [each.key for each in fitting_dialog_keys(KEYS, 30)] == ["enter", "esc"]


def test_which_keys_change_what_is_typed() -> None:
    assert all(map(edits_text, ("q", "space", "1-8", "+ -", "delete")))
    assert not any(map(edits_text, ("enter", "^s", "esc", "left right", "f9")))


def test_the_border_of_a_dialog_has_whole_keys(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("C")
        await settle(pilot)
        assert "─ enter show these  space choose  esc cancel ─" in screen_text(app)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "─ enter show these  space choose  delete the usual ones  esc cancel ─" in screen_text(app)

    drive(app, steps, SMALL)


def test_a_notice_keeps_the_key_that_helps(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", steps=700, diverges=True, ending="failed")
    app = make_app(tmp_path / "runs", attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        assert "─ R resumes from the last checkpoint, same settings ─" in screen_text(app)
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert "─ R resumes from the last checkpoint, same settings   5 log   esc hides this ─" in screen_text(app)

    drive(app, steps, SMALL)


def keys_line(pilot: Pilot[None]) -> str:
    return screen_text(pilot.app).splitlines()[-1].strip()  # type: ignore[arg-type]


@pytest.mark.parametrize("keys", [["slash"], ["enter"], ["enter", "a"], ["slash", *"learning rate", "enter", "enter"]])
def test_while_something_is_typed_no_key_is_shown_that_would_be_typed(tmp_path: Path, keys: list[str]) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        assert "q quit" in keys_line(pilot)
        await pilot.press(*keys)
        assert keys_line(pilot) == "enter take  esc cancel  ^o open  ^s save"
        await pilot.press("escape", "escape")
        assert "q quit" in keys_line(pilot)

    drive(app, steps, (80, 24))


def test_the_filter_of_the_runs_says_how_it_is_left(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", steps=2000, ending="completed")
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("r")
        await until(pilot, lambda: "completed" in screen_text(app))
        await pilot.press("slash", *"compl")
        await settle(pilot)
        assert keys_line(pilot) == "enter to the runs  esc all runs"
        await pilot.press("enter")
        await settle(pilot)
        assert "enter open" in keys_line(pilot)

    drive(app, steps, (80, 24))


def test_the_worst_samples_have_titles_that_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        await pilot.press("3")
        await until(pilot, lambda: screen.samples is not None)
        await settle(pilot)
        head, first = (line.split("│")[1].split() for line in screen_text(app).splitlines()[3:5])
        assert (head, first[:4]) == (["loss", "as", "sure"], ["4.0000", "4", "as", "9"])
        await pilot.resize_terminal(140, 40)
        await settle(pilot)
        assert "loss  true as predicted  sure    from" in screen_text(app)

    drive(app, steps, (80, 24))

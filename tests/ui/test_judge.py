"""J judges a run's model: pages of a matrix, curves and samples; a cell opens its samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import write_run
from tests.ui.made_judge import judging_process
from tests.ui.test_runs_live import until
from workbench.runs.directory import RunDirectory
from workbench.ui.app import WorkbenchApp
from workbench.ui.screens.judge import JudgeScreen

SIZES = [(60, 20), (80, 24), (140, 40), (200, 50)]


def with_checkpoint(run: RunDirectory) -> RunDirectory:
    run.checkpoints.mkdir(exist_ok=True)
    (run.checkpoints / "best.pt").write_bytes(b"weights")
    return run


def judged_app(tmp_path: Path, *, alive: bool = False, **how: Any) -> WorkbenchApp:
    run = write_run(tmp_path / "runs", **({"alive": True} if alive else {"steps": 2000, "ending": "completed"}))
    return make_app(tmp_path / "runs", attach=with_checkpoint(run), **how)


async def opened(pilot: Pilot[None]) -> JudgeScreen:
    await pilot.press("J")
    await until(pilot, lambda: isinstance(pilot.app.screen, JudgeScreen))
    screen = pilot.app.screen
    assert isinstance(screen, JudgeScreen)
    await until(pilot, lambda: screen.judgement is not None)
    await settle(pilot)
    return screen


async def settle(pilot: Pilot[None]) -> None:
    for _ in range(3):
        await pilot.pause()


def requests(asked: Path) -> list[Any]:
    return [json.loads(line) for line in asked.read_text().splitlines()]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_model_is_judged_at_every_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], ascii_only: bool
) -> None:
    asked = judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path, ascii_only=ascii_only)

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        seen = [screen_text(app)]
        assert "best epoch 7" in seen[0]
        assert "accuracy" in seen[0]
        assert "12 of the 232 samples of 4 are predicted as 9 (5.2 %)" in seen[0]
        assert "[12]" in seen[0], "the cursor is on the pair that is confused most"
        await pilot.press("2")
        await settle(pilot)
        seen.append(screen_text(app))
        assert "ROC" in seen[1]
        assert "AUC 0.910" in seen[1]
        await pilot.press("3")
        await until(pilot, lambda: screen.samples is not None)
        await settle(pilot)
        seen.append(screen_text(app))
        assert "4" in seen[2]
        assert "98.0 %" in seen[2]
        assert ("@@" if ascii_only else "▀▀") in seen[2]
        for text in seen:
            assert not ascii_only or text.isascii()
            lines = text.splitlines()
            assert len(lines) == size[1]
            assert "esc back" in lines[-1] or size[0] < 80

    drive(app, steps, size)
    notes = requests(asked)
    assert notes[0][1:] == ["JUDGE"], "nothing runs that it would disturb"
    assert notes[1]["evaluation"]["split"] == "test"
    assert notes[1]["evaluation"]["checkpoint"].endswith("best.pt")


def test_enter_on_a_cell_opens_its_samples_and_escape_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: screen.samples is not None)
        await settle(pilot)
        assert "4 as 9" in screen_text(app)
        assert "1 of the first 3 of 12" in screen_text(app)
        assert "sample 20 of test" in screen_text(app)
        await pilot.press("down")
        assert "sample 21 of test" in screen_text(app)
        await pilot.press("right")
        await until(pilot, lambda: screen.samples is not None)
        assert "highest loss" in screen_text(app)
        await pilot.press("left", "escape")
        await settle(pilot)
        assert "true class by row" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen)

    drive(app, steps, (140, 40))
    chosen = [each["samples"] for each in requests(asked)[1:] if each["samples"]]
    assert {"which": "cell", "true": 4, "predicted": 9} in chosen


def test_confused_classes_are_neighbours_until_s_restores_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judging_process(monkeypatch, tmp_path)
    app = judged_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        screen = await opened(pilot)
        assert heads(app) == list("0172384956")
        assert (screen.cell.true, screen.cell.predicted) == (4, 9)
        await pilot.press("s")
        assert heads(app) == list("0123456789")
        assert (screen.cell.true, screen.cell.predicted) == (4, 9), "the cursor stays on its cell"

    drive(app, steps)


def heads(app: WorkbenchApp) -> list[str]:
    """The names above the columns of the matrix."""
    line = next(line for line in screen_text(app).splitlines() if "recall" in line)
    return line.replace("│", " ").split("recall")[0].split()

"""The table of runs, by keys."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import write_run
from workbench.ui.app import WorkbenchApp


def app_with_runs(tmp_path: Path) -> WorkbenchApp:
    runs = tmp_path / "runs"
    write_run(runs, "20261124T120000Z-alpha-0001", steps=2000, ending="completed")
    write_run(runs, "20261124T130000Z-beta-0002", steps=2000, ending="completed", slope=0.6)
    write_run(runs, "20261124T140000Z-gamma-0003", steps=700, diverges=True, ending="failed")
    return make_app(runs, page="charts")


async def open_runs(pilot: Pilot[None]) -> None:
    await pilot.press("r")
    for _ in range(20):
        await pilot.pause(0.1)
        if "alpha" in screen_text(pilot.app):  # type: ignore[arg-type]
            return


def test_the_latest_run_comes_first_and_each_says_how_it_ended(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        text = screen_text(app)
        assert text.index("gamma") < text.index("beta") < text.index("alpha")
        assert "failed" in text
        assert "accuracy 95.70 %" in text
        assert "96.41 %" in text

    drive(app, steps)


def test_an_empty_folder_says_how_to_begin(tmp_path: Path) -> None:
    app = make_app(tmp_path / "none")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("r")
        await pilot.pause(0.5)
        assert "no runs yet" in screen_text(app)

    drive(app, steps)


def test_words_narrow_the_table(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("slash", *"beta", "enter")
        await pilot.pause()
        assert "alpha" not in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "alpha" in screen_text(app)

    drive(app, steps)


def test_marked_runs_are_laid_under_the_charts_with_their_letters(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("down", "space", "down", "space", "o")
        await pilot.pause(0.5)
        text = screen_text(app)
        assert "loss  A  B" in text

    drive(app, steps)


def test_two_marked_runs_are_compared_by_what_differs(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("v")
        await pilot.pause()
        assert "mark two runs" in screen_text(app)
        await pilot.press("space", "down", "space", "v")
        await pilot.pause()
        text = screen_text(app)
        assert "compare" in text
        assert "test accuracy" in text
        assert "96.41 %" in text

    drive(app, steps)


def test_a_finished_run_is_opened(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("down", "down", "enter")
        await pilot.pause(0.8)
        assert "completed" in screen_text(app)
        assert app.session.watch is not None
        assert app.session.watch.run.name.endswith("alpha-0001")

    drive(app, steps)


def test_a_runs_settings_are_taken_for_the_next_run(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("down", "down", "t")
        await pilot.pause()
        assert app.draft.preset.name == "alpha"
        assert app.draft.opened.name == "fast"
        assert app.draft.is_changed

    drive(app, steps)


def test_a_run_is_deleted_only_after_a_yes(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)
    doomed = tmp_path / "runs" / "20261124T140000Z-gamma-0003"

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("delete")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert doomed.exists(), "keeping it is the default"
        await pilot.press("D")
        await pilot.pause()
        await pilot.press("y")
        await pilot.pause(0.5)
        assert not doomed.exists()
        assert "gamma" not in screen_text(app)

    drive(app, steps)


def test_a_run_in_progress_cannot_be_deleted(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", "20261124T120000Z-alpha-0001", alive=True)
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.pause(0.5)
        await pilot.press("escape")
        await open_runs(pilot)
        await pilot.press("delete")
        await pilot.pause()
        assert "stop it first" in screen_text(app)

    drive(app, steps)
    assert run.path.exists()


def test_a_narrow_screen_keeps_what_matters(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        text = screen_text(app)
        assert "completed" in text
        assert "accuracy 95.70 %" in text
        assert "2026-11-24 12:00" in text

    drive(app, steps, (80, 24))

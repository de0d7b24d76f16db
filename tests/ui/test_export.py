"""Exporting from the app: the dialog by keys, and the process behind it, which is made up."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from tests.ui.conftest import drive, make_app, screen_text, settled
from tests.ui.made import write_run
from tests.ui.test_runs_labels import until
from tests.ui.test_runs_screen import app_with_runs, open_runs
from tests.unit.report_page.made import made_run, usual_events
from workbench.errors import WorkbenchError
from workbench.processes import export_command
from workbench.processes.export_command import ExportRequest
from workbench.ui.app import WorkbenchApp
from workbench.ui.dialogs.export import ExportDialog
from workbench.ui.screens.main import MainScreen
from workbench.ui.screens.runs import RunsScreen

GAMMA = "20261124T140000Z-gamma-0003"
WRITES = """
import json, pathlib, sys, time
out = pathlib.Path({out!r})
print("comparing with the checkpoint", file=sys.stderr, flush=True)
while pathlib.Path({gate!r}).exists():
    time.sleep(0.02)
out.write_text("done")
print(json.dumps({{"type": "result", "path": str(out), "bytes": 4, "lines": ["largest difference 1e-07"]}}))
"""
FAILS = "import sys; print('error: the operator grid_sample is not in ONNX', file=sys.stderr); sys.exit(3)"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[ExportRequest]:
    """The exports that were started. Each writes a file; while there is a file `gate`, it waits."""
    found: list[ExportRequest] = []

    def command(request: ExportRequest) -> tuple[str, ...]:
        found.append(request)
        return sys.executable, "-c", WRITES.format(out=str(request.out), gate=str(tmp_path / "gate"))

    monkeypatch.setattr(export_command, "command_line", command)
    return found


def field(app: WorkbenchApp) -> str:
    return app.screen.query_one("#path", Input).value


def choose(app: WorkbenchApp, name: str) -> None:
    kinds = app.screen.query_one(OptionList)
    kinds.highlighted = kinds.get_option_index(name)


def words(app: WorkbenchApp) -> str:
    return " ".join(screen_text(app).replace("│", " ").split())


async def open_dialog(pilot: Pilot[None]) -> None:
    await pilot.press("E")
    await until(pilot, lambda: isinstance(pilot.app.screen, ExportDialog))
    await pilot.pause()


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
def test_a_run_is_exported_and_what_was_checked_is_said(
    tmp_path: Path, asked: list[ExportRequest], size: tuple[int, int]
) -> None:
    app = app_with_runs(tmp_path)
    shutil.rmtree(tmp_path / "runs" / GAMMA / "checkpoints")
    gate = tmp_path / "gate"
    gate.touch()

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await open_dialog(pilot)
        text = words(app)
        assert "the run has no checkpoint" in text, "why it cannot be a model"
        assert "script one plain PyTorch file that trains the same" in text
        assert "enter export" in text, "at any size"
        assert "esc cancel" in text
        choose(app, "report")
        await pilot.pause()
        assert field(app) == f"{GAMMA}.html"
        await pilot.press("enter")
        await until(pilot, lambda: "comparing with the checkpoint" in words(app))
        assert "esc leaves; the export continues" in words(app)
        await pilot.press("enter")
        gate.unlink()
        await until(pilot, lambda: f"largest difference 1e-07 wrote {GAMMA}.html" in words(app))
        await until(pilot, lambda: "esc close" in words(app))
        assert "esc cancel" not in words(app), "nothing is left to cancel"
        assert asked == [ExportRequest((tmp_path / "runs" / GAMMA,), "report", tmp_path / f"{GAMMA}.html")]
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)

    drive(app, steps, size)


def test_what_is_there_is_replaced_only_after_a_second_enter(tmp_path: Path, asked: list[ExportRequest]) -> None:
    app = app_with_runs(tmp_path)
    (tmp_path / "mine.html").write_text("precious")
    (tmp_path / "folder").mkdir()

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await open_dialog(pilot)
        choose(app, "report")
        await pilot.press("tab", "ctrl+u", *"mine.html", "enter")
        await until(pilot, lambda: "mine.html already exists: enter again replaces it" in words(app))
        assert not asked
        choose(app, "script")
        await pilot.pause()
        assert field(app) == "mine.html", "a path of the user's own stays"
        choose(app, "report")
        await pilot.press("enter")
        await until(pilot, lambda: "wrote mine.html" in words(app))
        await pilot.press("ctrl+u", *"folder", "enter")
        await until(pilot, lambda: f"wrote folder/{GAMMA}.html" in words(app))
        await pilot.press("ctrl+u", "enter")
        await until(pilot, lambda: "type a path" in words(app))
        assert [request.overwrite for request in asked] == [True, False]

    drive(app, steps)


def kinds(app: WorkbenchApp) -> list[str | None]:
    return [option.id for option in app.screen.query_one(OptionList).options]


def test_typing_narrows_the_kinds(tmp_path: Path, asked: list[ExportRequest]) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await open_dialog(pilot)
        everything = kinds(app)
        await pilot.press(*"folder")
        await pilot.pause()
        assert kinds(app) == ["svg", "csv", "tensorboard"], "what they are is searched too"
        await pilot.press("down")
        await pilot.pause()
        assert field(app) == f"{GAMMA}-csv"
        await pilot.press(*" xyz", "enter")
        await pilot.pause()
        assert kinds(app) == []
        assert not asked, "nothing is under the cursor"
        await pilot.press(*["backspace"] * 10, *"rep")
        await pilot.pause()
        assert kinds(app) == ["report"]
        await pilot.press("enter")
        await until(pilot, lambda: f"wrote {GAMMA}.html" in words(app))
        await pilot.press(*["backspace"] * 3)
        await pilot.pause()
        assert kinds(app) == everything

    drive(app, steps)


def test_a_failed_export_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_command, "command_line", lambda _: (sys.executable, "-c", FAILS))
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await open_dialog(pilot)
        choose(app, "report")
        await pilot.press("enter")
        await until(pilot, lambda: "✗ the operator grid_sample is not in ONNX" in words(app))
        assert "enter export" in words(app), "it can be tried again"

    drive(app, steps)


@pytest.mark.parametrize("leaves", ["the dialog", "the list of runs too"])
def test_an_export_continues_without_its_dialog_and_says_when_it_is_done(
    tmp_path: Path, asked: list[ExportRequest], leaves: str
) -> None:
    app = app_with_runs(tmp_path)
    gate = tmp_path / "gate"
    gate.touch()

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await open_dialog(pilot)
        choose(app, "report")
        await pilot.press("enter")
        await until(pilot, lambda: "comparing with the checkpoint" in words(app))
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)
        if leaves != "the dialog":
            await pilot.press("escape")
            await until(pilot, lambda: isinstance(app.screen, MainScreen))
        gate.unlink()
        await until(pilot, lambda: f"exported to report: {GAMMA}.html" in words(app))
        assert (tmp_path / f"{GAMMA}.html").read_text() == "done"

    drive(app, steps)


def test_marked_runs_go_to_what_takes_several(tmp_path: Path, asked: list[ExportRequest]) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("space", "down", "space")
        await open_dialog(pilot)
        assert f"2 runs: {GAMMA}" in words(app)
        assert "script takes one run" in words(app)
        await pilot.press("enter")
        await until(pilot, lambda: bool(asked))
        assert asked[0].to == "report"
        assert [run.name for run in asked[0].runs] == [GAMMA, "20261124T130000Z-beta-0002"]
        await until(pilot, lambda: "wrote" in words(app))

    drive(app, steps)


def test_the_run_on_the_main_screen_is_exported(tmp_path: Path, asked: list[ExportRequest]) -> None:
    run = write_run(tmp_path / "runs", GAMMA, ending="completed")
    app = make_app(tmp_path / "runs", attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.screen, ExportDialog))
        await pilot.pause()
        assert "safetensors weights and all that predicting needs" in words(app)
        assert field(app) == f"{GAMMA}.safetensors"
        await pilot.press("escape")

    drive(app, steps)


def test_the_run_whose_curves_are_in_grey_is_exported(tmp_path: Path, asked: list[ExportRequest]) -> None:
    write_run(tmp_path / "runs", steps=2000, ending="completed")
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "last run" in screen_text(app))
        await open_dialog(pilot)
        assert "export the last run" in words(app)
        assert field(app) == "20261124T120000Z-fast-0a1b.safetensors"

    drive(app, steps, (140, 40))


def test_without_a_run_there_is_nothing_to_export(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("E")
        await until(pilot, lambda: "there is no run to export: r lists all runs" in words(app))

    drive(app, steps)


def test_a_broken_run_says_what_is_wrong_with_it(tmp_path: Path, asked: list[ExportRequest]) -> None:
    app = app_with_runs(tmp_path)
    (tmp_path / "runs" / GAMMA / "preset.toml").write_text("name = <")

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("E")
        await until(pilot, lambda: "preset.toml cannot be read" in words(app))
        assert isinstance(app.screen, RunsScreen)

    drive(app, steps)


def snapshot_steps(tmp_path: Path) -> Callable[[Pilot[None]], object]:
    async def steps(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await open_runs(pilot)
        await open_dialog(pilot)
        choose(pilot.app, "report")  # type: ignore[arg-type]
        await pilot.pause()

    return steps


def test_how_the_dialog_looks(tmp_path: Path, snap_compare: Callable[..., bool]) -> None:
    app = app_with_runs(tmp_path)
    assert snap_compare(app, terminal_size=(120, 36), run_before=snapshot_steps(tmp_path))


def test_the_real_command_line_is_understood(tmp_path: Path) -> None:
    """The one place where the app's words and the command's must agree."""
    run = made_run(tmp_path / "runs", usual_events(), summary={})
    heard: list[str] = []
    request = ExportRequest((run.path,), "report", tmp_path / "page.html")
    written = asyncio.run(export_command.run_export(request, heard.append))
    assert written.path == tmp_path / "page.html"
    assert written.lines[0].startswith("a report of a run")
    with pytest.raises(WorkbenchError, match="exists already: choose another --out"):
        asyncio.run(export_command.run_export(request, heard.append))

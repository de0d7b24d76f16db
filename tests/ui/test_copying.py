"""Copying: what has the focus by y, selected text by ctrl+c, the screen by f9."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import write_run
from tests.ui.test_runs_live import until
from workbench.ui.dialogs.command import CommandDialog
from workbench.ui.dialogs.compare import CompareDialog
from workbench.ui.panels.log import LogPanel
from workbench.ui.screens.runs import RunsScreen


def test_y_copies_the_setting_at_the_cursor_as_toml_has_it(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        app.screen.query_one("#settings").focus_row("optimizer.learning_rate")  # type: ignore[attr-defined]
        await pilot.press("y")
        assert app.clipboard == f"optimizer.learning_rate = {app.draft.preset.optimizer.learning_rate}"
        assert "copied optimizer.learning_rate" in screen_text(app)
        app.screen.query_one("#settings").focus_row("model")  # type: ignore[attr-defined]
        await pilot.press("y")
        assert app.clipboard.splitlines()[:2] == ['model.name = "mlp"', "model.hidden = [512, 256]"]

    drive(app, steps)


def test_y_copies_the_lines_of_the_log_that_are_shown(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("5", "y")
        panel = app.screen.query_one(LogPanel)
        shown = [line.plain.rstrip() for line in panel.content(panel.size.width - 4, panel.size.height - 2)]
        assert app.clipboard.splitlines() == shown
        assert "epoch 3 is the best so far: loss 0.6142 accuracy 90.24 %" in app.clipboard

    drive(app, steps, (140, 40))


def test_y_copies_the_values_at_the_cursor_of_a_chart_and_without_one_its_points(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("2", "y")
        titles, *points = [line.split("\t") for line in app.clipboard.splitlines()]
        assert titles == ["curve", "step", "value"]
        assert {name for name, _, _ in points} == {"train", "validation"}
        assert points[-1] == ["validation", "1200", "0.202288"], "six significant digits"
        await pilot.press("end", "y")
        await pilot.pause(0.2)
        await pilot.press("y")
        titles, values = [line.split("\t") for line in app.clipboard.splitlines()]
        assert titles == ["step", "train", "validation"]
        assert values[0] == "1300"
        assert all(re.fullmatch(r"0\.0*[1-9]\d{0,5}", value) for value in values[1:]), values
        assert "copied the values at the cursor" in screen_text(app)

    drive(app, steps, (140, 40))


def test_y_copies_the_metrics_as_a_table(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("4", "y")
        rows = [line.split("\t") for line in app.clipboard.splitlines()]
        assert ["class", "precision", "recall", "f1", "support"] in rows
        assert dict(row for row in rows if len(row) == 2)["loss"] == "0.20228786019006456"
        assert "copied the metrics" in screen_text(app)

    drive(app, steps, (140, 40))


def test_y_copies_the_path_of_the_run_at_the_cursor(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", ending="completed")
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("r")
        await pilot.pause(0.5)
        await pilot.press("y")
        assert app.clipboard == str(run.path.absolute())
        assert "copied the path of the run" in screen_text(app)

    drive(app, steps)


def test_the_command_is_copied_at_once_and_shown(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("Y")
        await pilot.pause(0.2)
        assert isinstance(app.screen, CommandDialog)
        assert app.clipboard.startswith("workbench --preset ")
        assert "set-clipboard on" in screen_text(app)

    drive(app, steps)


def test_ctrl_c_never_quits_and_says_what_does(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+c", "ctrl+c")
        await pilot.pause()
        assert app.is_running
        assert "ctrl+c copies selected text; ctrl+q quits" in screen_text(app)

    drive(app, steps)


def test_text_that_is_selected_with_the_mouse_is_copied_without_the_border(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        lines = screen_text(app).splitlines()
        y = next(number for number, line in enumerate(lines) if line.startswith("│ Data "))
        await pilot.mouse_down(offset=(2, y))
        await pilot.hover(offset=(6, y))
        await pilot.mouse_up(offset=(6, y))
        await pilot.pause()
        await pilot.press("ctrl+c")
        assert app.clipboard == "Data"

    drive(app, steps)


@pytest.mark.parametrize(
    ("environment", "written"),
    [
        ({}, []),
        ({"TMUX": "/tmp/t"}, ["\x1bPtmux;\x1b\x1b]52;c;{}\x1b\x1b\\\x1b\\"]),
        ({"TERM": "screen-256color"}, ["\x1bP\x1b]52;c;{}\a\x1b\\"]),
    ],
)
def test_through_tmux_and_screen_the_text_is_sent_wrapped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], written: list[str]
) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    app = make_app(tmp_path / "runs")
    sent: list[str] = []

    async def steps(_: Pilot[None]) -> None:
        assert app._driver is not None
        monkeypatch.setattr(type(app), "is_headless", False)
        monkeypatch.setattr(app._driver, "write", sent.append)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        app.copy_to_clipboard("grün")
        monkeypatch.undo()

    drive(app, steps)
    encoded = base64.b64encode("grün".encode()).decode()
    assert sent == [f"\x1b]52;c;{encoded}\a", *(each.format(encoded) for each in written)]


def test_f9_writes_the_screen_as_a_picture_and_as_text_dialogs_included(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("question_mark")
        await pilot.pause()
        await pilot.press("f9")
        await pilot.pause()
        [picture], [text] = list(tmp_path.glob("workbench-*.svg")), list(tmp_path.glob("workbench-*.txt"))
        assert picture.read_text().startswith("<svg")
        lines = text.read_text().splitlines()
        assert len(lines) == 36
        assert any("start, pause or resume" in line for line in lines)
        assert f"screenshot: {picture.stem}.svg and .txt" in screen_text(app)

    drive(app, steps)


def test_where_no_file_can_be_written_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device", "here.svg")

        monkeypatch.setattr(Path, "write_text", refuse)
        await pilot.press("f9")
        await pilot.pause()
        assert "no screenshot: here.svg: No space left on device" in screen_text(app)
        monkeypatch.undo()

    drive(app, steps)


def test_y_copies_the_whole_comparison_with_the_runs_beyond_the_screen(tmp_path: Path) -> None:
    for number in range(6):
        write_run(tmp_path / "runs", f"20261124T12000{number}Z-fast-0a1b", steps=400, ending="completed")
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen) and app.screen.table.current is not None)
        await pilot.press("percent_sign", "v")
        await until(pilot, lambda: isinstance(app.screen, CompareDialog))
        await pilot.pause(0.1)
        await pilot.press("y")
        await pilot.pause(0.1)
        lines = [line.split("\t") for line in app.clipboard.splitlines()]
        assert lines[0] == ["", *"ABCDEF"]
        assert lines[1] == ["preset", *["fast"] * 6]
        assert [len(line) for line in lines if line[0] == "epochs"] == [7]

    drive(app, steps, (100, 24))

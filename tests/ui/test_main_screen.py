"""The main screen with made-up runs: what is shown, where, at which size, and how little is painted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text, settled
from tests.ui.made import NOON, append, metrics, preset, write_run
from tests.unit.ui.test_planner import PLANNED
from workbench.runs import events
from workbench.runs.event_lines import encode
from workbench.settings.preset import Preset
from workbench.ui.app import WorkbenchApp
from workbench.ui.live import planner as expectation
from workbench.ui.live.overlays import OverlaidRun
from workbench.ui.live.planner import Planner
from workbench.ui.live.remembered import Remembered
from workbench.ui.live.session import Session
from workbench.ui.live.watch import Watch
from workbench.ui.look.themes import THEMES
from workbench.ui.panels.charts import ChartPanel
from workbench.ui.panels.panel import LineWidget


def test_a_run_in_progress_is_shown_with_its_curves_times_and_memory(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(_: Pilot[None]) -> None:
        text = screen_text(app)
        assert "training" in text
        assert "epoch 7/10" in text
        assert "65 %" in text
        assert "backward 45%" in text
        assert "backward takes 45 % of a step" in text
        assert "31.2 k samples/s" in text
        assert "no GPU: training on the CPU" in text
        assert "best 97.33 at epoch 6" in text

    drive(app, steps, (140, 40))


def test_what_the_settings_would_take_is_planned_while_nothing_runs_and_not_beside_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expectation, "EDIT_SECONDS", 0.0)
    monkeypatch.setattr(Session, "keep_standby", lambda self: None)
    memory = {"parameters": 2**21, "peak": 58 * 2**20}
    plan = json.dumps(asdict(replace(PLANNED, parameters=535_818, memory_bytes=memory)))
    app = make_app(tmp_path / "runs", standby=True)
    app.session.planner = Planner((sys.executable, "-S", "-c", f"print({plan!r})"))

    async def steps(pilot: Pilot[None]) -> None:
        for _ in range(200):
            if app.session.planner.expectation is not None:
                break
            await pilot.pause(0.05)
        await pilot.pause()
        text = screen_text(app)
        assert "58 MiB at the peak" in text, "in the panel of the model"
        assert "536 k parameters" in text, "beside the settings"
        app.session.watch = Watch(write_run(tmp_path / "runs", alive=True))
        app.draft.take(app.draft.preset.override(["model.dropout=0.5"]))
        await pilot.pause(1.2)
        assert app.session.planner.expectation is None
        assert app.session.planner._process is None
        assert "536 k parameters" not in screen_text(app), "it is not what these settings would take"

    drive(app, steps, (140, 40))
    assert app.session.planner._process is None


def test_every_gpu_is_shown_with_its_memory_and_vitals(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", alive=True, device="cuda:2")
    app = make_app(tmp_path / "runs", attach=run, gpus=8, page="timing")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("3", "tab", "m")
        await pilot.pause()
        lines = [line for line in screen_text(app).splitlines() if "GPU " in line and "GiB" in line]
        assert len(lines) == 8
        assert "GPU 2" in lines[0], "the run's own card comes first"
        assert "22.0/80 GiB" in lines[0]
        assert "63 %" in lines[0]
        assert "332 W" in lines[0]

    drive(app, steps, (100, 40))


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
def test_each_page_can_be_reached_by_its_number_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    run = write_run(tmp_path / "runs", steps=2000, ending="completed")
    app = make_app(tmp_path / "runs", attach=run)
    signs = {"1": "batch size", "2": "train", "3": "p95", "4": "most confused", "5": "completed at step"}

    async def steps(pilot: Pilot[None]) -> None:
        for key, sign in signs.items():
            await pilot.press(key)
            await pilot.pause()
            assert sign in screen_text(app), key

    drive(app, steps, size)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50), (60, 20), (300, 80)])
def test_no_line_is_wider_than_the_screen_and_the_keys_stay_at_the_bottom(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(_: Pilot[None]) -> None:
        lines = screen_text(app).splitlines()
        assert len(lines) == size[1]
        assert "● training" in lines[0]
        assert "q quit" in lines[-1]

    drive(app, steps, size)


@pytest.mark.parametrize(("size", "page"), [((80, 24), "charts"), ((120, 36), "settings")])
def test_a_small_screen_turns_to_the_charts_of_the_run_that_is_watched(
    tmp_path: Path, size: tuple[int, int], page: str
) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(_: Pilot[None]) -> None:
        assert app.screen.query_one("#loss").display
        assert app.screen.pages.page == page  # type: ignore[attr-defined]
        assert app.remembered.page == "settings", "where the next start begins"

    drive(app, steps, size)


def test_the_end_of_a_run_is_reported_with_its_result(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", steps=2000, alive=True)
    app = make_app(tmp_path / "runs", attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        last = [
            events.TestResult(step=2000, weights="best epoch 10", metrics=metrics(0.9641, 0.121), time=NOON + 9),
            events.Finished(status="completed", step=2000, reason="", time=NOON + 9),
        ]
        with run.events.open("a") as file:
            file.writelines(f"{encode(event)}\n" for event in last)
        app.screen.poll()  # type: ignore[attr-defined]
        await pilot.pause()
        assert "completed; test, best epoch 10: loss 0.1210 accuracy 96.41 %" in screen_text(app)

    drive(app, steps)


def test_smoothing_is_shown_where_it_smooths(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(_: Pilot[None]) -> None:
        assert "smooth" in app.screen.query_one("#loss", ChartPanel).footing().plain
        assert app.screen.query_one("#accuracy", ChartPanel).footing().plain == "best 97.33 at epoch 6"

    drive(app, steps)


def test_resizing_while_training_keeps_the_run_on_the_screen(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True), page="charts")

    async def steps(pilot: Pilot[None]) -> None:
        for size in [(80, 24), (200, 50), (40, 10), (120, 36), (20, 5), (140, 40)]:
            await pilot.resize_terminal(*size)
            await pilot.pause()
        assert "epoch 7/10" in screen_text(app)
        assert "validation" in screen_text(app)

    drive(app, steps)


def test_a_maximised_panel_has_the_screen_to_itself_and_gives_it_back(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("2", "m")
        await pilot.pause()
        assert "step time" not in screen_text(app)
        assert app.screen.query_one("#loss").size.width == 120
        await pilot.press("m")
        await pilot.pause()
        assert "step time" in screen_text(app)
        assert "batch size" in screen_text(app)

    drive(app, steps)


def test_the_cursor_of_a_chart_reads_values(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("2", "home")
        await pilot.pause()
        await pilot.press(*["right"] * 12)
        await pilot.pause()
        chart = app.screen.query_one("#loss", ChartPanel)
        assert chart.footing().plain.startswith("step ")
        assert "train" in chart.footing().plain
        await pilot.press("escape")
        await pilot.pause()
        assert not chart.footing().plain.startswith("step ")

    drive(app, steps, (140, 40))


def test_neither_the_legend_nor_what_the_cursor_reads_is_cut_beside_the_settings(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))
    under = [write_run(tmp_path / "runs", f"20261124T13000{number}Z-fast-{number}") for number in range(2)]

    async def steps(pilot: Pilot[None]) -> None:
        overlays = app.screen.runs.overlays  # type: ignore[attr-defined]
        overlays.put([OverlaidRun.read(run) for run in under])
        await pilot.press("2", "home")
        await pilot.pause()
        for chart in app.screen.query(ChartPanel):
            for border in (chart.heading(), chart.footing()):
                assert border.cell_len <= max(chart.size.width - 6, 0) or not chart.display, border.plain
        loss = app.screen.query_one("#loss", ChartPanel)
        assert loss.heading().plain == "loss  t 0.1603  v 0.2023  A B", "screen/REPORT #18: what is drawn"
        assert re.fullmatch(r"(step )?\d+ t \S+ v \S+ A \S+ B \S+", loss.footing().plain)
        overlays.put([])
        app.screen.show_run()  # type: ignore[attr-defined]
        assert re.fullmatch(r"\d+  train \S+  valid \S+", loss.footing().plain), loss.footing().plain

    drive(app, steps)


def test_the_verdict_is_shown_once_and_the_line_of_keys_begins_with_those_of_the_focused_panel(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("2", "home")
        await pilot.pause()
        assert screen_text(app).count("backward takes 45 % of a step") == 1
        assert screen_text(app).splitlines()[-1].startswith(" left right read values"), "the focused panel's own keys"
        await pilot.press("5")
        await pilot.pause()
        assert "backward takes 45 % of a step" in screen_text(app), "the log has taken the place of step time"
        await pilot.resize_terminal(80, 24)
        await pilot.press("2", "home")
        await pilot.pause()
        assert "backward takes 45 % of a step" in screen_text(app).splitlines()[-2]
        for key in ("left right read values", "space pause", "x stop", "? keys", "q quit"):
            assert key in screen_text(app).splitlines()[-1]

    drive(app, steps)


def test_a_chart_of_values_per_epoch_says_so_during_the_first_one(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", steps=150, alive=True))

    async def steps(_: Pilot[None]) -> None:
        text = " ".join(screen_text(app).split())
        assert "accuracy appears here at the end of" in text
        assert "once training is under way" not in text

    drive(app, steps)


def test_home_and_end_put_the_cursor_at_the_ends_of_a_chart(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", steps=2000, ending="completed"))

    async def steps(pilot: Pilot[None]) -> None:
        loss = app.screen.query_one("#loss", ChartPanel)
        await pilot.press("2", "end")
        read = loss.footing().plain
        assert 1950 <= int(read.split()[1].replace(",", "")) <= 2000
        assert "train" in read
        await pilot.press("home")
        assert int(loss.footing().plain.split()[1]) < 50

    drive(app, steps, (140, 40))


def test_scale_axis_and_smoothing_are_one_key_each_and_remembered(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("L", "e", "full_stop", "full_stop", "V")
        await pilot.pause()
        text = screen_text(app)
        assert "log" in text
        assert "smooth" in text
        assert "by epoch" in text
        assert "samples/s" in text
        assert "learning rate" in text

    drive(app, steps, (160, 44))
    kept = Remembered.load()
    assert (kept.log, kept.x_axis, kept.smoothing, kept.chart_count) == (True, "epoch", 0.8, 4)


def test_the_theme_is_remembered(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+t")

    drive(app, steps)
    assert Remembered.load().theme == "workbench-light"


def test_a_folder_whose_name_is_no_text_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reliability R6: what the app remembers, and the paths of settings, are written as UTF-8."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    monkeypatch.chdir(folder)
    chosen = preset().override(["data.name=csv", "data.file=t.csv", "data.target=y"])
    assert chosen.with_absolute_paths() == chosen
    chosen.save(folder / "c.toml")
    app = make_app(folder / "runs", chosen=chosen, path=folder / "c.toml")

    async def steps(pilot: Pilot[None]) -> None:
        app.session.plan(chosen)
        await pilot.press("d", "escape", "ctrl+t")
        assert "t.csv" in screen_text(app)

    drive(app, steps)
    assert Preset.load(folder / "c.toml") == chosen


def test_a_terminal_of_sixteen_colours_gets_its_own_and_the_theme_for_better_ones_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-16color")
    monkeypatch.delenv("COLORTERM")
    app = make_app(tmp_path / "runs", theme="workbench-light")

    async def steps(_: Pilot[None]) -> None:
        assert app.theme == "workbench-ansi"

    drive(app, steps)
    assert Remembered.load().theme == "workbench-light"


@pytest.mark.parametrize("first", [theme.name for theme in THEMES])
def test_every_theme_follows_every_other(tmp_path: Path, first: str) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True), theme=first)
    seen = []

    async def steps(pilot: Pilot[None]) -> None:
        for _ in THEMES:
            await pilot.press("ctrl+t")
            await pilot.pause()
            seen.append(app.theme)

    drive(app, steps)  # a style sheet that cannot be read ends the app
    assert sorted(seen) == sorted(theme.name for theme in THEMES)


@pytest.mark.slow
def test_ascii_mode_draws_nothing_but_ascii(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", alive=True, device="cuda:0")
    app = make_app(tmp_path / "runs", attach=run, gpus=2, ascii_only=True)

    async def steps(pilot: Pilot[None]) -> None:
        for key in "12345":
            await pilot.press(key)
            await pilot.pause()
            strange = {character for character in screen_text(app) if not character.isascii()}
            assert not strange, key
        for key in ("ctrl+o", "question_mark", "S", "d", "Y", "r"):
            await pilot.press(key)
            await pilot.pause(0.2)
            strange = {character for character in screen_text(app) if not character.isascii()}
            assert not strange, key
            await pilot.press("escape")
            await pilot.pause()

    drive(app, steps, (200, 50))


def test_hidden_panels_are_not_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True), page="settings")
    drawn: set[str | None] = set()
    original = LineWidget._draw

    def note(self: LineWidget) -> object:
        drawn.add(self.id)
        return original(self)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("1")
        await pilot.pause()
        drawn.clear()
        monkeypatch.setattr(LineWidget, "_draw", note)
        app.screen.show_run()  # type: ignore[attr-defined]
        assert "settings" not in drawn
        assert not drawn & {"loss", "accuracy", "learning-rate", "step-time", "memory", "metrics", "log"}

    drive(app, steps, (80, 24))


def test_what_has_not_changed_is_not_painted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", alive=True))
    painted: list[object] = []

    async def steps(pilot: Pilot[None]) -> None:
        for panel in app.screen.query(LineWidget):
            monkeypatch.setattr(panel, "refresh", lambda *regions, **_: painted.append(regions))
        app.screen.show_run()  # type: ignore[attr-defined]
        await pilot.pause()
        assert painted == []

    drive(app, steps)


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (["?"], "esc close"),
        (["ctrl+o"], "enter open esc cancel"),
        (["ctrl+p"], "esc close"),
    ],
)
def test_under_a_dialog_the_line_of_keys_has_the_dialogs(tmp_path: Path, keys: list[str], shown: str) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        before = screen_text(app).splitlines()[-1]
        assert "space start" in before
        await pilot.press(*keys)
        await pilot.pause(0.2)
        assert screen_text(app).splitlines()[-1].split() == shown.split()
        await pilot.press("escape")
        await pilot.pause(0.2)
        assert screen_text(app).splitlines()[-1] == before

    drive(app, steps)


def test_the_app_imports_no_torch() -> None:
    script = (
        "import sys; import workbench.ui.app, workbench.ui.screens.runs, workbench.ui.dialogs.presets; "
        "print([name for name in ('torch', 'sklearn', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def top(app: WorkbenchApp) -> str:
    return screen_text(app).splitlines()[0]


def heading(app: WorkbenchApp) -> str:
    return next(line for line in screen_text(app).splitlines() if "settings" in line)


def test_the_top_line_names_its_run_and_the_settings_say_whose_they_are(tmp_path: Path) -> None:
    """screen #2: another preset is opened after a run has ended, or a run of another preset is watched."""
    run = write_run(tmp_path / "runs", "20261124T120000Z-shop-0a1b", ending="completed")
    app = make_app(tmp_path / "runs", chosen=preset("mnist-mlp").override(["training.epochs=77"]))

    async def steps(pilot: Pilot[None]) -> None:
        assert "mnist-mlp" in top(app)
        assert "this run" not in screen_text(app)
        app.screen.attach(run)  # type: ignore[attr-defined]
        await settled(pilot)
        assert "shop 11-24 12:00" in top(app)
        assert "mnist-mlp" not in top(app)
        assert "settings · next run  mnist-mlp ─" in heading(app)
        app.draft.take(preset("other"))
        app.screen.show_settings()  # type: ignore[attr-defined]
        await pilot.pause()
        assert "settings · this run ─" in heading(app)
        await pilot.press("slash", *"epochs", "enter", "right")
        await pilot.pause()
        assert "settings · next run  other *" in heading(app)
        assert "*" not in top(app)

    drive(app, steps, (140, 40))


def test_the_rate_that_trains_stands_beside_the_setting_and_goes_back_with_the_run(tmp_path: Path) -> None:
    """screen #1: set to 0.005 at step 600; gone on with from step 400, where it was 0.01."""
    run = write_run(tmp_path / "runs", alive=True)
    app = make_app(tmp_path / "runs", attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"betas", "enter")
        await pilot.pause()
        assert re.search(r"learning rate +0.01 .*run(ning|:) 0.005", screen_text(app))
        assert "lr 0.005" in top(app)
        append(run, events.Started(process_id=1, resumed=True, step=400, learning_rate=0.01))
        await pilot.pause(1.0)
        assert not re.search("run(ning|:) 0.005", screen_text(app))
        assert "lr 0.01" in top(app)

    drive(app, steps, (160, 40))


@pytest.mark.parametrize("ending", ["failed", "completed"])
def test_what_was_said_of_a_run_that_was_training_goes_when_it_ends(tmp_path: Path, ending: str) -> None:
    """screen #15"""
    run = write_run(tmp_path / "runs", alive=True)
    app = make_app(tmp_path / "runs", attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        assert f"{run.name}: training" in screen_text(app)
        append(run, events.Finished(status=ending, step=1300))
        await pilot.pause(1.0)
        assert f"● {ending}" in top(app) or f"✗ {ending}" in top(app)
        assert f"{run.name}: training" not in screen_text(app)

    drive(app, steps, (140, 40))


def test_what_was_said_of_a_run_stays_while_training_and_validating_take_turns(tmp_path: Path) -> None:
    """screen #15: with epochs of milliseconds the answer to ] was gone before it could be read."""
    run = write_run(tmp_path / "runs", alive=True)
    app = make_app(tmp_path / "runs", attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        assert f"{run.name}: training" in screen_text(app)
        append(run, events.State(state="validating", step=1300))
        await pilot.pause(1.0)
        assert "validating" in top(app)
        assert f"{run.name}: training" in screen_text(app)

    drive(app, steps, (140, 40))


def test_a_held_key_stops_a_hundred_times_above_where_the_run_began(tmp_path: Path) -> None:
    """screen #12: sixty presses of ] ended at 1e+37; and z goes back, one change at a time."""
    run = write_run(tmp_path / "runs", alive=True)
    app = make_app(tmp_path / "runs", attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press(*["right_square_bracket"] * 20)
        await pilot.pause()
        assert "1 is the highest step, for the run began at 0.01" in screen_text(app)
        asked = [json.loads(line)["value"] for line in run.control.read_text().splitlines()]
        assert asked == [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
        await pilot.press("z", "z")
        await pilot.pause()
        asked = [json.loads(line)["value"] for line in run.control.read_text().splitlines()]
        assert asked[-2:] == [0.5, 0.2]
        assert "learning rate back to 0.2" in screen_text(app)

    drive(app, steps, (140, 40))

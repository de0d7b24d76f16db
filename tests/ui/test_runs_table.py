"""What can be done with many runs in their table: filters, columns, groups, the base, several at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import write_run
from tests.ui.test_runs_labels import until
from tests.ui.test_runs_screen import app_with_runs, open_runs, order
from workbench.runs.directory import RunDirectory
from workbench.runs.labels import Labels, read_labels, write_labels
from workbench.settings.preset import Preset
from workbench.ui.app import WorkbenchApp
from workbench.ui.live.remembered import Remembered
from workbench.ui.screens.runs import RunsScreen

ALPHA, BETA, GAMMA = "20261124T120000Z-alpha-0001", "20261124T130000Z-beta-0002", "20261124T140000Z-gamma-0003"


def titles(app: WorkbenchApp) -> list[str]:
    return screen_text(app).splitlines()[1].strip("│ ").split()


def set_settings(run: RunDirectory, *settings: str) -> None:
    run.preset.write_text(Preset.load(run.preset).override(list(settings)).to_toml())


def test_a_filter_asks_for_metrics_settings_and_tags(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)
    set_settings(RunDirectory(tmp_path / "runs" / BETA), "optimizer.name=sgd")
    write_labels(tmp_path / "runs" / GAMMA / "labels.json", Labels(("night",)))

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("slash", *"optimizer:sgd or tag:night", "enter")
        await pilot.pause()
        assert order(app) == ["gamma", "beta"]
        assert "2 with optimizer:sgd or tag:night" in screen_text(app)

    drive(app, steps)


def test_a_wrong_filter_says_what_is_wrong_and_the_rows_stay(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("slash")
        await pilot.pause()
        assert "acc > 0.97" in screen_text(app), "what can be written"
        await pilot.press(*"beta acuracy")
        await pilot.pause()
        await pilot.press(*">1")
        await pilot.pause()
        text = screen_text(app)
        assert "acuracy: no run has such a setting or metric; did you mean accuracy?" in text
        assert "No run has" in text, "of the filter before: no run has the word acuracy"
        await pilot.press(*["backspace"] * 10)
        await pilot.pause()
        assert order(app) == ["beta"]
        assert "no run has such" not in screen_text(app)
        await pilot.press("greater_than_sign")
        await pilot.pause()
        assert order(app) == ["beta"]

    drive(app, steps)


def test_a_filter_is_saved_taken_again_and_deleted(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def save(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "there is no filter to save" in screen_text(app)
        await pilot.press("slash", *"status:completed", "ctrl+s")
        await until(pilot, lambda: "save the filter" in screen_text(app))
        await pilot.press(*"done", "enter")
        await until(pilot, lambda: "1 saved filter" in screen_text(app))

    drive(app, save)
    assert Remembered.load().run_filters == {"done": "status:completed"}
    again = make_app(tmp_path / "runs")
    again.remembered.run_filters = Remembered.load().run_filters

    async def take(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("slash", "down")
        await until(pilot, lambda: "saved filters" in screen_text(again))
        await pilot.press("enter")
        await until(pilot, lambda: order(again) == ["beta", "alpha"])
        await pilot.press("down")
        await until(pilot, lambda: "saved filters" in screen_text(again))
        await pilot.press("delete", "escape")
        await pilot.pause()

    drive(again, take)
    assert Remembered.load().run_filters == {}


def test_columns_are_chosen_and_remembered(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def choose(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        assert "curve" in titles(app)
        await pilot.press("C")
        await until(pilot, lambda: "type to narrow" in screen_text(app))
        await pilot.press(*"curve", "space")
        await pilot.press(*["backspace"] * 5, *"f1", "space", "enter")
        await until(pilot, lambda: "F1" in titles(app))
        assert "curve" not in titles(app)

    drive(app, choose)
    chosen = Remembered.load().run_columns
    assert "metric:f1_macro" in chosen
    assert "best" in chosen
    again = make_app(tmp_path / "runs")
    again.remembered.run_columns = chosen

    async def usual(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        assert "F1" in titles(again)
        await pilot.press("C")
        await until(pilot, lambda: "type to narrow" in screen_text(again))
        await pilot.press("delete", "enter")
        await until(pilot, lambda: "curve" in titles(again))
        assert "F1" not in titles(again)

    drive(again, usual)
    assert Remembered.load().run_columns == []


def test_the_pinned_run_comes_first_and_the_others_show_how_far_they_are_from_it(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)
    file = tmp_path / "runs" / BETA / "summary.json"
    summary = json.loads(file.read_text())
    summary["validation"]["accuracy"] = 0.967
    file.write_text(json.dumps(summary))

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        assert "★ 96.70" in screen_text(app)
        await pilot.press("end", "asterisk")
        await until(pilot, lambda: order(app) == ["alpha", "gamma", "beta"])
        text = screen_text(app)
        assert "◆ alpha" in text
        assert "vs base" in text
        assert "▴ +1.00" in text
        assert read_labels(tmp_path / "runs" / ALPHA / "labels.json").pinned
        await pilot.press("end", "asterisk")
        await until(pilot, lambda: "▾ -1.00" in screen_text(app))
        assert not read_labels(tmp_path / "runs" / ALPHA / "labels.json").pinned, "one run is the base"
        await pilot.press("home", "asterisk")
        await until(pilot, lambda: "vs base" not in screen_text(app))
        assert order(app) == ["gamma", "beta", "alpha"]

    drive(app, steps)


def test_runs_are_grouped_folded_and_marked_together(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)
    for name in (ALPHA, BETA):
        set_settings(RunDirectory(tmp_path / "runs" / name), "optimizer.learning_rate=0.5")

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("at")
        await until(pilot, lambda: "group the runs by" in screen_text(app))
        await pilot.press(*"rate", "enter")
        await until(pilot, lambda: "by learning rate" in screen_text(app))
        text = screen_text(app)
        assert "▾ 2 runs" in text
        assert "95.70 ± 0.00" in text
        await pilot.press("end", "f")
        await pilot.pause()
        assert order(app) == ["gamma"]
        assert "▸ 2 runs" in screen_text(app)
        await pilot.press("space")
        await pilot.pause()
        assert "2 marked" in screen_text(app)
        await pilot.press("enter", "F")
        await pilot.pause()
        assert order(app) == []

    drive(app, steps)


def test_marked_runs_are_deleted_together_after_one_question(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)
    alive = write_run(tmp_path / "runs", "20261124T150000Z-delta-0004", alive=True)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("escape")  # the offer to watch one
        await open_runs(pilot)
        await pilot.press("percent_sign", "end", "space", "delete")
        await until(pilot, lambda: "delete these 2 runs?" in screen_text(app))
        text = screen_text(app)
        assert BETA in text
        assert "1 marked run cannot be deleted" in text
        await pilot.press("delete")
        await until(pilot, lambda: order(app) == ["delta", "alpha"])
        assert "deleted 2 runs" in screen_text(app)

    drive(app, steps)
    assert alive.path.exists()
    assert not (tmp_path / "runs" / GAMMA).exists()


def test_marked_runs_are_tagged_together(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)
    write_labels(tmp_path / "runs" / ALPHA / "labels.json", Labels(("old", "kept"), "a note"))

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("down", "space", "down", "space", "number_sign")
        await until(pilot, lambda: "of 2 marked runs" in screen_text(app))
        await pilot.press(*"night -old", "enter")
        await until(pilot, lambda: "#kept #night" in screen_text(app))

    drive(app, steps)
    assert read_labels(tmp_path / "runs" / ALPHA / "labels.json") == Labels(("kept", "night"), "a note")
    assert read_labels(tmp_path / "runs" / BETA / "labels.json") == Labels(("night",))
    assert read_labels(tmp_path / "runs" / GAMMA / "labels.json") == Labels()


def test_comparing_marks_the_best_and_says_how_far_the_others_are_from_the_base(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)
    file = tmp_path / "runs" / BETA / "summary.json"
    summary = json.loads(file.read_text())
    summary["validation"]["accuracy"] = 0.967
    file.write_text(json.dumps(summary))

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("end", "space", "up", "space", "v")
        await until(pilot, lambda: "compare" in screen_text(app))
        lines = [" ".join(line.split()) for line in screen_text(app).splitlines() if "best accuracy" in line]
        assert len(lines) == 1
        assert "best accuracy 95.70 % ★ 96.70 % +1.00" in lines[0]
        equal = next(line for line in screen_text(app).splitlines() if "test accuracy" in line)
        assert "★" not in equal

    drive(app, steps)


@pytest.mark.slow
def test_twenty_runs_are_compared_side_by_side_and_scrolled(tmp_path: Path) -> None:
    for number in range(20):
        write_run(tmp_path / "runs", f"20261124T1000{number:02}Z-alpha-{number:04}", steps=200, ending="completed")
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("percent_sign", "v")
        await until(pilot, lambda: "compare" in screen_text(app))
        await pilot.press("tab", "end")
        await pilot.press(*["right"] * 300)
        await until(pilot, lambda: " T " in screen_text(app))

    drive(app, steps)


def test_each_run_in_view_has_its_curve(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await until(pilot, lambda: "▁▄▆▇▇█████" in screen_text(app))

    drive(app, steps)


def test_the_list_is_as_it_was_left(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("slash", *"not gamma", "enter", "exclamation_mark", "end", "enter")
        await until(pilot, lambda: not isinstance(app.screen, RunsScreen))
        await pilot.press("r")
        await until(pilot, lambda: order(app) == ["alpha", "beta"])
        assert "not gamma" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: order(app) == ["alpha", "beta", "gamma"])

    drive(app, steps)


def test_while_the_filter_is_typed_no_keys_are_shown_that_would_type_into_it(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    def foot() -> str:
        return screen_text(app).splitlines()[-1]

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        assert "space mark" in foot()
        await pilot.press("slash")
        await pilot.pause()
        assert foot().split() == ["enter", "to", "the", "runs", "esc", "all", "runs"]
        await pilot.press("enter")
        await pilot.pause()
        assert "space mark" in foot()
        assert "to the runs" not in foot()

    drive(app, steps)

"""The charts of the main screen, moved in with keys and the wheel: all of them together."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import MouseScrollUp
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import write_run
from workbench.runs.history import read_history
from workbench.ui.app import WorkbenchApp
from workbench.ui.panels.charts import ChartPanel


def charts(app: WorkbenchApp) -> list[ChartPanel]:
    return [chart for chart in app.screen.query(ChartPanel) if chart.display]


def ranges(app: WorkbenchApp) -> set[tuple[float, float]]:
    """The ranges of x of all charts that are up."""
    return {chart._drawing.x_range for chart in charts(app)}


def make(tmp_path: Path, *, chart_count: int = 2) -> WorkbenchApp:
    """Charts of a run of 1,300 steps that was lost."""
    return make_app(tmp_path / "runs", attach=write_run(tmp_path / "runs", steps=1300), chart_count=chart_count)


def test_all_charts_zoom_and_pan_together(tmp_path: Path) -> None:
    """screen/REPORT, missing 2, and #38: charts side by side differed in their x axis."""
    app = make(tmp_path, chart_count=4)

    async def steps(pilot: Pilot[None]) -> None:
        assert ranges(app) == {(0.0, 1300.0)}
        await pilot.press("2", "plus")
        assert ranges(app) == {(650.0, 1300.0)}
        await pilot.press("less_than_sign")
        assert ranges(app) == {(487.5, 1137.5)}
        assert "2×" in charts(app)[0].footing().plain
        await pilot.press("greater_than_sign", "equals_sign")
        assert ranges(app) == {(975.0, 1300.0)}
        await pilot.press("minus", "0")
        assert ranges(app) == {(0.0, 1300.0)}

    drive(app, steps, (140, 50))


def test_with_no_run_of_its_own_the_end_is_that_of_the_overlaid_runs(tmp_path: Path) -> None:
    """Keys zoomed to the end of the last run, which overlays had replaced: the first half was shown."""
    runs = [write_run(tmp_path / "runs", f"20261124T1{n}0000Z-fast-000{n}", ending="completed") for n in (1, 2)]
    app = make_app(tmp_path / "runs", chart_count=2)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("r", "percent_sign", "o", "2", "plus")
        whole = float(read_history(runs[0]).view.step)
        assert ranges(app) == {(whole / 2, whole)}
        assert "follows" not in charts(app)[0].footing().plain
        await pilot.press("left")
        assert charts(app)[1].footing().plain.startswith(f"step {whole:,.0f}")

    drive(app, steps, (140, 40))


def test_the_cursor_is_in_all_charts_at_once(tmp_path: Path) -> None:
    app = make(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("2", "left")
        loss, accuracy = charts(app)
        assert loss.footing().plain.startswith("step 1,300  train 0.1")
        assert accuracy.footing().plain == "step 1,300  train 98.53  validation 97.33"
        await pilot.press("escape")
        assert not [chart for chart in charts(app) if "step" in chart.footing().plain]

    drive(app, steps, (140, 40))


def test_a_curve_is_brought_to_the_front_in_all_charts_that_have_it(tmp_path: Path) -> None:
    app = make(tmp_path, chart_count=4)

    async def steps(pilot: Pilot[None]) -> None:
        def drawn() -> list[list[str]]:
            curves = [chart._curves for chart in charts(app)]
            plots = [each.plot(ascii=False).series for each in curves if each is not None]
            return [[series.style for series in plot if not series.behind and series.points] for plot in plots]

        usual = [["train", "validation"], ["train", "validation"], ["train"], ["train"]]
        assert drawn() == usual
        await pilot.press("2", "down")
        assert drawn() == [["dim", "train"], ["dim", "train"], ["train"], ["train"]]
        assert "train in front" in charts(app)[0].footing().plain
        await pilot.press("down")
        assert drawn()[0] == ["dim", "validation"]
        await pilot.press("down")
        assert drawn() == usual
        await pilot.press("up", "left", "escape")
        assert drawn()[0] == ["dim", "validation"], "esc has removed the cursor alone"
        await pilot.press("escape")
        assert drawn() == usual

    drive(app, steps, (140, 50))


def test_the_wheel_zooms_at_the_mouse_and_a_click_reads_there(tmp_path: Path) -> None:
    app = make(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        _, accuracy = charts(app)
        column = accuracy._drawing.left + 2 + accuracy._drawing.columns // 2
        where = accuracy.region.offset.x + column, accuracy.region.offset.y + 5
        x = accuracy._drawing.x_of(column - 2 - accuracy._drawing.left)
        await pilot.click(offset=where)
        assert app.screen.charts.view.cursor == x  # type: ignore[attr-defined]
        accuracy.post_message(MouseScrollUp(accuracy, column, 5, 0, 0, 0, False, False, False, *where))
        await pilot.pause()
        await pilot.pause()
        [(first, last)] = ranges(app)
        assert last - first == pytest.approx(1300 / 1.25)
        assert (x - first) / (last - first) == pytest.approx(x / 1300)

    drive(app, steps, (140, 40))


def test_the_log_scale_is_that_of_the_focused_chart_or_of_all(tmp_path: Path) -> None:
    app = make(tmp_path, chart_count=4)

    async def steps(pilot: Pilot[None]) -> None:
        def logs() -> list[str]:
            return [chart.quantity.title for chart in charts(app) if chart.footing().plain.startswith("log")]

        await pilot.press("2", "L")
        assert logs() == ["loss"]
        await pilot.press("tab", "L")
        assert "accuracy % has no logarithmic scale" in screen_text(app)
        await pilot.press("shift+tab", "L", "1", "L")
        assert logs() == ["loss", "learning rate", "samples/s"]

    drive(app, steps, (140, 50))


def test_one_key_shows_all_values(tmp_path: Path) -> None:
    app = make(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        curve = app.screen._session.watch.history.curves["loss/train"]  # type: ignore[attr-defined]
        curve.buckets[400].maximum = 1e6
        await pilot.press("2", "comma", "full_stop")
        assert "▲ 1 above, up to 1e+06" in screen_text(app)
        await pilot.press("circumflex_accent")
        assert "above" not in screen_text(app)
        assert "all values" in charts(app)[0].footing().plain
        await pilot.press("circumflex_accent")
        assert "▲ 1 above" in screen_text(app)

    drive(app, steps, (140, 40))

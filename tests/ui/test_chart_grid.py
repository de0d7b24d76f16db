"""Which charts are up, and whose curves they show, by keys in the real app."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text, settled
from tests.ui.made import append, preset, write_run
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Logged, Started
from workbench.runs.measurements import Health
from workbench.runs.quantities import metric_id
from workbench.ui.app import WorkbenchApp
from workbench.ui.live.overlays import OverlaidRun
from workbench.ui.live.remembered import Remembered
from workbench.ui.panels.charts import ChartPanel


def titles(app: WorkbenchApp) -> list[str]:
    """Of the charts on the screen, in reading order."""
    charts = [chart for chart in app.screen.query(ChartPanel) if chart.display and chart.size.area]
    charts.sort(key=lambda chart: (chart.region.y, chart.region.x))
    return [chart.quantity.title for chart in charts]


def watching(folder: Path, **habits: Any) -> WorkbenchApp:
    run = write_run(folder / "runs", "20261124T120000Z-fast-0000", alive=True)
    append(run, *(health(step) for step in (200, 400)))
    return make_app(folder / "runs", attach=run, **habits)


def health(step: int) -> Health:
    return Health(
        step=step, epoch=step // 200, samples=64, seconds=0.1, layers=[], tensors=[], gradient_norm=2.0,
        weight_norm=11.0,
    )  # fmt: skip


def others(folder: Path, *changes: str) -> list[RunDirectory]:
    """Completed runs, each with one setting changed."""
    runs = []
    for number, change in enumerate(changes):
        run = write_run(
            folder / "runs", f"20261124T13{number:02}00Z-fast-{number:04}", steps=2000, ending="completed",
            slope=0.5 + number / 4,
        )  # fmt: skip
        chosen = preset().override([change])
        run.preset.write_text(chosen.to_toml())
        rate = chosen.optimizer.learning_rate
        append(run, Started(process_id=1, learning_rate=rate, step=2000, resumed=True))
        runs.append(run)
    return runs


async def lay_over(pilot: Pilot[None], app: WorkbenchApp, runs: list[RunDirectory]) -> None:
    overlays = app.screen.runs.overlays  # type: ignore[attr-defined]
    overlays.put([OverlaidRun.read(run) for run in runs])
    app.screen.show_run()  # type: ignore[attr-defined]
    await pilot.pause()


def test_a_key_shows_more_charts_as_many_as_the_screen_has_room_for(tmp_path: Path) -> None:
    app = watching(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        first = ["loss", "accuracy %", "learning rate", "samples/s", "step ms", "memory GiB"]
        for count in (2, 4, 6, 2):
            assert titles(app) == first[:count]
            await pilot.press("V")
        await pilot.press("V")
        assert len(titles(app)) == 6
        await pilot.resize_terminal(80, 24)
        await pilot.press("2")
        await pilot.pause()
        assert titles(app) == first[:4], "what fits of them"
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        assert titles(app) == first[:2]
        await pilot.press("V")
        assert "4 charts need a larger screen" in screen_text(app)

    drive(app, steps, (140, 40))
    assert Remembered.load().chart_count == 6


def test_a_chart_that_comes_up_when_the_screen_grows_shows_the_run_that_has_ended(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", steps=2000, ending="completed")
    app = make_app(tmp_path / "runs", attach=run, page="charts", charts=["phases", "loss", "memory-used", "step-times"])

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("2", "V")
        assert titles(app) == ["phases ms", "loss"], "there is no room for more"
        await pilot.resize_terminal(140, 40)
        await pilot.pause()
        await pilot.press("V")
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        assert titles(app) == ["phases ms", "loss"]
        await pilot.resize_terminal(140, 40)
        await pilot.pause()
        await pilot.pause()
        assert titles(app) == ["phases ms", "loss", "memory GiB", "step ms"]
        assert "p99 3.1" in screen_text(app)

    drive(app, steps, (60, 20))


def test_page_down_turns_to_the_other_quantities_that_the_run_has(tmp_path: Path) -> None:
    app = watching(tmp_path, chart_count=6)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("2", "pagedown")
        await pilot.pause()
        assert titles(app) == ["F1 %", "ROC AUC", "gradient norm", "weight norm", "phases ms"]
        assert "charts: page 2 of 2" in screen_text(app)
        assert app.focused is app.screen.query_one(f"#{metric_id('f1_macro')}")
        last = app.screen.query_one("#phases")
        assert last.region.right == app.screen.query_one("#charts").region.right, "no room is left empty"
        await pilot.press("pagedown")
        await pilot.pause()
        assert titles(app)[0] == "loss"
        await pilot.press("m", "pageup")
        await pilot.pause()
        assert titles(app) == ["phases ms"], "of a maximised chart the next quantity"
        assert app.screen.query_one("#phases").size.width == 140
        await pilot.press("m")
        await pilot.pause()
        assert titles(app)[:2] == ["loss", "accuracy %"]

    drive(app, steps, (140, 40))


def test_charts_are_chosen_by_name_and_the_choice_is_remembered(tmp_path: Path) -> None:
    app = watching(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("C")
        await pilot.pause()
        text = screen_text(app)
        assert "✓  1  loss" in text
        assert "✓  2  accuracy %" in text
        assert "F1 %" in text
        assert "gradient norm                  2.0000" in text
        await pilot.press(*"grad", "space")
        assert "✓  3  gradient norm" in screen_text(app)
        assert "accuracy" not in screen_text(app).partition("charts")[2].partition("enter")[0].splitlines()[3]
        await pilot.press("enter")
        await pilot.pause()
        assert titles(app) == ["loss", "accuracy %", "gradient norm"], "three need more than two places"
        await pilot.press("C", "down", "space", "enter")
        await pilot.pause()
        assert titles(app) == ["loss", "gradient norm"]
        await pilot.press("C", "escape")
        await pilot.pause()
        assert titles(app) == ["loss", "gradient norm"]

    drive(app, steps, (140, 40))
    assert Remembered.load().charts == ["loss", "gradient-norm"]
    again = watching(tmp_path / "again", charts=["loss", "gradient-norm"])

    async def once_more(pilot: Pilot[None]) -> None:
        await settled(pilot)
        assert titles(again) == ["loss", "gradient norm"]
        await pilot.press("C", "delete", "enter")
        await pilot.pause()
        assert titles(again) == ["loss", "accuracy %"]

    drive(again, once_more, (140, 40))
    assert Remembered.load().charts == []


def test_the_legend_names_what_differs_in_the_border_and_in_full_under_a_maximised_chart(tmp_path: Path) -> None:
    """screen/REPORT #19: which learning rate is A?"""
    app = watching(tmp_path)
    runs = others(tmp_path, "optimizer.learning_rate=0.1", "optimizer.learning_rate=0.5")

    async def steps(pilot: Pilot[None]) -> None:
        await lay_over(pilot, app, runs)
        loss = app.screen.query_one("#loss", ChartPanel)
        assert loss.heading().plain.endswith("A  B")
        assert loss.footing().plain == "validation  A lr 0.1  B lr 0.5"
        accuracy = app.screen.query_one("#accuracy", ChartPanel)
        assert accuracy.footing().plain == loss.footing().plain, "before the best epoch, which the log says too"
        await pilot.press("2", "m")
        await pilot.pause()
        lines = [" ".join(line.split()[1:-1]) for line in screen_text(app).splitlines()]
        assert "this run 0.2023 lr 0.01 → 0.005" in lines
        assert any(line.startswith("A 0.") and line.endswith("lr 0.1") for line in lines)
        assert any(line.startswith("B 0.") and line.endswith("lr 0.5") for line in lines)
        await pilot.press("home")
        await pilot.pause()
        values = [line.split()[1] for line in screen_text(app).splitlines() if line.endswith("lr 0.5 │")]
        assert values != ["-"], "the values are those at the cursor"

    drive(app, steps, (140, 40))


def test_overlaid_runs_are_removed_by_a_key_and_opened_by_another(tmp_path: Path) -> None:
    app = watching(tmp_path)
    runs = others(tmp_path, "training.seed=1", "training.seed=2")

    async def steps(pilot: Pilot[None]) -> None:
        await lay_over(pilot, app, runs)
        await pilot.press("at")
        await pilot.pause()
        assert "grouped over seeds: 1 group" in screen_text(app)
        assert app.screen.query_one("#loss", ChartPanel).footing().plain.endswith("mean of 2 seeds")
        await pilot.press("O")
        await pilot.pause()
        assert "no runs are overlaid now" in screen_text(app)
        assert "A" not in app.screen.query_one("#loss", ChartPanel).heading().plain.split()
        await pilot.press("o")
        await pilot.pause(0.5)
        assert "space mark" in screen_text(app)

    drive(app, steps, (140, 40))


def test_the_run_that_is_watched_is_not_laid_over_itself(tmp_path: Path) -> None:
    """screen/REPORT #19: a run laid under itself was drawn twice."""
    app = watching(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("r")
        await pilot.pause(0.6)
        await pilot.press("space", "o")
        await pilot.pause(0.5)
        assert "the charts show this run already" in screen_text(app)
        assert app.screen.query_one("#loss", ChartPanel).heading().plain.split()[-1] != "A"

    drive(app, steps, (140, 40))


def test_overlaid_runs_leave_when_a_run_of_another_task_is_watched_and_the_hint_says_so(tmp_path: Path) -> None:
    app = watching(tmp_path)
    runs = others(tmp_path, "training.seed=1")
    other = write_run(tmp_path / "runs", "20261124T150000Z-other-0000", steps=100, ending="completed")
    other.preset.write_text(preset("other").override(["data.name=iris"]).to_toml())

    async def steps(pilot: Pilot[None]) -> None:
        await lay_over(pilot, app, runs)
        await app.screen.runs.attach(other)  # type: ignore[attr-defined]
        await pilot.pause()
        assert "no longer overlaid: A, trained on other data than this run" in screen_text(app)
        assert "A" not in app.screen.query_one("#loss", ChartPanel).heading().plain.split()

    drive(app, steps, (140, 40))


def test_a_run_keeps_its_letter_in_the_list_on_the_charts_and_in_the_comparison(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs", page="charts")
    others(tmp_path, "training.seed=1", "training.seed=2", "training.seed=3")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("r")
        await pilot.pause(0.6)
        await pilot.press("space", "down", "space", "up", "space", "down", "down", "space", "v")  # A is unmarked again
        await pilot.pause(0.3)
        lines = [line.split() for line in screen_text(app).splitlines()]
        assert ["│", "│", "B", "C", "│", "│"] in [[word for word in line if word in "│BC"] for line in lines]
        await pilot.press("escape", "o")
        await pilot.pause(0.6)
        assert app.screen.query_one("#loss", ChartPanel).heading().plain.split() == ["loss", "B", "C"]

    drive(app, steps, (140, 40))


def test_what_a_custom_loop_logs_can_be_shown_whatever_its_name(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", steps=100, alive=True)
    text = run.events.read_text().replace('"task":"classification"', '"task":""')
    assert '"task":""' in text
    run.events.write_text(text)

    append(run, Logged(step=100, metrics={"acc@5 (%)": 0.5, "αβ": 2.0}))
    app = make_app(tmp_path / "runs", attach=run, chart_count=6)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("2", "pagedown")
        await pilot.pause()
        assert "αβ" in titles(app)

    drive(app, steps, (140, 40))

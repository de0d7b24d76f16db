"""The idle screen: the last run in grey, what the settings would train, and none of it beside a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import preset, write_run
from tests.ui.made_measuring import fake_process, notes_of
from tests.ui.panels.test_first_picture import MLP, SHOWN
from tests.ui.test_runs_live import until
from tests.unit.ui.test_planner import PLANNED
from workbench.processes.data import Image, Sample
from workbench.processes.measuring import ANSWER, typed_line
from workbench.processes.preview import DATA, MODEL, PLAN, Previewed
from workbench.ui.app import WorkbenchApp
from workbench.ui.live.session import Session
from workbench.ui.live.watch import Watch
from workbench.ui.panels.charts import ChartPanel
from workbench.ui.panels.panel import EDGE_CELLS, Panel

Compare = Callable[..., bool]
ANSWERED = [
    typed_line(DATA, SHOWN),
    typed_line(MODEL, MLP),
    typed_line(PLAN, PLANNED),
    typed_line(ANSWER, Previewed(uses_gpu=False, step_ms=1.5)),
]


def ring(number: int) -> Image:
    """A picture of a ring, whose place depends on the number."""
    squares = [(x - 6 - number % 4) ** 2 + (y - 7.5) ** 2 for y in range(16) for x in range(16)]
    return Image(1, 16, 16, [max(255 - 24 * abs(round(square) - 20), 0) for square in squares])


def seen(app: WorkbenchApp) -> set[str]:
    """The ids of the panels that are up."""
    return {str(panel.id) for panel in app.screen.query(Panel) if panel.is_seen}


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trainer stands by."""
    monkeypatch.setattr(Session, "keep_standby", lambda self: None)
    monkeypatch.setattr(Session, "is_warm", True)


@pytest.mark.parametrize("size", [(120, 36), (200, 50)])
def test_without_a_run_the_settings_have_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: None, size: tuple[int, int]
) -> None:
    asked = fake_process(monkeypatch, tmp_path, ANSWERED)
    app = make_app(tmp_path / "runs", standby=True)

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "about 1.5 ms" in screen_text(app))
        text = screen_text(app)
        assert seen(app) == {"settings", "model", "data-preview", "schedule"}
        assert "401,920" in text
        assert "2 classes (rose, tulip)" in text
        assert "10 epochs" in text

    drive(app, steps, size)
    assert notes_of(asked)[1] == "PREVIEW"


def test_the_last_run_is_in_grey_until_one_is_watched(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    write_run(runs, steps=2000, ending="completed")
    write_run(runs, "20261124T130000Z-other-0a1b", steps=400, ending="completed")
    app = make_app(runs)

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "last run" in screen_text(app))
        assert seen(app) == {"settings", "loss", "accuracy", "model", "data-preview", "schedule"}
        text = screen_text(app)
        assert "accuracy %  last run" in text
        assert " ago" in text
        loss = app.screen.query_one("#loss", ChartPanel)
        assert loss.style_of("train") == app.palette["phase-data"]
        app.session.watch = Watch(write_run(runs, "20261124T140000Z-fast-0a1b", alive=True))
        app.session.watch.read_all()
        await pilot.pause(1.2)
        assert "last run" not in screen_text(app)
        assert seen(app) >= {"loss", "accuracy", "step-time", "memory"}
        assert not seen(app) & {"model", "data-preview", "schedule"}
        assert loss.style_of("train") == app.palette["train"]

    drive(app, steps, (140, 40))


def test_a_preset_without_a_run_shows_none_of_another(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", steps=2000, ending="completed")
    app = make_app(tmp_path / "runs", chosen=preset("mine"))

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.pause(0.6)
        assert "last run" not in screen_text(app)
        assert "loss" not in seen(app)

    drive(app, steps, (140, 40))


def test_a_change_is_shown_within_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: None) -> None:
    fake_process(monkeypatch, tmp_path, ANSWERED)
    app = make_app(tmp_path / "runs", standby=True)

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "401,920" in screen_text(app))
        assert "learning rate  constant  0.01" in screen_text(app)
        await pilot.press("slash", *"schedule", "enter", "right")
        assert "learning rate  step" in screen_text(app), "at once: nobody has to be asked"

    drive(app, steps, (140, 40))


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (300, 80)])
def test_page_8_shows_the_model_and_the_data_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("8")
        assert seen(app) >= {"model", "data-preview"}
        assert ("schedule" in seen(app)) == (size[0] >= 70)
        await pilot.press("3")
        assert "step-time" in seen(app)

    drive(app, steps, size)


def test_idle_another_page_can_be_brought_up_and_stays(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("3")
        assert {"step-time", "memory"} <= seen(app)
        await pilot.pause(0.6)
        assert {"step-time", "memory"} <= seen(app)
        await pilot.press("8")
        assert "model" in seen(app)

    drive(app, steps, (120, 36))


def test_where_pages_take_turns_the_charts_give_theirs_to_the_settings_until_there_is_a_run(tmp_path: Path) -> None:
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("2")
        await until(pilot, lambda: seen(app) == {"model", "data-preview", "schedule"})
        app.session.watch = Watch(write_run(tmp_path / "runs", alive=True))
        app.session.watch.read_all()
        await until(pilot, lambda: seen(app) == {"loss", "accuracy"})

    drive(app, steps, (80, 24))


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_look_of_the_first_picture(
    snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: None, size: tuple[int, int]
) -> None:
    """Layers, memory, samples, balance and schedule stand beside the settings, and on a page of their own."""
    rings = replace(SHOWN, samples=[Sample(place, str(place), image=ring(place)) for place in range(10)])
    fake_process(monkeypatch, tmp_path, [typed_line(DATA, rings), *ANSWERED[1:]])
    app = make_app(tmp_path / "runs", standby=True)

    async def bring_up(pilot: Pilot[None]) -> None:
        await pilot.press("8")
        await until(pilot, lambda: "about 1.5 ms" in screen_text(app))

    assert snap_compare(app, terminal_size=size, run_before=bring_up)


def test_a_value_of_the_last_run_for_which_there_is_no_room_is_left_out(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", steps=2000, ending="completed")
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "last run" in screen_text(app))
        for name in ("loss", "accuracy"):
            chart = app.screen.query_one(f"#{name}", ChartPanel)
            assert chart.heading().cell_len <= chart.size.width - EDGE_CELLS

    drive(app, steps, (110, 36))

"""The real app, driven by keys, in folders of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.made import MadeReadings, preset
from workbench.runs.directory import RunDirectory
from workbench.settings.preset import Preset
from workbench.ui.app import WorkbenchApp
from workbench.ui.form.draft import Draft
from workbench.ui.live.remembered import Remembered
from workbench.ui.options import AppOptions

Drive = Callable[[Pilot[None]], Awaitable[None]]


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No user folders but the test's own, one clock, one terminal."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    for name in ("WORKBENCH_RUNS", "WORKBENCH_STUDIES", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Input, "cursor_blink", False)
    monkeypatch.setattr("workbench.ui.dialogs.question.HELD_SECONDS", 0.0)  # a pilot presses faster than people
    # What matters in a study is computed by a process that takes its time; tests of it start it themselves.
    monkeypatch.setattr("workbench.ui.live.importance.start_importance", no_importance)


@pytest.fixture(autouse=True)
def quick_pilot(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pilot that looks after 10 ms whether the app is idle, not after 20, and waits once for a text, not a letter."""
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 1 / 100)
    press = Pilot.press

    async def type_or_press(pilot: Pilot[None], *keys: str) -> None:
        for key in keys:
            if len(key) == 1 and key.isalnum() and isinstance(pilot.app.focused, Input):
                pilot.app.post_message(events.Key(key, key))
            else:
                await press(pilot, key)
        await press(pilot)
        await pilot.pause()

    monkeypatch.setattr(Pilot, "press", type_or_press)


def no_importance(_: object) -> None:
    raise OSError("not in tests")


def make_app(
    runs: Path,
    *,
    attach: RunDirectory | None = None,
    gpus: int = 0,
    theme: str = "workbench-dark",
    chosen: Preset | None = None,
    path: Path | None = None,
    ascii_only: bool = False,
    standby: bool = False,
    **habits: Any,
) -> WorkbenchApp:
    """An app that reads made readings, and launches no standby trainer unless asked to."""
    options = AppOptions(runs_folder=runs, ascii=ascii_only, standby=standby)
    draft = Draft(chosen or preset(), path)
    return WorkbenchApp(draft, options, attach, MadeReadings(gpus), Remembered(theme=theme, **habits))


def drive(app: WorkbenchApp, steps: Drive, size: tuple[int, int] = (120, 36)) -> None:
    """Runs the app in a screen of that size, and the steps in it."""

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            await steps(pilot)

    asyncio.run(run())


async def settled(pilot: Pilot[None]) -> None:
    """Waits until the app's threads have delivered their readings, and all of them are on the screen."""
    await pilot.app.workers.wait_for_complete(
        [worker for worker in pilot.app.workers if worker.group in ("readings", "default")]
    )
    await pilot.pause()
    await pilot.pause()


def screen_text(app: WorkbenchApp) -> str:
    """What a person reads on the screen, a line a row."""
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)

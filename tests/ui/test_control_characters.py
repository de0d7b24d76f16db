"""Reliability S3: whatever a file, a name or a user's code says, the app draws no control character."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import make_app, settled
from tests.ui.made import NOON, append, events, preset, profiled, write_run, write_summary
from tests.unit.test_printable import HOSTILE
from workbench.printable import is_printable
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Finished, Prepared, WarningRaised
from workbench.runs.measurements import Profiled
from workbench.ui.app import WorkbenchApp

TEXT = HOSTILE.replace("\x00", "").replace("\udc9b", "")
"""What can be a file's name and be written as UTF-8."""


def hostile_run(runs: Path) -> RunDirectory:
    """A failed run whose name, classes, warnings, operators and reason are a stranger's."""
    run = write_run(runs, f"20261124T120000Z-fast-{TEXT}", steps=700, ending="failed")
    run.events.write_text("")
    for event in events(700):
        if isinstance(event, Prepared):
            classes = [f"{index}{TEXT}" for index in range(10)]
            event = dataclasses.replace(event, classes=classes, device_name=TEXT, engine_reason=TEXT)
        append(run, event)
    profile: Profiled = profiled(650)
    operators = [row | {"name": f"{TEXT}{row['name']}"} for row in profile.operators]
    append(
        run,
        WarningRaised(step=650, message=TEXT, time=NOON + 3),
        dataclasses.replace(profile, operators=operators),
        Finished(status="failed", step=700, reason=f"mine:make raised ValueError: {TEXT}", exit_code=3, time=NOON + 4),
    )
    write_summary(run, "failed", 700, f"mine:make raised ValueError: {TEXT}")
    run.worker_log.write_text(f"printed {TEXT}\n")
    return run


def unprintable(app: WorkbenchApp) -> list[str]:
    """The pieces of the screen that would steer a terminal."""
    strips = [strip for screen in app.screen_stack for strip in screen._compositor.render_strips()]
    return [part.text for strip in strips for part in strip if not is_printable(part.text) or "\t" in part.text]


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=str)
def test_no_screen_shows_a_control_character(tmp_path: Path, size: tuple[int, int]) -> None:
    run = hostile_run(tmp_path / "runs")
    presets = tmp_path / "presets"
    presets.mkdir()
    chosen = preset().model_copy(update={"description": TEXT})
    chosen = chosen.override(["data.name=csv", 'data.file="x"', 'data.target="y"']).override([])
    chosen = chosen.model_copy(update={"data": chosen.data.model_copy(update={"target": TEXT, "file": f"/{TEXT}"})})
    (presets / f"{TEXT}.toml").write_text(chosen.to_toml())
    (presets / "broken.toml").write_text(f'name = "a"\n["{TEXT}"]\n'.replace("\x1b", "\\u001b"))
    app = make_app(tmp_path / "runs", attach=run, chosen=chosen, path=presets / f"{TEXT}.toml")
    seen: list[str] = []
    drawn = 0

    async def run_it() -> None:
        nonlocal drawn
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            for keys in (
                "1", "2", "3", "4", "5", "i", "escape", "w", "escape", "r", "enter", "escape", "d", "escape", "Y",
                "escape", "ctrl+o", "down", "down", "escape", "S", "escape", "m", "m", "ctrl+t", "6", "7", "8",
            ):  # fmt: skip
                await pilot.press(keys)
                await look(pilot)

    async def look(pilot: Pilot[None]) -> None:
        nonlocal drawn
        await pilot.pause(0.05)
        drawn += sum("52;c;" in text for text in _texts(app))
        seen.extend(unprintable(app))

    asyncio.run(run_it())
    assert drawn > 0  # what is harmless of it was shown
    assert seen == []


def _texts(app: WorkbenchApp) -> list[str]:
    return ["".join(part.text for part in strip) for strip in app.screen._compositor.render_strips()]

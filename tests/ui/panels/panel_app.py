"""An app of one panel, and what stands on its screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from textual.app import ComposeResult
from textual.pilot import Pilot

from tests.ui.made import MadeReadings, events
from workbench.runs.events import EpochEnd, Event, Prepared, TestResult
from workbench.runs.history import RunHistory
from workbench.runs.measurements import Timing
from workbench.ui.live.log_lines import LogLine
from workbench.ui.live.machine_history import MachineHistory
from workbench.ui.live.owners import Owners
from workbench.ui.live.readings import Readings
from workbench.ui.look.styled_app import StyledApp
from workbench.ui.panels.panel import LineWidget
from workbench.ui.panels.top_bar import TopBar, TopBarContent

WIDTHS = [36, 60, 90]
NO_GPU, ONE_GPU, EIGHT_GPUS = (MadeReadings(count).read() for count in (0, 1, 8))


class PanelApp(StyledApp):
    """Shows a panel alone."""

    def __init__(self, panel: LineWidget, *, ascii_only: bool = False) -> None:
        super().__init__(ascii_only=ascii_only)
        self.panel = panel

    def compose(self) -> ComposeResult:
        self.panel.styles.width = self.panel.styles.height = "100%"
        yield self.panel


Fill = Callable[[Any], None]


def seen(
    panel: LineWidget, fill: Fill, size: tuple[int, int], *keys: str, ascii_only: bool = False, then: Fill | None = None
) -> str:
    """What stands on the screen when the panel was filled, keys were pressed, and (`then`) more was shown."""

    async def run() -> str:
        app = PanelApp(panel, ascii_only=ascii_only)
        async with app.run_test(size=size) as pilot:
            await shown(pilot, lambda: fill(panel))
            await pilot.press(*keys)
            await shown(pilot, lambda: then(panel) if then is not None else None)
            lines = app.screen._compositor.render_strips()
            return "\n".join("".join(segment.text for segment in strip) for strip in lines)

    return asyncio.run(run())


async def shown(pilot: Pilot[None], show: Callable[[], None]) -> None:
    await pilot.pause()
    show()
    await pilot.pause()


def history(*more: Event, device: str = "cpu", steps: int = 1300) -> RunHistory:
    made = RunHistory()
    for event in [*events(steps, device=device), *more]:
        made.take(event)
    return made


def machine(gpus: int, cores: int = 2, readings: int = 30) -> tuple[Readings, MachineHistory]:
    """The machine as its page reads it, one reading a second, and what was before."""
    now, past = MadeReadings(gpus).read(Owners(1)), MachineHistory()
    now = replace(now, core_percents=tuple(float(100 * core // cores) for core in range(cores)))
    for number in range(readings):
        past.take(now, float(number))
    return now, past


def last(made: RunHistory, kind: type[Any]) -> Any:
    return {Timing: made.view.timing, EpochEnd: made.view.epoch_end, Prepared: made.view.prepared}[kind]


def final(result: dict[str, Any]) -> TestResult:
    return TestResult(step=1300, weights="best epoch 6", metrics=result)


def said(count: int) -> list[LogLine]:
    return [LogLine(0.0, "output", f"line number {index}") for index in range(count)]


def content(**changes: Any) -> TopBarContent:
    usual = TopBarContent("mnist-mlp", True, "training", "", history(device="cuda:2").view, EIGHT_GPUS)
    return replace(usual, **changes)


def bar(width: int, *, ascii_only: bool = False, **changes: Any) -> str:
    return seen(TopBar(), lambda panel: panel.show(content(**changes)), (width, 1), ascii_only=ascii_only)

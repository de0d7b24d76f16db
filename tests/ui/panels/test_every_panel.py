"""What holds for every panel: plain ASCII where asked for, and nothing beyond the border."""

from __future__ import annotations

import pytest

from tests.ui.made import looks, preset
from tests.ui.panels.panel_app import (
    EIGHT_GPUS,
    NO_GPU,
    WIDTHS,
    Fill,
    bar,
    history,
    machine,
    said,
    seen,
)
from tests.ui.panels.test_first_picture import EXPECTED, PICTURE, REASON
from workbench.ui.live.log_lines import LogLine
from workbench.ui.live.preview import Picture
from workbench.ui.panels.data_preview import DataPreviewPanel
from workbench.ui.panels.health import HealthPanel
from workbench.ui.panels.log import LogPanel
from workbench.ui.panels.machine import MachinePanel
from workbench.ui.panels.memory import MemoryPanel
from workbench.ui.panels.metrics import MetricsPanel
from workbench.ui.panels.model import ModelPanel
from workbench.ui.panels.panel import LineWidget
from workbench.ui.panels.schedule import SchedulePanel
from workbench.ui.panels.step_time import StepTimePanel

PANELS: dict[str, tuple[type[LineWidget], Fill]] = {
    "step time": (StepTimePanel, lambda panel: panel.show(history(device="cuda:0"))),
    "memory": (MemoryPanel, lambda panel: panel.show(history(device="cuda:0"), EIGHT_GPUS)),
    "host": (MemoryPanel, lambda panel: panel.show(history(), NO_GPU)),
    "metrics": (MetricsPanel, lambda panel: panel.show(history())),
    "log": (LogPanel, lambda panel: panel.show([LogLine(0.0, "warning", "a class is rare"), *said(30)])),
    "cards": (MachinePanel, lambda panel: panel.show(*machine(2), history(device="cuda:0"))),
    "processor": (MachinePanel, lambda panel: panel.show(*machine(0), history())),
    "health": (HealthPanel, lambda panel: panel.show(history(*looks(20)))),
    "model": (ModelPanel, lambda panel: panel.show(PICTURE, EXPECTED, "mlp", 10)),
    "data": (DataPreviewPanel, lambda panel: panel.show(PICTURE, "iris")),
    "schedule": (SchedulePanel, lambda panel: panel.show(preset())),
    "no model": (ModelPanel, lambda panel: panel.show(Picture(reason=REASON), None, "mlp", 10)),
    "no data": (DataPreviewPanel, lambda panel: panel.show(Picture(reason=REASON), "iris")),
    "nothing": (MetricsPanel, lambda panel: panel.show(None)),
}


@pytest.mark.parametrize("name", PANELS)
@pytest.mark.parametrize("width", WIDTHS)
def test_in_ascii_everything_is_ascii(name: str, width: int) -> None:
    kind, fill = PANELS[name]
    assert seen(kind(), fill, (width, 24), ascii_only=True).isascii()


def test_the_top_bar_is_ascii_in_ascii() -> None:
    assert bar(140, ascii_only=True).isascii()


@pytest.mark.parametrize("name", PANELS)
@pytest.mark.parametrize("size", [(10, 3), (20, 5), (36, 10), (194, 47)])
def test_a_panel_of_any_size_keeps_within_its_border(name: str, size: tuple[int, int]) -> None:
    kind, fill = PANELS[name]
    lines = seen(kind(), fill, size).splitlines()
    assert len(lines) == size[1]
    assert all(len(line) == size[0] for line in lines)
    assert lines[0].startswith("╭")
    assert lines[-1].endswith("╯")

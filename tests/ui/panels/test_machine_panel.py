"""The machine page: cards with their processes, cores, and whose each process is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.style import Style

from tests.ui.made import GIB
from tests.ui.panels.panel_app import WIDTHS, history, machine, seen
from workbench.devices.gpu_details import HEAT, POWER_LIMIT, GpuDetails, GpuProcess
from workbench.ui.live.owners import Owners
from workbench.ui.live.readings import CloserReading, Readings
from workbench.ui.panels.machine import MachinePanel


def page(gpus: int, size: tuple[int, int], *keys: str, device: str = "cpu", cores: int = 2) -> str:
    return seen(MachinePanel(), lambda panel: panel.show(*machine(gpus, cores), history(device=device)), size, *keys)


def shown(readings: Readings, size: tuple[int, int] = (100, 20)) -> str:
    _, past = machine(0)
    return seen(MachinePanel(), lambda panel: panel.show(readings, past, None), size)


def test_a_card_has_its_name_vitals_meters_and_processes() -> None:
    lines = page(1, (110, 14), device="cuda:0").splitlines()
    assert "1 GPU, driver 580.65.06, 2 cores, a processor" in lines[0]
    assert "GPU 0  H100 80GB  ● this run" in lines[1]
    assert "61 °C   412 of 700 W   1,755 of 1,980 MHz" in lines[1]
    assert "busy" in lines[2]
    assert "87 %" in lines[2]
    assert "4.0/80 GiB" in lines[2]
    assert "pid  user          memory  command" in "\n".join(lines)
    own = next(line for line in lines if " 4711 " in line)
    assert own.startswith("│ ●    4711  ana            4 GiB  this run  python -m workbench")
    other = next(line for line in lines if " 900 " in line)
    assert other.startswith("│       900  ben            9 GiB  python train.py --model large")


def test_only_the_card_of_the_run_is_marked() -> None:
    lines = page(8, (110, 80), device="cuda:5").splitlines()
    titles = [line for line in lines if "H100" in line and "GPU " in line]
    assert [("this run" in title) for title in titles] == [number == 5 for number in range(8)]


def test_where_there_is_room_the_histories_are_higher_and_otherwise_lines_are_out_of_sight() -> None:
    def graph_lines(text: str) -> int:
        """Between the meters and the table of processes."""
        lines = text.splitlines()
        return (
            next(n for n, line in enumerate(lines) if "pid" in line)
            - next(n for n, line in enumerate(lines) if "busy" in line)
            - 1
        )

    low, high = page(1, (110, 16), device="cuda:0"), page(1, (110, 40), device="cuda:0")
    assert graph_lines(low) == 1
    assert graph_lines(high) == 5
    assert "below" in low
    assert "below" not in high
    scrolled = page(1, (110, 16), "down", "down", device="cuda:0")
    assert "2 above" in scrolled


@pytest.mark.parametrize("width", WIDTHS)
def test_without_a_card_the_processor_and_who_uses_it_are_shown(width: int) -> None:
    text = page(0, (width, 20))
    for sign in ("no GPU", "CPU", "97 %", "23.0/64 GiB", "cores", "load    1.9 on 2 cores", "4711", "180 %"):
        assert sign in text
    assert ("command" in text) == (width > 40)


def test_few_cores_have_a_bar_each_and_many_a_cell_each() -> None:
    few = page(0, (100, 20), cores=4)
    assert "3 ━━━━━━━━──  75 %" in few
    many = next(line for line in page(0, (100, 20), cores=64).splitlines() if "cores   " in line)
    assert many.startswith("│ cores   ▁▁▁▁▁▁▁▁  ▁▁▁▁▁▂▂▂  ▂▂▂▂▂▃▃▃")
    assert sum(many.count(spark) for spark in "▁▂▃▄▅▆▇█") == 64


def test_a_load_far_above_the_cores_says_what_that_means() -> None:
    calm, _ = machine(0)
    assert "wait for each other" not in shown(calm)
    assert "load    12.0 on 2 cores  ▲ programs wait for each other" in shown(replace(calm, load=12.0))


@pytest.mark.parametrize(
    ("slowed_by", "said"), [(HEAT, "▲ slowed by heat   61 °C"), (POWER_LIMIT, "slowed by its power limit   61 °C")]
)
def test_a_card_whose_clocks_are_kept_down_says_by_what(slowed_by: str, said: str) -> None:
    readings, _ = machine(1)
    hot = replace(readings, closer=CloserReading(Owners(1), {0: GpuDetails(slowed_by=slowed_by)}, []))
    assert said in shown(hot)
    assert ("▲" in shown(hot)) == (slowed_by == HEAT)
    assert "slowed" not in shown(readings)


def test_a_process_that_cannot_be_seen_is_named_as_such() -> None:
    readings, _ = machine(1)
    details = GpuDetails(processes=(GpuProcess(999_999, 2 * GIB), GpuProcess(999_998, None)))
    hidden = replace(readings, closer=CloserReading(Owners(1), {0: details}, []))
    lines = shown(hidden).splitlines()
    assert any("999999" in line and "2 GiB  not visible from here" in line for line in lines)
    assert any("999998" in line and "GiB" not in line for line in lines)


def test_before_processes_are_read_and_where_the_driver_has_none_there_is_no_table() -> None:
    readings, _ = machine(1)
    assert "pid" not in shown(replace(readings, closer=None))
    unknown = replace(readings, closer=CloserReading(Owners(1), {0: GpuDetails()}, []))
    assert "pid" not in shown(unknown)
    assert "412 W" in shown(unknown)


def test_what_a_card_does_not_report_is_left_out_and_never_zero() -> None:
    readings, _ = machine(1)
    silent = replace(
        readings.gpus[0], used_bytes=None, total_bytes=None, utilization_percent=None, power_watts=None,
        temperature_celsius=None,
    )  # fmt: skip
    text = shown(replace(readings, gpus=(silent,), closer=None))
    assert "GPU 0  H100 80GB" in text
    assert not any(sign in text for sign in ("busy", "/80 GiB", " W", "°C", "MHz", "fan"))


class Noting(MachinePanel):
    """Notes the styles that it draws with."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn_with: set[str] = set()

    def style_of(self, name: str) -> Style:
        self.drawn_with.add(name)
        return super().style_of(name)


@pytest.mark.parametrize(("used", "is_tight"), [(71, False), (72, True)])
def test_memory_that_is_nearly_full_is_drawn_as_a_warning(used: int, is_tight: bool) -> None:
    readings, past = machine(1)
    full = replace(readings, gpus=(replace(readings.gpus[0], used_bytes=used * GIB),))
    panel = Noting()
    assert f"{used}.0/80 GiB" in seen(panel, lambda panel: panel.show(full, past, None), (100, 20))
    assert ("warning" in panel.drawn_with) == is_tight


def test_the_time_of_the_histories_is_shown_once_there_is_some() -> None:
    readings, _ = machine(0)
    for count, said in ((5, ""), (30, "the last 29.0 s"), (200, "the last 3:19 min")):
        _, past = machine(0, readings=count)
        text = seen(MachinePanel(), lambda panel, past=past: panel.show(readings, past, None), (100, 20))  # type: ignore[misc]
        assert said in text
        assert ("the last" in text) == bool(said)

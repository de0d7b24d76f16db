"""The memory panel: cards, host, kinds and what is expected, at which size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ui.made import GIB
from tests.ui.panels.panel_app import (
    EIGHT_GPUS,
    NO_GPU,
    ONE_GPU,
    WIDTHS,
    history,
    seen,
)
from workbench.runs.history import RunHistory
from workbench.runs.measurements import Memory
from workbench.ui.live.planner import Expectation
from workbench.ui.panels.memory import MemoryPanel


@pytest.mark.parametrize("width", WIDTHS)
def test_eight_cards_are_all_shown_where_the_panel_is_high_enough(width: int) -> None:
    text = seen(MemoryPanel(), lambda panel: panel.show(None, EIGHT_GPUS), (width, 14))
    for index in range(8):
        assert f"GPU {index} " in text
        assert f"{4 + 9 * index:.1f}/80 GiB" in text
    assert "87 %" in text
    assert "8 × H100 80GB" in text
    assert "…" not in text


def test_amounts_and_vitals_of_all_cards_stand_below_one_another() -> None:
    text = seen(MemoryPanel(), lambda panel: panel.show(None, EIGHT_GPUS), (60, 14))
    rows = [line for line in text.splitlines() if "GPU " in line and "GiB" in line]
    assert len({line.index("GiB") for line in rows}) == 1
    assert len({line.index(" W") for line in rows}) == 1
    assert len({line.index("°C") for line in rows}) == 1


def test_the_card_of_the_run_comes_first_and_the_hidden_ones_are_counted() -> None:
    made = history(device="cuda:5")
    text = seen(MemoryPanel(), lambda panel: panel.show(made, EIGHT_GPUS), (60, 8))
    rows = [line for line in text.splitlines() if "GiB" in line and "GPU " in line]
    assert "GPU 5" in rows[0]
    assert f"+{8 - len(rows)} more GPUs" in text
    assert "run on GPU 5" in text


def test_a_wide_and_low_panel_has_two_cards_a_row() -> None:
    text = seen(MemoryPanel(), lambda panel: panel.show(history(device="cuda:0"), EIGHT_GPUS), (130, 8))
    assert any("GPU 0" in line and "GPU 1" in line for line in text.splitlines())
    assert all(f"GPU {index} " in text for index in range(8))


def test_what_torch_holds_is_shown_during_a_run_on_a_card() -> None:
    text = seen(MemoryPanel(), lambda panel: panel.show(history(device="cuda:0"), ONE_GPU), (90, 10))
    assert "peak 61 MiB  torch allocated 58 MiB" in text
    assert "reserved 90 MiB" in text
    assert "trainer's process 813 MiB" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_without_a_gpu_the_host_and_the_trainer_are_shown(width: int) -> None:
    text = seen(MemoryPanel(), lambda panel: panel.show(history(), NO_GPU), (width, 8))
    assert "23.0/64.0 GiB" in text
    assert "trainer's process 813 MiB" in text
    assert "CPU 97 %" in text
    assert ("no GPU: training on the CPU, " if width > 36 else "") + "expected 58 MiB" in text
    assert "…" not in text


def test_a_run_on_the_cpu_of_a_machine_with_cards_shows_both() -> None:
    text = seen(MemoryPanel(), lambda panel: panel.show(history(), ONE_GPU), (90, 10))
    assert "23.0/64.0 GiB" in text
    assert "4.0/80 GiB" in text
    assert "no GPU" not in text
    assert "run on the CPU" in text


def test_what_a_card_does_not_report_is_left_out_and_never_zero() -> None:
    silent = replace(
        ONE_GPU.gpus[0], used_bytes=None, total_bytes=None, utilization_percent=None, power_watts=None,
        temperature_celsius=None,
    )  # fmt: skip
    alone = replace(ONE_GPU, gpus=(silent,), cpu_percent=None, load=None)
    text = seen(MemoryPanel(), lambda panel: panel.show(None, alone), (60, 8))
    assert "GPU 0" in text
    assert not any(sign in text for sign in ("GiB", " W", "°C", " %", "CPU", "load"))
    both = replace(EIGHT_GPUS, gpus=(EIGHT_GPUS.gpus[1], replace(silent, index=3)))
    text = seen(MemoryPanel(), lambda panel: panel.show(None, both), (60, 8))
    assert "13.0/80 GiB" in text
    assert text.count("GiB") == 1


def test_cards_of_different_kinds_say_their_names() -> None:
    cards = (ONE_GPU.gpus[0], replace(EIGHT_GPUS.gpus[1], name="Tesla T4"))
    text = seen(MemoryPanel(), lambda panel: panel.show(None, replace(ONE_GPU, gpus=cards)), (90, 8))
    assert "GPU 0 H100 80GB" in text
    assert "GPU 1 Tesla T4" in text


def test_a_history_never_mixes_the_memory_of_torch_with_that_of_the_process() -> None:
    made = RunHistory()
    made.take(Memory(step=1, host_rss_bytes=900 * 2**20))
    for step in range(2, 6):
        made.take(Memory(step=step, host_rss_bytes=900 * 2**20, torch_allocated_bytes=GIB))
    text = seen(MemoryPanel(), lambda panel: panel.show(made, ONE_GPU), (60, 10))
    row = next(line for line in text.splitlines() if "allocated  " in line and "torch" not in line)
    assert row.count("█") + row.count("▄") == 4, row
    assert "process " not in row


def test_the_history_has_a_scale_and_where_it_is_low_its_range_stands_behind_it() -> None:
    made = RunHistory()
    for step in range(1, 41):
        made.take(Memory(step=step, host_rss_bytes=(500 + 10 * step) * 2**20))
    text = seen(MemoryPanel(), lambda panel: panel.show(made, NO_GPU), (60, 12))
    lines = [line.strip("│ ") for line in text.splitlines()]
    top = next(number for number, line in enumerate(lines) if line.startswith("900 MiB "))
    foot = next(number for number, line in enumerate(lines) if line.startswith("510 MiB "))
    assert foot - top >= 2
    assert lines[top].endswith("█")
    assert any(line.startswith("process ") for line in lines[top:foot])
    low = seen(MemoryPanel(), lambda panel: panel.show(made, NO_GPU), (60, 6))
    row = next(line for line in low.splitlines() if "process " in line and "▂" in line)
    assert row.rstrip("│ ").endswith("▇▇██ 620 MiB to 900 MiB"), row


def test_a_load_far_above_the_cores_is_a_warning() -> None:
    calm = seen(MemoryPanel(), lambda panel: panel.show(None, replace(NO_GPU, load=2.9)), (60, 8))
    assert "load 2.9 " in calm
    busy = seen(MemoryPanel(), lambda panel: panel.show(None, replace(NO_GPU, load=12.0)), (60, 8))
    assert "▲ load 12.0 on 2 cores" in busy
    unknown = replace(NO_GPU, load=12.0, core_percents=())
    assert "▲" not in seen(MemoryPanel(), lambda panel: panel.show(None, unknown), (60, 8))


def test_before_the_first_reading_the_panel_says_so() -> None:
    assert "reading" in seen(MemoryPanel(), lambda panel: panel.show(None, None), (40, 8))


def test_a_run_on_a_card_shows_its_memory_by_kind_and_its_measured_peak_beside_the_expected() -> None:
    text = seen(MemoryPanel(), lambda panel: panel.show(history(device="cuda:0"), ONE_GPU), (76, 12))
    assert "parameters 2.04 MiB  gradients 2.04 MiB  optimizer 4.09 MiB" in text
    assert "activations ~205 KiB  data 44.9 MiB  rest ~5 MiB  peak 61 MiB" in text
    assert "run on GPU 0, expected 58 MiB" in text


def test_on_the_cpu_the_peak_is_marked_as_expected() -> None:
    text = seen(MemoryPanel(), lambda panel: panel.show(history(), NO_GPU), (90, 12))
    assert "peak ~58 MiB" in text
    assert "parameters 2.04 MiB" in text


def test_where_there_is_little_room_the_peak_and_the_process_stay() -> None:
    text = seen(MemoryPanel(), lambda panel: panel.show(history(), NO_GPU), (36, 7))
    for sign in ("peak ~58 MiB", "trainer's process 813 MiB", "CPU 97 %", "expected 58 MiB"):
        assert sign in text
    assert "rest" not in text


EXPECTED = Expectation(parameters=535_818, kinds={"parameters": 2 * 2**20, "rest": 9 * 2**20}, peak_bytes=58 * 2**20)


def test_before_a_run_the_expectation_of_the_settings_is_shown() -> None:
    text = seen(MemoryPanel(), lambda panel: panel.show(None, NO_GPU, EXPECTED), (90, 10))
    assert "parameters 2 MiB  rest ~9 MiB  peak ~58 MiB" in text
    assert "expected 58 MiB" in text


def test_a_run_that_is_watched_is_shown_and_not_the_expectation() -> None:
    other = replace(EXPECTED, peak_bytes=7 * 2**30)
    text = seen(MemoryPanel(), lambda panel: panel.show(history(), NO_GPU, other), (90, 10))
    assert "GiB" not in text.replace("64.0 GiB", "")
    assert "expected 58 MiB" in text


def test_the_reason_for_no_expectation_is_shown_whole() -> None:
    reason = "mnist is not in /somewhere yet: the first run downloads it there"
    text = seen(MemoryPanel(), lambda panel: panel.show(None, NO_GPU, Expectation(reason=reason)), (40, 12))
    assert reason in " ".join(line.strip("│ ") for line in text.splitlines())

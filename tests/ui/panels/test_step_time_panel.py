"""The panel of step times: what a person reads, at which size."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ui.panels.panel_app import (
    WIDTHS,
    history,
    last,
    seen,
)
from workbench.runs.measurements import Timing
from workbench.ui.panels.step_time import StepTimePanel


@pytest.mark.parametrize("width", WIDTHS)
def test_phases_pace_and_engine_are_shown_at_every_width(width: int) -> None:
    text = seen(StepTimePanel(), lambda panel: panel.show(history()), (width, 8))
    for sign in ("data 3%", "forward 27%", "backward 45%", "optimizer 19%", "rest 6%", "p50", "487 steps/s"):
        assert sign in text
    assert "31.2 k samples/s" in text
    assert "eager engine, every step timed" in text
    assert "…" not in text


def test_percentiles_give_way_before_the_pace_and_whole() -> None:
    lines = seen(StepTimePanel(), lambda panel: panel.show(history()), (36, 8)).splitlines()
    assert any("p50 2.19 ms  p95 2.52 ms" in line for line in lines)
    assert not any("p99" in line for line in lines)
    assert any("31.2 k samples/s" in line for line in lines)


@pytest.mark.parametrize("height", range(3, 14))
def test_the_pace_is_shown_however_low_the_panel_is(height: int) -> None:
    assert "487 steps/s" in seen(StepTimePanel(), lambda panel: panel.show(history()), (60, height))


def test_the_verdict_is_shown_where_there_is_room() -> None:
    assert "backward takes 45 % of a step" in seen(StepTimePanel(), lambda panel: panel.show(history()), (60, 14))


@pytest.mark.parametrize("height", range(6, 16))
def test_a_verdict_that_is_longer_than_its_room_ends_in_an_ellipsis(height: int) -> None:
    text = seen(StepTimePanel(), lambda panel: panel.show(history()), (26, height))
    if "backward takes" in text:
        assert "of a step" in text or "…" in text


def test_the_bar_is_as_wide_as_the_panel_and_its_parts_are_the_fractions() -> None:
    text = seen(StepTimePanel(), lambda panel: panel.show(history()), (64, 12), ascii_only=True)
    bar = text.splitlines()[1].strip("| ")
    assert len(bar) == 60
    assert bar == "d" * 2 + "f" * 16 + "b" * 27 + "o" * 11 + "r" * 4
    assert "f forward 27%" in text.splitlines()[2], "one row, however much room there is"


def test_in_a_high_panel_each_phase_has_a_line_with_its_time() -> None:
    lines = seen(StepTimePanel(), lambda panel: panel.show(history()), (80, 26)).splitlines()
    rows = [line for line in lines if "■" in line]
    assert [row.split()[2] for row in rows] == ["data", "transfer", "forward", "backward", "optimizer", "rest"]
    assert "0.900 ms   45%" in rows[3]
    assert rows[3].count("━") > rows[2].count("━") > rows[4].count("━")


def test_the_history_of_the_median_has_a_scale() -> None:
    lines = seen(StepTimePanel(), lambda panel: panel.show(history()), (80, 14)).splitlines()
    labels = [line.strip("│ ").split("  ")[0] for line in lines]
    assert "2.22 ms" in labels
    assert "1.78 ms" in labels
    assert labels.index("2.22 ms") < labels.index("p50") < labels.index("1.78 ms")


def test_without_colours_letters_distinguish_the_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = seen(StepTimePanel(), lambda panel: panel.show(history()), (64, 12))
    assert "ffffbbbb" in text
    assert "b backward 45%" in text


def test_a_phase_of_a_newer_trainer_is_shown_by_its_name() -> None:
    made = history()
    timing = last(made, Timing)
    made.take(replace(timing, phase_ms={**timing.phase_ms, "metrics": 0.5}))
    assert "metrics 20%" in seen(StepTimePanel(), lambda panel: panel.show(made), (90, 12))


def test_a_sample_of_timed_steps_is_said_to_be_one() -> None:
    made = history()
    made.take(replace(last(made, Timing), steps=5000, timed_steps=100))
    assert "1 step in 50 timed" in seen(StepTimePanel(), lambda panel: panel.show(made), (60, 10))


def test_throughput_without_phases_is_shown_without_a_bar() -> None:
    made = history()
    made.take(replace(last(made, Timing), timed_steps=0, phase_ms={}, step_ms={}))
    text = seen(StepTimePanel(), lambda panel: panel.show(made), (60, 10))
    assert "487 steps/s" in text
    assert "not timed" in text
    assert "%" not in text


def test_before_a_run_the_panel_says_what_it_will_show() -> None:
    assert "appear here" in seen(StepTimePanel(), lambda panel: panel.show(None), (60, 8))


def test_busy_fraction_and_mfu_are_shown_for_a_known_card() -> None:
    text = seen(StepTimePanel(), lambda panel: panel.show(history(device="cuda:0")), (90, 10))
    assert "GPU busy 41 %" in text
    assert "75 GFLOP/s" in text
    assert "MFU 0.11 % of 67 TFLOP/s float32" in text


def test_on_the_cpu_there_is_no_busy_fraction_and_no_mfu() -> None:
    text = seen(StepTimePanel(), lambda panel: panel.show(history()), (90, 10))
    assert "busy" not in text
    assert "75 GFLOP/s  MFU not available" in text

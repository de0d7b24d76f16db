"""Each panel by itself, with made-up events and readings: what a person reads, at which size."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.ui.made import GIB, MadeReadings, events, metrics
from workbench.runs.events import (
    EpochEnd,
    Event,
    Finished,
    Memory,
    Prepared,
    RequestHandled,
    State,
    Timing,
    WarningRaised,
)
from workbench.runs.events import TestResult as FinalTest  # or pytest takes it for a test
from workbench.runs.history import RunHistory
from workbench.ui.live.log_lines import Log, LogLine
from workbench.ui.live.planner import Expectation
from workbench.ui.live.readings import Readings
from workbench.ui.look.glyphs import ASCII, UNICODE
from workbench.ui.look.themes import DARK_VARIABLES, THEMES, palette
from workbench.ui.panels.log import LogPanel
from workbench.ui.panels.memory import MemoryPanel
from workbench.ui.panels.metrics import MetricsPanel
from workbench.ui.panels.panel import LineWidget
from workbench.ui.panels.step_time import StepTimePanel
from workbench.ui.panels.top_bar import TopBar, TopBarContent

WIDTHS = [36, 60, 90]
NO_GPU, ONE_GPU, EIGHT_GPUS = (MadeReadings(count).read() for count in (0, 1, 8))


class Host(App[None]):
    """An app of one panel."""

    def __init__(self, panel: LineWidget, *, ascii_only: bool = False) -> None:
        super().__init__()
        self.panel = panel
        self.glyphs = ASCII if ascii_only else UNICODE
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "workbench-dark"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DARK_VARIABLES

    @property
    def palette(self) -> dict[str, Style]:
        return palette(self.theme_variables, ansi=False)

    def compose(self) -> ComposeResult:
        self.panel.styles.width = self.panel.styles.height = "100%"
        yield self.panel


Fill = Callable[[Any], None]


def seen(
    panel: LineWidget, fill: Fill, size: tuple[int, int], *keys: str, ascii_only: bool = False, then: Fill | None = None
) -> str:
    """What stands on the screen when the panel was filled, keys were pressed, and (`then`) more was shown."""

    async def run() -> str:
        app = Host(panel, ascii_only=ascii_only)
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


def last(made: RunHistory, kind: type[Any]) -> Any:
    return {Timing: made.view.timing, EpochEnd: made.view.epoch_end, Prepared: made.view.prepared}[kind]


def final(result: dict[str, Any]) -> FinalTest:
    return FinalTest(step=1300, weights="best epoch 6", metrics=result)


# Step time.


@pytest.mark.parametrize("width", WIDTHS)
def test_phases_pace_and_engine_are_told_at_every_width(width: int) -> None:
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


def test_the_verdict_is_told_where_there_is_room() -> None:
    assert "backward takes 45 % of a step" in seen(StepTimePanel(), lambda panel: panel.show(history()), (60, 14))


@pytest.mark.parametrize("height", range(6, 16))
def test_a_verdict_that_is_longer_than_its_room_ends_in_an_ellipsis(height: int) -> None:
    text = seen(StepTimePanel(), lambda panel: panel.show(history()), (26, height))
    if "backward takes" in text:
        assert "of a step" in text or "…" in text


def test_the_bar_is_as_wide_as_the_panel_and_its_parts_are_the_shares() -> None:
    text = seen(StepTimePanel(), lambda panel: panel.show(history()), (64, 12), ascii_only=True)
    bar = text.splitlines()[1].strip("| ")
    assert len(bar) == 60
    assert bar == "d" * 2 + "f" * 16 + "b" * 27 + "o" * 11 + "r" * 4
    assert text.splitlines()[2] == text.splitlines()[1], "two rows where there is room"
    assert "f forward 27%" in text


def test_without_colours_the_phases_are_told_by_letters(monkeypatch: pytest.MonkeyPatch) -> None:
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


# Memory.


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


def test_what_a_card_does_not_tell_is_left_out_and_never_zero() -> None:
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
    assert "████ allocated" in text


def test_before_the_first_reading_the_panel_says_so() -> None:
    assert "reading" in seen(MemoryPanel(), lambda panel: panel.show(None, None), (40, 8))


# Memory by kind.


def test_a_run_on_a_card_tells_its_memory_by_kind_and_its_measured_peak_beside_the_expected() -> None:
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


def test_why_there_is_no_expectation_is_told_whole() -> None:
    reason = "mnist is not in /somewhere yet: the first run downloads it there"
    text = seen(MemoryPanel(), lambda panel: panel.show(None, NO_GPU, Expectation(reason=reason)), (40, 12))
    assert reason in " ".join(line.strip("│ ") for line in text.splitlines())


# How busy a card is, and with how much.


def test_busy_share_and_mfu_are_shown_for_a_known_card() -> None:
    text = seen(StepTimePanel(), lambda panel: panel.show(history(device="cuda:0")), (90, 10))
    assert "GPU busy 41 %" in text
    assert "75 GFLOP/s" in text
    assert "MFU 0.11 % of 67 TFLOP/s float32" in text


def test_on_the_cpu_there_is_no_busy_share_and_no_mfu() -> None:
    text = seen(StepTimePanel(), lambda panel: panel.show(history()), (90, 10))
    assert "busy" not in text
    assert "75 GFLOP/s  MFU not available" in text


# Metrics.


@pytest.mark.parametrize("width", WIDTHS)
def test_headline_classes_and_confusion_are_told_at_every_width(width: int) -> None:
    text = seen(MetricsPanel(), lambda panel: panel.show(history()), (width, 44))
    for sign in ("accuracy 97.33 %", "F1 97.13 %", "ROC AUC 0.9987", "loss 0.2023", "4 predicted as 9 (12 times)"):
        assert sign in text
    assert "recall" in text
    assert "true class by row" in text
    assert "…" not in text


def test_a_narrow_table_leaves_out_whole_columns() -> None:
    narrow = seen(MetricsPanel(), lambda panel: panel.show(history()), (36, 44))
    table = next(line for line in narrow.splitlines() if "class " in line and "F1" in line)
    assert table.split() == ["│", "class", "precision", "recall", "F1", "│"]
    wide = seen(MetricsPanel(), lambda panel: panel.show(history()), (90, 44))
    assert "samples" in wide


def test_the_matrix_stands_beside_the_table_where_there_is_room() -> None:
    text = seen(MetricsPanel(), lambda panel: panel.show(history()), (100, 30))
    assert any("precision" in line and " 8   9 " in line for line in text.splitlines())
    row = next(line for line in text.splitlines() if " 12 " in line)
    assert row.split()[-13:-1] == ["232", "4", ".", ".", ".", ".", "220", ".", ".", ".", ".", "12"]


def test_the_test_result_takes_the_place_of_the_validation_and_says_of_which_weights() -> None:
    made = history(final(metrics(0.9641, 0.121)))
    text = seen(MetricsPanel(), lambda panel: panel.show(made), (90, 20))
    assert "test split, best epoch 6" in text
    assert "accuracy 96.41 %" in text


def test_an_epoch_that_was_not_validated_leaves_the_metrics_of_the_one_before() -> None:
    made = history()
    for epoch in range(7, 30):
        made.take(replace(last(made, EpochEnd), epoch=epoch, validation=None, best=False))
    text = seen(MetricsPanel(), lambda panel: panel.show(made), (90, 20))
    assert "validation, epoch 6" in text
    assert "accuracy 97.33 %" in text


def test_regression_has_errors_and_no_classes() -> None:
    made = history(final({"loss": 0.25, "rmse": 0.5, "mae": 0.4, "r2": 0.81}))
    text = seen(MetricsPanel(), lambda panel: panel.show(made), (60, 12))
    for sign in ("loss 0.25", "RMSE 0.5", "MAE 0.4", "R² 0.81"):
        assert sign in text
    assert "class" not in text


def test_a_panel_of_a_run_that_predicts_numbers_promises_no_classes() -> None:
    [prepared] = [event for event in events(0) if isinstance(event, Prepared)]
    made = history(replace(prepared, task="regression"), steps=0)
    text = seen(MetricsPanel(), lambda panel: panel.show(made), (60, 12))
    assert "errors and R² appear here with each validation" in text
    assert "precision" in seen(MetricsPanel(), lambda panel: panel.show(None), (90, 12))


def test_metrics_that_are_not_known_are_left_out_and_a_loss_that_is_not_finite_is_told() -> None:
    made = history(final({"loss": None, "accuracy": 0.5, "roc_auc": None, "r2": None}))
    text = seen(MetricsPanel(), lambda panel: panel.show(made), (60, 12))
    assert "loss nan" in text
    assert "ROC" not in text
    assert "R²" not in text


def many_classes(classes: int) -> RunHistory:
    f1 = [0.5 + index / (2 * classes) for index in range(classes)]
    support = [50] * classes
    f1[7], support[7] = 0.0, 0
    f1[60] = 0.1
    confusion = [[40 if row == column else 0 for column in range(classes)] for row in range(classes)]
    made = history(
        final({"loss": 1.0, "accuracy": 0.7, "precision": f1, "recall": f1, "f1": f1, "support": support,
                "confusion": confusion})
    )  # fmt: skip
    made.view.prepared = replace(last(made, Prepared), classes=[f"kind {index}" for index in range(classes)])
    return made


def test_of_a_hundred_classes_the_worst_are_listed_first_and_it_is_said() -> None:
    text = seen(MetricsPanel(), lambda panel: panel.show(many_classes(100)), (90, 44))
    assert "worst 30 of 100" in text
    lines = text.splitlines()
    first = next(index for index, line in enumerate(lines) if "worst 30 of 100" in line) + 1
    assert "kind 60" in lines[first]
    assert "kind 0" in lines[first + 1]
    assert "kind 7 " not in text, "a class that does not occur is no bad one"
    assert "nothing is confused" in text


def test_a_matrix_that_does_not_fit_is_shaded_and_one_that_cannot_is_told_in_words() -> None:
    narrow = seen(MetricsPanel(), lambda panel: panel.show(many_classes(100)), (90, 60))
    assert "the confusion matrix takes 108 columns: too wide for here" in narrow
    wide = seen(MetricsPanel(), lambda panel: panel.show(many_classes(100)), (130, 160))
    assert "darker: more" in wide
    assert "▓" in wide
    plain = seen(MetricsPanel(), lambda panel: panel.show(many_classes(100)), (130, 160), ascii_only=True)
    assert plain.isascii()


def test_the_worst_classes_stand_at_the_top_beside_a_large_matrix() -> None:
    lines = seen(MetricsPanel(), lambda panel: panel.show(many_classes(100)), (170, 50)).splitlines()
    assert any("worst 30 of 100" in line and "true class by row" in line for line in lines[:8])


def test_long_class_names_are_shortened_with_an_ellipsis() -> None:
    made = history()
    names = ["a class with a name that nobody would like to type", *(f"c{index}" for index in range(9))]
    made.view.prepared = replace(last(made, Prepared), classes=names)
    assert "a class with a name…" in seen(MetricsPanel(), lambda panel: panel.show(made), (90, 44))


def test_the_metrics_scroll_by_keys_and_say_how_much_is_hidden() -> None:
    top = seen(MetricsPanel(), lambda panel: panel.show(history()), (60, 10))
    assert "below" in top
    assert "above" not in top
    below = seen(MetricsPanel(), lambda panel: panel.show(history()), (60, 10), "down", "down", "down")
    assert "3 above" in below
    assert "accuracy" not in below
    end = seen(MetricsPanel(), lambda panel: panel.show(history()), (60, 10), "end")
    assert "below" not in end
    assert "accuracy" in seen(MetricsPanel(), lambda panel: panel.show(history()), (60, 10), "end", "home")


def test_new_metrics_take_the_place_of_those_drawn_before() -> None:
    made = history()

    def more(panel: MetricsPanel) -> None:
        made.take(final(metrics(0.5, 1.0)))
        panel.show(made)

    assert "accuracy 50.00 %" in seen(MetricsPanel(), lambda panel: panel.show(made), (60, 10), then=more)


def test_before_the_first_validation_the_panel_says_what_it_will_show() -> None:
    assert "appear here" in seen(MetricsPanel(), lambda panel: panel.show(None), (60, 10))
    assert "appear here" in seen(MetricsPanel(), lambda panel: panel.show(history(steps=50)), (60, 10))


# Log.


def said(count: int) -> list[LogLine]:
    return [LogLine(0.0, "output", f"line number {index}") for index in range(count)]


def test_the_log_follows_its_end_until_one_scrolls_up() -> None:
    lines = said(50)

    def more(panel: LogPanel) -> None:
        lines.append(LogLine(0.0, "info", "the newest"))
        panel.show(lines)

    size = (60, 10)
    assert "the newest" in seen(LogPanel(), lambda panel: panel.show(lines), size, then=more)
    up = seen(LogPanel(), lambda panel: panel.show(lines), size, "up", then=more)
    assert up.count("the newest") == 0
    assert "2 below" in up
    assert "the newest" in seen(LogPanel(), lambda panel: panel.show(lines), size, "up", "end", then=more)


def test_what_is_being_read_stays_where_it_is_when_old_lines_leave_the_log() -> None:
    lines = said(50)

    def rotate(panel: LogPanel) -> None:
        del lines[:10]
        lines.extend(LogLine(0.0, "output", f"later line {index}") for index in range(10))
        panel.show(lines)

    text = seen(LogPanel(), lambda panel: panel.show(lines), (60, 10), "pageup", then=rotate)
    assert "line number 32" in text.splitlines()[1]


def test_another_log_is_shown_from_its_end() -> None:
    text = seen(
        LogPanel(), lambda panel: panel.show(said(50)), (60, 10), "pageup", then=lambda panel: panel.show(said(30))
    )
    assert "line number 29" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_long_lines_are_wrapped_and_none_is_cut(width: int) -> None:
    words = [f"word{index}" for index in range(30)]
    line = LogLine(0.0, "warning", " ".join(words))
    text = seen(LogPanel(), lambda panel: panel.show([line]), (width, 30))
    assert all(word in text for word in words)
    assert "…" not in text
    assert "▲" in text, "a warning is not told by its colour alone"


def test_lines_that_were_wrapped_once_are_not_wrapped_again(monkeypatch: pytest.MonkeyPatch) -> None:
    wrapped: list[LogLine] = []
    original = LogPanel._wrapped

    def note(self: LogPanel, line: LogLine, width: int) -> Any:
        wrapped.append(line)
        return original(self, line, width)

    monkeypatch.setattr(LogPanel, "_wrapped", note)
    lines = said(50)

    def more(panel: LogPanel) -> None:
        wrapped.clear()
        lines.append(LogLine(0.0, "info", "the newest"))
        panel.show(lines)

    seen(LogPanel(), lambda panel: panel.show(lines), (60, 10), then=more)
    assert [line.text for line in wrapped] == ["the newest"]


def test_markup_is_shown_as_it_was_written() -> None:
    line = LogLine(0.0, "output", "[bold red]loss[/] [link=x]")
    assert "[bold red]loss[/] [link=x]" in seen(LogPanel(), lambda panel: panel.show([line]), (60, 10))


HOSTILE = "a\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b]52;c;ZWNobw==\x1b\\b \x1b(B\x9b2Jc\x08\x1b[2J\x1bcd"


def test_what_a_process_prints_cannot_move_the_cursor_or_reach_the_clipboard(tmp_path: Path) -> None:
    output = tmp_path / "worker.log"
    output.write_text(f"{HOSTILE}\n", encoding="utf-8")
    log = Log(output)
    assert log.read_output()
    assert [line.text for line in log.lines] == ["ared b cd"]
    assert not log.read_output()


def test_what_an_event_says_is_cleaned_as_well(tmp_path: Path) -> None:
    log = Log(tmp_path / "worker.log")
    log.take(WarningRaised(step=1, message=HOSTILE))
    log.take(Finished(status="failed", step=1, reason=HOSTILE))
    assert [line.text for line in log.lines] == ["ared b cd", "failed at step 1: ared b cd"]
    assert [line.kind for line in log.lines] == ["warning", "error"]


def test_the_log_says_what_is_learnt(tmp_path: Path) -> None:
    """data/REPORT, kind 2."""
    log = Log(tmp_path / "worker.log")
    for event in events(1):
        log.take(replace(event, learns="digit: 10 classes (0, 1, … 9)") if isinstance(event, Prepared) else event)
    assert any(line.text.endswith("learns digit: 10 classes (0, 1, … 9)") for line in log.lines)


def test_the_log_tells_what_happened_and_stays_bounded(tmp_path: Path) -> None:
    log = Log(tmp_path / "worker.log")
    for event in events(1300):
        log.take(event)
    log.take(RequestHandled(command="checkpoint", step=600))
    log.take(RequestHandled(command="checkpoint", step=601, accepted=False, detail="the disk is full"))
    text = "\n".join(line.text for line in log.lines)
    assert text.count("checkpoint") == 2, "one that was written has a line of its own already"
    for sign in ("set learning rate 0.005 at step 600", "checkpoint last.pt at step 600", "epoch 6 is the best so far"):
        assert sign in text
    for _ in range(1000):
        log.take(State(state="training", step=1, detail="again"))
    assert len(log.lines) == 500


# The top bar.


def content(**changes: Any) -> TopBarContent:
    usual = TopBarContent("mnist-mlp", True, "training", "", history(device="cuda:2").view, EIGHT_GPUS)
    return replace(usual, **changes)


def bar(width: int, *, ascii_only: bool = False, **changes: Any) -> str:
    return seen(TopBar(), lambda panel: panel.show(content(**changes)), (width, 1), ascii_only=ascii_only)


def test_a_wide_bar_tells_everything() -> None:
    text = bar(140)
    for sign in ("workbench", "mnist-mlp *", "● training", "epoch 7/10", "━", "65 %", "left", "H100 80GB  63 %"):
        assert sign in text
    assert "332 W" in text
    assert "59 °C" in text


def test_eighty_columns_tell_the_learning_rate_that_trains() -> None:
    """screen #1: the rate stays, whatever else is long."""
    text = bar(80, preset_name="mnist-mlp 11-27 14:14", changed=False, view=history().view, readings=NO_GPU)
    assert "lr 0.005" in text
    assert "epoch 7/10" in text


def test_eighty_columns_have_preset_state_progress_and_a_vital() -> None:
    text = bar(80)
    for sign in ("mnist-mlp *", "training", "epoch 7/10", "65 %", "left"):
        assert sign in text
    assert "GPU  63 %" in text


@pytest.mark.parametrize("width", [*range(20, 141, 8), 200])
@pytest.mark.parametrize("state", ["training", "completed", "failed", "lost", "idle"])
def test_the_state_is_told_in_words_and_nothing_is_cut_at_any_width(width: int, state: str) -> None:
    text = bar(width, state=state, detail="set learning rate ..." if state == "training" else "")
    assert len(text) == width
    assert state in text
    assert "…" not in text.rstrip()[-1:]


def test_what_follows_the_state_does_not_jump_with_every_validation() -> None:
    assert bar(120).index("epoch 7/10") == bar(120, state="validating").index("epoch 7/10")


def test_a_long_preset_name_is_shortened_and_its_mark_of_change_stays() -> None:
    text = bar(48, preset_name="a-rather-long-name-of-a-preset-of-mine", view=None)
    assert "…" in text
    assert "… *" in text
    assert "training" in text


def test_before_a_run_the_first_card_is_told_and_without_one_the_processor() -> None:
    assert "H100 80GB  87 %" in bar(120, view=None, state="idle")
    text = bar(120, view=None, state="idle", readings=NO_GPU)
    assert "CPU 97 %  23/64 GiB" in text


def test_a_run_on_the_cpu_is_not_shown_with_a_card() -> None:
    text = bar(120, view=history().view)
    assert "H100" not in text
    assert "CPU 97 %" in text


def test_readings_that_are_missing_are_left_out() -> None:
    silent: Readings = replace(NO_GPU, cpu_percent=None)
    assert "CPU" not in bar(120, readings=silent)
    assert "GPU" not in bar(120, readings=None)
    assert "mnist-mlp *" in bar(120, readings=None)


def test_an_unchanged_preset_carries_no_mark() -> None:
    assert "*" not in bar(120, changed=False)


@pytest.mark.parametrize(
    ("state", "epoch", "told"),
    [
        ("training", 4.0, "epoch 5/10"),
        ("training", 4.5, "epoch 5/10"),
        ("validating", 5.0, "epoch 5/10"),
        ("testing", 5.0, "epoch 5/10"),
        ("completed", 5.0, "epoch 5/10"),
        ("stopped", 5.4, "epoch 5/10"),
        ("lost", 5.4, "epoch 5/10"),
        ("completed", 10.0, "epoch 10/10"),
        ("training", 10.0, "epoch 10/10"),
    ],
)
def test_the_epoch_is_the_one_at_work_and_at_the_end_the_last_that_was_completed(
    state: str, epoch: float, told: str
) -> None:
    """screen #7: after an early stop in epoch 5 the list, the report and the events say 5."""
    assert told in bar(140, state=state, view=replace(history().view, epoch=epoch, state=state))


def test_the_bar_tells_the_learning_rate_of_the_run_that_trains() -> None:
    """screen #1"""
    assert "lr 0.005" in bar(140)
    assert "lr" not in bar(140, state="completed").replace("workbench", "")
    assert "lr" not in bar(140, view=replace(history().view, base_learning_rate=None)).replace("workbench", "")


# All of them.

PANELS: dict[str, tuple[type[LineWidget], Fill]] = {
    "step time": (StepTimePanel, lambda panel: panel.show(history(device="cuda:0"))),
    "memory": (MemoryPanel, lambda panel: panel.show(history(device="cuda:0"), EIGHT_GPUS)),
    "host": (MemoryPanel, lambda panel: panel.show(history(), NO_GPU)),
    "metrics": (MetricsPanel, lambda panel: panel.show(history())),
    "log": (LogPanel, lambda panel: panel.show([LogLine(0.0, "warning", "a class is rare"), *said(30)])),
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

"""The top bar: which items give way where it is short."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ui.panels.panel_app import (
    NO_GPU,
    bar,
    history,
)
from workbench.ui.live.readings import Readings


def test_a_wide_bar_shows_everything() -> None:
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
def test_the_state_is_written_out_and_nothing_is_cut_at_any_width(width: int, state: str) -> None:
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


def test_before_a_run_the_first_card_is_shown_and_without_one_the_processor() -> None:
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
    ("state", "epoch", "shown"),
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
    state: str, epoch: float, shown: str
) -> None:
    """screen #7: after an early stop in epoch 5 the list, the report and the events say 5."""
    assert shown in bar(140, state=state, view=replace(history().view, epoch=epoch, state=state))


def test_the_bar_shows_the_learning_rate_of_the_run_in_progress() -> None:
    """screen #1"""
    assert "lr 0.005" in bar(140)
    assert "lr" not in bar(140, state="completed").replace("workbench", "")
    assert "lr" not in bar(140, view=replace(history().view, base_learning_rate=None)).replace("workbench", "")

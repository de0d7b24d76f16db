"""Model FLOPs utilisation, by hand."""

from __future__ import annotations

from dataclasses import replace

from tests.ui.made import events
from workbench.mfu import arithmetic
from workbench.runs.events import Prepared
from workbench.runs.measurements import Footprint

PREPARED = next(event for event in events(1, device="cuda:0") if isinstance(event, Prepared))
FOOTPRINT = Footprint(step=1, kinds={}, expected=[], flops_per_step=10**12)


def test_what_is_reached_is_put_beside_the_cards_peak_in_the_precision_of_the_run() -> None:
    in_bf16 = replace(PREPARED, precision="bf16")
    assert arithmetic(FOOTPRINT, in_bf16, 307.0) == "307 TFLOP/s, MFU 31 % of 989 TFLOP/s bf16"
    assert arithmetic(FOOTPRINT, replace(in_bf16, precision="float32"), 6.7) == (
        "6.7 TFLOP/s, MFU 10 % of 67 TFLOP/s float32"
    )


def test_a_small_share_is_not_rounded_to_nothing() -> None:
    small = replace(FOOTPRINT, flops_per_step=10**9)
    assert "MFU 0.051 % of" in arithmetic(small, replace(PREPARED, precision="bf16"), 500.0)


def test_without_a_figure_of_the_card_there_is_no_share() -> None:
    on_cpu = replace(PREPARED, device="cpu", device_name="CPU", precision="float32")
    assert arithmetic(FOOTPRINT, on_cpu, 0.5) == "500 GFLOP/s, MFU not available"
    assert arithmetic(FOOTPRINT, replace(PREPARED, precision=None), 0.5).endswith("MFU not available")


def test_flops_that_cannot_be_counted_are_called_that_and_nothing_is_said_before_anything_is_known() -> None:
    assert arithmetic(replace(FOOTPRINT, flops_per_step=None), PREPARED, 1.0) == "FLOP/s not available"
    assert arithmetic(None, PREPARED, 1.0) == arithmetic(FOOTPRINT, None, 1.0) == ""
    assert arithmetic(FOOTPRINT, PREPARED, None) == arithmetic(FOOTPRINT, PREPARED, 0.0) == ""

"""The FLOP per second of a run, and its fraction of the card's peak (MFU)."""

from __future__ import annotations

from workbench.devices.peaks import TERA, peak_flops
from workbench.runs.events import Prepared
from workbench.runs.measurements import Footprint
from workbench.units import rate_of


def arithmetic(footprint: Footprint | None, prepared: Prepared | None, steps_per_second: float | None) -> str:
    """Such as `307 TFLOP/s, MFU 31 % of 989 TFLOP/s bf16`; empty before anything is known. See `arithmetic_parts`."""
    return ", ".join(arithmetic_parts(footprint, prepared, steps_per_second))


def arithmetic_parts(
    footprint: Footprint | None, prepared: Prepared | None, steps_per_second: float | None
) -> list[str]:
    """The FLOP per second and the MFU, each in words; none before anything is known.

    MFU, model FLOPs utilisation (Chowdhery et al., PaLM, 2022): matrix multiplications, convolutions and attention of
    forward and backward, against the card's peak in the precision of the run. Not available on CPUs, and for cards
    without a figure.
    """
    if footprint is None or prepared is None or not steps_per_second:
        return []
    if footprint.flops_per_step is None:
        return ["FLOP/s not available"]
    flops = footprint.flops_per_step * steps_per_second
    reached = rate_of(flops, "FLOP/s")
    peak = peak_flops(prepared.device_name, prepared.precision or "")
    if peak is None:
        return [reached, "MFU not available"]
    return [reached, f"MFU {100 * flops / peak:.2g} % of {peak / TERA:.0f} TFLOP/s {prepared.precision}"]

"""The FLOP per second of a run, and its fraction of the card's peak (MFU)."""

from __future__ import annotations

from workbench.devices.peaks import TERA, peak_flops
from workbench.runs.events import Prepared
from workbench.runs.measurements import Footprint
from workbench.units import rate_of


def arithmetic(footprint: Footprint | None, prepared: Prepared | None, steps_per_second: float | None) -> str:
    """Such as `307 TFLOP/s, MFU 31 % of 989 TFLOP/s bf16`; empty before anything is known.

    MFU, model FLOPs utilisation (Chowdhery et al., PaLM, 2022): matrix multiplications, convolutions and attention of
    forward and backward, against the card's peak in the precision of the run. Not available on CPUs, and for cards
    without a figure.
    """
    if footprint is None or prepared is None or not steps_per_second:
        return ""
    if footprint.flops_per_step is None:
        return "FLOP/s not available"
    reached = footprint.flops_per_step * steps_per_second
    peak = peak_flops(prepared.device_name, prepared.precision or "")
    if peak is None:
        return f"{rate_of(reached, 'FLOP/s')}, MFU not available"
    fraction = f"{100 * reached / peak:.2g} % of {peak / TERA:.0f} TFLOP/s {prepared.precision}"
    return f"{rate_of(reached, 'FLOP/s')}, MFU {fraction}"

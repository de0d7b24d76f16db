"""What was measured over some steps, as an event."""

from __future__ import annotations

from workbench.devices.cores import CoreReading
from workbench.runs.measurements import Timing
from workbench.training.timing.step_times import Measured, percentiles


def timing_event(step: int, measured: Measured, cores: CoreReading | None, gpu_busy_fraction: float | None) -> Timing:
    """Phases, percentiles and throughput. step: the last of them; at least one step, and some time.

    gpu_busy_fraction: as in Timing.
    """
    return Timing(
        step=step,
        steps=measured.steps,
        timed_steps=measured.timed_steps,
        phase_ms=measured.phase_ms(),
        step_ms=percentiles(measured.step_ms),
        steps_per_second=round(measured.steps / measured.seconds, 3),
        samples_per_second=round(measured.samples / measured.seconds, 1) if measured.samples else None,
        gpu_busy_share=gpu_busy_fraction,
        cpu_wait_share=None if cores is None else cores.wait_fraction,
        other_cores=None if cores is None else cores.other_cores,
    )

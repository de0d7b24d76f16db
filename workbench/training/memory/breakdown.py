"""Reports the device memory of a run by kind: estimated, and measured where the device allows."""

from __future__ import annotations

from itertools import chain

import torch

from workbench.runs.measurements import Footprint
from workbench.runs.writer import EventWriter
from workbench.training.job import Job
from workbench.training.memory.estimate import MemoryEstimate, gradient_bytes
from workbench.units import count

RISE = 1.01
"""A peak is reported again when it is this many times the last one: a handful of lines, however long the run."""

TRIAL_SECONDS = 2.0
"""Of training, before the memory of a study's trial is reported: most trials are discarded after an epoch, and to
estimate their memory takes as long as to train them."""


class MemoryBreakdown:
    """Writes the footprint of a run: once, and on a GPU again when its peak has risen."""

    def __init__(self, events: EventWriter, job: Job, *, is_trial: bool = False) -> None:
        """To be made before anything is hooked onto the job's model: the estimate copies it now and runs later.

        is_trial: whether the run is one of a study.
        """
        self._after = TRIAL_SECONDS if is_trial else 0.0
        self._events = events
        self._job = job
        self._estimate: MemoryEstimate | None = MemoryEstimate(job)
        self._reported: Footprint | None = None

    def is_due(self, training_seconds: float) -> bool:
        """Whether there is anything new to report. training_seconds: of the run so far; infinity at its end."""
        if self._reported is None:
            return training_seconds >= self._after
        return (self._measured_peak or 0) > RISE * (self._reported.peak_bytes or 0)

    def report(self, step: int) -> None:
        """Writes the footprint. The first time takes some 50 ms, a deep network a second: not within a timed step."""
        if self._estimate is not None:
            self._expected, self._estimate = self._estimate.run(), None
        expected, peak = self._expected, self._measured_peak
        kinds = expected.kinds | self._counted()
        unmeasured: list[str] = [name for name in ("activations", "rest") if name in kinds]
        at = expected.peak_during
        if peak is None:
            peak, unmeasured = expected.peak_bytes, [*unmeasured, "peak"]
        else:
            kinds["rest"] = max(peak - sum(bytes for kind, bytes in kinds.items() if kind != "rest"), 0)
            at = f"up to step {count(step)}"
        self._reported = Footprint(
            step=step,
            kinds=kinds,
            expected=unmeasured,
            peak_bytes=peak,
            peak_at=at,
            expected_peak_bytes=expected.peak_bytes,
            flops_per_step=expected.flops_per_step,
            reason=expected.reason,
        )
        self._events.write(self._reported)

    @property
    def bytes(self) -> dict[str, int]:
        """For summary.json: bytes by kind, peak and expected peak; empty before the first report."""
        if self._reported is None:
            return {}
        peaks = {"peak": self._reported.peak_bytes, "expected_peak": self._reported.expected_peak_bytes}
        return self._reported.kinds | {name: value for name, value in peaks.items() if value is not None}

    @property
    def flops_per_step(self) -> int | None:
        """Of matrix products, convolutions and attention; None before the first report or where not known."""
        return None if self._reported is None else self._reported.flops_per_step

    @property
    def _measured_peak(self) -> int | None:
        device = self._job.device
        return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None

    def _counted(self) -> dict[str, int]:
        """Bytes of the tensors that are there, which need no estimate."""
        job = self._job
        states = (value for state in job.optimizer.state.values() for value in state.values())
        return {
            "parameters": sum(tensor.nbytes for tensor in chain(job.model.parameters(), job.model.buffers())),
            "gradients": gradient_bytes(job),
            "optimizer": sum(value.nbytes for value in states if isinstance(value, torch.Tensor)),
            "data": sum(
                source.resident_bytes for source in (job.train, job.validation, job.test) if source is not None
            ),
        }

"""Reports how training goes as events in the run directory: losses ten times a second, timing and memory once."""

from __future__ import annotations

import os
import resource
from dataclasses import asdict
from typing import Any

import torch

from workbench.devices.cores import CoreMonitor
from workbench.devices.gpu import GpuMonitor
from workbench.devices.host import HostMonitor
from workbench.runs.event_lines import float32_text_value
from workbench.runs.events import Steps
from workbench.runs.measurements import Memory
from workbench.runs.writer import EventWriter
from workbench.training.device import device_uuid
from workbench.training.loss_log import StepLoss
from workbench.training.threads.spinning import Spinning
from workbench.training.timing.clock import PhaseClock
from workbench.training.timing.timing_event import timing_event

REPORT_SECONDS = 1.0
"""Time between two timing and memory events."""


class Reporter:
    """Writes the recurring events of a run."""

    def __init__(self, events: EventWriter, clock: PhaseClock, device: torch.device, measure: bool) -> None:
        self._events = events
        self._clock = clock
        self._device = device
        self._host = HostMonitor(os.getpid()) if measure else None
        self._gpus = GpuMonitor.open() if measure else None
        self._cores = CoreMonitor() if measure else None
        self._spinning = Spinning(device, torch.get_num_threads())
        self.host_peak_rss_bytes: int | None = None
        self._next_report = 0.0
        uuid = device_uuid(device) if self._gpus is not None else None
        self._busy = None if self._gpus is None or uuid is None else self._gpus.busy_time(uuid)

    def losses(self, first_step: int, losses: list[StepLoss], epoch: float, learning_rate: float) -> None:
        """Writes the losses of consecutive steps; `epoch` and `learning_rate` are those after and at the last."""
        self._events.write(
            Steps(
                first_step=first_step,
                epoch=round(epoch, 6),
                losses=[float32_text_value(step.loss) for step in losses],
                learning_rate=learning_rate,
                seconds=round(self._clock.elapsed(), 4),
            )
        )

    @property
    def due(self) -> bool:
        """Whether it is time for the next timing and memory events."""
        return self._clock.now >= self._next_report

    def report(self, step: int) -> None:
        """Writes timing and memory after `step`."""
        self._next_report = self._clock.now + REPORT_SECONDS
        self.timing(step)
        self.memory(step)

    def timing(self, step: int) -> None:
        """Writes phases, percentiles and throughput since the last call; nothing if nothing was trained."""
        measured = self._clock.take()
        if measured.steps == 0 or measured.seconds <= 0:
            return
        cores = None if self._cores is None else self._cores.take()
        self._spinning.adapt(cores, measured.samples / measured.seconds)
        busy = None if self._busy is None else self._busy.take()
        self._events.write(timing_event(step, measured, cores, busy))

    def memory(self, step: int) -> None:
        """Writes memory, temperature and power as they are now; nothing when measuring is off."""
        if self._host is None:
            return
        host = self._host.read()
        self.host_peak_rss_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self._events.write(
            Memory(
                step=step,
                host_rss_bytes=host.rss_bytes,
                host_available_bytes=host.available_bytes,
                gpus=[_present(asdict(gpu)) for gpu in self._gpus.read()] if self._gpus else [],
                **torch_memory(self._device),
            )
        )

    @property
    def gpu_busy_share(self) -> float | None:
        """Fraction of the training so far in which the run's GPU ran anything; None where that is not known."""
        return None if self._busy is None else self._busy.fraction

    @property
    def torch_peak_bytes(self) -> int | None:
        """The most that torch's allocator has held; None where it does not say."""
        return torch_memory(self._device).get("torch_peak_bytes")

    def close(self) -> None:
        """Closes NVML and ends threads."""
        self._spinning.close()
        if self._gpus is not None:
            self._gpus.close()


def torch_memory(device: torch.device) -> dict[str, int]:
    """What torch's allocator holds on the device, in bytes; empty where it does not say (CPU)."""
    if device.type == "cuda":
        return {
            "torch_allocated_bytes": torch.cuda.memory_allocated(device),
            "torch_reserved_bytes": torch.cuda.memory_reserved(device),
            "torch_peak_bytes": torch.cuda.max_memory_allocated(device),
        }
    if device.type == "mps":
        return {"torch_allocated_bytes": int(torch.mps.current_allocated_memory())}
    return {}


def _present(reading: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reading.items() if value is not None}

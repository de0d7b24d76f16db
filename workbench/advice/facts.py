"""What is known about a run: the facts that rules decide on. What was not measured is None, never zero."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Protocol

from workbench.advice.trends import (
    LossTrend,
    MemoryTrend,
    Plateau,
    ValidationTrend,
    loss_trend,
    memory_trends,
    plateau,
    validation_trend,
)

if TYPE_CHECKING:
    from workbench.devices.gpu import GpuReading
    from workbench.runs.events import Health, Prepared, Timing
    from workbench.runs.history import RunHistory
    from workbench.settings.preset import Preset

RECENT = 10
"""Timing events (about one a second) over which step times are judged: a single odd second must not trip a rule."""

DIVERGED = "is not a finite number"
"""How the trainer says that a loss or a weight is NaN or infinite."""


class MachineReading(Protocol):
    """The machine at one moment, as the app reads it."""

    @property
    def gpus(self) -> Sequence[GpuReading]: ...
    @property
    def host_total_bytes(self) -> int | None: ...
    @property
    def host_available_bytes(self) -> int | None: ...


@dataclass(frozen=True)
class Facts:
    """All that is known. A rule names the fields that it needs, and abstains where one of them is None."""

    step: int | None = None
    preset: Preset | None = None
    prepared: Prepared | None = None
    cores: int | None = None
    """Of this machine, as far as this process may use them."""

    shares: Mapping[str, float] | None = None
    """Of each phase in a step, 0 to 1, adding up to 1."""
    p99_to_median: float | None = None
    """Step times: the 99th percentile over the median."""
    max_to_median: float | None = None
    """Step times: the longest of a second over the median."""
    step_median_ms: float | None = None
    gpu_busy_share: float | None = None
    knee_batch_size: int | None = None
    """From this batch size on, samples/s no longer rise; known once a scan of batch sizes has been made."""

    gpu_used_bytes: int | None = None
    """Memory of the run's card that is in use by all processes, without what PyTorch only keeps for later."""
    gpu_total_bytes: int | None = None
    host_used_bytes: int | None = None
    host_total_bytes: int | None = None
    memory: Sequence[MemoryTrend] | None = None
    seconds_left: float | None = None
    """Training time to come."""

    loss: LossTrend | None = None
    plateau: Plateau | None = None
    diverged: str | None = None
    """What is not a finite number any more, as the trainer said it; empty if all is finite."""
    validation: ValidationTrend | None = None
    health: Health | None = None
    class_counts: Sequence[int] | None = None
    learning_rate: float | None = None
    """As set, before the schedule's factor."""
    is_live: bool = field(default=False, compare=False)
    """Whether the run goes on, so that its learning rate can be set."""

    @classmethod
    def of(cls, history: RunHistory, preset: Preset | None, readings: MachineReading | None = None) -> Facts:
        """What a run's history, its preset and a reading of the machine say."""
        view = history.view
        prepared, latest = view.prepared, view.memory
        timings = list(history.timings)[-RECENT:]
        gpu_used, gpu_total = _gpu_memory(history, readings)
        host_total = None if readings is None else readings.host_total_bytes
        available = None if latest is None else latest.host_available_bytes
        if readings is not None and readings.host_available_bytes is not None:
            available = readings.host_available_bytes
        return cls(
            step=view.step,
            preset=preset,
            prepared=prepared,
            cores=_cores(),
            shares=_shares(timings),
            p99_to_median=_to_median(timings, "p99"),
            max_to_median=_to_median(timings, "max"),
            step_median_ms=_median([timing.step_ms["p50"] for timing in timings if timing.step_ms.get("p50")]),
            gpu_busy_share=_busy_share(timings),
            gpu_used_bytes=gpu_used,
            gpu_total_bytes=gpu_total,
            host_used_bytes=None if host_total is None or available is None else max(host_total - available, 0),
            host_total_bytes=host_total,
            memory=memory_trends(history.memories, available),
            seconds_left=view.seconds_left,
            loss=loss_trend(history),
            plateau=plateau(history),
            diverged=_diverged(history),
            validation=validation_trend(history),
            health=view.health,
            class_counts=_class_counts(history),
            learning_rate=_learning_rate(history, preset),
            is_live=view.finished is None,
        )


FACT_NAMES = {
    "step": "a step",
    "preset": "the run's settings",
    "prepared": "what the run was prepared with",
    "cores": "the number of cores",
    "shares": "the time of each phase of a step (runtime.measure)",
    "p99_to_median": "enough timed steps",
    "max_to_median": "enough timed steps",
    "step_median_ms": "the time of a step",
    "gpu_busy_share": "the share of time that the GPU was busy",
    "knee_batch_size": "a measurement of several batch sizes",
    "gpu_used_bytes": "the GPU's memory in use",
    "gpu_total_bytes": "the GPU's memory",
    "host_used_bytes": "the host's memory in use",
    "host_total_bytes": "the host's memory",
    "memory": "thirty memory readings",
    "loss": "the losses of two epochs",
    "plateau": "the losses of ten epochs after the first",
    "diverged": "whether the losses are finite",
    "validation": "six validations",
    "health": "a look at activations and gradients (at the end of an epoch, with runtime.measure)",
    "class_counts": "how often each class occurs",
    "learning_rate": "the learning rate",
}
"""What each fact is called where it is missing."""


def _cores() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _shares(timings: Sequence[Timing]) -> dict[str, float] | None:
    """Weighted by the steps that each second timed."""
    sums: dict[str, float] = {}
    for timing in timings:
        for phase, milliseconds in timing.phase_ms.items():
            sums[phase] = sums.get(phase, 0.0) + milliseconds * timing.timed_steps
    total = sum(sums.values())
    return {phase: value / total for phase, value in sums.items()} if total > 0 else None


LEAST_TIMED = 100
"""Steps timed, before a 99th percentile means something."""


def _to_median(timings: Sequence[Timing], name: str) -> float | None:
    """The median over the seconds: one hiccup is none of the machine's habits."""
    if sum(timing.timed_steps for timing in timings) < LEAST_TIMED:
        return None
    ratios = [
        timing.step_ms[name] / timing.step_ms["p50"]
        for timing in timings
        if timing.step_ms.get("p50") and timing.step_ms.get(name)
    ]
    return _median(ratios)


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _busy_share(timings: Sequence[Timing]) -> float | None:
    shares = [timing.gpu_busy_share for timing in timings]
    return _median([share for share in shares if share is not None])


def _gpu_memory(history: RunHistory, readings: MachineReading | None) -> tuple[int | None, int | None]:
    """Used and total bytes of the run's card. What PyTorch's allocator keeps but does not need is taken off."""
    prepared, memory = history.view.prepared, history.view.memory
    if prepared is None or not prepared.device.startswith("cuda"):
        return None, None
    number = prepared.device.removeprefix("cuda").removeprefix(":") or "0"
    cards = [] if memory is None else [(gpu.get("index"), gpu.get("name"), gpu) for gpu in memory.gpus]
    found = next((gpu for index, name, gpu in cards if str(index) == number and name == prepared.device_name), None)
    used = None if found is None else found.get("used_bytes")
    total = None if found is None else found.get("total_bytes")
    if readings is not None:
        for gpu in readings.gpus:
            if str(gpu.index) == number and gpu.name == prepared.device_name:
                used, total = gpu.used_bytes, gpu.total_bytes
    if used is not None and memory is not None:
        reserved, peak = memory.torch_reserved_bytes, memory.torch_peak_bytes
        if reserved is not None and peak is not None:
            used -= max(reserved - peak, 0)
    return used, total


def _diverged(history: RunHistory) -> str | None:
    view = history.view
    if view.finished is not None and DIVERGED in view.finished.reason:
        return view.finished.reason.partition(DIVERGED)[0].strip()
    losses = history.curves.get("loss/train")
    if losses is None or not losses.buckets:
        return None
    return f"the loss near step {losses.buckets[-1].last_step}" if losses.buckets[-1].gap else ""


def _class_counts(history: RunHistory) -> Sequence[int] | None:
    """Of the training split; for want of that, of the validation split."""
    prepared, ended = history.view.prepared, history.view.epoch_end
    if prepared is not None and prepared.class_counts:
        return prepared.class_counts
    validation = None if ended is None else ended.validation
    return (validation or {}).get("support") or None


def _learning_rate(history: RunHistory, preset: Preset | None) -> float | None:
    """The last one that was set while the run went on, else the preset's."""
    for mark in reversed(history.marks):
        if mark.kind == "learning_rate":
            return float(mark.text.rsplit(maxsplit=1)[-1])
    return None if preset is None else float(preset.optimizer.learning_rate)

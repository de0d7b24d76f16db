"""The facts about a run from which rules decide. A fact that was not measured is None, never zero."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from workbench.devices.gpu import GpuReading, run_gpu
from workbench.errors import DivergedError, not_finite_in_words

if TYPE_CHECKING:
    from workbench.advice.tuned import Tuned
    from workbench.processes.batch_scan import BatchScan
    from workbench.processes.range_test import RangeTest
    from workbench.runs.events import Prepared
    from workbench.runs.history import RunHistory
    from workbench.runs.measurements import Health, Timing
    from workbench.settings.preset import Preset

RECENT = 10
"""Timing events (about one per second) over which step times are judged: one unusual second must not trip a rule."""

LEAST_SECONDS = 2.0
"""Seconds of timed training before step times are judged: the first ones do not predict the others."""


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
    """All facts. A rule names the fields that it needs, and abstains where one of them is None."""

    step: int | None = None
    preset: Preset | None = None
    prepared: Prepared | None = None
    cores: int | None = None
    """Cores of this machine that this process may use."""

    phase_fractions: Mapping[str, float] | None = None
    """Fraction of a step that each phase takes, 0 to 1; they add up to 1."""
    p99_to_median: float | None = None
    """Step times: the 99th percentile over the median."""
    max_to_median: float | None = None
    """Step times: the longest of a second over the median."""
    step_median_ms: float | None = None
    steps_over: str = "the last seconds"
    """The time over which fractions, percentiles and median were measured, in words."""
    slowdown: float | None = None
    """Mean time of a step now, relative to the run's fastest second."""
    gpu_busy_fraction: float | None = None
    cpu_wait_fraction: float | None = None
    """Fraction of the time that the trainer's threads could run in which they waited for a core, 0 to 1."""
    other_cores: float | None = None
    """Cores that other programs use."""

    gpu_used_bytes: int | None = None
    """Memory of the run's GPU in use by all processes, without what PyTorch only caches."""
    gpu_total_bytes: int | None = None
    host_used_bytes: int | None = None
    host_total_bytes: int | None = None
    memory: Sequence[MemoryTrend] | None = None
    seconds_left: float | None = None
    """Training time that is left."""

    loss: LossTrend | None = None
    plateau: Plateau | None = None
    diverged: str | None = None
    """Which quantity is not a finite number any more, and at which step, in words; empty if all are finite."""
    validation: ValidationTrend | None = None
    health: Health | None = None
    class_counts: Sequence[int] | None = None
    learning_rate: float | None = None
    """As set, before the schedule's factor."""
    range_test: RangeTest | None = None
    """Of these settings, whatever their learning rate is."""
    batch_scan: BatchScan | None = None
    """Of these settings and this device, whatever the batch size is."""
    is_live: bool = field(default=False, compare=False)
    """Whether the run is in progress, so that its learning rate can be set."""

    @classmethod
    def of(
        cls,
        history: RunHistory,
        preset: Preset | None,
        readings: MachineReading | None = None,
        tuned: Tuned | None = None,
    ) -> Facts:
        """The facts of a run's history, its preset, a reading of the machine, and what tuning has measured."""
        view = history.view
        prepared, latest = view.prepared, view.memory
        timings = list(history.timings)[-RECENT:] if _seconds(history.timings) >= LEAST_SECONDS else []
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
            phase_fractions=_phase_fractions(timings),
            p99_to_median=_to_median(timings, "p99"),
            max_to_median=_to_median(timings, "max"),
            step_median_ms=_median([timing.step_ms["p50"] for timing in timings if timing.step_ms.get("p50")]),
            slowdown=_slowdown(history, timings),
            gpu_busy_fraction=_median_known([timing.gpu_busy_share for timing in timings]),
            cpu_wait_fraction=_median_known([timing.cpu_wait_share for timing in timings]),
            other_cores=_median_known([timing.other_cores for timing in timings]),
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
            learning_rate=view.base_learning_rate,
            range_test=None if tuned is None or preset is None else tuned.range_test(preset),
            batch_scan=_batch_scan(tuned, preset, prepared),
            is_live=view.finished is None,
        )

    def over_the_run(self, step_ms: Mapping[str, float], phase_ms: Mapping[str, float]) -> Facts:
        """The same facts with step times and fractions of the whole run, from its summary, instead of the last seconds.

        step_ms: p50, p95, p99, max; phase_ms: mean of each phase. Nothing changes where too little was timed.
        """
        total = sum(phase_ms.values())
        if self.step_median_ms is None or self.phase_fractions is None or not step_ms.get("p50") or total <= 0:
            return self
        return replace(
            self,
            step_median_ms=step_ms["p50"],
            p99_to_median=None if self.p99_to_median is None else step_ms["p99"] / step_ms["p50"],
            phase_fractions={phase: value / total for phase, value in phase_ms.items()},
            steps_over="the whole run",
        )


FACT_NAMES = {
    "step": "a step",
    "preset": "the run's settings",
    "prepared": "the start of training",
    "cores": "the number of cores",
    "phase_fractions": "two seconds of training with timed phases (runtime.measure)",
    "p99_to_median": "enough timed steps",
    "max_to_median": "enough timed steps",
    "step_median_ms": "the time of a step",
    "gpu_busy_fraction": "the fraction of time that the GPU was busy",
    "cpu_wait_fraction": "how long threads waited for a core (Linux, with runtime.measure)",
    "other_cores": "how long threads waited for a core (Linux, with runtime.measure)",
    "gpu_used_bytes": "the GPU's memory in use",
    "gpu_total_bytes": "the GPU's memory in use",
    "host_used_bytes": "the host's memory in use",
    "host_total_bytes": "the host's memory in use",
    "memory": "thirty memory readings",
    "loss": "the losses of two epochs",
    "plateau": "the losses of ten epochs after the first",
    "diverged": "whether the losses are finite",
    "validation": "six validations",
    "health": "a look at activations and gradients (at the end of an epoch, with runtime.measure)",
    "class_counts": "how often each class occurs",
    "learning_rate": "the learning rate",
    "range_test": "a range test of these settings (M on the learning rate)",
    "batch_scan": "a scan of batch sizes on this device (M on the batch size)",
}
"""What each fact is called in the list of missing facts."""


def _cores() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _seconds(timings: Iterable[Timing]) -> float:
    """Training time that was timed."""
    return sum(timing.steps / timing.steps_per_second for timing in timings if timing.steps_per_second)


def _phase_fractions(timings: Sequence[Timing]) -> dict[str, float] | None:
    """Mean over the timed steps."""
    sums: dict[str, float] = {}
    for timing in timings:
        for phase, milliseconds in timing.phase_ms.items():
            sums[phase] = sums.get(phase, 0.0) + milliseconds * timing.timed_steps
    total = sum(sums.values())
    return {phase: value / total for phase, value in sums.items()} if total > 0 else None


LEAST_TIMED = 100
"""Timed steps before a 99th percentile means something."""


def _to_median(timings: Sequence[Timing], name: str) -> float | None:
    """The median over the seconds, so that one hiccup does not count."""
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


def _median_known(values: Sequence[float | None]) -> float | None:
    return _median([value for value in values if value is not None])


def _slowdown(history: RunHistory, timings: Sequence[Timing]) -> float | None:
    """Computed from throughput, because the median does not change if only some steps are slow."""
    curve, now = history.curves.get("samples_per_second"), _median_known([each.samples_per_second for each in timings])
    if curve is None or not now:
        return None
    return max((bucket.maximum for bucket in curve.buckets if bucket.count), default=now) / now


def _gpu_memory(history: RunHistory, readings: MachineReading | None) -> tuple[int | None, int | None]:
    """Used and total bytes of the run's GPU, without what PyTorch's allocator only caches."""
    prepared, memory = history.view.prepared, history.view.memory
    if prepared is None:
        return None, None
    logged = [] if memory is None else [GpuReading.of(gpu) for gpu in memory.gpus]
    card = None
    for cards in ([] if readings is None else readings.gpus, logged):  # the latest first
        card = card or run_gpu(cards, prepared.device, prepared.device_name, prepared.device_uuid)
    used, total = (None, None) if card is None else (card.used_bytes, card.total_bytes)
    if used is not None and memory is not None:
        reserved, peak = memory.torch_reserved_bytes, memory.torch_peak_bytes
        if reserved is not None and peak is not None:
            used -= max(reserved - peak, 0)
    return used, total


def _batch_scan(tuned: Tuned | None, preset: Preset | None, prepared: Prepared | None) -> BatchScan | None:
    """A scan says nothing about a run on another device."""
    if tuned is None or preset is None or prepared is None:
        return None
    scan = tuned.batch_scan(preset)
    return scan if scan is not None and scan.device == prepared.device_name else None


def _diverged(history: RunHistory) -> str | None:
    """Reads it from the end of the run; where that does not name the quantity, from the losses."""
    finished = history.view.finished
    has_diverged = finished is not None and finished.kind == DivergedError.kind
    if finished is not None and finished.kind and not has_diverged:
        return ""  # numbers in the data that are not finite are no divergence, and the reason names them
    if finished is not None and finished.what and finished.at_step is not None:
        return not_finite_in_words(finished.what, finished.at_step)
    losses = history.curves.get("loss/train")
    if losses is None or not losses.buckets:
        return None
    if losses.buckets[-1].gap:
        return f"the loss near step {losses.buckets[-1].last_step:,}"
    return None if has_diverged else ""


def _class_counts(history: RunHistory) -> Sequence[int] | None:
    """Samples per class of the training split, or else of the validation split."""
    prepared, ended = history.view.prepared, history.view.epoch_end
    if prepared is not None and prepared.class_counts:
        return prepared.class_counts
    validation = None if ended is None else ended.validation
    return (validation or {}).get("support") or None

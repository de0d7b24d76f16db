"""Events that carry measurements: step times, memory, activations and gradients, profiles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from workbench.runs.events import Event
from workbench.runs.typed import Rows

LAYERS = Rows(
    name=str, kind=str, place=int | None, units=int | None, dead_share=float | None, saturated_share=float | None
)
TENSORS = Rows(
    name=str,
    place=int | None,
    gradient_mean=float | None,
    gradient_norm=float | None,
    weight_norm=float | None,
    non_finite_share=float | None,
)
OPERATORS = Rows(name=str, calls=int, self_ms=float, share=float)
"""The columns of the tables in events, and their types: readers rely on them."""


@dataclass(frozen=True, kw_only=True)
class Timing(Event):
    """How long the last steps took, in milliseconds a step, by phase."""

    type: ClassVar[str] = "timing"
    is_progress: ClassVar[bool] = False
    step: int
    steps: int
    """How many steps the throughput was counted over."""
    timed_steps: int
    """How many of them phases and percentiles were measured over (all on a CPU, a sample on a GPU)."""
    phase_ms: dict[str, float]
    """Mean of each phase that was seen, see `workbench.runs.phases`."""
    step_ms: dict[str, float]
    """p50, p95, p99 and max."""
    steps_per_second: float
    samples_per_second: float | None = None
    """None of a loop that does not tell how many samples its steps have."""
    gpu_busy_share: float | None = None
    """Fraction of the time, 0 to 1, in which the run's own GPU was busy with any program, by the driver's samples."""
    cpu_wait_share: float | None = None
    """Fraction, 0 to 1, of the time that the trainer's threads were ready to run in which they waited for a core."""
    other_cores: float | None = None
    """How many of the cores available to the trainer other programs used, on average."""


@dataclass(frozen=True, kw_only=True)
class Footprint(Event):
    """How much of the device's memory a run uses, by kind; written when it is known and when the peak has risen."""

    type: ClassVar[str] = "footprint"
    is_progress: ClassVar[bool] = False
    step: int
    kinds: dict[str, int]
    """Bytes: parameters, gradients, optimizer and data now; activations and the rest at the peak."""
    expected: list[str]
    """Which of the numbers (kinds, peak) are estimated, not measured."""
    peak_bytes: int | None = None
    peak_at: str = ""
    """At which moment memory peaked, in words."""
    expected_peak_bytes: int | None = None
    flops_per_step: int | None = None
    """Of matrix multiplications, convolutions and attention, forward and backward."""
    reason: str = ""
    """Why a number is missing."""


@dataclass(frozen=True, kw_only=True)
class Memory(Event):
    """Memory, utilization, power and temperature at one moment, in bytes, percent, watts and degrees Celsius."""

    type: ClassVar[str] = "memory"
    is_progress: ClassVar[bool] = False
    step: int
    host_rss_bytes: int | None = None
    host_available_bytes: int | None = None
    torch_allocated_bytes: int | None = None
    torch_reserved_bytes: int | None = None
    torch_peak_bytes: int | None = None
    gpus: list[dict[str, Any]] = field(default_factory=list)
    """Per GPU that NVML sees: index, name, used_bytes, total_bytes, utilization_percent, power_watts, ..."""


@dataclass(frozen=True, kw_only=True)
class Health(Event):
    """Activations and gradients, measured on some training samples between two epochs."""

    type: ClassVar[str] = "health"
    step: int
    epoch: int
    """Epochs completed."""
    samples: int
    """How many training samples the activations were computed on."""
    seconds: float
    """How long this measurement took."""
    layers: Annotated[list[dict[str, Any]], LAYERS]
    """Activations whose slope can vanish, the worst first, at most 30: name, place (from 0, in the order of the forward
    pass), kind (relu, sigmoid, ...), units, dead_share (fraction of the units) or saturated_share (fraction of all
    values)."""
    tensors: Annotated[list[dict[str, Any]], TENSORS]
    """Trained parameters, the smallest gradient first, at most 30: name, place (from 0, in the order of the model),
    gradient_mean (of |g|), gradient_norm, weight_norm, zero_share (of the gradient's values), non_finite_share (of the
    gradient's and the weight's values)."""
    gradient_norm: float | None
    """Of all trained parameters together, before clipping; None if it is not a finite number."""
    weight_norm: float | None


@dataclass(frozen=True, kw_only=True)
class Profiled(Event):
    """Some steps were profiled and the trace was written. They do not count as training time."""

    type: ClassVar[str] = "profiled"
    step: int
    first_step: int
    steps: int
    """How many steps were profiled: fewer than asked for if the epoch ended, or a pause or a stop came first."""
    device: str
    """On which device the operators' time was measured: cuda or cpu."""
    file: str
    """The trace in Chrome's format, gzipped: path within the run directory."""
    bytes: int
    seconds: float
    """From before the first of them until the trace was written."""
    operators: Annotated[list[dict[str, Any]], OPERATORS]
    """The slowest operators: name, calls, self_ms and total_ms over all steps, share (fraction of the sum, 0 to 1)."""
    note: str = ""
    """Why an expected part is missing."""


@dataclass(frozen=True, kw_only=True)
class MemorySnapshot(Event):
    """A summary of the contents of the device's memory was written."""

    type: ClassVar[str] = "memory_snapshot"
    is_progress: ClassVar[bool] = False
    step: int
    steps: int
    """For how many steps allocations were recorded before; 0 if only the living tensors are known."""
    file: str
    """The summary as text: path within the run directory."""
    pickle: str = ""
    """PyTorch's own snapshot, for pytorch.org/memory_viz: path within the run directory; empty on the CPU."""

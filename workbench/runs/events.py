"""The events of a run, which the trainer writes and all other processes read: one JSON object per line.

A number that is not finite is null in a list of losses. An unavailable reading is left out (None here), never zero.
Readers ignore unknown types and fields, so that an older viewer can read a newer run.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, ClassVar

from pydantic_core import from_json  # twice as fast as json.loads on files full of numbers

from workbench.printable import as_text
from workbench.runs.typed import Rows, metrics, moment, needed_of, positive, takes_of

LAYERS = Rows(name=str, kind=str, units=int | None, dead_share=float | None, saturated_share=float | None)
TENSORS = Rows(name=str, gradient_mean=float | None, non_finite_share=float | None)
OPERATORS = Rows(name=str, calls=int, self_ms=float, share=float)
"""Columns of the tables in events, with the types that readers rely on."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base class of events; `time` is in seconds since 1970 (UTC), set by the writer."""

    type: ClassVar[str]
    time: Annotated[float, moment] = 0.0


@dataclass(frozen=True, kw_only=True)
class Started(Event):
    """The trainer's process began, or began again: readers discard what they have seen after `step`."""

    type: ClassVar[str] = "started"
    process_id: int
    resumed: bool = False
    step: int = 0
    """Optimizer steps done before this start; the next one is `step` + 1."""
    epoch: int = 0
    """Epochs completed before this start."""
    learning_rate: float | None = None
    """Learning rate of the next step, before the schedule's factor; None in runs of older versions."""


@dataclass(frozen=True, kw_only=True)
class Progress(Event):
    """How far a download or a long read before training has come."""

    type: ClassVar[str] = "progress"
    what: str
    done: int
    total: int | None = None
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Prepared(Event):
    """Everything is built and training can begin. A custom training loop leaves out what it does not have."""

    type: ClassVar[str] = "prepared"
    device: str
    device_name: str
    engine: str = ""
    engine_reason: str = ""
    """Why this engine was chosen, in half a sentence."""
    data_loading: str = ""
    parameters: int = 0
    task: str = ""
    classes: list[str] = field(default_factory=list)
    train_samples: int = 0
    validation_samples: int | None = None
    test_samples: int | None = None
    batch_size: int
    steps_per_epoch: Annotated[int, positive]
    epochs: Annotated[int, positive]
    monitor: str = "loss"
    """Name of the metric by which epochs are compared."""
    seconds: float = 0.0
    """From the start of the process until everything was built."""
    num_threads: int | None = None
    """CPU threads of PyTorch."""
    engine_seconds: float = 0.0
    """Time that tracing, compiling or capturing the step took; part of `seconds`."""
    class_counts: list[int] | None = None
    """How often each class occurs in the training split; None for regression, and if counting would mean reading all
    samples."""
    device_uuid: str | None = None
    """UUID of the GPU as CUDA gives it: without the prefix GPU- that NVML adds."""
    precision: str | None = None
    """The setting `runtime.precision`."""
    learns: str = ""
    """Describes what the model predicts: `quality: 6 classes (3, 4, … 8)`, `price: numbers from 1.2 to 9.9`."""


@dataclass(frozen=True, kw_only=True)
class State(Event):
    """What the trainer is doing: preparing, training, validating, paused, testing."""

    type: ClassVar[str] = "state"
    state: str
    step: int
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Steps(Event):
    """The losses of consecutive optimizer steps, without gaps."""

    type: ClassVar[str] = "steps"
    first_step: int
    """Number of the first loss; steps count from 1."""
    epoch: float
    """Position after the last of them, in epochs with fractions."""
    losses: list[float]
    learning_rate: float
    """Learning rate of the last of them, the schedule's factor included."""
    seconds: float
    """Training time so far, without pauses and validation."""


@dataclass(frozen=True, kw_only=True)
class Timing(Event):
    """How long the last steps took, in milliseconds per step, by phase."""

    type: ClassVar[str] = "timing"
    step: int
    steps: int
    """Number of steps in the throughput."""
    timed_steps: int
    """Number of these steps in phases and percentiles (all on a CPU, a sample on a GPU)."""
    phase_ms: dict[str, float]
    """Mean of each measured phase, see `workbench.runs.phases`."""
    step_ms: dict[str, float]
    """p50, p95, p99 and max."""
    steps_per_second: float
    samples_per_second: float
    gpu_busy_share: float | None = None
    """Fraction of the time, 0 to 1, in which any program kept the run's GPU busy, sampled by the driver."""
    cpu_wait_share: float | None = None
    """Fraction, 0 to 1, of the trainer's runnable time in which its threads waited for a core."""
    other_cores: float | None = None
    """Mean number of the trainer's cores that other programs used."""


@dataclass(frozen=True, kw_only=True)
class Footprint(Event):
    """How much of the device's memory a run uses, by kind; written when it is known and when the peak has risen."""

    type: ClassVar[str] = "footprint"
    step: int
    kinds: dict[str, int]
    """Bytes: parameters, gradients, optimizer and data now; activations and the rest at the peak."""
    expected: list[str]
    """Names of the numbers (kinds, peak) that are estimated, not measured."""
    peak_bytes: int | None = None
    peak_at: str = ""
    """Describes the moment at which memory peaked."""
    expected_peak_bytes: int | None = None
    flops_per_step: int | None = None
    """FLOPs of matrix multiplications, convolutions and attention, forward and backward."""
    reason: str = ""
    """Why a number is missing."""


@dataclass(frozen=True, kw_only=True)
class Memory(Event):
    """Memory, utilization, power and temperature at one moment, in bytes, percent, watts and degrees Celsius."""

    type: ClassVar[str] = "memory"
    step: int
    host_rss_bytes: int | None = None
    host_available_bytes: int | None = None
    torch_allocated_bytes: int | None = None
    torch_reserved_bytes: int | None = None
    torch_peak_bytes: int | None = None
    gpus: list[dict[str, Any]] = field(default_factory=list)
    """For each GPU that NVML lists: index, name, used_bytes, total_bytes, utilization_percent, power_watts, ..."""


@dataclass(frozen=True, kw_only=True)
class Health(Event):
    """Activations and gradients, measured on some training samples between two epochs."""

    type: ClassVar[str] = "health"
    step: int
    epoch: int
    """Epochs completed."""
    samples: int
    """Number of training samples for the activations."""
    seconds: float
    """How long this measurement took."""
    layers: Annotated[list[dict[str, Any]], LAYERS]
    """Activations whose slope can vanish, the worst first, at most 30: name, kind (relu, sigmoid, ...), units,
    dead_share (fraction of the units) or saturated_share (fraction of all values)."""
    tensors: Annotated[list[dict[str, Any]], TENSORS]
    """Trained parameters, the smallest gradient first, at most 30: name, gradient_mean (of |g|), gradient_norm,
    weight_norm, zero_share (of the gradient's values), non_finite_share (of the gradient's and the weight's values)."""
    gradient_norm: float | None
    """Norm over all trained parameters, before clipping; None if it is not finite."""
    weight_norm: float | None


@dataclass(frozen=True, kw_only=True)
class EpochEnd(Event):
    """An epoch is complete."""

    type: ClassVar[str] = "epoch"
    epoch: int
    """Counts from 1."""
    step: int
    learning_rate: float
    train: dict[str, float]
    """loss, and accuracy for classification, over the epoch's training samples, each before the step's update."""
    validation: Annotated[dict[str, Any], metrics] | None = None
    """loss and metrics; None if this epoch was not validated. Lists per class: precision, recall, f1."""
    best: bool
    """Whether this is the best epoch so far."""
    train_seconds: float = 0.0
    validation_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RequestHandled(Event):
    """A request from control.jsonl was handled: carried out, or refused for the reason in `detail`.

    Also written when a learning-rate change in the preset takes effect; then `replayed` is true.
    """

    type: ClassVar[str] = "obeyed"
    command: str
    step: int
    accepted: bool = True
    detail: str = ""
    """For people; never parsed."""
    value: float | None = None
    """The request's value: the new learning rate before the schedule's factor, or the number of steps to profile."""
    replayed: bool = False
    """Whether the change comes from the preset, not from a request."""


@dataclass(frozen=True, kw_only=True)
class Checkpointed(Event):
    """A checkpoint was written."""

    type: ClassVar[str] = "checkpoint"
    step: int
    file: str
    """Path within the run directory."""
    bytes: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Profiled(Event):
    """Steps were profiled and the trace was written. They do not count as training time."""

    type: ClassVar[str] = "profiled"
    step: int
    first_step: int
    steps: int
    """Number of profiled steps: fewer than requested if the epoch ended, or a pause or a stop came first."""
    device: str
    """The device on which the operators' time was measured: cuda or cpu."""
    file: str
    """The trace in Chrome's format, gzipped: path within the run directory."""
    bytes: int
    seconds: float
    """From before the first profiled step until the trace was written."""
    operators: Annotated[list[dict[str, Any]], OPERATORS]
    """The slowest operators: name, calls, self_ms and total_ms over all steps, share (fraction of the sum, 0 to 1)."""
    note: str = ""
    """Why an expected part is missing."""


@dataclass(frozen=True, kw_only=True)
class MemorySnapshot(Event):
    """A summary of the contents of the device's memory was written."""

    type: ClassVar[str] = "memory_snapshot"
    step: int
    steps: int
    """Number of preceding steps whose allocations were recorded; 0 if only live tensors are known."""
    file: str
    """The summary as text: path within the run directory."""
    pickle: str = ""
    """PyTorch's snapshot, for pytorch.org/memory_viz: path within the run directory; empty on the CPU."""


@dataclass(frozen=True, kw_only=True)
class WarningRaised(Event):
    """A warning for the user."""

    type: ClassVar[str] = "warning"
    step: int
    message: str
    command: str | None = None
    """The request that failed, if the warning is about one."""


@dataclass(frozen=True, kw_only=True)
class TestResult(Event):
    """Metrics of the test split, which is evaluated once at the end."""

    type: ClassVar[str] = "test"
    step: int
    weights: str
    """Which weights were tested: "best epoch 7" or "last epoch"."""
    metrics: Annotated[dict[str, Any], metrics]


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """The trainer's process ends normally, not by a kill; summary.json has details."""

    type: ClassVar[str] = "finished"
    status: str
    """completed, stopped or failed."""
    step: int
    reason: str = ""
    exit_code: int = 0
    kind: str = ""
    """The kind of error from workbench.errors, such as diverged; empty without an error and in runs of older versions.
    """
    what: str = ""
    """If training diverged: the quantity that is not finite (loss, weight, validation loss or test loss). Otherwise,
    and in runs of older versions, empty."""
    at_step: int | None = None
    """The step at which the loss, or after which any other quantity, was not finite."""


_TYPES: dict[str, type[Event]] = {
    event.type: event
    for event in (
        Started,
        Progress,
        Prepared,
        State,
        Steps,
        Timing,
        Footprint,
        Memory,
        Health,
        EpochEnd,
        RequestHandled,
        Checkpointed,
        Profiled,
        MemorySnapshot,
        WarningRaised,
        TestResult,
        Finished,
    )
}


# Computed once: a long run has a hundred thousand lines.
_FIELDS = {event: (takes_of(event), needed_of(event)) for event in _TYPES.values()}
"""By type: the converter of each field's value, and the required fields."""

_RENAMED = {"prepared": (("feed", "data_loading"),)}
"""Fields that had another name in older versions, by type of event: (old, new)."""


def encode(event: Event) -> str:
    """Encodes the event as one line of JSON, without the newline."""
    values: dict[str, Any] = {"type": event.type}
    for item in fields(event):
        value = getattr(event, item.name)
        if value is not None:
            values[item.name] = value
    return json.dumps(_jsonable(values), separators=(",", ":"), ensure_ascii=False)


def decode(line: str | bytes) -> Event | None:
    """Decodes the event in a line; None for a torn line, an unknown type, or values of a wrong type."""
    try:
        values = from_json(line, allow_inf_nan=False)
        kind = values.pop("type")
        event_type = _TYPES[kind]
        for old, new in _RENAMED.get(kind, ()):
            if old in values:
                values.setdefault(new, values.pop(old))
        takes, needed = _FIELDS[event_type]
        taken = {name: takes[name](value) for name, value in values.items() if name in takes}
        for name in needed.difference(taken):
            taken[name] = takes[name](None)  # an unavailable reading was left out; anything else is refused
        return event_type(**taken)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
        return None


def float32_text_value(value: float) -> float:
    """Rounds to the 9 digits that identify a float32, so that logs stay small and exact."""
    return float(f"{value:.9g}")


def _jsonable(value: Any) -> Any:
    """Replaces NaN and infinity with None, because JSON has neither, and makes names that are not UTF-8 readable."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return as_text(value)
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value

"""The events of a run: what the trainer writes and everyone else reads, one JSON object a line.

A number that is not finite is null in a list of losses. A reading that is not to be had is left out (None here),
never zero. Readers ignore types and fields they do not know, so that an older viewer reads a newer run.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, ClassVar

from pydantic_core import from_json  # twice as fast as json.loads: a long run's file is nothing but numbers

from workbench.printable import as_text
from workbench.runs.typed import Rows, metrics, moment, needed_of, positive, takes_of

LAYERS = Rows(name=str, kind=str, units=int | None, dead_share=float | None, saturated_share=float | None)
TENSORS = Rows(name=str, gradient_mean=float | None, non_finite_share=float | None)
OPERATORS = Rows(name=str, calls=int, self_ms=float, share=float)
"""What readers of such tables rely on."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Anything that happened; `time` is seconds since 1970 (UTC), set by the writer."""

    type: ClassVar[str]
    time: Annotated[float, moment] = 0.0


@dataclass(frozen=True, kw_only=True)
class Started(Event):
    """The trainer's process began, or began again: what a reader has seen after `step` is void."""

    type: ClassVar[str] = "started"
    process_id: int
    resumed: bool = False
    step: int = 0
    """Optimizer steps done before this start; the next one is `step` + 1."""
    epoch: int = 0
    """Epochs completed before this start."""
    learning_rate: float | None = None
    """Of the next step, before the schedule's factor; None in runs of older versions."""


@dataclass(frozen=True, kw_only=True)
class Progress(Event):
    """Something before training takes a while: a download, a long read."""

    type: ClassVar[str] = "progress"
    what: str
    done: int
    total: int | None = None
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Prepared(Event):
    """All is built and training can begin."""

    type: ClassVar[str] = "prepared"
    device: str
    device_name: str
    engine: str
    engine_reason: str
    """Why that engine, in half a sentence."""
    data_loading: str
    parameters: int
    task: str
    classes: list[str]
    train_samples: int
    validation_samples: int | None
    test_samples: int | None
    batch_size: int
    steps_per_epoch: Annotated[int, positive]
    epochs: Annotated[int, positive]
    monitor: str
    """Name of the validation metric that tells the best epoch."""
    seconds: float
    """From the start of the process to here."""
    num_threads: int | None = None
    """CPU threads of PyTorch, as chosen or found."""
    engine_seconds: float = 0.0
    """Of that, what tracing, compiling or capturing the step took."""
    class_counts: list[int] | None = None
    """How often each class occurs in the training split; None for numbers, and where only reading would tell."""
    device_uuid: str | None = None
    """Of the GPU, as CUDA tells it: without the GPU- with which NVML begins it."""
    precision: str | None = None
    """As in `runtime.precision`."""
    learns: str = ""
    """What there is to predict, in words: `quality: 6 classes (3, 4, … 8)`, `price: numbers from 1.2 to 9.9`."""


@dataclass(frozen=True, kw_only=True)
class State(Event):
    """What the trainer is doing: preparing, training, validating, paused, testing."""

    type: ClassVar[str] = "state"
    state: str
    step: int
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Steps(Event):
    """The losses of consecutive optimizer steps, every one of them."""

    type: ClassVar[str] = "steps"
    first_step: int
    """Number of the first loss; steps count from 1."""
    epoch: float
    """Position after the last of them, in epochs with fractions."""
    losses: list[float]
    learning_rate: float
    """At the last of them."""
    seconds: float
    """Training time so far, pauses and validation left out."""


@dataclass(frozen=True, kw_only=True)
class Timing(Event):
    """Where the time of the last steps went, milliseconds a step."""

    type: ClassVar[str] = "timing"
    step: int
    steps: int
    """Over how many steps the throughput was counted."""
    timed_steps: int
    """Over how many of them phases and percentiles were measured (all on a CPU, a sample on a GPU)."""
    phase_ms: dict[str, float]
    """Mean of each phase that was seen, see `workbench.runs.phases`."""
    step_ms: dict[str, float]
    """p50, p95, p99 and max."""
    steps_per_second: float
    samples_per_second: float
    gpu_busy_share: float | None = None
    """Share of the time, 0 to 1, in which the run's own GPU ran anything (of anybody's), by the driver's samples."""
    cpu_wait_share: float | None = None
    """Of the time that the trainer's threads could run, 0 to 1: how much of it they waited for a core."""
    other_cores: float | None = None
    """How many of the cores that the trainer may use were taken by other programs, on average."""


@dataclass(frozen=True, kw_only=True)
class Footprint(Event):
    """What a run takes of its device, by kind; written once it is known, and again when the peak has risen."""

    type: ClassVar[str] = "footprint"
    step: int
    kinds: dict[str, int]
    """Bytes of parameters, gradients, optimizer and data as they are; of activations and the rest at the peak."""
    expected: list[str]
    """Which of the numbers (kinds, peak) are expected and not measured."""
    peak_bytes: int | None = None
    peak_at: str = ""
    """When the peak was."""
    expected_peak_bytes: int | None = None
    flops_per_step: int | None = None
    """Of products and convolutions, forward and backward."""
    reason: str = ""
    """Why something is not known."""


@dataclass(frozen=True, kw_only=True)
class Memory(Event):
    """Memory and vitals at a moment, in bytes, percent, watts and degrees Celsius."""

    type: ClassVar[str] = "memory"
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
    """How well the network can learn, measured on some training samples between two epochs."""

    type: ClassVar[str] = "health"
    step: int
    epoch: int
    """Epochs completed."""
    samples: int
    """On so many training samples activations were looked at."""
    seconds: float
    """What this measurement cost."""
    layers: Annotated[list[dict[str, Any]], LAYERS]
    """Activations whose slope can vanish, the worst first, at most 30: name, kind (relu, sigmoid, ...), units,
    dead_share (of the units) or saturated_share (of all values)."""
    tensors: Annotated[list[dict[str, Any]], TENSORS]
    """Trained parameters, those with the least gradient first, at most 30: name, gradient_mean (of |g|), gradient_norm,
    weight_norm, zero_share (of the gradient's values), non_finite_share (of the gradient's and the weight's values)."""
    layer_count: int
    """Of all activations looked at, also those that are left out above."""
    tensor_count: int
    gradient_norm: float | None
    """Of all trained parameters together, before any clipping; null if it is not a finite number."""
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
    """loss, and accuracy for classes, over the epoch's training samples as they were trained on."""
    validation: Annotated[dict[str, Any], metrics] | None
    """loss and metrics; None if this epoch was not validated. Lists per class: precision, recall, f1."""
    best: bool
    """Whether this is the best epoch so far."""
    train_seconds: float
    validation_seconds: float


@dataclass(frozen=True, kw_only=True)
class RequestHandled(Event):
    """A request from control.jsonl was carried out (or refused: then `detail` says why).

    So was a change of the learning rate that stands in the preset: then nobody asked.
    """

    type: ClassVar[str] = "obeyed"
    command: str
    step: int
    accepted: bool = True
    detail: str = ""
    """In words; nothing is to be read out of it."""
    value: float | None = None
    """That of the request: the new learning rate, before the schedule's factor; how many steps to profile."""
    replayed: bool = False
    """Whether the preset says so, and nobody asked."""


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
    """Some steps were profiled, and the trace is written. The clock stood still meanwhile."""

    type: ClassVar[str] = "profiled"
    step: int
    first_step: int
    steps: int
    """How many steps were profiled; fewer than were asked for where the epoch, a pause or a stop came first."""
    device: str
    """Whose time the operators took: cuda, or cpu."""
    file: str
    """The trace, Chrome's format in gzip: path within the run directory."""
    bytes: int
    seconds: float
    """From before the first of them until the trace was written."""
    operators: Annotated[list[dict[str, Any]], OPERATORS]
    """Those that took most: name, calls, self_ms and total_ms over all steps, share (of the sum of all, 0 to 1)."""
    note: str = ""
    """Why something that could be expected is missing."""


@dataclass(frozen=True, kw_only=True)
class MemorySnapshot(Event):
    """What the device's memory holds was written down."""

    type: ClassVar[str] = "memory_snapshot"
    step: int
    steps: int
    """Over how many steps before it allocations were recorded; 0 where only what is alive now is known."""
    file: str
    """The summary in text: path within the run directory."""
    pickle: str = ""
    """PyTorch's own snapshot, for pytorch.org/memory_viz: path within the run directory; empty on the CPU."""


@dataclass(frozen=True, kw_only=True)
class WarningRaised(Event):
    """Something that the user should know."""

    type: ClassVar[str] = "warning"
    step: int
    message: str
    command: str | None = None
    """The request that nothing has come of, if that is what the warning is about."""


@dataclass(frozen=True, kw_only=True)
class TestResult(Event):
    """The test split, seen once, at the end."""

    type: ClassVar[str] = "test"
    step: int
    weights: str
    """Which weights were tested: "best epoch 7" or "last epoch"."""
    metrics: Annotated[dict[str, Any], metrics]


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """The trainer ended of its own accord; summary.json says more."""

    type: ClassVar[str] = "finished"
    status: str
    """completed, stopped or failed."""
    step: int
    reason: str = ""
    exit_code: int = 0
    kind: str = ""
    """Which error, as in workbench.errors, such as diverged; empty if there was none, and in runs of older versions."""


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


# Looked up once: a long run has a hundred thousand lines.
_FIELDS = {event: (takes_of(event), needed_of(event)) for event in _TYPES.values()}
"""Of each type, how a value is taken for each field, and the fields that must be there."""

_RENAMED = {"prepared": (("feed", "data_loading"),)}
"""Fields that had another name in runs of older versions, by type of event: old, new."""


def encode(event: Event) -> str:
    """The event as one line of JSON, without the line's end."""
    values: dict[str, Any] = {"type": event.type}
    for item in fields(event):
        value = getattr(event, item.name)
        if value is not None:
            values[item.name] = value
    return json.dumps(_jsonable(values), separators=(",", ":"), ensure_ascii=False)


def decode(line: str | bytes) -> Event | None:
    """The event in a line; None for a torn line, a type that this version does not know, or values of a wrong type."""
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
            taken[name] = takes[name](None)  # a reading that is not to be had is left out; anything else is refused
        return event_type(**taken)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
        return None


def float32_text_value(value: float) -> float:
    """The shortest decimal that a float32 survives (9 digits), so that logs stay small and exact."""
    return float(f"{value:.9g}")


def _jsonable(value: Any) -> Any:
    """JSON has no NaN and no infinity: null stands for both. Nor can it hold a file's name that is no text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return as_text(value)
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value

"""The events of a run: what the trainer writes and everyone else reads, one type each.

What the trainer measures (step times, memory, health, profiles) has its types in `measurements.py`.

A reading that is not available is None here, never zero. Fields may be added, never changed: runs of older versions
stay readable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

from workbench.runs.typed import metrics, moment, positive


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base class of events; `time` is in seconds since 1970 (UTC), set by the writer."""

    type: ClassVar[str]
    is_progress: ClassVar[bool] = True
    """Whether it is written only when training advances: readings, notes and answers also come while a step hangs."""
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
    batch_size: int | None = None
    steps_per_epoch: Annotated[int, positive] | None = None
    """None of a loop whose data does not tell how long it is."""
    epochs: Annotated[int, positive] | None = None
    """None if it is not known how many are planned."""
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
    learning_rate: float | None = None
    """Learning rate of the last of them, the schedule's factor included; None of a loop that does not tell it."""
    seconds: float
    """Training time so far, without pauses and validation."""
    last_step: int | None = None
    """The step that epoch, learning rate and seconds are of, where a loop logs no loss at some steps; None: the step of
    the last loss."""

    @property
    def last(self) -> int:
        """The step that epoch, learning rate and seconds are of."""
        return self.first_step + len(self.losses) - 1 if self.last_step is None else self.last_step


@dataclass(frozen=True, kw_only=True)
class Logged(Event):
    """What a loop of the user's own has logged beside the loss: the latest values, at most ten times a second."""

    type: ClassVar[str] = "logged"
    step: int
    metrics: dict[str, float]
    split: str = "train"
    """validation for metrics of that split that belong to no epoch that is known."""


@dataclass(frozen=True, kw_only=True)
class EpochEnd(Event):
    """An epoch is complete."""

    type: ClassVar[str] = "epoch"
    epoch: int
    """Counts from 1."""
    step: int
    learning_rate: float | None = None
    """None of a loop that does not tell it."""
    train: dict[str, float]
    """loss, and accuracy for classification, over the epoch's training samples, each before the step's update."""
    validation: Annotated[dict[str, Any], metrics] | None = None
    """loss and metrics; None if this epoch was not validated. Lists per class: precision, recall, f1."""
    best: bool
    """Whether this is the best epoch so far."""
    train_seconds: float = 0.0
    validation_seconds: float = 0.0
    monitor: str = ""
    """The metric by which epochs are compared, of a loop that does not know it before; else that of `Prepared`."""


@dataclass(frozen=True, kw_only=True)
class TextGenerated(Event):
    """What a language model writes after an epoch, to be read by people."""

    type: ClassVar[str] = "text"
    step: int
    epoch: int
    """Epochs completed."""
    prompt: str
    """The text that it was given."""
    text: str
    """How the model continued it."""
    seconds: float = 0.0
    """How long that took."""


@dataclass(frozen=True, kw_only=True)
class RequestHandled(Event):
    """A request from control.jsonl was handled: carried out, or refused for the reason in `detail`.

    Also written when a learning-rate change in the preset takes effect; then `replayed` is true.
    """

    type: ClassVar[str] = "obeyed"
    is_progress: ClassVar[bool] = False
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
class WarningRaised(Event):
    """A warning for the user, or a note."""

    type: ClassVar[str] = "warning"
    is_progress: ClassVar[bool] = False
    step: int
    message: str
    command: str | None = None
    """The request that failed, if the warning is about one."""
    is_note: bool = False
    """Whether it is a plain fact, such as how the data was read; False in runs of older versions."""


@dataclass(frozen=True, kw_only=True)
class TestResult(Event):
    """Metrics of the test split, which is evaluated once at the end."""

    __test__: ClassVar[bool] = False
    """Or pytest takes the class for tests wherever a test imports it."""
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
    """The step at which (a loss) or after which (anything else) it was not."""

"""The latest state of a run, updated by its events; its size does not grow with the run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from workbench.runs.events import (
    EpochEnd,
    Event,
    Finished,
    Prepared,
    Progress,
    RequestHandled,
    Started,
    State,
    Steps,
    TestResult,
    TextGenerated,
    WarningRaised,
)
from workbench.runs.measurements import Footprint, Health, Memory, MemorySnapshot, Profiled, Timing


@dataclass
class RunView:
    """The latest state of a run. The `started` event of a resumed run sets the step back."""

    state: str = "starting"
    step: int = 0
    epoch: float = 0.0
    """Position in epochs, with fractions."""
    loss: float | None = None
    learning_rate: float | None = None
    """Learning rate of the last step, with the schedule's factor."""
    base_learning_rate: float | None = None
    """The present learning rate before the schedule's factor; None until the trainer reports it, and in runs of older
    versions."""
    seconds: float = 0.0
    """Training time so far, without pauses and validation."""
    prepared: Prepared | None = None
    progress: Progress | None = None
    timing: Timing | None = None
    memory: Memory | None = None
    health: Health | None = None
    footprint: Footprint | None = None
    epoch_end: EpochEnd | None = None
    generated: TextGenerated | None = None
    """What the language model wrote last."""
    tested: TestResult | None = None
    profiled: Profiled | None = None
    memory_snapshot: MemorySnapshot | None = None
    finished: Finished | None = None
    warnings: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Updates the view with an event."""
        match event:
            case Started():
                self.state, self.step, self.epoch, self.finished = "preparing", event.step, float(event.epoch), None
                self.base_learning_rate = event.learning_rate
                if self.health is not None and self.health.step > event.step:
                    self.health = None
                if self.generated is not None and self.generated.step > event.step:
                    self.generated = None
            case Prepared():
                self.prepared, self.progress = event, None
            case Progress():
                self.progress = event
            case State():
                self.state = event.state
                if event.state != "preparing":  # a resumed run prepares before it knows its step
                    self.step = event.step
            case Steps() if event.losses or event.last_step is not None:
                self.step, self.epoch = event.last, event.epoch
                self.loss = event.losses[-1] if event.losses else self.loss
                self.learning_rate, self.seconds = event.learning_rate, event.seconds
            case Timing():
                self.timing = event
            case Footprint():
                self.footprint = event
            case Memory():
                self.memory = event
            case Health():
                self.health = event
            case RequestHandled() if event.accepted and event.command == "set_learning_rate":
                self.base_learning_rate = event.value
            case EpochEnd():
                self.epoch_end, self.step, self.epoch = event, event.step, float(event.epoch)
                if event.monitor and self.prepared is not None:
                    self.prepared = replace(self.prepared, monitor=event.monitor)
            case TextGenerated():
                self.generated = event
            case WarningRaised():
                self.warnings.append(event.message)
            case Profiled():
                self.profiled = event
            case MemorySnapshot():
                self.memory_snapshot = event
            case TestResult():
                self.tested = event
            case Finished():
                self.finished, self.state = event, event.status

    @property
    def task(self) -> str | None:
        """What the model learns, as in `Prepared`: empty for a loop of the user's own; None before it is known."""
        return None if self.prepared is None else self.prepared.task

    @property
    def fraction_done(self) -> float:
        """Fraction of the planned training that is done, 0 to 1; 0 where it is not known how much is planned."""
        epochs = None if self.prepared is None else self.prepared.epochs
        return min(self.epoch / epochs, 1.0) if epochs else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Training time left at the pace so far; None before there is a pace."""
        done = self.fraction_done
        left = self.seconds * (1 - done) / done if done > 0 and self.seconds > 0 else math.inf
        return left if math.isfinite(left) else None

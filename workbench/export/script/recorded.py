"""What a run has recorded of its training: the loss of each step, and what each epoch ended with."""

from __future__ import annotations

from dataclasses import dataclass, field

from workbench.runs.directory import RunDirectory
from workbench.runs.events import EpochEnd, Event, Prepared, Started, Steps
from workbench.runs.tail import EventTail


@dataclass
class Recorded:
    """The events of a run that a script is compared with."""

    prepared: Prepared | None = None
    losses: list[float] = field(default_factory=list)
    """Of each step, as events hold them: nine digits, which are enough for float32."""
    epochs: list[EpochEnd] = field(default_factory=list)

    @classmethod
    def of(cls, run: RunDirectory) -> Recorded:
        """All that there is until now."""
        recorded, tail = cls(), EventTail(run.events)
        while written := tail.read():
            for _, event in written:
                recorded.take(event)
        return recorded

    def take(self, event: Event) -> None:
        """Takes the next event. A resumed run does the steps behind its checkpoint again."""
        match event:
            case Started():
                del self.losses[event.step :]
                self.epochs = [epoch for epoch in self.epochs if epoch.epoch <= event.epoch]
            case Prepared():
                self.prepared = event
            case Steps():
                del self.losses[event.first_step - 1 :]
                self.losses += event.losses
            case EpochEnd():
                self.epochs.append(event)

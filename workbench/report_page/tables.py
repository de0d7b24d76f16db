"""The curves of a run as tables of plain values: each step, each epoch, each reading of time and memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.metrics import METRICS
from workbench.report_page.record import MEMORIES
from workbench.runs.directory import RunDirectory
from workbench.runs.events import EpochEnd, Event, Logged, Started, Steps
from workbench.runs.measurements import Memory, Timing
from workbench.runs.phases import PHASES
from workbench.runs.tail import EventTail

PERCENTILES = ("p50", "p95", "p99", "max")
NAN = float("nan")


@dataclass
class RunTables:
    """Every value of a run's curves. A step that a resumed run does again counts once, as the last time."""

    losses: array[float] = field(default_factory=lambda: array("d"))
    """Of step 1, 2, ...; NaN too for a step that was not reported."""
    reports: dict[int, tuple[float | None, float, float]] = field(default_factory=dict)
    """By the last step of those that were reported together: learning rate, epoch and training time."""
    logged: list[Logged] = field(default_factory=list)
    """What a loop of the user's own has logged beside the loss."""
    epochs: list[EpochEnd] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Adds an event."""
        match event:
            case Started():
                self._forget(event.step)
            case Steps() if event.first_step >= 1 and event.last >= 1:
                del self.losses[event.first_step - 1 :]
                self.losses.extend([NAN] * (event.first_step - 1 - len(self.losses)))
                self.losses.extend(event.losses)
                self.losses.extend([NAN] * (event.last - len(self.losses)))
                self.reports[event.last] = event.learning_rate, event.epoch, event.seconds
            case Logged():
                self.logged.append(event)
            case EpochEnd():
                self.epochs.append(event)
            case Timing():
                self.timings.append(event)
            case Memory():
                self.memories.append(event)

    def _forget(self, after_step: int) -> None:
        del self.losses[after_step:]
        self.reports = {step: known for step, known in self.reports.items() if step <= after_step}
        self.logged = [each for each in self.logged if each.step <= after_step]
        self.epochs = [each for each in self.epochs if each.step <= after_step]
        self.timings = [each for each in self.timings if each.step <= after_step]
        self.memories = [each for each in self.memories if each.step <= after_step]

    def named(self) -> dict[str, Iterator[list[Any]]]:
        """The rows of each table by its name, titles first; without tables that have none. None is not known."""
        tables = {
            "steps": (self.losses, self._steps),
            "logged": (self.logged, self._logged),
            "epochs": (self.epochs, self._epochs),
            "timing": (self.timings, self._timing),
            "memory": (self.memories, self._memory),
        }
        return {name: rows() for name, (found, rows) in tables.items() if found}

    def _steps(self) -> Iterator[list[Any]]:
        yield ["step", "loss", "learning_rate", "epoch", "seconds"]
        for step, loss in enumerate(self.losses, start=1):
            yield [step, loss, *self.reports.get(step, (None, None, None))]

    def _logged(self) -> Iterator[list[Any]]:
        names = list(dict.fromkeys(name for each in self.logged for name in each.metrics))
        yield ["step", *names]
        for each in self.logged:
            yield [each.step, *_values(each.metrics, names)]

    def _epochs(self) -> Iterator[list[Any]]:
        shown = {
            "train": _names(epoch.train for epoch in self.epochs),
            "validation": _names(epoch.validation or {} for epoch in self.epochs),
        }
        titles = [f"{split}_{name}" for split, names in shown.items() for name in names]
        yield ["epoch", "step", "learning_rate", "best", "train_seconds", "validation_seconds", *titles]
        for each in self.epochs:
            values = [*_values(each.train, shown["train"]), *_values(each.validation or {}, shown["validation"])]
            seconds = [each.train_seconds, each.validation_seconds]
            yield [each.epoch, each.step, each.learning_rate, int(each.best), *seconds, *values]

    def _timing(self) -> Iterator[list[Any]]:
        phases = [name for name in PHASES if any(name in each.phase_ms for each in self.timings)]
        titles = [f"{name}_ms" for name in (*phases, *(f"step_{each}" for each in PERCENTILES))]
        yield ["step", "samples_per_second", "steps_per_second", "gpu_busy_fraction", *titles]
        for each in self.timings:
            values = [*_values(each.phase_ms, phases), *_values(each.step_ms, PERCENTILES)]
            yield [each.step, each.samples_per_second, each.steps_per_second, each.gpu_busy_share, *values]

    def _memory(self) -> Iterator[list[Any]]:
        yield ["step", *MEMORIES]
        for each in self.memories:
            yield [each.step, *(getattr(each, name) for name in MEMORIES)]


def read_tables(run: RunDirectory) -> RunTables:
    """Reads the tables of a run, in progress or ended."""
    tables, tail = RunTables(), EventTail(run.events)
    while events := tail.read():
        for _, event in events:
            tables.take(event)
    return tables


def _names(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """The metrics of any of these, without those by class: the declared ones first."""
    names = dict.fromkeys(name for values in found for name, value in values.items() if not isinstance(value, list))
    declared = [each.name for each in METRICS if each.name in names]
    return [*declared, *(name for name in names if name not in declared)]


def _values(found: dict[str, Any], names: Iterable[str]) -> list[Any]:
    return [found.get(name) for name in names]

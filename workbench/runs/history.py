"""The history that a viewer keeps of a run: its latest state and its curves, in bounded memory."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from workbench.metrics import keeps_curve
from workbench.runs.curve import Curve
from workbench.runs.directory import RunDirectory
from workbench.runs.events import EpochEnd, Event, Finished, Logged, RequestHandled, Started, Steps
from workbench.runs.layer_history import LayerHistory
from workbench.runs.measurements import Health, Memory, Timing
from workbench.runs.phases import PHASES
from workbench.runs.tail import EventTail
from workbench.runs.view import RunView
from workbench.units import GIB

MarkKind = Literal["learning_rate", "pause", "resume", "checkpoint", "stop", "resumed", "diverged"]
MEMORY_CURVES = ("host_rss", "torch_allocated", "torch_reserved")
"""Readings of memory that are kept as curves."""
MOST_MARKS, MOST_READINGS, MOST_EPOCHS, MOST_LOWEST = 200, 240, 8, 100


@dataclass(frozen=True)
class Mark:
    """An event at a step that the charts show."""

    step: int
    seconds: float
    """Training time."""
    kind: MarkKind
    text: str


@dataclass(frozen=True)
class EpochLosses:
    """The losses of a validated epoch, as its own line shows them."""

    epoch: int
    step: int
    train: float
    validation: float


@dataclass
class RunHistory:
    """Everything about a run that the panels show."""

    view: RunView = field(default_factory=RunView)
    curves: dict[str, Curve] = field(default_factory=dict)
    """By name: loss/train (every step), loss/validation, accuracy/train, ..., learning_rate, samples_per_second,
    step_ms (p50), step_ms/p99, phase_ms/forward, ...; memory/host_rss, memory/torch_allocated and memory/torch_reserved
    in GiB; gpu_busy (0 to 1); gradient_norm, weight_norm."""
    marks: deque[Mark] = field(default_factory=lambda: deque(maxlen=MOST_MARKS))
    timings: deque[Timing] = field(default_factory=lambda: deque(maxlen=MOST_READINGS))
    memories: deque[Memory] = field(default_factory=lambda: deque(maxlen=MOST_READINGS))
    epochs: deque[EpochEnd] = field(default_factory=lambda: deque(maxlen=MOST_EPOCHS))
    layers: LayerHistory = field(default_factory=LayerHistory)
    """Gradients, weights and activations of each layer."""

    best: EpochEnd | None = None
    """The best epoch so far."""
    lowest: deque[EpochLosses] = field(default_factory=lambda: deque(maxlen=MOST_LOWEST))
    """The latest epochs whose validation loss was the lowest until then; the last is the lowest of all."""
    validated: EpochLosses | None = None
    """The latest epoch with a validation loss."""

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps per epoch; 1 before it is known."""
        return (self.view.prepared.steps_per_epoch or 1) if self.view.prepared else 1

    def curve(self, name: str) -> Curve:
        """Returns the curve of that name; creates it if there is none."""
        found = self.curves.get(name)
        if found is None:
            found = self.curves[name] = Curve()
        return found

    def take(self, event: Event) -> None:
        """Updates the history with an event."""
        seconds = self.view.seconds
        match event:
            case Started():
                self._forget(event.step)
                if event.resumed:
                    self._mark(event.step, self.view.seconds, "resumed", f"resumed at step {event.step:,}")
            case Steps() if event.losses or event.last_step is not None:
                if event.losses:
                    self.curve("loss/train").extend(event.first_step, event.losses, seconds, event.seconds)
                if event.learning_rate is not None:
                    self.curve("learning_rate").add(event.last, event.learning_rate, event.seconds)
            case Logged():
                for name, value in event.metrics.items():
                    self.curve(f"{name}/{event.split}").add(event.step, value, seconds)
            case Timing():
                self.timings.append(event)
                self._take_timing(event, seconds)
            case Memory():
                self.memories.append(event)
                for name in MEMORY_CURVES:
                    if (used := getattr(event, f"{name}_bytes")) is not None:
                        self.curve(f"memory/{name}").add(event.step, used / GIB, seconds)
            case Health():
                self.layers.take(event, seconds)
                for name, norm in (("gradient_norm", event.gradient_norm), ("weight_norm", event.weight_norm)):
                    self.curve(name).add(event.step, math.nan if norm is None else norm, seconds)
            case EpochEnd():
                self.epochs.append(event)
                self.best = event if event.best else self.best
                self._take_epoch(event, seconds)
            case RequestHandled() if event.accepted:
                self._take_request(event, seconds)
            case Finished(kind="diverged"):
                self._mark(event.step, seconds, "diverged", f"{event.what or 'a value'} is not finite")
        self.view.take(event)

    def _take_timing(self, event: Timing, seconds: float) -> None:
        readings = {
            "samples_per_second": event.samples_per_second,
            "step_ms": event.step_ms.get("p50"),
            "step_ms/p99": event.step_ms.get("p99"),
            "gpu_busy": event.gpu_busy_share,
        }
        for name in PHASES:
            key, spent = f"phase_ms/{name}", event.phase_ms.get(name, 0.0)
            readings[key] = spent if spent > 0 or key in self.curves else None  # a phase that never comes has no curve
        for name, value in readings.items():
            if value is not None:
                self.curve(name).add(event.step, value, seconds)

    def _take_epoch(self, event: EpochEnd, seconds: float) -> None:
        train, validation = event.train.get("loss"), (event.validation or {}).get("loss")
        if train is not None and validation is not None and math.isfinite(train) and math.isfinite(validation):
            self.validated = EpochLosses(event.epoch, event.step, train, validation)
            if not self.lowest or validation < self.lowest[-1].validation:
                self.lowest.append(self.validated)
        for split, metrics in (("train", event.train), ("validation", event.validation or {})):
            for name, value in metrics.items():
                if keeps_curve(name) and not isinstance(value, list) and (split, name) != ("train", "loss"):
                    self.curve(f"{name}/{split}").add(event.step, float("nan") if value is None else value, seconds)

    def _take_request(self, event: RequestHandled, seconds: float) -> None:
        match event.command:
            case "set_learning_rate":
                rate = event.detail if event.value is None else f"{event.value:g}"
                self._mark(event.step, seconds, "learning_rate", f"learning rate {rate}")
            case "pause" | "resume" | "stop" | "checkpoint" as kind:  # requests that the charts mark
                self._mark(event.step, seconds, kind, kind)

    def _mark(self, step: int, seconds: float, kind: MarkKind, text: str) -> None:
        self.marks.append(Mark(step, seconds, kind, text))

    def _forget(self, after_step: int) -> None:
        """Removes everything after the step, including its training time."""
        for curve in self.curves.values():
            curve.truncate(after_step)
        self.layers.truncate(after_step)
        self.marks = deque((mark for mark in self.marks if mark.step <= after_step), maxlen=MOST_MARKS)
        self.epochs = deque((epoch for epoch in self.epochs if epoch.step <= after_step), maxlen=MOST_EPOCHS)
        if self.best is not None and self.best.step > after_step:
            self.best = next((epoch for epoch in reversed(self.epochs) if epoch.best), None)
        while self.lowest and self.lowest[-1].step > after_step:
            self.lowest.pop()
        if self.validated is not None and self.validated.step > after_step:
            self.validated = None
        losses = self.curves.get("loss/train")
        self.view.seconds = losses.buckets[-1].seconds if losses is not None and losses.buckets else 0.0


def read_history(run: RunDirectory, pause_seconds: float = 0.0) -> RunHistory:
    """Reads the history of a run from all events in its file.

    pause_seconds: how long to sleep after each part of the file, so that other threads are not kept waiting.
    """
    history, tail = RunHistory(), EventTail(run.events)
    while events := tail.read():
        for _, event in events:
            history.take(event)
        time.sleep(pause_seconds)
    return history

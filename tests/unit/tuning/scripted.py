"""Trials without training: a place whose trainers write what a function of the settings says, an epoch at each poll."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from workbench.metrics import metric
from workbench.runs.control import ControlReader
from workbench.runs.directory import RunDirectory
from workbench.runs.events import EpochEnd, Event, Prepared
from workbench.runs.history import read_history
from workbench.runs.status import Summary
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.training.epoch_thresholds import EpochThresholds
from workbench.tuning.directory import StudyDirectory, create_study
from workbench.tuning.places import Stacking
from workbench.tuning.question import Question
from workbench.tuning.record import StudyRecord

Accuracy = Callable[[Preset, int], float]
"""The validation accuracy of a preset after an epoch, from 1. Whatever it raises kills the trainer."""


class KilledError(Exception):
    """A trainer's process is killed."""


class DiesError(Exception):
    """The controller's process is killed."""


@contextmanager
def killed_after(events: int) -> Iterator[None]:
    """The controller dies as soon as it has written that many events."""
    write, left = StudyRecord.write, events

    def dying(self: StudyRecord, event: Event) -> None:
        nonlocal left
        write(self, event)
        left -= 1
        if left == 0:
            raise DiesError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StudyRecord, "write", dying)
        with pytest.raises(DiesError):
            yield


class FailsError(Exception):
    """A trainer fails with an error of the kind that is its one argument."""


def best_near_a_hundredth(preset: Preset, epoch: int) -> float:
    """The nearer the learning rate is to 0.01 and the longer it trains, the better; chance moves it by 0.001."""
    distance = abs(math.log10(preset.optimizer.learning_rate) + 2)
    return 0.9 - 0.1 * distance + 0.01 * epoch + 0.001 * (preset.training.seed % 7)


@dataclass
class ScriptedTrainer:
    """Continues after the last epoch that is in the run's events."""

    run: RunDirectory
    accuracy: Accuracy
    exit_code: int | None = None
    _epoch: int = 0

    def __post_init__(self) -> None:
        last = read_history(self.run).view.epoch_end if self.run.events.exists() else None
        self._epoch = 0 if last is None else last.epoch
        self._preset = Preset.of_run(self.run.preset)
        self._control = ControlReader(self.run.control, time.time())
        self._thresholds = EpochThresholds(metric("accuracy"))
        if last is None:
            self._write(
                Prepared(
                    device="cpu", device_name="CPU", batch_size=1, steps_per_epoch=1,
                    epochs=self._preset.training.epochs, monitor="accuracy",
                )
            )  # fmt: skip

    def poll(self) -> int | None:
        """Trains an epoch; the exit code once it has ended."""
        if self.exit_code is None:
            try:
                self._train_epoch()
            except KilledError:
                self.exit_code = -9
            except FailsError as error:
                self._end("failed", f"a failure: {error}", str(error))
        return self.exit_code

    def _train_epoch(self) -> None:
        requests = self._control.read()
        for request in requests:
            if request.command == "set_thresholds":
                self._thresholds.tell(request)
        if any(request.command == "stop" for request in requests):
            return self._end("stopped")
        value = self.accuracy(self._preset, self._epoch + 1)
        if value == -1:
            return self._end("failed", "it diverged", "diverged")
        self._epoch += 1
        self._write(
            EpochEnd(
                epoch=self._epoch, step=self._epoch, learning_rate=0.1, train={"accuracy": value},
                validation={"accuracy": value}, best=True, train_seconds=1.0, validation_seconds=0.1,
            )
        )  # fmt: skip
        if self._epoch >= self._preset.training.epochs:
            return self._end("completed")
        if self._thresholds.is_due(
            self._epoch, max(end.validation["accuracy"] for end in self._ends if end.validation)
        ):
            return self._end("stopped")
        return None

    def _end(self, status: str, reason: str = "", kind: str = "") -> None:
        self.exit_code = {"completed": 0, "stopped": 130, "failed": 3}[status]
        best = max(
            (event.validation for event in self._ends if event.validation), key=lambda v: v["accuracy"], default=None
        )
        Summary(
            status=status, reason=reason, exit_code=self.exit_code, step=self._epoch, epoch=self._epoch,
            best_epoch=self._epoch, monitor="accuracy", train=best, validation=best, test=None,
            seconds={"total": 1.0 * self._epoch}, kind=kind,
        ).save(self.run)  # fmt: skip

    @property
    def _ends(self) -> list[EpochEnd]:
        return [event for event in read_events(self.run) if isinstance(event, EpochEnd)]

    def _write(self, event: Event) -> None:
        writer = EventWriter(self.run.events)
        writer.write(event)
        writer.close()


def read_events(run: RunDirectory) -> list[Event]:
    """All events of a run."""
    from workbench.runs.event_lines import decode

    return [event for line in run.events.read_bytes().splitlines() if (event := decode(line)) is not None]


@dataclass
class ScriptedPlace:
    """Trains by a script."""

    accuracy: Accuracy = best_near_a_hundredth
    started: list[str] = field(default_factory=list)
    """Names of the runs, each time that one was started."""

    @property
    def trains_together(self) -> bool:
        return False

    def stacked(self) -> Stacking:
        raise AssertionError("this place trains one by one")

    def start(self, run: RunDirectory) -> ScriptedTrainer:
        self.started.append(run.name)
        run.checkpoints.mkdir(exist_ok=True)
        run.last_checkpoint.write_bytes(b"weights")
        return ScriptedTrainer(run, self.accuracy)

    def close(self) -> None:
        pass


def new_study(folder: Path, question: Question, *assignments: str) -> StudyDirectory:
    """A study of a preset of four epochs."""
    return create_study(folder, Preset().override(["name=t", "training.epochs=4", *assignments]), question)

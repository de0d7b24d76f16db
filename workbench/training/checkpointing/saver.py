"""Saves a run's state and resumes from it: when, what, and in which order."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from workbench.errors import DamagedCheckpointError, StorageError, UserCodeError
from workbench.models.user import why_not_restorable
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Checkpointed
from workbench.runs.writer import EventWriter
from workbench.settings.schedule import Schedule
from workbench.training.checkpointing import course
from workbench.training.checkpointing import files as checkpoints
from workbench.training.checkpointing.generations import Generations
from workbench.training.checkpointing.state import TrainingState
from workbench.training.checkpointing.trained_model import description_of
from workbench.training.job import Job
from workbench.training.random_state import random_state, restore_random_state
from workbench.units import count

EXECUTION = ("capturable", "foreach", "fused")
"""Keys of an optimizer's parameter group that say how it is executed."""


class Saver:
    """Writes `last.pt` and `best.pt` of a run, no more often than the preset says.

    The best epoch's weights are copied in memory when they appear and written together with `last.pt`, so that ten
    short epochs do not cost ten writes.
    """

    def __init__(self, job: Job, run: RunDirectory, events: EventWriter, schedule: Schedule) -> None:
        self._job = job
        self._run = run
        self._files = Generations(run)
        self._events = events
        self._schedule = schedule
        self._best: dict[str, Any] | None = None
        """The best epoch's state, as long as it is not on disk."""
        self._last_time = time.perf_counter()

    @property
    def due(self) -> bool:
        """Whether the least time between two checkpoints has passed."""
        return time.perf_counter() - self._last_time >= self._job.preset.training.checkpoint_seconds

    def keep_best(self, position: TrainingState) -> None:
        """Copies the model's weights as those of the best epoch."""
        weights = {
            # A model of the user's own may keep other things than tensors.
            name: value.clone() if isinstance(value, Tensor) else copy.deepcopy(value)
            for name, value in self._job.model.state_dict().items()
        }
        self._best = {
            "model": weights,
            "epoch": position.best_epoch,
            "value": position.best_value,
            "validation": position.best_validation,
            "description": self._description,
        }

    def save(self, position: TrainingState) -> None:
        """Writes the state of training and, if there are new ones, the best weights.

        A kill at any moment leaves files that fit one another, see `Generations`. Raises StorageError; and
        UserCodeError where what the user's model keeps could not be read again: then the checkpoint before stays.
        """
        if problem := why_not_restorable(self._job.model):
            raise UserCodeError(f"the model can no longer be restored from a checkpoint: {problem}")
        written = []
        if self._best is not None:
            written.append(self._write(self._files.pending, self._best, position.step, shown_as=self._files.best))
        scaler = self._job.precision.scaler
        state = {
            "position": asdict(position),
            "model": self._job.model.state_dict(),
            "optimizer": self._job.optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "scaler": {} if scaler is None else scaler.state_dict(),
            "random": random_state(self._job.device),
            "settings": course.settings_of(self._job.preset),
            "data": self._job.data_digests(),
            "description": self._description,
        }
        written.append(self._write_last(state, position.step))
        self._files.settle_best(has_new=self._best is not None)
        self._best = None
        self._last_time = time.perf_counter()
        for event in written:
            self._events.write(event)

    def _write_last(self, state: dict[str, Any], step: int) -> Checkpointed:
        try:
            return self._write(self._files.last, state, step, then=self._files.keep_previous)
        except StorageError:
            if not self._files.make_room():
                raise
            return self._write(self._files.last, state, step)

    @cached_property
    def _description(self) -> dict[str, Any]:
        """What a prediction needs beside the weights, so that a checkpoint alone can predict."""
        return description_of(self._job)

    def rescue_best(self, position: TrainingState) -> None:
        """Writes the best epoch's weights of a run that has failed. Raises StorageError."""
        if self._best is not None:
            self._events.write(self._write(self._files.best, self._best, position.step))
            self._best = None

    def restore(self) -> tuple[TrainingState, list[str]]:
        """Restores everything as `save` found it; returns the state, and notes for the user.

        Where the last state is damaged or gone, the one before is taken. Raises StorageError, PresetError, DataError.
        """
        try:
            position, notes = self._restore(self._files.last)
            went_back = False
        except DamagedCheckpointError as error:
            problem = error.problem if self._files.last.exists() else f"{self._files.last} no longer exists"
            try:
                position, notes = self._restore(self._files.previous)
            except DamagedCheckpointError:
                raise error from None
            self._files.go_back()
            went_back = True
            notes.insert(
                0, f"{problem}. The checkpoint before it is taken: training continues at step {count(position.step)}"
            )
        if self._job.preset.training.keep_best and (lost := self._files.fit_best(position, went_back=went_back)):
            notes.append(lost)
        return position, notes

    def _restore(self, path: Path) -> tuple[TrainingState, list[str]]:
        device = self._job.device
        state = checkpoints.load(path, device)
        notes = course.check_settings(state.get("settings"), self._job.preset, self._run)
        course.check_data(state.get("data"), self._job.data_digests(), self._run)
        description = state.get("description")
        course.check_encoding(
            description.get("encoding") if isinstance(description, dict) else None, self._job.encoding, self._run
        )
        try:
            position = TrainingState.read({"correct": state.get("hits", 0)} | state["position"])
            _check(position, self._job.samples_per_epoch)
            self._job.model.load_state_dict(state["model"])
            self._restore_optimizer(state["optimizer"])
            self._schedule.load_state_dict(state["schedule"])
            if self._job.precision.scaler is not None and state["scaler"]:
                self._job.precision.scaler.load_state_dict(state["scaler"])
            restore_random_state(state["random"], device)
        except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RuntimeError) as error:
            raise checkpoints.damaged(path, error) from error
        return position, notes

    def begin_anew(self) -> None:
        """Training begins at step 0 in a run that has trained before."""
        self._files.begin_anew()

    def _restore_optimizer(self, saved: dict[str, Any]) -> None:
        """Restores the saved state, but keeps how it is executed: the checkpoint may be of another device or engine."""
        groups = self._job.optimizer.param_groups
        executed = [{name: group[name] for name in EXECUTION if name in group} for group in groups]
        merged = [old | now for old, now in zip(saved["param_groups"], executed, strict=True)]
        rates = [group["lr"] for group in groups]
        self._job.optimizer.load_state_dict(saved | {"param_groups": merged})
        for group, rate in zip(self._job.optimizer.param_groups, rates, strict=True):
            group["lr"] = float(group["lr"])
            if isinstance(rate, Tensor):  # the very object: an engine's graph reads it
                group["lr"] = rate.fill_(group["lr"])

    def load_best(self, epoch: int) -> None:
        """Gives the model the weights of the best epoch. Raises DamagedCheckpointError where they are lost."""
        path = self._files.best
        best = checkpoints.load(path, self._job.device)
        if best.get("epoch") != epoch:
            raise checkpoints.damaged(path, ValueError(f"it holds epoch {best.get('epoch')}"))
        try:
            self._job.model.load_state_dict(best["model"])
        except (LookupError, TypeError, ValueError, RuntimeError) as error:
            raise checkpoints.damaged(path, error) from error

    def what_is_kept(self, position: TrainingState) -> str:
        """Says what is kept of a run that has failed."""
        if self._job.preset.training.keep_best and position.best_epoch is not None:
            return f"the weights of the best epoch, {count(position.best_epoch)}, are kept in checkpoints/best.pt"
        saved = self._run.last_checkpoint
        return f"the last good checkpoint is {saved}" if saved.exists() else "no checkpoint had been written yet"

    def _write(
        self,
        path: Path,
        state: dict[str, Any],
        step: int,
        shown_as: Path | None = None,
        then: Callable[[], None] | None = None,
    ) -> Checkpointed:
        started = time.perf_counter()
        size = checkpoints.save(path, state, then)
        file = str((shown_as or path).relative_to(self._run.path))
        return Checkpointed(step=step, file=file, bytes=size, seconds=round(time.perf_counter() - started, 6))


def _check(position: TrainingState, samples_per_epoch: int) -> None:
    """Raises ValueError where no run of this length could be in this state."""
    if not 0 <= position.samples_done <= samples_per_epoch or min(position.step, position.epoch) < 0:
        raise ValueError("its position does not belong to this run")

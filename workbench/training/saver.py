"""Saving a training and going on from what was saved: when, what, and in which order."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor

from workbench.runs.directory import RunDirectory
from workbench.runs.events import Checkpointed
from workbench.runs.writer import EventWriter
from workbench.settings.schedule import Schedule
from workbench.training import checkpoints
from workbench.training.job import Job
from workbench.training.position import Position

EXECUTION = ("capturable", "foreach", "fused")
"""What an optimizer's group says of how it is executed."""


class Saver:
    """Writes `last.pt` and `best.pt` of a run, no more often than the preset says.

    The best epoch's weights are copied in memory when they appear and written together with `last.pt`, so that ten
    short epochs do not cost ten writes.
    """

    def __init__(self, job: Job, run: RunDirectory, events: EventWriter, schedule: Schedule) -> None:
        self._job = job
        self._run = run
        self._events = events
        self._schedule = schedule
        self._best: dict[str, Any] | None = None
        """The best epoch's state, as long as it is not on disk."""
        self._last_time = time.perf_counter()

    @property
    def due(self) -> bool:
        """Whether the least time between two checkpoints has passed."""
        return time.perf_counter() - self._last_time >= self._job.preset.training.checkpoint_seconds

    def keep_best(self, position: Position) -> None:
        """Copies the model's weights as those of the best epoch."""
        weights: dict[str, Tensor] = {name: tensor.clone() for name, tensor in self._job.model.state_dict().items()}
        self._best = {
            "model": weights,
            "epoch": position.best_epoch,
            "value": position.best_value,
            "validation": position.best_validation,
        }

    def save(self, position: Position, hits: int) -> None:
        """Writes the state of training and, if there are new ones, the best weights. Raises StorageError.

        The best weights wait under another name until `last.pt`, which speaks of them, is in place: a kill at any
        moment leaves two files that fit one another.
        """
        written = []
        pending, best = checkpoints.pending_checkpoint(self._run), checkpoints.best_checkpoint(self._run)
        if self._best is not None:
            written.append(self._write(pending, self._best, position.step, shown_as=best))
        scaler = self._job.precision.scaler
        state = {
            "position": asdict(position),
            "hits": hits,
            "model": self._job.model.state_dict(),
            "optimizer": self._job.optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "scaler": {} if scaler is None else scaler.state_dict(),
            "random": checkpoints.random_state(self._job.device),
        }
        written.append(self._write(self._run.last_checkpoint, state, position.step))
        if self._best is not None:
            pending.replace(best)
            self._best = None
        self._last_time = time.perf_counter()
        for event in written:
            self._events.write(event)

    def rescue_best(self, position: Position) -> None:
        """Writes the best epoch's weights of a training that has gone wrong. Raises StorageError."""
        if self._best is not None:
            self._events.write(self._write(checkpoints.best_checkpoint(self._run), self._best, position.step))
            self._best = None

    def restore(self) -> tuple[Position, int]:
        """Puts everything back as `save` found it; the position and the hits. Raises StorageError."""
        path, device = self._run.last_checkpoint, self._job.device
        state = checkpoints.load(path, device)
        try:
            self._job.model.load_state_dict(state["model"])
            self._restore_optimizer(state["optimizer"])
            self._schedule.load_state_dict(state["schedule"])
            if self._job.precision.scaler is not None and state["scaler"]:
                self._job.precision.scaler.load_state_dict(state["scaler"])
            checkpoints.restore_random_state(state["random"], device)
            position = Position(**state["position"])
            hits = int(state["hits"])
        except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            raise checkpoints.damaged(path, error) from error
        self._fit_best(position)
        return position, hits

    def _restore_optimizer(self, saved: dict[str, Any]) -> None:
        """Its state as it was, executed as is right here and now: the checkpoint may be of another device or engine."""
        groups = self._job.optimizer.param_groups
        executed = [{name: group[name] for name in EXECUTION if name in group} for group in groups]
        merged = [old | now for old, now in zip(saved["param_groups"], executed, strict=True)]
        rates = [group["lr"] for group in groups]
        self._job.optimizer.load_state_dict(saved | {"param_groups": merged})
        for group, rate in zip(self._job.optimizer.param_groups, rates, strict=True):
            group["lr"] = float(group["lr"])
            if isinstance(rate, Tensor):  # the very object: an engine's graph reads it
                group["lr"] = rate.fill_(group["lr"])

    def _fit_best(self, position: Position) -> None:
        """Makes best.pt the one that the position speaks of, whenever the trainer was killed or failed."""
        pending, best = checkpoints.pending_checkpoint(self._run), checkpoints.best_checkpoint(self._run)
        if pending.exists():
            if checkpoints.load(pending, self._job.device)["epoch"] == position.best_epoch:
                pending.replace(best)
            else:
                pending.unlink()  # of a time that this run goes through again
        if best.exists():
            # Rescued from a failed time after this checkpoint: then its epoch is the best there are weights of.
            state = checkpoints.load(best, self._job.device)
            position.best_epoch, position.best_value = state["epoch"], state["value"]
            position.best_validation = state["validation"]

    def load_best(self) -> int:
        """Gives the model the weights of the best epoch; returns which epoch that was. Raises StorageError."""
        best = checkpoints.load(checkpoints.best_checkpoint(self._run), self._job.device)
        self._job.model.load_state_dict(best["model"])
        return int(best["epoch"])

    def what_is_kept(self, position: Position) -> str:
        """What is left of a training that has gone wrong, in words."""
        if self._job.preset.training.keep_best and position.best_epoch is not None:
            return f"the weights of the best epoch, {position.best_epoch}, are kept in checkpoints/best.pt"
        saved = self._run.last_checkpoint
        return f"the last good checkpoint is {saved}" if saved.exists() else "no checkpoint had been written yet"

    def _write(self, path: Path, state: dict[str, Any], step: int, shown_as: Path | None = None) -> Checkpointed:
        started = time.perf_counter()
        size = checkpoints.save(path, state)
        file = str((shown_as or path).relative_to(self._run.path))
        return Checkpointed(step=step, file=file, bytes=size, seconds=round(time.perf_counter() - started, 6))

"""The direct engine: runs one step at a time, batch by batch, and waits only where too much is queued."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from workbench.training.batches import Batch, BatchSource
from workbench.training.engines.backlog import Backlog
from workbench.training.engines.engine import LearningRate, StepsRun
from workbench.training.engines.train_step import TrainStep, set_learning_rate
from workbench.training.loss_log import LossLog


class DirectEngine:
    """Runs the steps one by one."""

    def __init__(
        self,
        name: str,
        step: TrainStep,
        source: BatchSource,
        learning_rate: LearningRate,
        gradient_accumulation: int = 1,
    ) -> None:
        self.name = name
        self.step = step
        self.learning_rate = learning_rate
        self.gradient_accumulation = gradient_accumulation
        self.correct = step.correct
        self.losses = LossLog(step.correct.device)
        self.backlog = Backlog(step.correct.device)
        self._source = source
        self._batches: Iterator[Batch] = iter(())
        self._samples_left = 0

    @property
    def samples_per_step(self) -> int:
        """Of a full step."""
        return self.gradient_accumulation * self._source.batch_size

    def start_epoch(self, order: Tensor) -> None:
        self._batches = self._source.batches(order, self.step.clock)
        self._samples_left = len(order)

    def run_steps(self, step: int) -> StepsRun:
        set_learning_rate(self.step.optimizer, self.learning_rate(step))
        samples = min(self.samples_per_step, self._samples_left)
        batches = -(-samples // self._source.batch_size)
        self.losses.append(self.step.run(self._batches, batches, samples), samples)
        self._samples_left -= samples
        self.backlog.add()
        return StepsRun(steps=1, batches=batches, samples=samples)

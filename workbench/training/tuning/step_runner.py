"""Runs optimizer steps of a job one after another, through as many epochs as that takes. It writes nothing."""

from __future__ import annotations

from workbench.training.engines.engine import Engine
from workbench.training.epoch_order import epoch_order
from workbench.training.job import Job
from workbench.training.loss_log import StepLoss


class StepRunner:
    """An engine that trains a job from its first step on, in the order of samples of a real run."""

    def __init__(self, job: Job, engine: Engine) -> None:
        self._job = job
        self._engine = engine
        self._epoch = 0
        self._samples_left = 0
        self.steps = 0
        """Steps run so far."""
        self.samples = 0
        """Samples trained on so far."""
        job.model.train()

    def run(self, steps: int) -> list[StepLoss]:
        """Runs at least that many steps (an engine may run several at once) and waits for them; returns their losses.

        Raises whatever the model raises.
        """
        last = self.steps + steps
        while self.steps < last:
            if self._samples_left <= 0:
                self._engine.start_epoch(epoch_order(self._job, self._epoch))
                self._epoch += 1
                self._samples_left = self._job.samples_per_epoch
            ran = self._engine.run_steps(self.steps + 1)
            self.steps += ran.steps
            self.samples += ran.samples
            self._samples_left -= ran.samples
        return self._engine.losses.read(wait=True)

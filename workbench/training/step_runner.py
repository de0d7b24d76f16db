"""Runs optimizer steps of a job one after another, through as many epochs as that takes. It writes nothing."""

from __future__ import annotations

from collections.abc import Callable

from workbench.training.engines.engine import Engine
from workbench.training.epoch_order import epoch_order
from workbench.training.job import Job
from workbench.training.loss_log import StepLoss
from workbench.training.timing.clock import PhaseClock


class StepRunner:
    """An engine that trains a job from its first step on, in the order of samples of a real run."""

    def __init__(self, job: Job, engine: Engine, clock: PhaseClock | None = None) -> None:
        """clock: the engine's; it runs while steps do."""
        self.steps = 0
        """Steps run so far."""
        self.samples = 0
        """Samples trained on so far."""
        self._job = job
        self._engine = engine
        self._clock = clock or PhaseClock()
        self._epoch = 0
        self._samples_left = 0
        job.model.train()

    def run(self, steps: int) -> list[StepLoss]:
        """Runs at least that many steps (an engine may run several at once) and waits for them; returns their losses.

        Raises whatever the model raises.
        """
        last = self.steps + steps
        return self.run_while(lambda: self.steps < last)

    def run_counted(self, steps: int) -> tuple[int, int]:
        """The same; returns how many steps and samples they were."""
        steps_before, samples_before = self.steps, self.samples
        self.run(steps)
        return self.steps - steps_before, self.samples - samples_before

    def run_while(self, is_unfinished: Callable[[], bool]) -> list[StepLoss]:
        """Runs steps while there is more to do, and waits for them; returns their losses."""
        losses: list[StepLoss] = []
        self._begin_epoch_if_due()
        self._clock.begin()
        while is_unfinished():
            if self._samples_left <= 0:
                losses += self._wait()
                self._begin_epoch_if_due()
                self._clock.begin()
            ran = self._engine.run_steps(self.steps + 1)
            self.steps += ran.steps
            self.samples += ran.samples
            self._samples_left -= ran.samples
            self._clock.end_step(ran.steps, ran.samples)
        return losses + self._wait()

    def _wait(self) -> list[StepLoss]:
        """Waits until the last step is done, which is training time; then the clock stands still."""
        losses = self._engine.losses.read(wait=True)
        self._clock.pause()
        return losses

    def _begin_epoch_if_due(self) -> None:
        if self._samples_left > 0:
            return
        self._engine.start_epoch(epoch_order(self._job, self._epoch))
        self._epoch += 1
        self._samples_left = self._job.samples_per_epoch

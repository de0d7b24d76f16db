"""Takes the losses that have arrived: writes them as events, and adds them up over the epoch."""

from __future__ import annotations

from collections.abc import Callable

from workbench.training.checkpointing.state import TrainingState
from workbench.training.loss_log import LossLog, StepLoss
from workbench.training.reporter import Reporter


class LossReader:
    """Reads an engine's losses in the order of their steps."""

    def __init__(
        self, losses: LossLog, reporter: Reporter, learning_rate: Callable[[int], float], steps_per_epoch: int
    ) -> None:
        """learning_rate: of a step, by its number from 1."""
        self.step = 0
        """Steps whose losses have been read."""
        self._losses = losses
        self._reporter = reporter
        self._learning_rate = learning_rate
        self._steps_per_epoch = steps_per_epoch

    def read(self, state: TrainingState, *, wait: bool = False) -> list[StepLoss]:
        """The losses since the last call, also the one of the last step with `wait`; the first is of `step` + 1."""
        losses = self._losses.read(wait)
        if not losses:
            return []
        first = self.step + 1
        self.step += len(losses)
        for loss in losses:  # one by one: how often the trainer polls must not change the sum's last bit
            state.loss_sum += loss.loss * loss.samples
            state.loss_samples += loss.samples
        epoch = self.step / self._steps_per_epoch
        self._reporter.losses(first, losses, epoch, self._learning_rate(self.step))
        return losses

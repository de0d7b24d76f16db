"""Learning rates on the device, where a captured step reads that of its own number."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from workbench.training.engines.engine import LearningRate

RATES_AHEAD = 128
"""Steps whose learning rates are copied together: computing those of a whole epoch would keep the device waiting."""


class DeviceRates:
    """The learning rates of an epoch's steps, and the one that the optimizer uses."""

    def __init__(self, optimizer: torch.optim.Optimizer, learning_rate: LearningRate, most_steps: int) -> None:
        """Lets the optimizer read its rate from the device. most_steps: of an epoch."""
        self._learning_rate = learning_rate
        device = next(iter(optimizer.param_groups[0]["params"])).device
        self._rates = torch.zeros(most_steps, dtype=torch.float32, device=device)
        self._used = torch.zeros(1, dtype=torch.float32, device=device)
        self._ahead: dict[int, float] = {}
        """The learning rates on the device, by step: those of some of the next steps."""
        for group in optimizer.param_groups:
            group["lr"] = self._used[0]  # optimizers want a scalar
            if "capturable" in group and device.type == "cuda":
                group["capturable"] = True
        # Steps without a graph are intended: the first ones, and each epoch's short last one.
        warnings.filterwarnings("ignore", "This instance was constructed with capturable=True")

    def start_epoch(self) -> None:
        """What is on the device is that of another epoch."""
        self._ahead = {}

    def copy(self, step: int, number: int, end: int, needed: int) -> None:
        """Copies the rates of the next steps to the device, unless those that are needed are there.

        step: the next one. number: its number within the epoch, from 0. end: the epoch's last step is the one before.
        needed: how many are read before the next call.
        """
        rate, ahead = self._learning_rate, self._ahead
        if all(ahead.get(other) == rate(other) for other in range(step, min(step + needed, end))):
            return
        self._ahead = {other: rate(other) for other in range(step, min(step + RATES_AHEAD, end))}
        rates = torch.tensor(list(self._ahead.values()), dtype=torch.float32)
        if self._rates.device.type == "cuda":
            rates = rates.pin_memory()  # or copying would wait for all steps that are queued
        self._rates[number:][: len(rates)].copy_(rates, non_blocking=True)

    def use(self, number: Tensor) -> None:
        """The optimizer uses the rate of the step with this number within the epoch, int64 of one element."""
        torch.index_select(self._rates, 0, number, out=self._used)

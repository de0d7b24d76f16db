"""Logs every step's loss without waiting for any of them.

A loss stays on the device until the next poll, about ten times a second: then all losses so far are concatenated and
copied to pinned memory, behind the steps already queued, and read once that copy is done.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class StepLoss:
    """The loss of one optimizer step, the mean over its `samples` samples."""

    loss: float
    samples: int


class LossLog:
    """Takes losses as tensors on the device and returns them as numbers, in the order of their steps."""

    def __init__(self, device: torch.device) -> None:
        self._asynchronous = device.type == "cuda"
        self._losses: list[Tensor] = []
        self._samples: list[int] = []
        self._copies: deque[tuple[Tensor, list[int], torch.cuda.Event]] = deque()

    def append(self, losses: Tensor, samples: int) -> None:
        """Takes the loss of one step, a detached scalar on the device, or the losses of n steps, (n,).

        samples: of each step. The tensor must not change until the next `read`.
        """
        self._losses.append(losses.reshape(-1))
        self._samples += [samples] * losses.numel()

    def read(self, wait: bool = False) -> list[StepLoss]:
        """The losses that have arrived since the last call; with `wait`, all up to the last step."""
        if not self._losses and not self._copies:
            return []
        if not self._asynchronous:
            values = torch.cat(self._losses).float().tolist()
            arrived = [StepLoss(*pair) for pair in zip(values, self._samples, strict=True)]
            self._losses, self._samples = [], []
            return arrived
        self._start_copy()
        arrived = []
        while self._copies and (wait or self._copies[0][2].query()):
            host, samples, done = self._copies.popleft()
            done.synchronize()
            arrived += [StepLoss(*pair) for pair in zip(host.tolist(), samples, strict=True)]
        return arrived

    def _start_copy(self) -> None:
        if self._losses:
            gathered = torch.cat(self._losses).float()
            host = torch.empty(gathered.shape, pin_memory=True)
            host.copy_(gathered, non_blocking=True)
            done = torch.cuda.Event()
            done.record()
            self._copies.append((host, self._samples, done))
            self._losses, self._samples = [], []

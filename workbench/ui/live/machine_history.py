"""The readings of the machine over the last minutes, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from workbench.devices.gpu import GpuReading
from workbench.ui.live.readings import Readings

MOST_KEPT = 300
"""Readings, one a second or fewer: the last five minutes."""

Series = list[float | None]


class MachineHistory:
    """Keeps the latest readings, in the order in which they came."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, Readings]] = deque(maxlen=MOST_KEPT)

    def take(self, readings: Readings, now: float) -> None:
        """Adds a reading. now: seconds of any clock that does not go back."""
        self._kept.append((now, replace(readings, closer=None)))

    def series(self, of: Callable[[Readings], float | None]) -> Series:
        """A figure of each reading; None where it was not known."""
        return [of(readings) for _, readings in self._kept]

    def series_of_gpu(self, index: int, of: Callable[[GpuReading], float | None]) -> Series:
        """A figure of one card in each reading."""
        cards = [next((gpu for gpu in readings.gpus if gpu.index == index), None) for _, readings in self._kept]
        return [None if gpu is None else of(gpu) for gpu in cards]

    @property
    def seconds(self) -> float:
        """The time from the first reading that is kept to the last one."""
        return self._kept[-1][0] - self._kept[0][0] if self._kept else 0.0

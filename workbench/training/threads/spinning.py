"""Lets PyTorch's threads sleep at once while other programs keep the cores busy.

`openmp` bounds how long they spin. While another program takes a core even that is too long: a spinning thread then
takes time from its own process. GNU's OpenMP has a much shorter limit for where there are more OpenMP threads than
cores (its manual, GOMP_SPINCOUNT). So a thread beside the trainer has a team of its own, which sleeps: as long as it is
there, the trainer's threads spin for that shorter time. How many of them compute, and what, stays the same, and so does
every bit.
"""

from __future__ import annotations

import threading

import torch

from workbench.devices.cores import CoreReading
from workbench.training.threads import openmp

BUSY_CORES, BUSY_WAIT = 0.3, 0.1
"""Threads sleep at once where others take at least this many cores and threads wait this fraction of the time."""
QUIET_CORES, QUIET_WAIT, QUIET_READINGS = 0.2, 0.1, 3
"""They spin again once others took less, or threads waited less, in this many consecutive readings."""
LEAST_GAIN = 1.05
"""Training must be faster by this factor in the next reading: otherwise they spin again."""
PATIENCE_READINGS = 60
"""Readings until that is tried again."""
MOST_TEAMS = 4
"""Most teams that sleep beside the trainer: where more would be needed, there are free cores for its threads."""
ENOUGH_NUMBERS = 200_000
"""How many numbers it takes for a whole team of threads to add them."""


class Spinning:
    """Decides from each reading of the cores whether the trainer's threads spin."""

    def __init__(self, device: torch.device, num_threads: int) -> None:
        """num_threads: PyTorch's, of the training."""
        # With one thread nothing waits; on a GPU hardly anything. A user who set a variable has decided.
        self._is_ours = device.type == "cpu" and num_threads > 1 and openmp.is_ours
        self._num_threads = num_threads
        self._quiet = 0
        self._patience = 0
        self._pace_before: float | None = None
        """While it is not known whether sleeping helps: samples a second before."""
        self._sleepers: list[threading.Thread] = []
        self._end = threading.Event()

    @property
    def is_short(self) -> bool:
        """Whether threads sleep at once."""
        return bool(self._sleepers)

    def adapt(self, reading: CoreReading | None, pace: float | None = None) -> None:
        """Decides by a reading, about one a second; pace: samples a second since the previous one."""
        if reading is None or not self._is_ours:
            return
        if not self.is_short:
            self._patience = max(self._patience - 1, 0)
            if not self._patience and reading.other_cores >= BUSY_CORES and reading.wait_fraction >= BUSY_WAIT:
                self._pace_before = pace
                self._shorten()
            return
        if self._pace_before is not None and pace is not None:
            if pace < LEAST_GAIN * self._pace_before:
                self._patience = PATIENCE_READINGS
                self.close()
                return
            self._pace_before = None
        is_quiet = reading.other_cores < QUIET_CORES or reading.wait_fraction < QUIET_WAIT
        self._quiet = self._quiet + 1 if is_quiet else 0
        if self._quiet >= QUIET_READINGS:
            self.close()

    def close(self) -> None:
        """Lets threads spin as before."""
        self._end.set()
        for sleeper in self._sleepers:
            sleeper.join()
        self._sleepers = []

    def _shorten(self) -> None:
        # Each team adds its threads but the one that it belongs to; all together must be more than the cores.
        missing = openmp.available_cores() - self._num_threads + 1
        teams = max(-(-missing // (self._num_threads - 1)), 1)
        if teams > MOST_TEAMS:
            return
        self._quiet, self._end = 0, threading.Event()
        self._sleepers = [threading.Thread(target=self._sleep, daemon=True) for _ in range(teams)]
        for sleeper in self._sleepers:
            sleeper.start()

    def _sleep(self) -> None:
        torch.set_num_threads(self._num_threads)  # of this thread's team
        torch.ones(ENOUGH_NUMBERS).add_(1.0)
        self._end.wait()

"""Where trials are trained: processes on this machine, each of which trains run after run."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from workbench.devices.gpu import GpuMonitor, GpuReading
from workbench.errors import UsageError
from workbench.processes.stacked import Message, StackedProcess, Steer
from workbench.processes.standby import Standby
from workbench.processes.worker import not_started
from workbench.runs.directory import RunDirectory
from workbench.runs.follow import Trainer
from workbench.runs.lock import is_running
from workbench.settings.preset import Preset

GPU = "CUDA_VISIBLE_DEVICES"
MOST_USED_BYTES = 2**29
"""Of a GPU that counts as unused: a display takes some."""


class Stacking(Protocol):
    """Trains several trials together, as `workbench.processes.stacked.StackedProcess` does."""

    def train(
        self,
        presets: Sequence[Preset],
        decide_after: Sequence[int] = (),
        *,
        if_faster: bool = True,
        scores: Sequence[Path] = (),
        judged: Path | None = None,
        environment: Path | None = None,
    ) -> None:
        """Asks for presets to be trained."""

    def read(self, timeout: float = 0.0) -> Message | None:
        """The next message; None if there is none yet. Raises WorkbenchError."""

    def steer(self, steer: Steer) -> None:
        """Asks for something while they are trained."""

    def close(self) -> None:
        """Ends the process."""


class Place(Protocol):
    """Trains one run, or several trials together, at a time."""

    def start(self, run: RunDirectory) -> Trainer:
        """Starts a run, or continues it from its checkpoint. Raises StorageError, TrainerLostError."""

    @property
    def trains_together(self) -> bool:
        """Whether it has a process that trains several trials together."""

    def stacked(self) -> Stacking:
        """That process, where it has one; launched when it is first needed. Raises TrainerLostError."""

    def close(self) -> None:
        """Ends what it keeps between two runs."""


@dataclass
class LocalPlace:
    """A warm process for runs, and one for trials together: each started when needed, and again after it has died."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of its own, such as the GPU that it sees."""
    _standby: Standby | None = None
    _stacked: StackedProcess | None = None
    _launched_with: Mapping[str, str] = field(default_factory=dict)

    def start(self, run: RunDirectory) -> Trainer:
        self._end_if_changed()
        if self._standby is None or not self._standby.is_alive:
            try:
                self._standby = Standby.launch(self.environment)
            except OSError as error:
                raise not_started(error) from error
        return self._standby.train(run, shlex.join(sys.argv))

    @property
    def trains_together(self) -> bool:
        return True

    def stacked(self) -> StackedProcess:
        self._end_if_changed()
        if self._stacked is None or not self._stacked.is_alive:
            self._stacked = StackedProcess.launch(self.environment)
        return self._stacked

    def _end_if_changed(self) -> None:
        """Ends processes that were launched with other variables."""
        if self._launched_with != self.environment:
            self.close()
            self._launched_with = self.environment

    def close(self) -> None:
        if self._standby is not None:
            with suppress(OSError):
                self._standby.close()
            self._standby = None
        if self._stacked is not None:
            self._stacked.close()
            self._stacked = None


@dataclass(frozen=True)
class Orphan:
    """The trainer of a run that another controller, which is gone, has started: seen by the run's lock."""

    run: RunDirectory

    def poll(self) -> int | None:
        """None while it lives; what its exit code was is not known."""
        return None if is_running(self.run) else 0


def local_places(workers: int, *, on_cpu: bool = False) -> list[Place]:
    """One a visible GPU; on a CPU one, unless more are wanted: trainers on the same cores slow each other.

    on_cpu: the preset is trained on the CPU, whatever GPUs there are.
    """
    if not on_cpu and (gpus := _visible_gpus()):
        return [LocalPlace({GPU: gpu}) for gpu in gpus]
    count = max(workers, 1)
    return [LocalPlace(threads_of(count)) for _ in range(count)]


def threads_of(workers: int) -> dict[str, str]:
    """Variables of each of so many workers on the CPU, so that all of them together have a thread a core."""
    return {} if workers == 1 else {"OMP_NUM_THREADS": str(max((os.cpu_count() or 1) // workers, 1))}


def check_workers(workers: int, *, on_cpu: bool) -> None:
    """Checks how many trials are to run at once on the CPU of this machine. on_cpu: as of `local_places`.

    Raises UsageError.
    """
    if not workers:
        return
    if not on_cpu and _visible_gpus():
        raise UsageError(
            f"--workers {workers}: this machine has GPUs, each of which trains one trial at a time; leave it out, or "
            "add --set runtime.device=cpu"
        )
    if (reason := too_many(workers)) is not None:
        raise UsageError(f"--workers {workers}: {reason}")


def too_many(workers: int) -> str | None:
    """Why so many workers are too many for this machine; None if they are not."""
    cores = os.cpu_count() or 1
    return f"this machine has {cores} cores, and more workers would be slower" if workers > cores else None


def named_gpus() -> list[str] | None:
    """The GPUs that the user has named; None where all may be used."""
    named = os.environ.get(GPU)
    if named is None:
        return None
    return [name.strip() for name in named.split(",") if name.strip() and name.strip() != "-1"]


def gpu_readings() -> list[GpuReading]:
    """All GPUs of this machine; empty where there are none, or none can be read."""
    monitor = GpuMonitor.open()
    if monitor is None:
        return []
    with monitor:
        return list(monitor.read())


def unused(readings: Sequence[GpuReading]) -> list[GpuReading]:
    """Those that nobody uses."""
    return [gpu for gpu in readings if (gpu.used_bytes or 0) < MOST_USED_BYTES]


def memory_of_a_place(*, on_cpu: bool = False) -> int | None:
    """Bytes that a trial may take: of the smallest GPU, or what is free of the host's memory; None if not known."""
    readings = gpu_readings() if not on_cpu and _visible_gpus() else []
    if not readings:
        import psutil

        return int(psutil.virtual_memory().available)
    return min((gpu.total_bytes for gpu in readings if gpu.total_bytes is not None), default=None)


def _visible_gpus() -> list[str]:
    """Those that CUDA_VISIBLE_DEVICES names; else those that nobody uses, or all if each is used."""
    if (named := named_gpus()) is not None:
        return named
    readings = gpu_readings()
    return [gpu.uuid for gpu in unused(readings) or readings]

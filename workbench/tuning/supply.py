"""Where a study that is running gets another place from: a GPU that nobody uses, or another worker on the CPU."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from workbench.devices.gpu import GpuReading
from workbench.errors import UsageError
from workbench.tuning.places import GPU, LocalPlace, Place, gpu_readings, named_gpus, threads_of, too_many, unused


class Supply(Protocol):
    """Gives a study more places."""

    def more(self, places: Sequence[Place]) -> tuple[Place, str]:
        """Another place than these, and what it is in words. Raises UsageError, saying why there is none."""

    def divide(self, places: Sequence[Place]) -> None:
        """Divides what these places share, which are all that there are now."""


class FixedSupply:
    """There are no more places than a study begins with."""

    def __init__(self, reason: str) -> None:
        """reason: why."""
        self._reason = reason

    def more(self, places: Sequence[Place]) -> tuple[Place, str]:
        raise UsageError(self._reason)

    def divide(self, places: Sequence[Place]) -> None:
        pass


class LocalSupply:
    """This machine."""

    def __init__(self, *, on_cpu: bool = False) -> None:
        """on_cpu: as of `local_places`."""
        self._on_cpu = on_cpu

    def more(self, places: Sequence[Place]) -> tuple[Place, str]:
        """On a machine with GPUs, one of them; a GPU that someone else uses is left alone unless it is named."""
        if self._on_cpu:
            return _worker(len(places) + 1)
        taken = [
            place.environment[GPU] for place in places if isinstance(place, LocalPlace) and GPU in place.environment
        ]
        if (named := named_gpus()) is not None:
            free = [name for name in named if name not in taken]
            if named and not free:
                raise UsageError(f"{GPU} names no other GPU than this study has: {', '.join(named)}")
            if free:
                return LocalPlace({GPU: free[0]}), f"GPU {free[0]}"
        elif readings := gpu_readings():
            return _unused(readings, taken)
        return _worker(len(places) + 1)

    def divide(self, places: Sequence[Place]) -> None:
        """Divides the cores among workers; processes that are started from now on take their part of them."""
        workers = [place for place in places if isinstance(place, LocalPlace) and GPU not in place.environment]
        for place in workers:
            place.environment = threads_of(len(workers))


def _unused(readings: Sequence[GpuReading], taken: Sequence[str]) -> tuple[Place, str]:
    free = [gpu for gpu in readings if gpu.uuid not in taken]
    if found := unused(free):
        return LocalPlace({GPU: found[0].uuid}), f"GPU {found[0].index} ({found[0].name})"
    if not free:
        raise UsageError("this study has all GPUs of this machine already")
    raise UsageError(
        f"no GPU is free: {', '.join(f'GPU {gpu.index}' for gpu in free)} is used by someone else; "
        f"name it with {GPU} when the study is started to take it nevertheless"
    )


def _worker(count: int) -> tuple[Place, str]:
    if (reason := too_many(count)) is not None:
        raise UsageError(reason)
    environment: Mapping[str, str] = threads_of(count)
    threads = environment.get("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    said = "1 thread" if threads == "1" else f"{threads} threads"
    return LocalPlace(
        environment
    ), f"worker {count} on the CPU, with {said}; the others take as many from their next trial on"

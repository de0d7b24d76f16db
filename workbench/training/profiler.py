"""PyTorch's profiler around some steps: a trace for Perfetto, and the operators that took most of the time."""

from __future__ import annotations

import gzip
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch.profiler import ProfilerAction, ProfilerActivity, profile

from workbench.errors import StorageError
from workbench.files import storage_error, write_atomically
from workbench.training.operators import top_operators

COMPRESSION = 5
"""Of gzip: half a second for a trace of 100 MB; nine would take three."""


@dataclass(frozen=True)
class Profile:
    """What a profile has found: the trace's size, and the operators as `Profiled` tells them."""

    bytes: int
    device: str
    operators: list[dict[str, Any]]


class StepProfiler:
    """Profiles from its making on; each step bears its number in the trace."""

    def __init__(self, first_step: int, device: torch.device) -> None:
        # Its library speaks on stderr, of a missing GPU too; what is wrong comes as an exception all the same.
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")
        self._on_gpu = device.type == "cuda"
        activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * self._on_gpu
        # A schedule, because without one steps are not marked.
        self._profile = profile(activities=activities, schedule=lambda step: ProfilerAction.RECORD)
        self._profile.step_num = first_step
        self._profile.start()

    def next_step(self, step: int) -> None:
        """A step has ended; the one that follows has the number `step`."""
        self._profile.step_num = step - 1
        self._profile.step()

    def stop(self) -> None:
        """Ends profiling, once the device has done what it was given."""
        self._profile.stop()

    def write(self, path: Path) -> Profile:
        """Writes the trace of a stopped profile, all of it or nothing. Raises StorageError."""
        plain = path.with_name(f".{path.name}.plain")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._profile.export_chrome_trace(str(plain))
            _check_whole(plain)
            write_atomically(path, lambda file: _compress(plain, file))
            size = path.stat().st_size
        except OSError as error:
            raise storage_error(path, error) from error
        finally:
            with suppress(OSError):
                plain.unlink(missing_ok=True)
        device, operators = top_operators(self._profile.key_averages(), on_gpu=self._on_gpu)
        return Profile(size, device, operators)


def _check_whole(trace: Path) -> None:
    """The profiler's library keeps silent when the disk is full. Raises StorageError."""
    with trace.open("rb") as file:
        file.seek(-min(trace.stat().st_size, 64), os.SEEK_END)
        if not file.read().rstrip().endswith(b"}"):
            raise StorageError(f"cannot write {trace.parent}: the trace was cut short, as when the disk is full")


def _compress(plain: Path, file: IO[bytes]) -> None:
    with plain.open("rb") as source, gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0) as packed:
        shutil.copyfileobj(source, packed, 2**20)

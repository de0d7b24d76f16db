"""Profiles some steps with PyTorch's profiler: a trace for Perfetto, and the operators that took most of the time."""

from __future__ import annotations

import gzip
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch

# What torch.profiler is built on: that one imports torch._inductor when it starts, which takes seconds and 160 MB.
from torch.autograd.profiler import profile, record_function
from torch.torch_version import TorchVersion

from workbench.atomic_files import write_atomically
from workbench.errors import StorageError
from workbench.files import make_folder, storage_error
from workbench.training.profiling.operators import STEP, top_operators

TEARDOWN_IS_SAFE_FROM = "12.6"
"""The CUDA version since which its profiling library may be unloaded: before, that crashed later CUDA graphs."""
COMPRESSION = 5
"""Of gzip: half a second for a trace of 100 MB; level nine takes three."""


@dataclass(frozen=True)
class Profile:
    """The result of a profile: the trace's size, and the operators as in a `Profiled` event."""

    bytes: int
    device: str
    operators: list[dict[str, Any]]


class StepProfiler:
    """Profiles from its construction on; the trace shows the number of each step."""

    def __init__(self, first_step: int, device: torch.device) -> None:
        # Its library writes to stderr, even that there is no GPU; errors are raised as exceptions in any case.
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")
        self._on_gpu = device.type == "cuda"
        if self._on_gpu and TorchVersion(torch.version.cuda or "0") < TEARDOWN_IS_SAFE_FROM:
            os.environ |= {"DISABLE_CUPTI_LAZY_REINIT": "1", "TEARDOWN_CUPTI": "0"}  # as torch.profiler does
        self._profile = profile(use_kineto=True, use_device="cuda" if self._on_gpu else None)
        self._profile.__enter__()
        self._mark = self._begin_step(first_step)

    def next_step(self, step: int) -> None:
        """A step has ended; the number of the next one is `step`."""
        self._mark.__exit__(None, None, None)
        self._mark = self._begin_step(step)

    def stop(self) -> None:
        """Ends profiling, once the device has finished what is queued."""
        self._mark.__exit__(None, None, None)
        self._profile.__exit__(None, None, None)

    def _begin_step(self, step: int) -> record_function:
        mark = record_function(f"{STEP}#{step}")  # the name that tools for such traces expect
        mark.__enter__()
        return mark

    def write(self, path: Path) -> Profile:
        """Writes the trace of a stopped profile, whole or not at all. Raises StorageError."""
        plain = path.with_name(f".{path.name}.plain")
        try:
            make_folder(path.parent)
            plain.unlink(missing_ok=True)
            self._profile.export_chrome_trace(str(plain))
            _check_whole(plain)
            write_atomically(path, lambda file: _compress(plain, file), parents=False)
            size = path.stat().st_size
        except OSError as error:
            raise storage_error(path, error) from error
        finally:
            with suppress(OSError):
                plain.unlink(missing_ok=True)
        device, operators = top_operators(self._profile.key_averages(), on_gpu=self._on_gpu)
        return Profile(size, device, operators)


def _check_whole(trace: Path) -> None:
    """Raises StorageError where the trace is cut short: the profiler does not say that the disk is full."""
    with trace.open("rb") as file:
        file.seek(-min(trace.stat().st_size, 64), os.SEEK_END)
        if not file.read().rstrip().endswith(b"}"):
            raise StorageError(f"cannot write {trace.parent}: the trace was cut short, as when the disk is full")


def _compress(plain: Path, file: IO[bytes]) -> None:
    with plain.open("rb") as source, gzip.GzipFile("", "wb", COMPRESSION, file, mtime=0) as packed:
        shutil.copyfileobj(source, packed, 2**20)

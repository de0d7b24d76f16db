"""What a run changes for its whole process, and how that is undone for the next run.

A run seeds every generator and sets what it asks for; what it does not ask for must be as in a process that has just
been started, or the same preset would give other bits after another one.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

PEAK_MEMORY_RESET = Path("/proc/self/clear_refs"), "5"
"""Linux then counts the most memory of a process from now on."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class ProcessState:
    """The state of a process between two runs."""

    folder: Path
    environment: dict[str, str]
    search_path: tuple[str, ...]
    handlers: dict[signal.Signals, Any]
    num_threads: int
    matmul_precision: str
    cudnn: tuple[bool, bool, bool]
    """benchmark, allow_tf32, deterministic."""
    default_type: torch.dtype

    @classmethod
    def now(cls) -> ProcessState:
        """The state of this process; no GPU is asked for it."""
        cudnn = torch.backends.cudnn
        return cls(
            folder=Path.cwd(),
            environment=dict(os.environ),
            search_path=tuple(sys.path),
            handlers={number: signal.getsignal(number) for number in SIGNALS},
            num_threads=torch.get_num_threads(),
            matmul_precision=torch.get_float32_matmul_precision(),
            cudnn=(cudnn.benchmark, cudnn.allow_tf32, cudnn.deterministic),
            default_type=torch.get_default_dtype(),
        )

    def restore(self) -> bool:
        """Restores this state and frees all memory; False if that cannot be done."""
        for number, handler in self.handlers.items():
            signal.signal(number, handler)
        gc.collect()
        self._restore_torch()  # which may import more of PyTorch, and that sets variables
        with contextlib.suppress(OSError):
            os.chdir(self.folder)
        if os.environ != self.environment:
            os.environ.clear()
            os.environ.update(self.environment)
        sys.path[:] = self.search_path
        with contextlib.suppress(OSError):
            PEAK_MEMORY_RESET[0].write_text(PEAK_MEMORY_RESET[1])
        return _has_emptied_gpus()

    def _restore_torch(self) -> None:
        if torch.get_num_threads() != self.num_threads:
            torch.set_num_threads(self.num_threads)
        if torch.get_float32_matmul_precision() != self.matmul_precision:
            torch.set_float32_matmul_precision(self.matmul_precision)
        torch.use_deterministic_algorithms(False)
        cudnn = torch.backends.cudnn
        cudnn.benchmark, cudnn.allow_tf32, cudnn.deterministic = self.cudnn
        torch.set_default_dtype(self.default_type)
        torch.clear_autocast_cache()


def _has_emptied_gpus() -> bool:
    """Gives the memory of GPUs back, but for PyTorch's context; False where a GPU does not answer any more.

    After some errors, such as a wrong address in a kernel, a process can use its GPU no more.
    """
    if not torch.cuda.is_initialized():
        return True
    try:
        torch.cuda.synchronize()
        torch.cuda.memory._record_memory_history(enabled=None)
        torch.cuda.empty_cache()
        for index in range(torch.cuda.device_count()):
            torch.cuda.reset_peak_memory_stats(index)
        torch.cuda.set_device(0)
    except Exception:
        return False
    return True

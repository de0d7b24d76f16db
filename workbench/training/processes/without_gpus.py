"""How a process that computes on the processor leaves GPUs alone: a context there costs hundreds of MiB."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from workbench.training.device import resolve_device


def uses_gpu(requested: str) -> bool:
    """Whether a run on this `runtime.device` would not train on the processor. Raises DeviceError."""
    if requested == "cpu":
        return False
    if torch.cuda.is_available() and requested.partition(":")[0] in ("auto", "cuda"):
        return True  # resolving would make a context there
    return resolve_device(requested).type != "cpu"


@contextlib.contextmanager
def without_gpus() -> Iterator[None]:
    """Inside the `with` PyTorch believes that there is no GPU.

    Adam looks at the GPU's stream even where its parameters are on the CPU, which makes a context there. Whether there
    is a GPU cannot be decided by CUDA_VISIBLE_DEVICES: the driver reads it once for the whole life of a process.
    """
    is_available = torch.cuda.is_available
    torch.cuda.is_available = lambda: False
    try:
        yield
    finally:
        torch.cuda.is_available = is_available

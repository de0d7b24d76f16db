"""Explains that memory ran out: the peak, the batch size, and what to try."""

from __future__ import annotations

from pathlib import Path

import torch

from workbench.errors import OutOfMemoryError
from workbench.settings.preset import Preset


def is_gpu_out_of_memory(error: Exception) -> bool:
    """Whether a GPU had no memory left."""
    return isinstance(error, torch.OutOfMemoryError)


def is_out_of_memory(error: Exception) -> bool:
    """Whether a GPU or the machine had no memory left."""
    return is_gpu_out_of_memory(error) or isinstance(error, MemoryError) or "can't allocate memory" in str(error)


def explain_out_of_memory(
    error: Exception, preset: Preset, device: torch.device | None, summary: Path | None = None
) -> OutOfMemoryError | None:
    """The error in words for the user; None if memory was not the problem.

    device: where the job ran, None if it failed before that was known; summary: a file that says what held memory.
    """
    on_gpu = is_gpu_out_of_memory(error)
    if not is_out_of_memory(error):
        return None
    where, peak = "this machine", ""
    if on_gpu and torch.cuda.is_available():
        index = device.index if device is not None and device.type == "cuda" else None
        total = torch.cuda.get_device_properties(index or 0).total_memory
        where = f"the GPU ({torch.cuda.get_device_name(index)}, {total / 2**30:.1f} GiB)"
        peak = f"; PyTorch's peak was {torch.cuda.max_memory_allocated(index) / 2**30:.2f} GiB"
    batch_size = preset.data.batch_size
    advice = []
    if batch_size > 1:
        accumulation = 2 * preset.training.gradient_accumulation
        advice += [
            f"data.batch_size = {batch_size // 2}, "
            f"with training.gradient_accumulation = {accumulation} for the same step"
        ]
    if on_gpu and preset.runtime.precision not in ("bf16", "fp16"):
        advice += ['runtime.precision = "bf16"']
    if on_gpu and preset.runtime.data_loading != "dataloader":
        advice += ['runtime.data_loading = "dataloader"']
    advice += ["a smaller model"]
    held = "" if summary is None else f". {summary} lists what held it"
    return OutOfMemoryError(
        f"{where} ran out of memory at batch size {batch_size}{peak}. Try {'; '.join(advice)}{held}"
    )

"""Chooses the clock for a device."""

from __future__ import annotations

import os

import torch

from workbench.training.timing.clock import HostClock, PhaseClock
from workbench.training.timing.cuda_clock import CudaClock, NvtxClock

PROFILED_VARIABLE = "NSYS_PROFILING_SESSION_ID"
"""The environment variable that `nsys profile` sets in the processes it profiles."""


def make_clock(device: torch.device, measure: bool) -> PhaseClock:
    """The clock for a device."""
    if not measure:
        return PhaseClock()
    if device.type != "cuda":
        return HostClock()
    return NvtxClock(device) if PROFILED_VARIABLE in os.environ else CudaClock(device)

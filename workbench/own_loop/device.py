"""Where a watched loop computes: the clock that times its steps there, and what PyTorch knows of its memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from workbench.training.timing.clock import HostClock, PhaseClock


@dataclass(frozen=True)
class LoopDevice:
    """What is known of the device. Without PyTorch it is the CPU."""

    name: str = "cpu"
    full_name: str = "CPU"
    uuid: str | None = None
    clock: PhaseClock = field(default_factory=HostClock)
    memory: Callable[[], dict[str, int]] | None = None
    """What torch's allocator holds, as fields of a memory event; None where it does not say."""
    num_threads: int | None = None
    parameters: int = 0
    """Of the model; 0 if it is not known."""


def device_of(given: Any, model: Any, optimizer: Any) -> LoopDevice:
    """The device of a loop: as it says, or else of its model's or its optimizer's first parameter.

    Where it tells none of them, it is the GPU if the loop has started CUDA. PyTorch is asked only where the loop has
    imported it.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return LoopDevice()
    from workbench.training.device import device_name, device_uuid
    from workbench.training.reporter import torch_memory
    from workbench.training.timing.choose import make_clock

    parameters = list(_parameters_of(model))
    first = next(iter(parameters), None)
    if first is None:
        groups = getattr(optimizer, "param_groups", None) or [{}]
        first = next(iter(groups[0].get("params", ())), None)
    usual = torch.device("cuda" if torch.cuda.is_initialized() else "cpu")
    device = torch.device(given) if given is not None else getattr(first, "device", usual)
    if device.type not in ("cpu", "cuda", "mps"):
        return LoopDevice(name=str(device), full_name=str(device), num_threads=torch.get_num_threads())
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", torch.cuda.current_device())
    return LoopDevice(
        name=str(device),
        full_name=device_name(device),
        uuid=device_uuid(device),
        clock=make_clock(device, measure=True),
        memory=None if device.type == "cpu" else lambda: torch_memory(device),
        num_threads=torch.get_num_threads(),
        parameters=sum(each.numel() for each in parameters if each.requires_grad),
    )


def _parameters_of(model: Any) -> Iterable[Any]:
    parameters = getattr(model, "parameters", None)
    return parameters() if callable(parameters) else ()

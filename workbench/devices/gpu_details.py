"""More about a GPU than its reading holds: power limit, clocks, fan, and the processes on it.

These are read only while somebody looks at them: the driver takes a millisecond for some.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

Value = TypeVar("Value")

HEAT, POWER_LIMIT = "heat", "its power limit"
"""What may slow a GPU down."""


@dataclass(frozen=True)
class GpuProcess:
    """A process that has memory of a GPU."""

    process_id: int
    """As the driver counts: in a container it may be an id of the host, which means nothing inside."""
    used_bytes: int | None
    """None where the driver does not report it, such as in some containers."""


@dataclass(frozen=True)
class GpuDetails:
    """One GPU at one moment. What the driver does not report is None."""

    power_limit_watts: float | None = None
    clock_mhz: int | None = None
    """Of the multiprocessors, now."""
    most_clock_mhz: int | None = None
    fan_percent: int | None = None
    """None for a card without a fan of its own."""
    slowed_by: str | None = None
    """What keeps its clocks down, in words: heat, or the power limit; empty for nothing."""
    processes: tuple[GpuProcess, ...] | None = None
    """Those with the most memory first."""


def read_details(nvml: ModuleType, handle: Any) -> GpuDetails:
    """Reads the details of one GPU. Raises nothing.

    nvml: the module pynvml, initialised; handle: its handle of the GPU.
    """

    def ask(query: Callable[[], Value]) -> Value | None:
        try:
            return query()
        except nvml.NVMLError:
            return None

    return GpuDetails(
        power_limit_watts=ask(lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000),
        clock_mhz=ask(lambda: int(nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM))),
        most_clock_mhz=ask(lambda: int(nvml.nvmlDeviceGetMaxClockInfo(handle, nvml.NVML_CLOCK_SM))),
        fan_percent=ask(lambda: int(nvml.nvmlDeviceGetFanSpeed(handle))),
        slowed_by=_slowed_by(nvml, handle),
        processes=_processes(nvml, handle),
    )


def _slowed_by(nvml: ModuleType, handle: Any) -> str | None:
    for name in ("Event", "Throttle"):  # the new name came with driver 535
        try:
            reasons = int(getattr(nvml, f"nvmlDeviceGetCurrentClocks{name}Reasons")(handle))
        except nvml.NVMLError:
            continue
        if reasons & (nvml.nvmlClocksEventReasonSwThermalSlowdown | nvml.nvmlClocksEventReasonHwThermalSlowdown):
            return HEAT
        capped = nvml.nvmlClocksEventReasonSwPowerCap | nvml.nvmlClocksEventReasonHwPowerBrakeSlowdown
        return POWER_LIMIT if reasons & capped else ""
    return None


def _processes(nvml: ModuleType, handle: Any) -> tuple[GpuProcess, ...] | None:
    """Those that compute and those that draw, each once; None where the driver reports neither."""
    found: dict[int, int | None] = {}
    is_known = False
    for kind in ("Compute", "Graphics"):
        for version in ("_v3", "_v2"):  # the third came with driver 510
            try:
                listed = getattr(nvml, f"nvmlDeviceGet{kind}RunningProcesses{version}")(handle)
            except nvml.NVMLError:
                continue
            is_known = True
            for each in listed:
                known = found.get(int(each.pid))
                used = None if each.usedGpuMemory is None else int(each.usedGpuMemory)
                found[int(each.pid)] = known if used is None else max(used, known or 0)
            break
    if not is_known:
        return None
    ordered = sorted(found.items(), key=lambda pair: (-(pair[1] or 0), pair[0]))
    return tuple(GpuProcess(process_id, used) for process_id, used in ordered)

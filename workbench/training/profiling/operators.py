"""Makes the table of the operators that took most of the time in profiled steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

MOST_OPERATORS = 20
LONGEST_NAME = 160
"""Characters; the name of a kernel made from templates can have thousands."""
STEP = "ProfilerStep"
"""How the name of the profiler's range around each step begins."""
BETWEEN_OPERATORS = "Python, between operators"
"""The time of a step on the host outside of all operators."""
ATTRIBUTED_FRACTION = 0.5
"""From this fraction on the GPU's time is shown by operator; below it most ran in CUDA graphs, which have none."""


class Averages(Protocol):
    """The part of `torch.autograd.profiler_util.FunctionEventAvg` that the table needs; times in microseconds."""

    key: str
    count: int
    self_cpu_time_total: float
    cpu_time_total: float
    self_device_time_total: float
    device_time_total: float


def top_operators(averages: Iterable[Averages], *, on_gpu: bool) -> tuple[str, list[dict[str, Any]]]:
    """Returns the device whose time is shown, and the operators that took most of it, the largest self time first.

    On a GPU these are operators with the time of the kernels that they launched; kernels by their own names where
    operators did not launch them (a replayed CUDA graph). Without any kernel (the GPU's counters may be forbidden) it
    is the host's time. Each operator: name, calls, self_ms, total_ms, share of all self time.
    """
    all_events = list(averages)
    host = [event for event in all_events if _is_host(event)]
    if on_gpu:
        kernels = [event for event in all_events if not _is_host(event) and not _is_mark(event)]
        launching = [event for event in host if event.self_device_time_total > 0 and not event.key.startswith(STEP)]
        on_device, attributed = _device_time(kernels), _device_time(launching)
        if on_device > 0 or attributed > 0:
            chosen = launching if attributed >= ATTRIBUTED_FRACTION * on_device else kernels
            rows = [(e.key, e.count, e.self_device_time_total, e.device_time_total) for e in chosen]
            return "cuda", _table(rows)
    return "cpu", _table([(_host_name(e), e.count, e.self_cpu_time_total, e.cpu_time_total) for e in host])


def _table(rows: list[tuple[str, int, float, float]]) -> list[dict[str, Any]]:
    """The largest rows of (name, calls, self, total), in microseconds, each with its fraction of all."""
    whole = sum(own for _, _, own, _ in rows) or 1.0
    largest = sorted(rows, key=lambda row: row[2], reverse=True)[:MOST_OPERATORS]
    return [
        {
            "name": name[:LONGEST_NAME],
            "calls": calls,
            "self_ms": round(own / 1000, 4),
            "total_ms": round(total / 1000, 4),
            "share": round(own / whole, 5),
        }
        for name, calls, own, total in largest
        if own > 0
    ]


def _host_name(event: Averages) -> str:
    return BETWEEN_OPERATORS if event.key.startswith(STEP) else event.key


def _is_host(event: Averages) -> bool:
    return getattr(getattr(event, "device_type", None), "name", "CPU") == "CPU"


def _is_mark(event: Averages) -> bool:
    """Whether it is a stretch of the GPU's time that a mark on the host spans, not a kernel."""
    return bool(getattr(event, "is_user_annotation", False)) or event.key.startswith(STEP)


def _device_time(events: list[Averages]) -> float:
    return sum(event.self_device_time_total for event in events)

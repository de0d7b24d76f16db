"""Which operators took the time of some profiled steps: a table made of what PyTorch's profiler has counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

MOST_OPERATORS = 20
LONGEST_NAME = 160
"""Characters; the name of a kernel that was made from templates can have thousands."""
STEP = "ProfilerStep"
"""How the profiler's own mark around each step begins."""
BETWEEN_OPERATORS = "Python, between operators"
"""What is left of a step on the host when all its operators are taken away."""
ATTRIBUTED_SHARE = 0.5
"""From this share on, the GPU's time is told by operator; below it most ran in a CUDA graph, which knows none."""


class Averages(Protocol):
    """What the table needs of a `torch.autograd.profiler_util.FunctionEventAvg`; times in microseconds."""

    key: str
    count: int
    self_cpu_time_total: float
    cpu_time_total: float
    self_device_time_total: float
    device_time_total: float


def top_operators(averages: Iterable[Averages], *, on_gpu: bool) -> tuple[str, list[dict[str, Any]]]:
    """The device whose time is told, and the operators that took most of it, the greatest self time first.

    On a GPU these are operators with the time of the kernels that they launched; kernels by their own names where
    operators did not launch them (a replayed CUDA graph). A GPU that tells of no kernel (its counters may be
    forbidden) leaves the host's time. Each operator: name, calls, self_ms, total_ms, share of all self time.
    """
    all_events = list(averages)
    host = [event for event in all_events if _is_host(event)]
    if on_gpu:
        kernels = [event for event in all_events if not _is_host(event) and not _is_mark(event)]
        launching = [event for event in host if event.self_device_time_total > 0 and not event.key.startswith(STEP)]
        on_device, attributed = _device_time(kernels), _device_time(launching)
        if on_device > 0 or attributed > 0:
            chosen = launching if attributed >= ATTRIBUTED_SHARE * on_device else kernels
            rows = [(e.key, e.count, e.self_device_time_total, e.device_time_total) for e in chosen]
            return "cuda", _table(rows)
    return "cpu", _table([(_host_name(e), e.count, e.self_cpu_time_total, e.cpu_time_total) for e in host])


def _table(rows: list[tuple[str, int, float, float]]) -> list[dict[str, Any]]:
    """The greatest rows of (name, calls, self, total), in microseconds, with their shares of all."""
    whole = sum(own for _, _, own, _ in rows) or 1.0
    greatest = sorted(rows, key=lambda row: row[2], reverse=True)[:MOST_OPERATORS]
    return [
        {
            "name": name[:LONGEST_NAME],
            "calls": calls,
            "self_ms": round(own / 1000, 4),
            "total_ms": round(total / 1000, 4),
            "share": round(own / whole, 5),
        }
        for name, calls, own, total in greatest
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

"""Every quantity of a run that can be a chart: its metrics, learning rate, throughput, norms, times and memory."""

from __future__ import annotations

import re
from collections.abc import Collection

from workbench.metrics import METRICS, Metric, metric
from workbench.plotting.quantities import LEARNING_RATE, LOSS, THROUGHPUT, Quantity, quantity_of, tick
from workbench.runs.phases import PHASES
from workbench.units import decimals

METRIC_CHART = "accuracy"
"""The id of the chart that shows a metric of the run's task, whichever metric that is."""


def _three_digits(value: float) -> str:
    return f"{value:.3g}"


def _whole_percent(value: float) -> str:
    return f"{100 * value:.0f}"


STEP_TIME = Quantity(
    "step-times",
    "step ms",
    (("p50", "step_ms", "train"), ("p99", "step_ms/p99", "validation")),
    _three_digits,
    tick,
    name="step time: p50 and p99",
    compared="step_ms",
)
PHASE_TIMES = Quantity(
    "phases",
    "phases ms",
    tuple((phase, f"phase_ms/{phase}", "dim" if phase == "rest" else f"phase-{phase}") for phase in PHASES),
    _three_digits,
    tick,
    name="time of a step by phase",
    compared="",
)
MEMORY = Quantity(
    "memory-used",
    "memory GiB",
    (
        ("host", "memory/host_rss", "train"),
        ("tensors", "memory/torch_allocated", "validation"),
        ("reserved", "memory/torch_reserved", "overlay-2"),
    ),
    _three_digits,
    tick,
    name="memory: host and GPU",
    compared="memory/torch_reserved",
)
GRADIENT_NORM = Quantity("gradient-norm", "gradient norm", (("", "gradient_norm", "train"),), decimals, tick)
WEIGHT_NORM = Quantity("weight-norm", "weight norm", (("", "weight_norm", "train"),), decimals, tick)
GPU_BUSY = Quantity(
    "gpu-busy",
    "GPU busy %",
    (("", "gpu_busy", "train"),),
    _whole_percent,
    _whole_percent,
    can_be_log=False,
    most=1.0,
)
MEASURED = (GRADIENT_NORM, WEIGHT_NORM, PHASE_TIMES, GPU_BUSY)
"""Shown only where a run has curves of them."""


def task_metrics(task: str | None, curves: Collection[str]) -> list[Metric]:
    """The metrics of a run's task that can be shown; first those of which higher values are better.

    The first one always can; each other one if the run has a curve of it. task: empty of a loop of the user's own;
    None before it is known. curves: the names of the run's curves.
    """
    if task == "":  # a loop of the user's own: whatever it has reported
        found = [each for each in METRICS if each.is_curve and each.name != "loss" and _has_curve(each.name, curves)]
    else:
        own = sorted(
            (each for each in METRICS if each.task == (task or "classification") and each.is_curve),
            key=lambda each: not each.higher_is_better,
        )
        found = own[:1] + [each for each in own[1:] if f"{each.name}/validation" in curves]
    return [*found, *(metric(name) for name in _undeclared(curves))] or [metric("accuracy")]


def run_quantities(task: str | None, curves: Collection[str]) -> list[Quantity]:
    """The quantities of a run that can be charts, in the order in which they are shown. task, curves: as above."""
    metrics = task_metrics(task, curves)
    always = [LOSS, quantity_of(metrics[0], METRIC_CHART), LEARNING_RATE, THROUGHPUT, STEP_TIME, MEMORY]
    others = [quantity_of(each, metric_id(each.name)) for each in metrics[1:]]
    measured = [each for each in MEASURED if any(key in curves for _, key, _ in each.curves)]
    return [*always, *others, *measured]


def metric_id(name: str) -> str:
    """The id of a metric's own chart: letters, digits and hyphens, as widgets need it; no two metrics share one."""
    return "metric-" + re.sub(r"[^A-Za-z0-9_]", lambda found: f"-{ord(found[0]):x}-", name)


def _has_curve(name: str, curves: Collection[str]) -> bool:
    return any(f"{name}/{split}" in curves for split in ("train", "validation"))


def _undeclared(curves: Collection[str]) -> list[str]:
    """The names of a loop's own metrics, in the order in which they came."""
    names = dict.fromkeys(key.rpartition("/")[0] for key in curves if key.endswith(("/train", "/validation")))
    known = {each.name for each in METRICS}
    return [name for name in names if name not in known]

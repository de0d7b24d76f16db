"""Facts made up to the last digit, so that each threshold can be tried from both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.advice.facts import Facts
from workbench.advice.finding import Finding
from workbench.advice.rules import findings
from workbench.advice.trends import LossTrend, MemoryTrend, Plateau, ValidationTrend
from workbench.processes.batch_scan import BatchScan, Measured
from workbench.processes.range_test import RangeTest, Suggested
from workbench.runs.events import Prepared
from workbench.runs.history import EpochLosses
from workbench.runs.measurements import Health
from workbench.settings.preset import Preset

MIB, GIB = 2**20, 2**30

PREPARED = Prepared(
    device="cpu", device_name="CPU", engine="eager", engine_reason="", data_loading="on_device", parameters=1000,
    task="classification", classes=["cat", "dog"], train_samples=6400, validation_samples=800, test_samples=800,
    batch_size=64, steps_per_epoch=100, epochs=20, monitor="accuracy", seconds=1.0, num_threads=8,
)  # fmt: skip
ON_GPU = replace(PREPARED, device="cuda:0", device_name="NVIDIA H100 80GB HBM3")
LOADED = replace(PREPARED, data_loading="dataloader")


def preset(*assignments: str) -> Preset:
    return Preset().override(assignments)


def layer(name: str = "layers.2", kind: str = "relu", **fractions: float) -> dict[str, Any]:
    return {"name": name, "kind": kind, "units": 512, **fractions}


def tensor(name: str = "layers.1.weight", gradient_mean: float | None = 1e-3, bad: float = 0.0) -> dict[str, Any]:
    return {"name": name, "gradient_mean": gradient_mean, "weight_norm": 3.0, "non_finite_share": bad}


def health(
    layers: Sequence[dict[str, Any]] = (), tensors: Sequence[dict[str, Any]] = (), norm: float | None = 1.0
) -> Health:
    return Health(
        step=100, epoch=1, samples=256, seconds=0.01, layers=list(layers), tensors=list(tensors),
        gradient_norm=norm, weight_norm=20.0,
    )  # fmt: skip


def validation_trend(
    best: float, latest: float, since: int, best_step: int, train: tuple[float, float]
) -> ValidationTrend:
    """A trend without noise: the means are the epochs' own losses. train: at the best epoch, and at the last."""
    return ValidationTrend(
        best=best,
        latest=latest,
        validations_since=since,
        best_step=best_step,
        lowest=EpochLosses(best_step // 100, best_step, train[0], best),
        last=EpochLosses(best_step // 100 + since, best_step + 100 * since, train[1], latest),
    )


def range_test(
    steepest: float | None = 0.002, valley: float | None = 0.001, before_divergence: float | None = 0.1
) -> RangeTest:
    """Its answer: the curve does not matter to a rule."""
    return RangeTest([1e-4, 1e-3], [2.3, 2.0], [2.2, 1.9], [2.4, 2.1], Suggested(steepest, valley, before_divergence))


def batch_scan(paces: Mapping[int, float], knee: int | None, device: str = "CPU") -> BatchScan:
    """Its answer: samples a second by batch size."""
    measured = [Measured(size, pace, 1000 * size / pace, 2**20) for size, pace in paces.items()]
    return BatchScan(measured, knee, max(paces), device, "eager")


GOOD = Facts(
    step=1000,
    preset=preset(),
    prepared=PREPARED,
    cores=8,
    phase_fractions={"data": 0.04, "transfer": 0.0, "forward": 0.3, "backward": 0.4, "optimizer": 0.2, "rest": 0.06},
    p99_to_median=1.3,
    max_to_median=3.0,
    step_median_ms=2.0,
    slowdown=1.05,
    gpu_busy_fraction=0.9,
    cpu_wait_fraction=0.01,
    other_cores=0.1,
    gpu_used_bytes=20 * GIB,
    gpu_total_bytes=80 * GIB,
    host_used_bytes=20 * GIB,
    host_total_bytes=64 * GIB,
    memory=(MemoryTrend("the trainer's process", (GIB, GIB, GIB, GIB), 120.0, 40 * GIB),),
    seconds_left=60.0,
    loss=LossTrend(start=2.3, lowest=0.2, recent=0.2, highest=0.5, highest_step=700),
    plateau=Plateau(0.3, 0.2),
    diverged="",
    validation=validation_trend(0.3, 0.3, since=0, best_step=1000, train=(0.2, 0.2)),
    health=health([layer(dead_share=0.02)], [tensor()]),
    class_counts=(3300, 3100),
    learning_rate=0.001,
    range_test=range_test(),
    batch_scan=batch_scan({32: 30_000.0, 64: 50_000.0, 128: 51_000.0}, knee=64),
    is_live=True,
)
"""A run in which everything is known and all is well."""


def found(rule: str, **facts: Any) -> Finding | None:
    """What a rule finds in good facts that have been changed."""
    return next((finding for finding in findings(replace(GOOD, **facts)) if finding.rule == rule), None)


def severity(rule: str, **facts: Any) -> str | None:
    finding = found(rule, **facts)
    return None if finding is None else finding.severity

"""The request to the process that measures batch sizes, and its answers."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from workbench.processes.measuring import ANSWER, MeasuringProcess, Progress
from workbench.settings.optimizer_choice import LEARNING_RATE_BOUNDS, OptimizerChoice

MEASURED: Final = "measured"


@dataclass(frozen=True)
class Request:
    """A scan of batch sizes."""

    preset: str
    """As TOML; its batch size is not one of those that are tried."""
    up_to: int | None = None
    """The largest batch size to try; None: as many samples as there are to train on."""


@dataclass(frozen=True)
class Measured:
    """A batch size, and what its training steps take."""

    batch_size: int
    samples_per_second: float | None = None
    """None where it was not measured; the problem says why. So are the next two."""
    step_ms: float | None = None
    """Of an optimizer step, all accumulated batches included."""
    peak_bytes: int | None = None
    """The most memory of the device during steps and a validation batch. On a CPU it is estimated, not measured."""
    problem: str = ""
    """Why it was not measured, for the user; empty where it was."""
    out_of_memory: bool = False
    """Whether the device has no room for it."""


@dataclass(frozen=True)
class BatchScan:
    """The answer."""

    measured: list[Measured]
    """By batch size, rising."""
    knee: int | None
    """The smallest batch size that is within 5 % of the best throughput; None where none could be measured."""
    largest: int | None
    """The largest batch size that was measured."""
    device: str
    """As PyTorch names it."""
    engine: str
    """Which engine ran the steps."""
    notes: list[str] = field(default_factory=list)
    """Sentences for the user, such as where the scan ended."""


KINDS: dict[str, type] = {MEASURED: Measured, ANSWER: BatchScan}


async def batch_scan(process: MeasuringProcess, request: Request) -> AsyncIterator[Progress | Measured | BatchScan]:
    """Measures batch sizes in a process of `Module.BATCH_SCAN`; yields its messages, the answer last.

    Raises WorkbenchError.
    """
    async for message in process.ask(request, KINDS):
        yield message


def scaled_rate(
    optimizer: OptimizerChoice, before: int, after: int, check: str = "workbench tune lr"
) -> tuple[float, str]:
    """The learning rate that suits another batch size by the usual rule, and a sentence about it.

    check: what runs a range test, for the sentence.
    """
    rate, factor = optimizer.learning_rate, after / before
    if before == after:
        return rate, f"the batch size stays {after}, and so does the learning rate"
    match optimizer.rate_by_batch:
        case "linear":
            rule, scaled = "in proportion to the batch size", rate * factor
        case "square_root":
            rule, scaled = "with the square root of the batch size", rate * math.sqrt(factor)
        case "none":
            return rate, f"{optimizer.label()} derives its step size by itself, so the learning rate stays {rate:g}"
    scaled = float(f"{min(scaled, LEARNING_RATE_BOUNDS['le']):.3g}")
    return scaled, (
        f"from batch size {before} to {after} the learning rate of {optimizer.label()} usually changes {rule}: "
        f"{rate:g} becomes {scaled:g}; check it with {check}"
    )

"""The request to the process that runs a learning rate range test, and its answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from workbench.errors import UsageError
from workbench.processes.measuring import ANSWER, MeasuringProcess, Progress
from workbench.settings.optimizer_choice import LEARNING_RATE_BOUNDS, OptimizerChoice
from workbench.settings.preset import Preset

CURVE: Final = "curve"
DECADES = 4
"""The sweep reaches this many decades below and above the learning rate that the optimizer has by default."""
STEPS, SEEDS = 100, 5
LEAST_STEPS, MOST_STEPS = 20, 10_000
MOST_SEEDS = 50
SAFETY = 3.0
"""`before_divergence` is the last rate before the loss diverges, divided by this."""


@dataclass(frozen=True)
class Request:
    """A range test."""

    preset: str
    """As TOML."""
    low: float
    """The learning rate of the first step."""
    high: float
    """The learning rate of the last step."""
    steps: int = STEPS
    """Optimizer steps of each seed."""
    seeds: int = SEEDS
    """Trainings, each with weights and an order of samples of its own."""

    @classmethod
    def of(
        cls, preset: Preset, low: float | None = None, high: float | None = None, steps: int = STEPS, seeds: int = SEEDS
    ) -> Request:
        """The range test of a preset; rates that are not given are those around the optimizer's default.

        Raises UsageError where the numbers do not fit together.
        """
        least, most = default_range(preset.optimizer)
        if low is None and high is not None and high <= least:
            low = high / 10**DECADES
        if high is None and low is not None and low >= most:
            high = min(low * 10**DECADES, LEARNING_RATE_BOUNDS["le"])
        low, high = least if low is None else low, most if high is None else high
        if not 0 < low < high <= LEARNING_RATE_BOUNDS["le"]:
            raise UsageError(
                f"the range test sweeps from a low rate to a high one, above 0 and at most "
                f"{LEARNING_RATE_BOUNDS['le']:g}; --low {low:g} and --high {high:g} are not such a range"
            )
        if not LEAST_STEPS <= steps <= MOST_STEPS:
            raise UsageError(f"--steps takes a number from {LEAST_STEPS} to {MOST_STEPS:,}, not {steps}")
        if not 1 <= seeds <= MOST_SEEDS:
            raise UsageError(f"--seeds takes a number from 1 to {MOST_SEEDS}, not {seeds}")
        return cls(preset.to_toml(), low, high, steps, seeds)

    def rates(self) -> list[float]:
        """The learning rate of each step: the same factor from one to the next."""
        factor = self.high / self.low
        return [self.low * factor ** (step / (self.steps - 1)) for step in range(self.steps)]


def default_range(optimizer: OptimizerChoice) -> tuple[float, float]:
    """The lowest and the highest rate of the sweep, around the default of the optimizer's class."""
    default = float(type(optimizer).model_fields["learning_rate"].default)
    return default / 10**DECADES, min(default * 10**DECADES, LEARNING_RATE_BOUNDS["le"])


@dataclass(frozen=True)
class Curve:
    """The sweep of one seed, up to where it diverges."""

    seed: int
    """As `training.seed`."""
    losses: list[float]
    """Smoothed, one for each rate of the sweep from the lowest on; the step that diverges is not among them."""
    diverged: bool


def spread(curves: Sequence[Curve]) -> tuple[list[float], list[float], list[float]]:
    """The median, the lowest and the highest loss of the curves at each rate, up to where the first of them ends."""
    columns = [sorted(losses) for losses in zip(*(curve.losses for curve in curves), strict=False)]
    return [median(column) for column in columns], [column[0] for column in columns], [column[-1] for column in columns]


@dataclass(frozen=True)
class Suggested:
    """The learning rates that the test names; None where none can be named."""

    steepest: float | None
    valley: float | None
    before_divergence: float | None

    @property
    def best(self) -> float | None:
        """The rate to train with: the steepest point, else the valley.

        Not the last rate before divergence: that is the largest with which training may work.
        """
        return self.valley if self.steepest is None else self.steepest


@dataclass(frozen=True)
class RangeTest:
    """The answer. The curves end where the first seed diverges."""

    rates: list[float]
    median: list[float]
    """Of the seeds' smoothed losses, at each rate."""
    lowest: list[float]
    highest: list[float]
    suggested: Suggested
    notes: list[str] = field(default_factory=list)
    """Sentences for the user, such as why a rate is not named."""


KINDS: dict[str, type] = {CURVE: Curve, ANSWER: RangeTest}


async def range_test(process: MeasuringProcess, request: Request) -> AsyncIterator[Progress | Curve | RangeTest]:
    """Runs a range test in a process of `Module.RANGE_TEST`; yields its messages, the answer last.

    Raises WorkbenchError.
    """
    async for message in process.ask(request, KINDS):
        yield message

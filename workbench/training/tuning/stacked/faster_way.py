"""Whether candidates are trained faster together or one by one: a step of both is timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import torch

from workbench.settings.preset import Preset
from workbench.training.base_rate import BaseRate, ScheduledRate
from workbench.training.engines.choose import make_engine
from workbench.training.engines.engine import EngineHooks
from workbench.training.job import assemble
from workbench.training.prepared_data import PreparedData
from workbench.training.timing.clock import PhaseClock
from workbench.training.tuning.stacked.errors import CannotStackError
from workbench.training.tuning.stacked.stack import Stack
from workbench.training.tuning.step_runner import StepRunner

WARM_STEPS = 3
TURNS = 5
"""Both ways are timed in turns: other load on the machine then spoils both."""


@dataclass(frozen=True)
class Decision:
    """The faster way, and why."""

    together: bool
    reason: str
    """In half a sentence."""
    ratio: float | None = None
    """How many times as fast together as one by one; None where it was not timed."""


def faster_way(data: Sequence[PreparedData], presets: Sequence[Preset]) -> Decision:
    """Times a full step of all candidates together, and one of a single candidate, on throw-away models.

    data: of each preset. Raises what `assemble` and `make_engine` raise.
    """
    if len(presets) < 2:
        return Decision(False, "a single candidate has nothing to share")
    try:
        stack = Stack(data, presets, range(len(presets)))
        together = _StackedSteps(stack)
        together.run(WARM_STEPS)
    except CannotStackError as error:
        return Decision(False, str(error))
    runner = _alone(data[0], presets[0])
    runner.run(WARM_STEPS)
    pairs = [(_seconds(lambda: together.run(1)), _seconds(lambda: runner.run(4)) / 4) for _ in range(TURNS)]
    ratio = median(single * len(presets) / stacked for stacked, single in pairs)
    step = median(stacked for stacked, _ in pairs)
    one_by_one = median(single for _, single in pairs) * len(presets)
    reason = (
        f"a step of all {len(presets)} takes {1000 * step:.3g} ms together and {1000 * one_by_one:.3g} ms one by one"
    )
    return Decision(ratio > 1, reason, ratio)


class _StackedSteps:
    """Runs full steps of a stack, always on the same samples."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        preset = stack.running[0].preset
        size = min(preset.data.batch_size * preset.training.gradient_accumulation, stack.samples_per_epoch)
        order = stack.orders()[:, :size]
        self._batches = order.split(preset.data.batch_size, dim=1)
        self._rates = stack.rates(1)[0]

    def run(self, steps: int) -> None:
        """Runs steps and waits for them."""
        for _ in range(steps):
            losses, _ = self._stack.run_step(self._batches, self._rates)
        losses.sum().item()


def _alone(data: PreparedData, preset: Preset) -> StepRunner:
    job = assemble(data, preset)
    schedule = preset.schedule.build(preset.training.epochs)
    rate = ScheduledRate(BaseRate(preset.optimizer.learning_rate, preset.changes).at, schedule, job.steps_per_epoch)
    silent = EngineHooks(lambda _: None, lambda _: None, lambda what, seconds: None)
    return StepRunner(job, make_engine(job, PhaseClock(), rate.at, silent).engine)


def _seconds(run: Callable[[], object]) -> float:
    began = perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return perf_counter() - began

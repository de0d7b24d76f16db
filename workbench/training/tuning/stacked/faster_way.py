"""Whether candidates are trained faster together or one by one: a step of both is timed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter

import torch

from workbench.processes.stacked import Way
from workbench.settings.preset import Preset
from workbench.training.base_rate import BaseRate, ScheduledRate
from workbench.training.engines.choose import make_engine
from workbench.training.engines.engine import EngineHooks
from workbench.training.job import assemble
from workbench.training.prepared_data import PreparedData
from workbench.training.step_runner import StepRunner
from workbench.training.timing.clock import PhaseClock
from workbench.training.tuning.stacked.errors import CannotStackError
from workbench.training.tuning.stacked.stack import Stack
from workbench.training.tuning.stacked.train import stacks_of

WARM_STEPS = 3
SINGLE_STEPS = 4
TURNS = 7
"""Both ways are timed in turns: other load on the machine then spoils both."""


def faster_way(data: Sequence[PreparedData], presets: Sequence[Preset]) -> Way:
    """Times a full step of all candidates together and of a single one, on throw-away models.

    data: of each preset. Raises what `assemble` and `make_engine` raise.
    """
    try:
        return way_of(data, presets, stacks_of(data, presets))
    except CannotStackError as error:
        return Way(False, str(error))


def way_of(data: Sequence[PreparedData], presets: Sequence[Preset], stacks: Sequence[Stack]) -> Way:
    """The same for stacks that are made; they stay as they are. Raises CannotStackError."""
    if len(presets) < 2:
        return Way(False, "a single candidate has nothing to share")
    # The largest stack stands for all: folds differ in size by one sample.
    largest = max(stacks, key=lambda stack: len(stack.running))
    numbers = [course.number for course in largest.running]
    stack = Stack([data[number] for number in numbers], [presets[number] for number in numbers], numbers)
    together, single = StackedSteps(stack), SingleSteps(data[numbers[0]], presets[numbers[0]])
    together.run(WARM_STEPS)
    single.run(WARM_STEPS)
    turns = [
        (_seconds(lambda: together.run(1)), _seconds(lambda: single.run(SINGLE_STEPS)) / SINGLE_STEPS)
        for _ in range(TURNS)
    ]
    ratio = median(alone * len(numbers) / stacked for stacked, alone in turns)
    step, one_by_one = (1000 * median(times) for times in zip(*turns, strict=True))
    reason = (
        f"a step of {len(numbers)} candidates takes {step:.3g} ms together and {one_by_one * len(numbers):.3g} ms "
        "one by one"
    )
    return Way(ratio > 1, reason, round(ratio, 4))


class StackedSteps:
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


class SingleSteps:
    """Runs steps of one candidate, by the engine that a run would take."""

    def __init__(self, data: PreparedData, preset: Preset) -> None:
        """Raises what `assemble` and `make_engine` raise."""
        job = assemble(data, preset)
        schedule = preset.schedule.build(preset.training.epochs)
        base = BaseRate(preset.optimizer.learning_rate, preset.changes)
        rate = ScheduledRate(base.at, schedule, job.steps_per_epoch)
        silent = EngineHooks(lambda _: None, lambda _: None, lambda what, seconds: None)
        self._runner = StepRunner(job, make_engine(job, PhaseClock(), rate.at, silent).engine)

    def run(self, steps: int) -> None:
        """Runs steps and waits for them."""
        self._runner.run(steps)


def _seconds(run: Callable[[], object]) -> float:
    began = perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return perf_counter() - began

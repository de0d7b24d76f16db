"""The learning rate range test: the loss while the learning rate rises exponentially from step to step.

Leslie N. Smith, "Cyclical Learning Rates for Training Neural Networks" (2015, arXiv 1506.01186), section 3.3. Each seed
trains a throw-away model: no run is touched, nothing is written, and the random generators are left as they were.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch

from workbench.errors import WorkbenchError
from workbench.processes.range_test import Curve
from workbench.settings.preset import Preset
from workbench.training.device import resolve_device
from workbench.training.engines.choose import make_engine
from workbench.training.engines.engine import EngineHooks
from workbench.training.job import assemble
from workbench.training.prepared_data import PreparedData
from workbench.training.random_state import random_state, restore_random_state
from workbench.training.step_runner import StepRunner
from workbench.training.timing.clock import PhaseClock

SMOOTHING = 0.9
"""Weight of the past in the running mean of the losses: of about ten steps."""
DIVERGED = 4.0
"""A smoothed loss of this many times the lowest one has diverged, as in fastai and Lightning."""
STEPS_AT_ONCE = 10
"""Steps between two looks at the losses: on a GPU each look waits for it."""

SMALL_STEP = 16_000_000
"""Samples of a batch times parameters, up to which a CPU runs the steps with one thread. Two gain little there, and on
two cores that others use as well they took 18 times the processor time (preset fast: 8 s for 0.43 s)."""

Report = Callable[[str, int, int], object]
"""Called with what is being done, the steps done, and all steps."""


class Smoothing:
    """An exponential running mean without bias towards zero (Kingma and Ba, 2014), and whether it has diverged."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        """Smoothed, up to the one that diverged, which is left out."""
        self.diverged = False
        self._mean = 0.0
        self._lowest = math.inf

    def add(self, losses: Sequence[float]) -> None:
        """Takes the losses of the next steps; after one that diverged, none."""
        for loss in losses:
            if self.diverged:
                return
            self._mean = SMOOTHING * self._mean + (1 - SMOOTHING) * loss
            smoothed = self._mean / (1 - SMOOTHING ** (len(self.losses) + 1))
            # Some losses can be negative: then as far above the lowest.
            limit = self._lowest + (DIVERGED - 1) * abs(self._lowest)
            if not math.isfinite(loss) or smoothed > limit:
                self.diverged = True
                return
            self._lowest = min(self._lowest, smoothed)
            self.losses.append(smoothed)


def sweep_seeds(
    data: PreparedData, preset: Preset, rates: Sequence[float], seeds: int, report: Report
) -> Iterator[Curve]:
    """Sweeps the learning rates with each of some seeds, from that of the preset on.

    Raises what `assemble` raises, and WorkbenchError where the first loss of all is not a finite number.
    """
    for number in range(seeds):
        report(f"sweeping with seed {number + 1} of {seeds}", number * len(rates), seeds * len(rates))
        seed = (preset.training.seed + number) % 2**31
        yield sweep(data, preset.override([f"training.seed={seed}"]), rates)


def sweep(data: PreparedData, preset: Preset, rates: Sequence[float]) -> Curve:
    """Trains a step at each learning rate, by the seed of the preset, until the loss diverges.

    Raises what `assemble` raises, and WorkbenchError where the first loss is not a finite number.
    """
    device = resolve_device(preset.runtime.device)
    before, threads = random_state(device), torch.get_num_threads()
    # So few steps do not pay for a trace or a CUDA graph.
    job = assemble(data, preset.override(["runtime.engine=eager"]))
    try:
        is_small = preset.data.batch_size * job.parameters <= SMALL_STEP
        if device.type == "cpu" and is_small and not preset.runtime.num_threads:
            torch.set_num_threads(1)
        engine = make_engine(job, PhaseClock(), lambda step: rates[min(step, len(rates)) - 1], EngineHooks()).engine
        runner, smoothing = StepRunner(job, engine), Smoothing()
        while not smoothing.diverged and runner.steps < len(rates):
            losses = runner.run(min(STEPS_AT_ONCE, len(rates) - runner.steps))
            smoothing.add([step.loss for step in losses])
    finally:
        job.close()
        restore_random_state(before, device)
        torch.set_num_threads(threads)
    if not smoothing.losses:
        raise WorkbenchError(
            "the loss of the first batch is not a finite number, before any step: no learning rate helps. Look at the "
            "data, the model and the loss"
        )
    return Curve(preset.training.seed, smoothing.losses, smoothing.diverged)

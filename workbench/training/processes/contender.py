"""One of the two training runs of a comparison: the trainer's own engine and clock on a throw-away model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from workbench.settings.judged import loss_scale
from workbench.settings.preset import Preset
from workbench.training.base_rate import BaseRate, ScheduledRate
from workbench.training.device import configure_torch, resolve_device
from workbench.training.engines.choose import make_engine
from workbench.training.engines.engine import EngineHooks
from workbench.training.job import build_job
from workbench.training.loader_batches import DataLoaderBatches
from workbench.training.step_runner import StepRunner
from workbench.training.timing.choose import make_clock
from workbench.training.timing.step_times import Measured

if TYPE_CHECKING:
    from workbench.training.job import Job
    from workbench.training.loss_log import StepLoss

FIRST_STEPS = 8
"""Left out before the first turn, and not counted: in them memory is allocated, libraries choose their algorithms, and
a step is captured in a CUDA graph."""


class Contender:
    """A training run that continues a little at each turn, and what was measured of it."""

    def __init__(self, preset: Preset) -> None:
        """Builds all parts. Raises what `build_job` raises."""
        self.preset = preset
        self.steps = 0
        """Measured steps; those that are left out are not among them."""
        self.peak_bytes: int | None = None
        """The most that the GPU held for this contender; None on the CPU."""
        self._held_bytes = 0
        self._steps_per_second = 0.0
        """As last measured: how many steps a turn has."""
        self._losses: list[StepLoss] = []
        # The other one may have set another number, and 0 means that nothing is set.
        self._threads = torch.get_num_threads()
        self._device = resolve_device(preset.runtime.device)
        with self._counting_memory():
            self._job = build_job(preset, lambda progress: None)
            schedule = preset.schedule.build(preset.training.epochs)
            base_rate = BaseRate(preset.optimizer.learning_rate)
            learning_rate = ScheduledRate(base_rate.at, schedule, self._job.steps_per_epoch).at
            self._clock = make_clock(self._device, preset.runtime.measure)
            # The run itself reports what an engine warns of: here it is enough that it continues as it would there.
            self._engine = make_engine(self._job, self._clock, learning_rate, EngineHooks()).engine
            self._runner = StepRunner(self._job, self._engine, self._clock)
        torch.set_num_threads(self._threads)

    @property
    def data_loading(self) -> str:
        """How the batches are loaded, as in `runtime.data_loading`."""
        return self._job.train.name

    @property
    def engine(self) -> str:
        """Which engine executes the steps."""
        return self._engine.name

    @property
    def num_threads(self) -> int:
        """CPU threads of PyTorch."""
        return self.preset.runtime.num_threads or self._threads

    @property
    def samples_per_step(self) -> int:
        """Samples of a whole optimizer step."""
        return self.preset.data.batch_size * self.preset.training.gradient_accumulation

    def samples_of(self, steps: int) -> int:
        """Returns how many samples that many optimizer steps train on: the last batch of an epoch may be short."""
        epochs, rest = divmod(steps, self._job.steps_per_epoch)
        return epochs * self._job.samples_per_epoch + rest * self.samples_per_step

    @property
    def loss_scale(self) -> object:
        """What must be the same for two losses to be comparable."""
        return loss_scale(self.preset)

    @property
    def job(self) -> Job:
        """What is trained."""
        return self._job

    @property
    def samples_trained(self) -> int:
        """From the first step on, those left out too."""
        return self._runner.samples

    @property
    def epoch(self) -> int:
        """Epochs completed."""
        return self.samples_trained // self._job.samples_per_epoch

    @property
    def is_finite(self) -> bool:
        """Whether the last loss was a finite number."""
        return not self._losses or math.isfinite(self._losses[-1].loss)

    def close(self) -> None:
        """Ends the processes that read samples: left to themselves, they may outlive the comparison for seconds."""
        self._job.close()

    def warm_up(self, seconds: float) -> None:
        """Trains the first steps, which are not counted, and measures how many steps a turn of that length has."""
        with self._counting_memory():
            self._train_steps(FIRST_STEPS)
            self._clock.take()
            steps, least = 1, 0.25 * seconds
            while (measured := self._timed(steps)).seconds < least:
                steps *= 2
        self._steps_per_second = measured.steps / measured.seconds

    def turn(self, seconds: float) -> float:
        """Trains for about that many seconds, after some uncounted steps; returns the samples a second.

        By a number of steps, not until a time: on a GPU the host may be seconds ahead of what is done.
        """
        with self._counting_memory():
            self._train_steps(self._steps_left_out)
            self._clock.take()
            measured = self._timed(max(round(seconds * self._steps_per_second), 1))
        self._note(measured)
        return measured.samples / measured.seconds

    def train_to(self, samples: int) -> Measured:
        """Trains whole steps until it has trained on at least that many samples in all."""
        with self._counting_memory():
            self._clock.take()
            self._train(lambda: self.samples_trained < samples)
            measured = self._clock.take()
        self._note(measured)
        return measured

    def _timed(self, steps: int) -> Measured:
        self._train_steps(steps)
        return self._clock.take()

    def loss_after(self, samples: int, window: float) -> float:
        """The mean loss of the last `window` samples of the first `samples` ones; NaN if there is none."""
        total, count, trained = 0.0, 0, 0
        for step in self._losses:
            trained += step.samples
            if trained > samples and count:
                break
            if trained > samples - window:
                total, count = total + step.loss * step.samples, count + step.samples
        return total / count if count else math.nan

    @property
    def _steps_left_out(self) -> int:
        """One, for the caches; where a loader's workers have read ahead meanwhile, as many as that lasts."""
        if not isinstance(self._job.train, DataLoaderBatches):
            return 1
        ahead = 2 * self.preset.runtime.num_workers  # prefetch_factor is 2
        return ahead // self.preset.training.gradient_accumulation + 1

    def _train_steps(self, steps: int) -> None:
        """Trains at least that many steps: an engine may run several at once."""
        last = self._runner.steps + steps
        self._train(lambda: self._runner.steps < last)

    def _train(self, is_unfinished: Callable[[], bool]) -> None:
        """As the trainer's epoch loop does."""
        self._configure()
        self._losses += self._runner.run_while(is_unfinished)

    def _configure(self) -> None:
        """Sets what PyTorch keeps globally as this contender wants it: the other one may want it otherwise."""
        torch.set_num_threads(self._threads)
        configure_torch(self.preset.runtime, self._device)

    def _note(self, measured: Measured) -> None:
        if not measured.steps:
            return
        self._steps_per_second = measured.steps / measured.seconds
        self.steps += measured.steps

    @contextmanager
    def _counting_memory(self) -> Iterator[None]:
        """Attributes what is allocated inside the `with` to this contender, and keeps the most that it ever held."""
        if self._device.type != "cuda":
            yield
            return
        torch.cuda.init()
        torch.cuda.reset_peak_memory_stats(self._device)
        before = torch.cuda.memory_allocated(self._device)
        yield
        peak = torch.cuda.max_memory_allocated(self._device) - before + self._held_bytes
        self.peak_bytes = max(self.peak_bytes or 0, peak)
        self._held_bytes += torch.cuda.memory_allocated(self._device) - before

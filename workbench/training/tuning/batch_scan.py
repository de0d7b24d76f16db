"""Measures batch sizes: throughput, time of a step, and peak memory, each on a throw-away model.

A batch size counts as one that fits only after full steps with the optimizer's state and a validation batch, and with a
tenth of the device's memory still free.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence

import torch

from workbench.devices.host import HostMonitor
from workbench.errors import PresetError, type_and_first_line
from workbench.processes.batch_scan import BatchScan, Measured
from workbench.settings.preset import Preset
from workbench.training.device import device_name, resolve_device
from workbench.training.engines.choose import make_engine
from workbench.training.engines.engine import EngineHooks
from workbench.training.job import Job, assemble
from workbench.training.memory.estimate import expected_memory
from workbench.training.memory.out_of_memory import is_out_of_memory
from workbench.training.prepared_data import PreparedData
from workbench.training.random_state import random_state, restore_random_state
from workbench.training.step_runner import StepRunner
from workbench.training.timing.clock import PhaseClock
from workbench.training.tuning.pace import pace_of
from workbench.units import duration, size

FREE_FRACTION = 0.1
"""Fraction of the device's memory that is kept free."""
KNEE = 0.95
"""The knee has at least this fraction of the best throughput."""
MOST_STEP_SECONDS = 10.0
"""A batch size whose step would take longer is not measured, nor are larger ones."""

Measure = Callable[[int], Measured]
Report = Callable[[str, int, int], object]
"""Called with what is being done, the batch sizes done, and all batch sizes."""


def batch_sizes(samples: int, up_to: int | None) -> list[int]:
    """The batch sizes to try: 1, 2, 4, ... up to as many as there are samples to train on, or fewer."""
    most = samples if up_to is None else min(samples, up_to)
    return [2**power for power in range(most.bit_length()) if 2**power <= most]


def scan(samples: int, up_to: int | None, measure: Measure, report: Report) -> Iterator[Measured]:
    """Measures one batch size after another, until one does not fit into memory or takes too long.

    samples: of the training split. Raises what `measure` raises.
    """
    sizes = batch_sizes(samples, up_to)
    for number, batch_size in enumerate(sizes):
        report(f"measuring batch size {batch_size}", number, len(sizes))
        measured = measure(batch_size)
        yield measured
        # A batch of 1 may be refused where larger ones are not; everything else only becomes worse.
        if measured.problem and batch_size > 1:
            return
        if measured.step_ms is not None and 2 * measured.step_ms > 1000 * MOST_STEP_SECONDS and number + 1 < len(sizes):
            seconds = 2 * measured.step_ms / 1000
            yield Measured(sizes[number + 1], problem=f"not measured: a step would take about {duration(seconds)}")
            return


def knee_of(measured: Sequence[Measured]) -> int | None:
    """The smallest batch size whose throughput is within 5 % of the best; None where none was measured."""
    paces = {each.batch_size: each.samples_per_second for each in measured if each.samples_per_second is not None}
    best = max(paces.values(), default=0.0)
    return min((batch_size for batch_size, pace in paces.items() if pace >= KNEE * best), default=None)


def conclude(measured: Sequence[Measured], samples: int, measure: MeasureBatch) -> BatchScan:
    """What a scan has found."""
    largest = max((each.batch_size for each in measured if not each.problem), default=None)
    knee = knee_of(measured)
    notes = [f"batch size {each.batch_size}: {each.problem}" for each in measured if each.problem]
    if largest is not None and 2 * largest > samples:
        notes.append(f"the scan ended at the training split, which has {samples:,} samples")
    if knee is not None and knee == largest and len(measured) > 1 and not measured[-1].problem:
        notes.append("throughput still grows at the largest batch size that was measured")
    return BatchScan(list(measured), knee, largest, measure.device_name, measure.engine, notes)


class MeasureBatch:
    """Measures batch sizes of a preset on data that was prepared once."""

    def __init__(self, data: PreparedData, preset: Preset) -> None:
        self._data = data
        self._preset = preset
        self._device = resolve_device(preset.runtime.device)
        self._measured_before = False
        self._grown_bytes = 0
        """The most by which a batch size made this process grow."""
        self.device_name = device_name(self._device)
        self.engine = ""
        """Which engine ran the steps of the last batch size."""

    def __call__(self, batch_size: int) -> Measured:
        """Measures one batch size, and frees all that it took. Raises what `assemble` and `make_engine` raise."""
        before = random_state(self._device)
        try:
            measured = self._measure(batch_size)
        except PresetError as error:
            if batch_size > 1:
                raise
            measured = Measured(batch_size, problem=str(error))
        except Exception as error:
            if is_out_of_memory(error):
                measured = Measured(batch_size, problem="out of memory", out_of_memory=True)
            elif self._measured_before:  # such as an index that a kernel cannot count
                measured = Measured(batch_size, problem=type_and_first_line(error))
            else:
                raise
        finally:
            restore_random_state(before, self._device)
            if self._device.type == "cuda":
                torch.cuda.set_per_process_memory_fraction(1.0, self._device)
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        self._measured_before |= not measured.problem
        return measured

    def _measure(self, batch_size: int) -> Measured:
        on_gpu = self._device.type == "cuda"
        if on_gpu:
            self._limit_memory()
        resident = resident_bytes()
        job = assemble(self._data, self._preset.override([f"data.batch_size={batch_size}"]))
        try:
            peak_bytes, needed = (None, 0) if on_gpu else self._needed(job)
            if not on_gpu and needed > (room := host_room()):
                problem = f"out of memory: needs about {size(needed)}, and {size(room)} may be used"
                return Measured(batch_size, peak_bytes=peak_bytes, problem=problem, out_of_memory=True)
            if on_gpu:
                torch.cuda.reset_peak_memory_stats(self._device)
            choice = make_engine(job, PhaseClock(), lambda step: self._preset.optimizer.learning_rate, EngineHooks())
            self.engine = choice.engine.name
            pace = pace_of(StepRunner(job, choice.engine).run_counted)
            validate_batch(job)
            if on_gpu:
                peak_bytes = torch.cuda.max_memory_allocated(self._device)
            elif resident is not None:
                self._grown_bytes = max((resident_bytes() or resident) - resident, self._grown_bytes)
        finally:
            job.close()
        return Measured(
            batch_size,
            samples_per_second=round(pace.samples_per_second, 3),
            step_ms=round(1000 * pace.step_seconds, 6),
            peak_bytes=peak_bytes,
        )

    def _needed(self, job: Job) -> tuple[int | None, int]:
        """The expected peak on the host, None where it cannot be estimated, and what is to be allocated for it."""
        expected = expected_memory(job)
        if expected.peak_bytes is None:
            return None, 2 * self._grown_bytes  # the batch size before was half as large
        return expected.peak_bytes, expected.peak_bytes - expected.kinds.get("data", 0)  # the samples are there already

    def _limit_memory(self) -> None:
        """Lets PyTorch run out of memory on the GPU where less than a tenth of it would stay free."""
        free, total = torch.cuda.mem_get_info(self._device)
        usable = free + torch.cuda.memory_reserved(self._device) - FREE_FRACTION * total
        torch.cuda.set_per_process_memory_fraction(min(max(usable / total, 0.0), 1.0), self._device)


def host_room() -> int:
    """Bytes of the host's memory that may be used; 0 where none may."""
    reading = HostMonitor(os.getpid()).read()
    return max(int(reading.available_bytes - FREE_FRACTION * reading.total_bytes), 0)


def resident_bytes() -> int | None:
    """Memory of this process; None where it is not known."""
    return HostMonitor(os.getpid()).read().rss_bytes


def validate_batch(job: Job) -> None:
    """Predicts a batch of the validation split, as after an epoch; nothing where there is none."""
    if job.validation is None:
        return
    source = job.validation
    order = torch.arange(min(source.batch_size, len(source)))
    job.model.eval()
    with torch.inference_mode():
        for batch in source.batches(order, PhaseClock()):
            with job.precision.autocast():
                scores = job.model(batch.inputs).float()
            float(job.loss(scores, batch.targets))

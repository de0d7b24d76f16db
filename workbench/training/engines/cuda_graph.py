"""The CUDA graph engine: whole steps captured and replayed, so that the GPU never waits for the host.

A captured step needs nothing from the host. The epoch's order of samples, its learning rates, the number of the step
and the losses are on the device: a step looks up its samples, gathers them, computes gradients, updates the weights
and advances the number. Several short steps make one launch.

The first steps run directly, which makes everything needed once (optimizer state, cuDNN's choice of algorithms). Then a
step is captured and compared with the same step without a graph. If anything is wrong, all steps run directly and a
warning says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import torch
from torch import Tensor, nn

from workbench.errors import first_line
from workbench.training.batches import Batch, OnDeviceBatches
from workbench.training.engines.capture import Capture, Captured, CudaCapture, free_unused, seconds_of
from workbench.training.engines.device_rates import DeviceRates
from workbench.training.engines.direct import DirectEngine
from workbench.training.engines.engine import EngineHooks, StepsRun
from workbench.training.engines.host_state import HostState
from workbench.training.engines.step_state import Snapshot, StepState
from workbench.training.graphs.agreement import agree
from workbench.training.job import Job
from workbench.training.timing.cuda_clock import CudaClock, PhaseEvents

WARM_UP_STEPS = 3
MOST_STEPS_PER_LAUNCH = 8
MOST_LAUNCH_SECONDS = 0.01
"""Longer steps gain nothing by being launched together: the host launches the next one while the device works."""


def why_not_capturable(job: Job) -> str | None:
    """Why the job's steps cannot be captured; None if they can, as far as is known before a capture."""
    if job.device.type != "cuda":
        return "CUDA graphs need an NVIDIA GPU"
    if not isinstance(job.train, OnDeviceBatches):
        return "samples that a DataLoader reads cannot be gathered inside a CUDA graph"
    if job.input_names:
        return "inputs by name are trained step by step"
    if job.precision.scaler is not None:
        return "fp16's loss scaling decides on the host and cannot be captured"
    if job.preset.runtime.deterministic:
        return "a deterministic run executes steps one at a time so that it can be resumed after any of them"
    defaults = job.optimizer.defaults
    if "capturable" not in defaults and not (isinstance(job.optimizer, torch.optim.SGD) and defaults.get("fused")):
        return f"{job.preset.optimizer.label()} cannot be captured"
    return None


class CudaGraphEngine:
    """Replays captured steps of a direct engine, which runs the first steps and the last, shorter one of an epoch."""

    def __init__(
        self,
        direct: DirectEngine,
        model: nn.Module,
        source: OnDeviceBatches,
        hooks: EngineHooks,
        capture: Capture | None = None,
    ) -> None:
        """model: the one that `direct` trains. capture: in place of CUDA's."""
        self.name, self.losses, self.correct = direct.name, direct.losses, direct.correct
        self._direct, self._model, self._source, self._hooks = direct, model, source, hooks
        self._step, self._clock = direct.step, direct.step.clock
        self._device = direct.correct.device
        self._accumulation, self._step_samples = direct.gradient_accumulation, direct.samples_per_step
        self._state = StepState(model, direct.step.optimizer, direct.correct)
        self._capture: Capture = CudaCapture(self._device) if capture is None else capture
        most_steps = max(len(source) // self._step_samples, 1)

        def on_device(*shape: int, dtype: torch.dtype) -> Tensor:
            return torch.zeros(shape, dtype=dtype, device=self._device)

        self._order = on_device(max(len(source), self._step_samples), dtype=torch.int64)
        self._rows = self._order[: most_steps * self._step_samples].view(-1, source.batch_size)
        """The samples of each batch."""
        self._cursor = on_device(1, dtype=torch.int64)
        """Number of the next step within the epoch, from 0."""
        self._epoch_losses = on_device(most_steps, dtype=torch.float32)
        self._rates = DeviceRates(direct.step.optimizer, direct.learning_rate, most_steps)
        self._epoch_samples = self._epoch_steps = self._steps_done = self._warm_steps = 0
        """Samples and full steps of this epoch, full steps done, and steps done before the capture."""
        self._single: Captured | None = None
        self._several: tuple[int, Captured] | None = None
        self._timed: tuple[Captured, PhaseEvents] | None = None
        self._steps_per_launch = 1
        self._refused: set[str] = set()
        """Optional captures that are not tried again."""
        self._has_given_up = False

    def start_epoch(self, order: Tensor) -> None:
        self._epoch_samples = len(order)
        self._epoch_steps, self._steps_done = len(order) // self._step_samples, 0
        self._order[: len(order)].copy_(order)
        self._cursor.zero_()
        self._rates.start_epoch()
        if self._replays:
            self._start_direct_epoch(self._epoch_steps)
        else:
            self._direct.start_epoch(order)

    def _start_direct_epoch(self, step: int) -> None:
        """Gives the direct engine the samples from the full step of this number on."""
        self._direct.start_epoch(self._order[step * self._step_samples : self._epoch_samples])

    def run_steps(self, step: int) -> StepsRun:
        if self._steps_done >= self._epoch_steps:
            return self._direct.run_steps(step)
        if self._is_outdated:
            self._capture_again()
        if self._replays:
            steps = self._replay(step)
            first, self._steps_done = self._steps_done, self._steps_done + steps
            self.losses.append(self._epoch_losses[first : first + steps], self._step_samples)
            return StepsRun(steps=steps, batches=steps * self._accumulation, samples=steps * self._step_samples)
        if self._has_given_up or self._warm_steps < WARM_UP_STEPS:
            self._warm_steps += 1
            ran = self._direct.run_steps(step)
        else:
            ran = self._begin_to_replay(step)
        self._steps_done += 1
        return ran

    @property
    def _replays(self) -> bool:
        return self._single is not None

    @property
    def _is_outdated(self) -> bool:
        """The graph of a single step is the oldest one: if it can be replayed, all can."""
        return self._single is not None and self._single.is_outdated

    def _replay(self, step: int) -> int:
        """Replays the next step or steps, the first of them number `step`; returns how many."""
        self._copy_rates(step)
        left, clock = self._epoch_steps - self._steps_done, self._clock
        count, work = (1, self._single) if self._several is None or self._several[0] > left else self._several
        assert work is not None
        clock.enter("replayed steps")
        if self._timed is not None and isinstance(clock, CudaClock) and left > count and clock.wants_replay():
            timed, phase_events = self._timed
            clock.time_replays(count, work.replay, timed.replay, phase_events)
            count += 1
        else:
            work.replay()
        self._direct.backlog.add()
        return count

    def _begin_to_replay(self, step: int) -> StepsRun:
        """Runs a step directly and, from the same state, captured; if both agree, later steps are replayed.

        Directly first: whatever goes wrong with the graph, the step is done.
        """
        with self._not_training():
            before, host_before = self._state.snapshot(), HostState.of(self._model, self._device)
        ran = self._direct.run_steps(step)
        with self._not_training():
            reason = host_before.difference(HostState.of(self._model, self._device))
            reason = f"steps are not replayed as a CUDA graph: {reason}" if reason else self._prove(step, before)
            if reason:
                self._give_up(reason)
            else:
                self._cursor.fill_(self._steps_done + 1)
                self._start_direct_epoch(self._epoch_steps)
                self._capture_optional()
        return ran

    @contextmanager
    def _not_training(self) -> Iterator[None]:
        started = perf_counter()
        with self._clock.stopped():
            yield
        self._hooks.add_time("capture", perf_counter() - started)

    def _prove(self, step: int, before: Snapshot) -> str:
        """Captures the step that led from `before` to the state now; returns why not, or an empty string."""
        now = self._state.snapshot()
        try:
            self._copy_rates(step)
            self._go_back(before)
            self._capture.warm_up(self._one_step)
            self._go_back(before)
            single = self._capture(self._one_step)
            single.replay()
            if not agree(self._state.tensors(), now.tensors, before.tensors):
                return "a captured step gives other weights than the same step without a CUDA graph: not used"
            self._cursor.fill_(self._steps_done)
            seconds = seconds_of(single.replay, self._device)
        except Exception as error:
            return f"steps cannot be captured in a CUDA graph: {first_line(error)}"
        finally:
            self._step.drop_gradients()  # those of a capture hold no numbers, and the next step would add to them
            self._state.put_back(now)
        self._single = single
        self._steps_per_launch = min(max(int(MOST_LAUNCH_SECONDS / max(seconds, 1e-9)), 1), MOST_STEPS_PER_LAUNCH)
        self._direct.backlog.expect(self._steps_per_launch * seconds)
        return ""

    def _give_up(self, reason: str) -> None:
        """All further steps run directly."""
        self._has_given_up = True
        self._drop_graphs()
        self._step.drop_gradients()
        free_unused(self._device)
        self._hooks.warn(reason)

    def _drop_graphs(self) -> None:
        self._single = self._several = self._timed = None
        if isinstance(self._clock, CudaClock):
            self._clock.forget_replays()

    def _capture_optional(self) -> None:
        """Captures a launch of several steps, and a step whose phases are timed, unless that was refused before."""
        wanted = {
            "several steps are not launched together": self._capture_several,
            "the phases of a step are not timed inside CUDA graphs": self._capture_timed,
        }
        for consequence, capture in wanted.items():
            if consequence in self._refused:
                continue
            try:
                capture()
            except Exception as error:
                self._refused.add(consequence)
                self._step.drop_gradients()
                self._hooks.warn(f"{consequence}: {first_line(error)}")
        if self._refused:
            free_unused(self._device)

    def _capture_several(self) -> None:
        count = self._steps_per_launch

        def several() -> None:
            for _ in range(count):
                self._one_step()

        if count > 1:
            self._several = count, self._capture(several)

    def _capture_timed(self) -> None:
        def timed() -> None:
            self._clock.mark("start")
            self._one_step()

        if isinstance(self._clock, CudaClock):
            with self._clock.capturing_phase_events() as phase_events:
                self._timed = self._capture(timed), phase_events

    def _capture_again(self) -> None:
        """Captures everything again: a capture refused here or in another engine has repaired the generator."""
        with self._not_training():
            if self._device.type == "cuda":
                torch.cuda.synchronize(self._device)
            while self._is_outdated:
                self._drop_graphs()
                free_unused(self._device)
                try:
                    self._single = self._capture(self._one_step)
                except Exception as error:
                    reason = f"steps cannot be captured in a CUDA graph again: {first_line(error)}"
                else:
                    self._capture_optional()
                    continue
                self._give_up(reason)
                self._start_direct_epoch(self._steps_done)

    def _one_step(self) -> None:
        """Does a step with everything it needs on the device. In a graph each operator costs, however small."""
        self._rates.use(self._cursor)
        loss = self._step.run(self._gathered(), self._accumulation, self._step_samples)
        self._epoch_losses.index_copy_(0, self._cursor, loss.reshape(1))
        self._cursor.add_(1)
        self._clock.mark("rest")

    def _gathered(self) -> Iterator[Batch]:
        """The batches of the step at the cursor."""
        for number in range(self._accumulation):
            row = self._cursor if self._accumulation == 1 else self._cursor * self._accumulation + number
            batch = self._source.gather(self._rows.index_select(0, row)[0])
            self._clock.mark("data")
            yield batch

    def _copy_rates(self, step: int) -> None:
        """One call of `_replay` reads at most those of `MOST_STEPS_PER_LAUNCH` steps and a timed one."""
        end = step + self._epoch_steps - self._steps_done
        self._rates.copy(step, self._steps_done, end, MOST_STEPS_PER_LAUNCH + 1)

    def _go_back(self, before: Snapshot) -> None:
        """Restores the state before the last step."""
        self._state.put_back(before)
        self._cursor.fill_(self._steps_done)

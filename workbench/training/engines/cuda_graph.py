"""The graph engine: whole steps recorded as CUDA graphs and replayed, so that the GPU never waits for the host.

A recorded step needs nothing from the host. The epoch's order of samples, its learning rates, the number of the step
and the losses live on the device: the step looks up which samples are its own, gathers them, computes the gradients by
the traced operators, updates the weights, and counts itself on. Several steps make one launch.

The first steps run as in the traced engine, which makes everything that is made on first use (optimizer state, cuDNN's
choice of algorithms). Then a step is recorded, and held against the same step without a graph; if anything is wrong the
engine goes on as the traced one and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from workbench.training.batches import OnDeviceBatches
from workbench.training.engines.capture import Backlog, CudaRecorder, Record, Recorded
from workbench.training.engines.eager import StepsRun
from workbench.training.engines.traced import TracedEngine
from workbench.training.graphs.agreement import agree
from workbench.training.graphs.tracing import first_line
from workbench.training.job import Job
from workbench.training.timing.cuda_clock import CudaClock, PhaseEvents

WARM_UP_STEPS = 3
MOST_STEPS_A_LAUNCH = 8
MOST_NODES_A_LAUNCH = 800
"""Large steps do not gain by being launched together: their launch is hidden behind their work."""
TOLD_STEPS = 128
"""So many steps' learning rates are put onto the device together: those of a whole epoch would keep it waiting."""


@dataclass(frozen=True)
class _Snapshot:
    """Everything that a step changes, as it was at a moment: on the host, for the device may have no room for it."""

    tensors: list[Tensor]
    random: Tensor
    """State of the device's random generator."""


def obstacle(job: Job) -> str | None:
    """Why the job's steps cannot be recorded; None if they can."""
    if job.device.type != "cuda":
        return "CUDA graphs need an NVIDIA GPU"
    if not isinstance(job.train, OnDeviceBatches):
        return "samples that a loader reads cannot be gathered inside a CUDA graph"
    if job.precision.scaler is not None:
        return "fp16's loss scaling decides on the host and cannot be captured"
    if job.preset.runtime.deterministic:
        return "a deterministic run executes each step by itself, so that it can be gone on with at any of them"
    defaults = job.optimizer.defaults
    if "capturable" not in defaults and not (isinstance(job.optimizer, torch.optim.SGD) and defaults.get("fused")):
        return f"{job.preset.optimizer.label()} cannot be captured"
    return None


class CudaGraphEngine(TracedEngine):
    """Replays recorded steps; the last, shorter step of an epoch runs as in the traced engine."""

    name = "cuda_graph"

    def __init__(self, *arguments: Any, record: Record | None = None, **named: Any) -> None:
        """As the traced engine's. record: other than by a CUDA graph."""
        super().__init__(*arguments, **named)
        assert isinstance(self._feed, OnDeviceBatches)
        self._gather = self._feed.gather
        self.warn: Callable[[str], None] = lambda _: None
        """Hears why steps are not replayed."""
        self.book: Callable[[str, float], object] = lambda what, seconds: None
        """Hears of the seconds that recording took."""
        on_gpu = self._device.type == "cuda"
        self._record = CudaRecorder(self._device) if record is None else record
        self._backlog = Backlog() if on_gpu else None
        self._step_samples = self._accumulation * self._feed.batch_size
        most_steps = max(len(self._feed) // self._step_samples, 1)

        def on_device(*shape: int, dtype: torch.dtype) -> Tensor:
            return torch.zeros(shape, dtype=dtype, device=self._device)

        self._order = on_device(max(len(self._feed), self._step_samples), dtype=torch.int64)
        self._rows = self._order[: most_steps * self._step_samples].view(-1, self._feed.batch_size)
        """The samples of each batch."""
        self._cursor = on_device(1, dtype=torch.int64)
        """Number of the next step within the epoch, from 0."""
        self._rates = on_device(most_steps, dtype=torch.float32)
        self._epoch_losses = on_device(most_steps, dtype=torch.float32)
        self._rate_cell = on_device(1, dtype=torch.float32)
        self._rate = self._rate_cell[0]  # optimizers want a scalar
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate
            if "capturable" in group and on_gpu:
                group["capturable"] = True
        # Steps without a graph are meant: the first ones, and each epoch's short last one.
        self._optimizer._warned_capturable_if_run_uncaptured = True
        self._told: dict[int, float] = {}
        """The learning rates of the next steps that are on the device, by step."""
        self._epoch_steps = self._steps_done = self._warm_steps = 0
        """Whole steps of this epoch, those of them that are done, and steps done before recording."""
        self._tail = torch.empty(0, dtype=torch.int64)
        """The samples of the epoch's short last step."""
        self._single: Recorded | None = None
        self._several: tuple[int, Recorded] | None = None
        self._timed: tuple[Recorded, PhaseEvents] | None = None
        self._given_up = False

    def _recorded_update(self) -> None:
        """The whole step is recorded, the update with it."""

    def start_epoch(self, order: Tensor) -> None:
        self._epoch_steps, self._steps_done = len(order) // self._step_samples, 0
        whole = self._epoch_steps * self._step_samples
        self._order[: len(order)].copy_(order)
        self._cursor.zero_()
        self._told = {}
        self._tail = self._order[whole : len(order)]  # there already, when the epoch has come so far
        super().start_epoch(self._tail if self._replays else order)

    def run_steps(self, step: int) -> StepsRun:
        if self._steps_done >= self._epoch_steps:
            return super().run_steps(step)
        if self._replays:
            steps = self._replay(step)
            first, self._steps_done = self._steps_done, self._steps_done + steps
            self.losses.append(self._epoch_losses[first : first + steps], self._step_samples)
            return StepsRun(steps=steps, batches=steps * self._accumulation, samples=steps * self._step_samples)
        if self._given_up or self._warm_steps < WARM_UP_STEPS:
            self._warm_steps += 1
            advance = super().run_steps(step)
        else:
            advance = self._begin_to_replay(step)
        self._steps_done += 1
        return advance

    @property
    def _replays(self) -> bool:
        return self._single is not None

    def _replay(self, step: int) -> int:
        """Replays the next step or steps, the first of them number `step`; returns how many."""
        self._tell_rates(step)
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
        if self._backlog is not None:
            self._backlog.add()
        return count

    def _begin_to_replay(self, step: int) -> StepsRun:
        """Does a step without a graph and, from the same state, with one; if both agree, later steps are replayed.

        First without: then whatever goes wrong with the graph, the step has been done.
        """
        with self._clock.stopped(), self._booked():
            before = self._snapshot()
        advance = super().run_steps(step)
        with self._clock.stopped(), self._booked():
            self._single = self._proven(step, before)
            if self._single is not None:
                self._cursor.fill_(self._steps_done + 1)
                super().start_epoch(self._tail)
                self._record_more()
        return advance

    @contextmanager
    def _booked(self) -> Iterator[None]:
        started = perf_counter()
        yield
        self.book("capture", perf_counter() - started)

    def _proven(self, step: int, before: _Snapshot) -> Recorded | None:
        """A recorded step that makes of the state before it what it is now; None, with a warning, if there is none."""
        now = self._snapshot()
        reason = "a captured step gives other weights than the same step without a CUDA graph: not used"
        try:
            self._tell_rates(step)
            self._cursor.fill_(self._steps_done)
            self._put_back(before)
            self._one_step()  # loads the kernels that only such a step uses, which is nothing for a capture
            self._put_back(before)
            self._cursor.fill_(self._steps_done)
            single = self._record(self._one_step)
            single.replay()
            if agree(self._state(), now.tensors, before.tensors):
                return single
        except Exception as error:
            reason = f"steps cannot be captured in a CUDA graph: {first_line(error)}"
        finally:
            self._drop_gradients()  # a recording's hold no numbers, and the next step would add to them
            self._put_back(now)
        self._given_up = True
        self.warn(reason)
        return None

    def _record_more(self) -> None:
        """Several steps in one launch, and a step whose phases are timed; without them it works as well."""
        nodes = max((len(graph.graph.nodes) for graph in self._graphs.values() if graph is not None), default=1)
        count = min(MOST_STEPS_A_LAUNCH, MOST_NODES_A_LAUNCH // (nodes * self._accumulation))

        def several() -> None:
            for _ in range(count):
                self._one_step()

        def timed() -> None:
            self._clock.mark("start")
            self._one_step()

        with self._done_without("several steps are not launched together"):
            if count > 1:
                self._several = count, self._record(several)
        with self._done_without("the phases of a step are not timed inside CUDA graphs"):
            if isinstance(self._clock, CudaClock):
                with self._clock.capturing_phase_events() as phase_events:
                    self._timed = self._record(timed), phase_events

    @contextmanager
    def _done_without(self, consequence: str) -> Iterator[None]:
        """What fails inside is done without, and said."""
        try:
            yield
        except Exception as error:
            self._drop_gradients()
            self.warn(f"{consequence}: {first_line(error)}")

    def _one_step(self) -> None:
        """A step that takes all it needs from the device. In a graph each operator costs, however small."""
        torch.index_select(self._rates, 0, self._cursor, out=self._rate_cell)
        loss: Tensor | None = None
        for number in range(self._accumulation):
            row = self._cursor if self._accumulation == 1 else self._cursor * self._accumulation + number
            batch = self._gather(self._rows.index_select(0, row)[0])
            self._clock.mark("data")
            part = self._add_gradients(batch, self._feed.batch_size / self._step_samples)
            loss = part if loss is None else loss + part
        self._update()
        assert loss is not None
        self._epoch_losses.index_copy_(0, self._cursor, loss.reshape(1))
        self._cursor.add_(1)
        self._clock.mark("rest")

    def _set_learning_rate(self, learning_rate: float) -> None:
        self._rate.fill_(learning_rate)

    def _tell_rates(self, step: int) -> None:
        """Puts the learning rates of the next steps, the first of them `step`, onto the device if others are there."""
        end = step + self._epoch_steps - self._steps_done
        needed = min(step + MOST_STEPS_A_LAUNCH, end - 1)  # the last step that one call of `_replay` can come to
        if all(self._told.get(number) == self._learning_rate(number) for number in range(step, needed + 1)):
            return
        self._told = {number: self._learning_rate(number) for number in range(step, min(step + TOLD_STEPS, end))}
        rates = torch.tensor(list(self._told.values()), dtype=torch.float32)
        if self._device.type == "cuda":
            rates = rates.pin_memory()  # or copying would wait for all steps that are queued
        self._rates[self._steps_done :][: len(rates)].copy_(rates, non_blocking=True)

    def _state(self) -> list[Tensor]:
        """Everything that a step changes."""
        states = self._optimizer.state.values()
        optimizer = [value for state in states for value in state.values() if isinstance(value, Tensor)]
        return [*self._function.parameters, *self._function.others, *optimizer, self.hits]

    def _snapshot(self) -> _Snapshot:
        on_gpu = self._device.type == "cuda"
        random = torch.cuda.get_rng_state(self._device) if on_gpu else torch.get_rng_state()
        return _Snapshot([tensor.to("cpu", copy=True) for tensor in self._state()], random)

    def _put_back(self, snapshot: _Snapshot) -> None:
        for tensor, value in zip(self._state(), snapshot.tensors, strict=True):
            tensor.copy_(value)
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(snapshot.random, self._device)
        else:
            torch.set_rng_state(snapshot.random)

"""The record of a loop: what its epochs and steps report, as events, and what others ask of it.

`watch` gives it the form that a loop of the user's own calls; the callbacks for Lightning and Hugging Face call it
themselves. Per step it costs a few microseconds; ten times a second it polls, and once a second it reports timing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from workbench.errors import DivergedError
from workbench.own_loop.divergence import Divergence
from workbench.own_loop.learning_rate import OptimizerRate, StepRates
from workbench.own_loop.logs import Logs
from workbench.own_loop.recorder import Recorder
from workbench.own_loop.values import scalars
from workbench.runs.best import Best
from workbench.runs.control import Request
from workbench.runs.events import (
    EpochEnd,
    Finished,
    Prepared,
    RequestHandled,
    Started,
    State,
    TestResult,
    WarningRaised,
)
from workbench.runs.status import Summary
from workbench.training.requests import RequestHandler
from workbench.training.timing.clock import HostClock, PhaseClock
from workbench.training.timing.time_account import TimeAccount

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_SECONDS = 0.1
"""Time between two looks at losses that have arrived, and at what is asked."""
REPORT_SECONDS = 1.0
"""Time between two timing events."""
MARKED = frozenset(("forward", "backward", "optimizer"))
"""If a loop marks all of these, the time outside them is the phase `rest`; otherwise it is the phase `step`."""
REFUSED = {
    "checkpoint": "the loop saves its model itself, where and when it says so",
    "profile": "only runs that workbench trains are profiled",
    "memory_snapshot": "only of runs that workbench trains",
}


@dataclass
class Epoch:
    """What is known of the present epoch."""

    loss_sum: float = 0.0
    losses: int = 0
    first_step: int = 1
    seconds_before: float = 0.0
    """Training time before it."""
    trained_at: float = 0.0
    """Host time at which its last step ended."""
    validation: dict[str, Any] = field(default_factory=dict)
    validation_seconds: float = 0.0
    is_whole: bool = False
    """Whether a pass over the data is complete."""


class Loop:
    """One watched loop. If nobody calls `begin_epoch` and `end_epoch`, each pass over the data is an epoch."""

    def __init__(
        self,
        recorder: Recorder,
        *,
        epochs: int | None,
        model: Any = None,
        optimizer: Any = None,
        device: Any = None,
        monitor: str | None = None,
        task: str = "",
        step: int = 0,
        epoch: int = 0,
    ) -> None:
        """step, epoch: how many are done already, of a loop that continues from a checkpoint of its own."""
        self.step = step
        """Steps completed."""
        self.epoch = epoch
        """Epochs completed."""
        self.clock: PhaseClock = HostClock()
        self.unmarked = "rest"
        """The phase of the time outside all marked phases: `step` where the loop marks only some."""
        self.marked = ""
        """The phase that was marked last in the present step."""
        self.requests: RequestHandler | None = None
        """None before the first step."""
        self.is_finished = False
        self.epochs = epochs
        """How many are planned; None if that is not known."""
        self._recorder = recorder
        self._model = model
        self._optimizer = optimizer
        self._device = device
        self._task = task
        self._rate = OptimizerRate(optimizer)
        self._step_rates = StepRates()
        self._present_rate = self._rate.now
        """That of the present step: the one at its begin, or the one with which it has updated the model."""
        self._best = Best(monitor)
        self._divergence = Divergence()
        self._times = TimeAccount()
        self._logged = Logs(recorder.write, self._step_rates, step)
        self._steps_per_epoch: int | None = None
        self._steps_in_epoch = 0
        self._next_poll = self._next_report = 0.0
        self._began = perf_counter()
        self._present: Epoch | None = None
        self._has_own_epochs = False
        """Whether the loop says when an epoch begins and ends."""
        self._last_epoch: int | None = None
        """The epoch after which it was asked to stop."""
        self._state = "preparing"
        self._last_train: dict[str, float] | None = None
        self._test: dict[str, Any] | None = None
        self._warned: set[str] = set()
        self._marked: set[str] = set()
        """The phases that the loop has marked."""
        self._marks_all_phases = False
        """Whether these are all MARKED."""
        recorder.write(State(state="preparing", step=step))
        recorder.write(Started(process_id=os.getpid(), step=step, epoch=epoch, learning_rate=self._rate.now))

    @property
    def has_ended(self) -> bool:
        """Whether all epochs that are planned are done, or it is not known how many there are."""
        is_whole = self._present is not None and self._present.is_whole
        return self.epochs is None or self.epoch + is_whole >= self.epochs

    @property
    def should_stop(self) -> bool:
        """Whether somebody has asked to stop, or the epoch after which it was to stop is done."""
        is_last = self._last_epoch is not None and self.epoch >= self._last_epoch
        return is_last or (self.requests is not None and self.requests.stopping)

    @property
    def should_stop_after_pass(self) -> bool:
        """Whether the pass over the data that is over is the last one: its epoch still lacks its validation."""
        is_whole = self._present is not None and self._present.is_whole
        return self.should_stop or (self._last_epoch is not None and self.epoch + is_whole >= self._last_epoch)

    # Epochs.

    def begin_epoch(self) -> None:
        """An epoch begins; the loop calls `end_epoch` when it ends."""
        self._has_own_epochs = True
        self._open_epoch()

    def end_epoch(self) -> None:
        """The epoch is done, its validation included. One that a request to stop has cut short does not count."""
        if self.should_stop and self._present is not None and not self._present.is_whole:
            self._present = None
        self._close_epoch()

    def _open_epoch(self) -> None:
        self._present = Epoch(first_step=self.step + 1, seconds_before=self.clock.training_seconds)
        self._steps_in_epoch = 0

    def _close_epoch(self) -> None:
        """Writes the results of the epoch; nothing where no step was made in it."""
        present, self._present = self._present, None
        if present is None or self.step < present.first_step:
            return
        self.poll(wait=True, epoch=present)
        self.epoch += 1
        train = {"loss": present.loss_sum / present.losses} if present.losses else {}
        validation = present.validation or None
        best = self._best.take(self.epoch, train, validation)
        self._last_train = train or None
        self._recorder.write(
            EpochEnd(
                epoch=self.epoch,
                step=self.step,
                learning_rate=self._step_rates.at(self.step),
                train=train,
                validation=validation,
                best=best,
                train_seconds=round(self.clock.training_seconds - present.seconds_before, 6),
                validation_seconds=round(present.validation_seconds, 6),
                monitor=self._best.monitor,
            )
        )

    # Steps.

    def begin_steps(
        self, steps_per_epoch: int | None = None, batch_size: int | None = None, data_loading: str = ""
    ) -> None:
        """A pass over the data begins. steps_per_epoch, batch_size: None if they are not known."""
        if not self._has_own_epochs:
            self._close_epoch()
        if self._present is None:
            self._open_epoch()
        if self.requests is None:
            self._prepare(steps_per_epoch, batch_size, data_loading)
        self._enter("training")
        self._present_rate = self._rate.now
        self.clock.begin()

    def end_step(self, samples: int | None = None) -> None:
        """A step is done. samples: how many it had; None if that is not known."""
        clock = self.clock
        self.step += 1
        self._steps_in_epoch += 1
        if not self._marks_all_phases:
            clock.mark("step")
            self.unmarked = "step"
        self.marked = ""
        clock.end_step(1, samples or 0)
        self._step_rates.take(self.step, self._present_rate)
        if clock.now >= self._next_poll:
            self.poll()
        self._present_rate = self._rate.now

    def end_steps(self, *, is_whole: bool) -> None:
        """A pass over the data is done; is_whole: or was broken off."""
        if self.clock.running:
            self.clock.pause()
        self.marked = ""
        if self._present is not None:
            self._present.trained_at, self._present.is_whole = perf_counter(), is_whole

    def _prepare(self, steps_per_epoch: int | None, batch_size: int | None, data_loading: str) -> None:
        """Once, at the first step: only now the model is certain to be on its device."""
        from workbench.own_loop.device import device_of

        device = device_of(self._device, self._model, self._optimizer)
        self.clock = device.clock
        self._recorder.torch_memory, self._recorder.gpu_uuid = device.memory, device.uuid
        handlers: dict[str, Callable[[Request], str | None]] = {name: _refused(why) for name, why in REFUSED.items()}
        handlers |= {"set_learning_rate": self._set_learning_rate, "stop_after_epoch": self._stop_after_epoch}
        self.requests = RequestHandler(self._recorder, self._recorder, self.clock, self._times, handlers)
        self._steps_per_epoch = steps_per_epoch or None
        if self._steps_per_epoch is not None:  # of an epoch that continues where a checkpoint was saved in its middle
            self._steps_in_epoch = max(self.step - self.epoch * self._steps_per_epoch, 0) % self._steps_per_epoch
        self._next_report = perf_counter() + REPORT_SECONDS
        self._recorder.write(
            Prepared(
                device=device.name,
                device_name=device.full_name,
                data_loading=data_loading,
                parameters=device.parameters,
                task=self._task,
                batch_size=batch_size,
                steps_per_epoch=self._steps_per_epoch,
                epochs=self.epochs,
                monitor=self._best.monitor or "loss",
                seconds=round(perf_counter() - self._began, 3),
                num_threads=device.num_threads,
                device_uuid=device.uuid,
            )
        )
        self._recorder.is_prepared = True

    def _enter(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self._recorder.write(State(state=state, step=self.step))

    def mark(self, phase: str) -> None:
        """`phase` of the present step has just ended."""
        self.clock.mark(phase)
        self.marked = phase
        if phase not in self._marked:
            self._marked.add(phase)
            if self._marked >= MARKED:
                self._marks_all_phases, self.unmarked = True, "rest"

    def read_rate(self) -> None:
        """Reads the learning rate of the present step, which is about to update the model: schedulers step later."""
        self._present_rate = self._rate.now

    @property
    def has_stepped(self) -> bool:
        """Whether the present step, which is not over, has updated the model or logged its loss."""
        return self.marked == "optimizer" or self._logged.last_step > self.step

    # What is logged.

    def log(self, values: Mapping[str, Any], *, of_last_step: bool = False) -> None:
        """Takes values of the present step; waits for nothing. of_last_step: of the one before, which is over."""
        self._logged.take(self.step + 1 if self.clock.running and not of_last_step else self.step, values)

    def validation(self, values: Mapping[str, Any]) -> None:
        """Takes metrics of the validation split, which belong to the epoch that is not over, or was over last."""
        if self._present is None:
            self.warn("validation: there was no step yet, so that these metrics belong to no epoch")
            return
        if self._present.trained_at:
            now = perf_counter()
            seconds = max(now - self._present.trained_at - self._present.validation_seconds, 0.0)
            self._present.validation_seconds += seconds
            self._times.add("validate", seconds)
        self.poll(wait=True)  # the metrics are waited for anyway, and the losses of the steps came before them
        found = scalars("validation", values, self.warn)
        self._present.validation.update(found)
        if "loss" in found:
            self._take_loss("validation loss", self.step, found["loss"])

    def test(self, values: Mapping[str, Any]) -> None:
        """Takes metrics of the test split."""
        if found := scalars("test", values, self.warn):
            self._test = (self._test or {}) | found
            self._recorder.write(TestResult(step=self.step, weights="as the loop gave them", metrics=self._test))

    def warn(self, message: str) -> None:
        """Warns whoever watches of a problem, once."""
        if message not in self._warned:
            self._warned.add(message)
            self._recorder.write(WarningRaised(step=self.step, message=message))

    # Ten times a second.

    def poll(self, *, wait: bool = False, epoch: Epoch | None = None) -> None:
        """Reports what is new, and does what is asked. wait: for losses that are on their way from the device.

        epoch: to which the losses belong; the present one if left out.
        """
        now = self.clock.now if self.clock.running else perf_counter()
        self._next_poll = now + POLL_SECONDS
        self._recorder.step = self.step
        try:
            self._read_losses(self._present if epoch is None else epoch, wait)
            if now >= self._next_report:
                self._report()
        except Exception as error:  # a fault of workbench's own must not end the user's training
            self._recorder.give_up(error)
        if self._recorder.has_requests and self.requests is not None:
            self.requests.handle(self.step, self._state)

    def _read_losses(self, epoch: Epoch | None, wait: bool) -> None:
        arrived = self._logged.arrived(wait=wait)
        if epoch is not None:
            epoch.loss_sum += sum(loss for _, loss in arrived)
            epoch.losses += len(arrived)
        for step, loss in arrived:
            self._take_loss("loss", step, loss)
        self._logged.write(arrived, self.step, self._position, self.clock.elapsed())
        self._logged.write_metrics(wait=wait)
        for refused in self._logged.refused:
            self.warn(f"log: {refused}")

    def _take_loss(self, what: str, step: int, loss: float) -> None:
        if warning := self._divergence.take(what, step, loss):
            self.warn(warning)

    def _position(self, step: int) -> float:
        """Where a step is, in epochs."""
        if self._steps_per_epoch is None:
            return float(self.epoch)
        ago = self.step - step
        return self.epoch + max(min((self._steps_in_epoch - ago) / self._steps_per_epoch, 1.0), 0.0)

    def _report(self) -> None:
        self._next_report = perf_counter() + REPORT_SECONDS
        measured = self.clock.take()
        if measured.steps and measured.seconds > 0:
            self._recorder.write_timing(self.step, measured)
        if (rate := self._rate.overruled()) is not None:
            self.warn(f"the loop's own scheduler has set the learning rate to {rate:g} after it was asked for another")

    # What is asked.

    def _set_learning_rate(self, request: Request) -> str | None:
        return self._rate.set(request.value)

    def _stop_after_epoch(self, request: Request) -> str | None:
        if request.value is None or request.value < 1:
            return "an epoch is a number from 1 up"
        self._last_epoch = int(request.value)
        return None

    # The end.

    def finish(self, status: str, reason: str = "", exit_code: int = 0, kind: str = "") -> None:
        """Writes how the loop has ended. status: completed, stopped or failed.

        One that ends with losses that are not finite has failed: its kind is diverged.
        """
        if self.is_finished or self._recorder.is_in_child:
            return
        self.is_finished = True
        if self.clock.running:
            self.clock.pause()
        # An epoch that was cut short counts where the loop itself has ended it.
        if self._present is not None and (self._present.is_whole or status == "completed"):
            self._close_epoch()
        self.poll(wait=status != "failed")
        self._report()
        what, at_step = self._divergence.since or ("", None)
        if what:
            kind = DivergedError.kind
            if status == "completed":
                status, reason, exit_code = "failed", self._divergence.reason, DivergedError.exit_code
        for request in self._recorder.read():
            self._recorder.write(
                RequestHandled(command=request.command, step=self.step, accepted=False, detail="the loop has ended")
            )
        self._recorder.close()
        summary = self._summary(status, reason, exit_code, kind)
        last = Finished(
            status=status,
            step=self.step,
            reason=reason,
            exit_code=exit_code,
            kind=kind,
            what=what,
            at_step=at_step,
        )
        self._recorder.save(summary, last)

    def _summary(self, status: str, reason: str, exit_code: int, kind: str) -> Summary:
        measured, clock = self.clock.total_phases, self.clock
        seconds = {"total": round(perf_counter() - self._began, 3)}
        seconds |= {name: round(spent, 6) for name, spent in self._times.seconds.items()}
        peak = None
        with suppress(Exception):  # of a GPU that has failed
            peak = (
                None if self._recorder.torch_memory is None else self._recorder.torch_memory().get("torch_peak_bytes")
            )
        return Summary(
            status=status,
            reason=reason,
            exit_code=exit_code,
            step=self.step,
            epoch=self.epoch,
            best_epoch=self._best.epoch,
            monitor=self._best.monitor or "loss",
            train=self._last_train,
            validation=self._best.validation,
            test=self._test,
            seconds=seconds | {"train": round(clock.training_seconds, 6)},
            phase_ms=measured.phase_ms(),
            step_ms=clock.step_times.percentiles(),
            samples_per_second=(
                round(measured.samples / measured.seconds, 1) if measured.samples and measured.seconds else None
            ),
            gpu_busy_share=self._recorder.gpu_busy_fraction,
            torch_peak_bytes=peak,
            host_peak_rss_bytes=self._recorder.host_peak_rss_bytes,
            kind=kind,
        )


def _refused(why: str) -> Callable[[Request], str | None]:
    return lambda _: why

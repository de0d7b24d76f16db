"""The epoch loop.

`Trainer.train` reads like the loop in a textbook: train an epoch, validate, keep the best, go on or stop early. Nothing
in it waits for the device but the end of an epoch. Ten times a second, between two steps, it looks up: writes the
losses that have arrived, obeys requests, takes readings, writes a checkpoint if one is due.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from workbench.errors import DamagedCheckpointError, DivergedError, StorageError
from workbench.runs.control import Request
from workbench.runs.directory import RunDirectory
from workbench.runs.events import EpochEnd, Progress, RequestHandled, State, TestResult, WarningRaised
from workbench.runs.writer import EventWriter
from workbench.training.checkpointing.saver import Saver
from workbench.training.checkpointing.state import Position
from workbench.training.engines.choose import make_engine
from workbench.training.engines.cuda_graph import CudaGraphEngine
from workbench.training.evaluation import Evaluator
from workbench.training.health.probe import HealthProbe
from workbench.training.inbox import Inbox
from workbench.training.job import Job
from workbench.training.live_rate import LiveRate
from workbench.training.memory.breakdown import FootprintReporter
from workbench.training.profiling.requests import Inspection
from workbench.training.random_state import seed_python
from workbench.training.reporter import Reporter
from workbench.training.timing.choose import make_clock

POLL_SECONDS = 0.1
"""Time between two looks up from training; requests must be obeyed within 0.2 s."""
PAUSED_POLL_SECONDS = 0.02
REPORT_SECONDS = 1.0
"""Time between two timing and memory events."""


class Trainer:
    """Trains a job and writes what happens into a run directory."""

    def __init__(self, job: Job, run: RunDirectory, events: EventWriter, inbox: Inbox) -> None:
        self.job = job
        self.run = run
        self.position = Position(learning_rate=job.preset.optimizer.learning_rate)
        self.stopping = False
        self._paused = False
        self._state = "preparing"
        self.last_epoch: EpochEnd | None = None
        self.test_metrics: dict[str, Any] | None = None
        self._events = events
        self._inbox = inbox
        self._rate = LiveRate(job.preset, run, events)
        training, runtime = job.preset.training, job.preset.runtime
        self._epochs = training.epochs
        self._settings = training
        self.schedule = job.preset.schedule.build(training.epochs)
        self.clock = make_clock(job.device, runtime.measure)
        self.reporter = Reporter(events, self.clock, job.device, runtime.measure)
        self.footprint = FootprintReporter(events, job) if runtime.measure else None
        self.inspection = Inspection(job, run, events, self.clock, self._book)
        self.engine_choice = make_engine(
            job, self.clock, self.learning_rate, self._warn, lambda what: events.write(Progress(what=what, done=0))
        )
        self.engine = self.engine_choice.engine
        if isinstance(self.engine, CudaGraphEngine):
            self.engine.book = self._book
        self._evaluator = Evaluator(
            job.model,
            job.loss,
            job.precision,
            job.task,
            job.target_scale,
            choice=job.preset.loss,
            class_counts=job.loss_class_counts,
            warn=self._warn,
        )
        self._health = HealthProbe(job) if runtime.measure else None
        self._saver = Saver(job, run, events, self.schedule)
        self._logged_step = 0
        """Steps whose losses have been written."""
        self._next_poll = self._next_report = 0.0
        seed_python(training.seed + 2)  # all is imported and built

    def train(self) -> None:
        """Trains to the end, or until it is asked to stop. Raises DivergedError; StorageError on a full disk.

        Whatever goes wrong, the best epoch's weights are saved if there is room for them.
        """
        try:
            self._train()
        except StorageError:
            raise
        except Exception:
            with suppress(StorageError):
                self.inspection.end(self.position.step)
                self._saver.rescue_best(self.position)
            raise

    def _train(self) -> None:
        self.inspection.open(self.position.step)
        while self.position.epoch < self._epochs and not self._out_of_patience():
            self.train_one_epoch()
            if self.stopping:
                break
            self._look_at_health()
        if not self.stopping:
            self._look_at_health(last=True)
        self.checkpoint()
        self.inspection.close(self.position.step)
        if not self.stopping:
            self._test()
        self._report()

    def train_one_epoch(self) -> None:
        """Trains what is left of an epoch, validates it and notes the result, unless asked to stop before."""
        self._train_epoch()
        if not self.stopping:
            self._end_epoch()

    def learning_rate(self, step: int) -> float:
        """The learning rate of optimizer step `step` (counted from 1)."""
        return self._rate.at(step) * self.schedule.factor((step - 1) / self.job.steps_per_epoch)

    @property
    def base_learning_rate(self) -> float:
        """The learning rate of the next step, before the schedule's factor."""
        return self._rate.at(self.position.step + 1)

    def _train_epoch(self) -> None:
        """Trains on what is left of the epoch."""
        position = self.position
        self._say("training")
        self.job.model.train()
        self.engine.start_epoch(self._epoch_order()[position.samples_done :])
        samples = self.job.samples_per_epoch
        self.clock.begin()
        while position.samples_done < samples and not self.stopping:
            if self.inspection.wanted:
                self._inspect(samples - position.samples_done)
            advance = self.engine.run_steps(position.step + 1)
            position.step += advance.steps
            position.samples_done += advance.samples
            self.clock.end_step(advance.steps, advance.samples)
            if self.clock.now >= self._next_poll:
                self._poll()
                self.clock.mark("rest")
        self._read_losses(wait=True)  # on a GPU: until the last step queued is done, which is training time
        self.inspection.end(position.step)
        self.clock.pause()

    def _inspect(self, samples_left: int) -> None:
        steps_left = -(-samples_left // (self.job.preset.data.batch_size * self._settings.gradient_accumulation))
        last_epoch = self.position.epoch + 1 == self._epochs
        self.inspection.before_step(self.position.step + 1, steps_left, last_epoch=last_epoch)

    def _epoch_order(self) -> Tensor:
        """The order of this epoch's samples: from seed and epoch alone, so that any epoch can be gone into again."""
        seed = (self._settings.seed * 1_000_003 + self.position.epoch) % 2**63
        order = torch.randperm(len(self.job.train), generator=torch.Generator().manual_seed(seed))
        return order[: self.job.samples_per_epoch]

    def _end_epoch(self) -> None:
        """Validates, notes the best epoch, and writes the epoch's event."""
        position, train = self.position, self._train_metrics()
        validation, validation_seconds = None, 0.0
        due = (position.epoch + 1) % self._settings.validate_every == 0 or position.epoch + 1 == self._epochs
        if due and self.job.validation is not None:
            self._say("validating")
            started = self._working_time()
            validation = self._evaluator.evaluate(self.job.validation, self._interrupted)
            validation_seconds = self._book("validate", self._working_time() - started)
            if validation is None:
                return  # asked to stop: a resumed run validates this epoch again
            if not math.isfinite(validation["loss"]):
                raise DivergedError(self._no_number(f"the validation loss after step {position.step}"))
        learning_rate = self.learning_rate(position.step)  # before the plateau schedule hears of this epoch
        best = due and self._note_result(validation or train)
        position.epoch += 1
        position.samples_done = position.loss_samples = 0
        position.loss_sum = 0.0
        self.engine.hits.zero_()
        self.last_epoch = EpochEnd(
            epoch=position.epoch,
            step=position.step,
            learning_rate=learning_rate,
            train=train,
            validation=validation,
            best=best,
            train_seconds=round(self.clock.training_seconds - position.epoch_began, 6),
            validation_seconds=round(validation_seconds, 6),
        )
        position.epoch_began = self.clock.training_seconds
        self._events.write(self.last_epoch)
        if self._saver.due:
            self.checkpoint()

    def _train_metrics(self) -> dict[str, float]:
        position = self.position
        metrics = {"loss": position.loss_sum / max(position.loss_samples, 1)}
        if self.job.task.kind == "classification":
            metrics["accuracy"] = int(self.engine.hits) / max(position.samples_done, 1)
        return metrics

    def _note_result(self, metrics: dict[str, Any]) -> bool:
        """Compares the epoch with the best so far; True if it is the best."""
        monitor, position = self.job.monitor, self.position
        self.schedule.observe(metrics["loss"])
        value = metrics.get(monitor.name)
        if value is None or not monitor.better(value, position.best_value):
            position.bad_validations += 1
            return False
        position.best_value, position.best_epoch, position.bad_validations = value, position.epoch + 1, 0
        position.best_validation = metrics if monitor.on_validation else None
        if self._settings.keep_best:
            self._check_weights()
            self._saver.keep_best(position)
        return True

    def _out_of_patience(self) -> bool:
        patience = self._settings.early_stopping_patience
        if not patience or self.position.bad_validations < patience:
            return False
        self._say("training", f"stopped early: no better {self.job.monitor.name} in {patience} validations")
        return True

    def _test(self) -> None:
        """The test split, once: with the best epoch's weights if they were kept, else with the last."""
        if self.job.test is None:
            return
        self._say("testing")
        started = self._working_time()
        weights = f"last epoch {self.position.epoch}"
        if self._settings.keep_best and self.position.best_epoch is not None:
            weights = self._best_weights(self.position.best_epoch) or weights
        self.test_metrics = self._evaluator.evaluate(self.job.test, self._interrupted)
        self._book("test", self._working_time() - started)
        if self.test_metrics is None:
            return
        if not math.isfinite(self.test_metrics["loss"]):
            raise DivergedError(self._no_number("the test loss"))
        self._events.write(TestResult(step=self.position.step, weights=weights, metrics=self.test_metrics))

    def _best_weights(self, epoch: int) -> str:
        """Gives the model the best epoch's weights; empty, and said, where they are lost: the last ones are not."""
        try:
            self._saver.load_best(epoch)
        except DamagedCheckpointError as error:
            self._warn(f"{error.problem}: the last epoch's weights are tested in place of those of epoch {epoch}")
            return ""
        return f"best epoch {epoch}"

    # What happens between two steps, about ten times a second.

    def _poll(self) -> None:
        self._next_poll = self.clock.now + POLL_SECONDS
        self._read_losses()
        self.handle_requests()
        if self.inspection.is_on:
            return  # what else there is to do waits: it would be part of what is seen
        if self.clock.now >= self._next_report:
            self._report()
        if self._saver.due:
            self.checkpoint()

    def _interrupted(self) -> bool:
        """Between two batches of an evaluation: obeys requests; True if the trainer is to stop."""
        now = time.perf_counter()
        if now >= self._next_poll:
            self._next_poll = now + POLL_SECONDS
            self.handle_requests()
        return self.stopping

    def _report(self) -> None:
        self._next_report = self.clock.now + REPORT_SECONDS
        self.reporter.timing(self.position.step)
        self.reporter.memory(self.position.step)
        if self.footprint is not None and self.footprint.due:
            with self.clock.stopped():
                self.footprint.report(self.position.step)

    def _read_losses(self, wait: bool = False) -> None:
        """Writes the losses that have arrived. Raises DivergedError at the first that is not finite."""
        losses = self.engine.losses.read(wait)
        if not losses:
            return
        first = self._logged_step + 1
        self._logged_step += len(losses)
        position = self.position
        for step in losses:  # one by one: how often the trainer looked must not change the sum's last bit
            position.loss_sum += step.loss * step.samples
            position.loss_samples += step.samples
        epoch = self._logged_step / self.job.steps_per_epoch
        self.reporter.losses(first, losses, epoch, self.learning_rate(self._logged_step))
        self._rate.tell(self._logged_step)
        for offset, step in enumerate(losses):
            if not math.isfinite(step.loss):
                raise DivergedError(self._diverged(f"the loss at step {first + offset}"))

    def _check_weights(self) -> None:
        """A loss is computed before its step changes the weights: the last step may have ruined them unseen."""
        if not self._weights_are_sound():
            raise DivergedError(self._diverged(f"a weight after step {self.position.step}"))

    def _weights_are_sound(self) -> bool:
        model = self.job.model
        sound = [parameter.isfinite().all() for parameter in model.parameters()]
        sound += [~buffer.isnan().any() for buffer in model.buffers() if buffer.is_floating_point()]
        return bool(torch.stack(sound).all())

    def _no_number(self, what: str) -> str:
        """Of a loss that is not finite, on samples that are: whether training has diverged, the weights tell."""
        if self._weights_are_sound():
            return self._diverged(what, "samples and weights are finite, but the model's output is not")
        return self._diverged(what)

    def _diverged(self, what: str, why: str = "training has diverged") -> str:
        kept = self._saver.what_is_kept(self.position)
        return (
            f"{what} is not a finite number: {why}; {kept}. Try a smaller "
            "optimizer.learning_rate, training.gradient_clip_norm = 1.0, or schedule.warmup_epochs = 1"
        )

    def handle_requests(self) -> None:
        """Carries out what has been asked since the last call, in order; while paused, waits for more."""
        self._carry_out(self._inbox.read())
        if not self._paused:
            return
        state = self._state
        self.inspection.end(self.position.step)
        with self.clock.stopped():
            self._say("paused")
            started = time.perf_counter()
            while self._paused and not self.stopping:
                time.sleep(PAUSED_POLL_SECONDS)
                self._carry_out(self._inbox.read())
            self._book("paused", time.perf_counter() - started)
            self._say(state)

    def _carry_out(self, requests: list[Request]) -> None:
        handlers: dict[str, Callable[[Request], str | None]] = {
            "stop": self._stop,
            "pause": self._pause,
            "resume": self._resume,
            "checkpoint": self._checkpoint_now,
            "set_learning_rate": self._set_learning_rate,
            "profile": lambda asked: self.inspection.ask_for_profile(asked.value),
            "memory_snapshot": lambda _: self.inspection.ask_for_memory(self.position.step),
        }
        for request in requests:
            handler = handlers.get(request.command)
            refusal = f"unknown request {request.command!r}" if handler is None else handler(request)
            detail = refusal or ("" if request.value is None else f"{request.value:g}")
            self._events.write(
                RequestHandled(
                    command=request.command,
                    step=self.position.step,
                    accepted=refusal is None,
                    detail=detail,
                    value=request.value,
                )
            )

    # Each carries out a request and returns why not, or None.

    def _stop(self, _: Request) -> None:
        self.stopping = True

    def _pause(self, _: Request) -> None:
        self._paused = True

    def _resume(self, _: Request) -> None:
        self._paused = False

    def _checkpoint_now(self, _: Request) -> None:
        # While testing the model holds the best epoch's weights, and the last ones have just been saved.
        if self._state != "testing":
            self.checkpoint()

    def _set_learning_rate(self, request: Request) -> str | None:
        with self.clock.stopped():
            return self._rate.set(self.position.step, request.value)

    def checkpoint(self) -> None:
        """Writes the state of training, all losses up to it first. Raises StorageError, or DivergedError."""
        self._read_losses(wait=True)
        self._check_weights()
        with self.clock.stopped():
            started = time.perf_counter()
            self.position.seconds["train"] = self.clock.training_seconds
            self.position.learning_rate = self._rate.at(self.position.step)
            self._saver.save(self.position, hits=int(self.engine.hits))
            self._book("checkpoint", time.perf_counter() - started)

    def restore(self) -> list[str]:
        """Continues from the run's last checkpoint; returns what the user should know of it.

        Raises StorageError if none can be read; PresetError or DataError if it is of another training.
        """
        self.position, hits, notes = self._saver.restore()
        self.engine.hits.fill_(hits)
        self._logged_step = self.position.step
        self.clock.training_seconds = self.position.seconds.get("train", 0.0)
        if note := self._rate.resume(self.position.step, self.position.learning_rate):
            notes.append(note)
        return notes

    def begin_anew(self) -> None:
        """Begins at step 0 in a run that has trained before, and of which no checkpoint is left."""
        self._saver.begin_anew()

    def _look_at_health(self, last: bool = False) -> None:
        """Between two epochs: how well the network can learn, if that is due."""
        step = self.position.step
        if self._health is None or not self._health.due(step, self.clock.training_seconds, last=last):
            return
        started = time.perf_counter()
        health = self._health.measure(step, self.position.epoch)
        self._book("health", time.perf_counter() - started)
        if health is not None:
            self._events.write(health)

    # Small helpers.

    def _warn(self, message: str) -> None:
        self._events.write(WarningRaised(step=self.position.step, message=message))

    def _say(self, state: str, detail: str = "") -> None:
        if state != "paused":
            self._state = state
        self._events.write(State(state=state, step=self.position.step, detail=detail))

    def _working_time(self) -> float:
        """A clock that stands still in pauses, checkpoints and profiles, which are booked apart."""
        apart = sum(self.position.seconds.get(what, 0.0) for what in ("paused", "checkpoint", "profile"))
        return time.perf_counter() - apart

    def _book(self, what: str, seconds: float) -> float:
        """Books time under a name; returns it, in seconds."""
        self.position.seconds[what] = self.position.seconds.get(what, 0.0) + seconds
        return seconds

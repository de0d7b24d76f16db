"""The epoch loop.

`Trainer.train` reads like the loop in a textbook: train an epoch, validate, keep the best, continue or stop early.
Nothing in it waits for the device except the end of an epoch. Ten times a second, between two steps, it polls: it
writes the losses that have arrived, handles requests, takes readings, and writes a checkpoint if one is due.
"""

from __future__ import annotations

from contextlib import suppress
from math import inf
from typing import Any

from torch import Tensor

from workbench.errors import StorageError
from workbench.metrics import metric
from workbench.runs.control import Request
from workbench.runs.directory import RunDirectory
from workbench.runs.events import EpochEnd, Progress, State, WarningRaised
from workbench.runs.study import read_study
from workbench.runs.writer import EventWriter
from workbench.settings.validation import CrossValidation
from workbench.training.base_rate import ScheduledRate
from workbench.training.best_epoch import BestEpoch
from workbench.training.checkpointing.saver import Saver
from workbench.training.checkpointing.state import TrainingState
from workbench.training.divergence import DivergenceCheck
from workbench.training.engines.choose import make_engine
from workbench.training.engines.engine import EngineHooks
from workbench.training.epoch_order import epoch_order
from workbench.training.epoch_thresholds import EpochThresholds
from workbench.training.evaluation import Evaluator
from workbench.training.generation import TextSampler
from workbench.training.health.probe import HealthProbe
from workbench.training.held_out import HeldOutSplits
from workbench.training.inbox import Inbox
from workbench.training.job import Job
from workbench.training.live_rate import LiveRate
from workbench.training.loss_reader import LossReader
from workbench.training.memory.breakdown import MemoryBreakdown
from workbench.training.poll_schedule import PollSchedule
from workbench.training.profiling.requests import Inspection
from workbench.training.random_state import seed_python
from workbench.training.reporter import Reporter
from workbench.training.requests import RequestHandler
from workbench.training.timing.choose import make_clock
from workbench.training.timing.time_account import TimeAccount


class Trainer:
    """Trains a job and writes what happens into a run directory."""

    def __init__(self, job: Job, run: RunDirectory, events: EventWriter, inbox: Inbox) -> None:
        self.job = job
        self.run = run
        self.state = TrainingState(base_learning_rate=job.preset.optimizer.learning_rate)
        self.last_epoch: EpochEnd | None = None
        self.test_metrics: dict[str, Any] | None = None
        self._doing = "preparing"
        """What the run's `state` event said last, pauses left out."""
        self._events = events
        self._settings = job.preset.training
        self.schedule = job.preset.schedule.build(self._settings.epochs)
        self._base_rate = LiveRate(job.preset, run, events)
        self.learning_rate = ScheduledRate(self._base_rate.at, self.schedule, job.steps_per_epoch).at
        """The learning rate of an optimizer step, by its number from 1."""
        measure = job.preset.runtime.measure
        self.clock = make_clock(job.device, measure)
        self.times = TimeAccount()
        self.reporter = Reporter(events, self.clock, job.device, measure)
        is_trial = read_study(run.study) is not None
        self.footprint = MemoryBreakdown(events, job, is_trial=is_trial) if measure else None
        self.inspection = Inspection(job, run, events, self.clock, self.times.add)
        hooks = EngineHooks(self._warn, lambda what: events.write(Progress(what=what, done=0)), self.times.add)
        self.engine_choice = make_engine(job, self.clock, self.learning_rate, hooks)
        self.engine = self.engine_choice.engine
        evaluator = Evaluator(
            job.model,
            job.loss,
            job.precision,
            job.task,
            job.target_scale,
            choice=job.preset.loss,
            class_counts=job.loss_class_counts,
            warn=self._warn,
        )
        self._health = HealthProbe(job) if measure else None
        self._text = None if is_trial else TextSampler.of(job)  # nobody reads what hundreds of trials write
        self._saver = Saver(job, run, events, self.schedule)
        self._check = DivergenceCheck(job.model, lambda: self._saver.what_is_kept(self.state))
        self._thresholds = EpochThresholds(metric(job.monitor.name))
        handlers = {
            "checkpoint": self._checkpoint_now,
            "set_learning_rate": self._set_learning_rate,
            "profile": lambda request: self.inspection.ask_for_profile(request.value),
            "stop_after_epoch": self._stop_after_epoch,
            "set_thresholds": self._thresholds.tell,
            "memory_snapshot": lambda _: self.inspection.ask_for_memory(self.state.step),
        }
        self._requests = RequestHandler(
            inbox, events, self.clock, self.times, handlers, lambda: self.inspection.end(self.state.step)
        )
        self._held_out = HeldOutSplits(
            job, run, evaluator, self._saver, events, self.times, self._check, self.handle_requests
        )
        self._best = BestEpoch(job, self.schedule, self._saver, self._check)
        self._losses = LossReader(self.engine.losses, self.reporter, self.learning_rate, job.steps_per_epoch)
        self._polls = PollSchedule()
        self._last_epoch_asked: float | None = None
        seed_python(self._settings.seed + 2)  # all is imported and built

    def train(self) -> None:
        """Trains to the end, or until it is asked to stop. Raises DivergedError; StorageError on a full disk.

        Whatever goes wrong, the best epoch's weights are saved if there is room for them.
        """
        try:
            self.inspection.open(self.state.step)
            while self._has_next_epoch():
                self.train_epoch()
                self._look_at_health()
            self._look_at_health(last=True)
            self.checkpoint()
            self.inspection.close(self.state.step)
            if not self.stopping and isinstance(self.job.preset.validation, CrossValidation):
                self._enter("testing", "what was left out of training")
                self._held_out.keep_validation_scores(self.state)
            if not self.stopping and self.job.test is not None:
                self._enter("testing")
                self.test_metrics = self._held_out.test(self.state)
            self._report(last=not self.stopping)
        except StorageError:
            raise
        except Exception:
            with suppress(StorageError):
                self.inspection.end(self.state.step)
                self._saver.rescue_best(self.state)
            raise

    def train_epoch(self) -> None:
        """Trains on what is left of an epoch and validates the model, unless it is asked to stop before."""
        state, samples = self.state, self.job.samples_per_epoch
        self._enter("training")
        self.job.model.train()
        self.engine.start_epoch(epoch_order(self.job, state.epoch)[state.samples_done :])
        self.clock.begin()
        self._polls.begin(state.step, self.clock.now)
        while state.samples_done < samples and not self.stopping:
            if self.inspection.wanted:
                self._inspect(samples - state.samples_done)
            run = self.engine.run_steps(state.step + 1)
            state.step += run.steps
            state.samples_done += run.samples
            self.clock.end_step(run.steps, run.samples)
            # Also after an epoch's last step: an epoch may have fewer steps than there are between two checks.
            is_check = state.step >= self._polls.next_check or state.samples_done >= samples
            if is_check and self._polls.is_due(state.step, self.clock.now):
                self._poll()
                self.clock.mark("rest")
        self._read_losses(wait=True)  # on a GPU: until the last step queued is done, which is training time
        self.inspection.end(state.step)
        self.clock.pause()
        if not self.stopping:
            self._end_epoch()

    @property
    def stopping(self) -> bool:
        """Whether the trainer was asked to stop."""
        return self._requests.stopping

    @property
    def base_learning_rate(self) -> float:
        """The learning rate of the next step, before the schedule's factor."""
        return self._base_rate.at(self.state.step + 1)

    def _has_next_epoch(self) -> bool:
        if self.stopping or self.state.epoch >= self._settings.epochs:
            return False
        if reason := self._best.why_stop(self.state):
            self._enter("training", reason)
        return not reason

    def _inspect(self, samples_left: int) -> None:
        steps_left = -(-samples_left // (self.job.preset.data.batch_size * self._settings.gradient_accumulation))
        last_epoch = self.state.epoch + 1 == self._settings.epochs
        self.inspection.before_step(self.state.step + 1, steps_left, last_epoch=last_epoch)

    def _end_epoch(self) -> None:
        """Validates, notes the best epoch, and writes the epoch's event."""
        state, train = self.state, self._train_metrics()
        due = (state.epoch + 1) % self._settings.validate_every == 0 or state.epoch + 1 == self._settings.epochs
        validation, seconds_before = None, self.times["validate"]
        if due and self.job.validation is not None:
            self._enter("validating")
            validation = self._held_out.validate(state)
            if validation is None:
                return  # asked to stop: a resumed run validates this epoch again
        learning_rate = self.learning_rate(state.step)  # before the plateau schedule hears of this epoch
        best = due and self._best.compare(state, validation or train)
        state.epoch += 1
        state.samples_done = state.loss_samples = 0
        state.loss_sum = 0.0
        self._correct.zero_()
        self.last_epoch = EpochEnd(
            epoch=state.epoch,
            step=state.step,
            learning_rate=learning_rate,
            train=train,
            validation=validation,
            best=best,
            train_seconds=round(self.clock.training_seconds - state.seconds_before_epoch, 6),
            validation_seconds=round(self.times["validate"] - seconds_before, 6),
        )
        state.seconds_before_epoch = self.clock.training_seconds
        is_asked = self._last_epoch_asked is not None and self._last_epoch_asked <= state.epoch
        if (self._thresholds.is_due(state.epoch, state.best_value) or is_asked) and state.epoch < self._settings.epochs:
            self._requests.stopping = True
        self._events.write(self.last_epoch)
        if self._text is not None and due:
            with self.times.measure("generate"):
                self._events.write(self._text.sample(state.step, state.epoch))
        if self._saver.due:
            self.checkpoint()

    def _train_metrics(self) -> dict[str, float]:
        state = self.state
        metrics = {"loss": state.loss_sum / max(state.loss_samples, 1)}
        if self.job.task.correct is not None:
            predictions = max(state.samples_done, 1) * self.job.targets_per_sample
            metrics[self.job.task.accuracy] = int(self._correct) / predictions
        return metrics

    @property
    def _correct(self) -> Tensor:
        """Samples of this epoch classified correctly, on the device."""
        return self.engine.correct

    # What happens between two steps, about ten times a second.

    def _poll(self) -> None:
        self._read_losses()
        self.handle_requests()
        if self.inspection.is_on:
            return  # anything else waits: it would be part of the profile
        if self.reporter.due:
            self._report()
        if self._saver.due:
            self.checkpoint()

    def _report(self, *, last: bool = False) -> None:
        self.reporter.report(self.state.step)
        if self.footprint is not None and self.footprint.is_due(inf if last else self.clock.training_seconds):
            with self.clock.stopped():
                self.footprint.report(self.state.step)

    def _read_losses(self, wait: bool = False) -> None:
        """Writes the losses that have arrived. Raises DivergedError at the first that is not finite."""
        losses = self._losses.read(self.state, wait=wait)
        self._base_rate.report(self._losses.step)
        self._check.training_losses(losses, self._losses.step)

    def _look_at_health(self, *, last: bool = False) -> None:
        """Between two epochs: measures how well the network can learn, if that is due."""
        step, health = self.state.step, self._health
        if self.stopping or health is None or not health.due(step, self.clock.training_seconds, last=last):
            return
        with self.times.measure("health"):
            measured = health.measure(step, self.state.epoch)
        if measured is not None:
            self._events.write(measured)

    def _stop_after_epoch(self, request: Request) -> str | None:
        """Stops at the end of that epoch, or of the present one if that is later, so that training can be resumed."""
        if request.value is None or request.value < 1:
            return "it takes the number of an epoch, from 1"
        self._last_epoch_asked = request.value
        return None

    def handle_requests(self) -> bool:
        """Handles what was asked since the last call; while paused, waits. True if training was asked to stop."""
        self._requests.handle(self.state.step, self._doing)
        return self.stopping

    def _checkpoint_now(self, _: Request) -> None:
        # While testing the model holds the best epoch's weights, and the last ones have just been saved.
        if self._doing != "testing":
            self.checkpoint()

    def _set_learning_rate(self, request: Request) -> str | None:
        with self.clock.stopped():
            return self._base_rate.set(self.state.step, request.value)

    def _warn(self, message: str) -> None:
        self._events.write(WarningRaised(step=self.state.step, message=message))

    def _enter(self, state: str, detail: str = "") -> None:
        self._doing = state
        self._events.write(State(state=state, step=self.state.step, detail=detail))

    def checkpoint(self) -> None:
        """Writes the state of training, all losses up to it first. Raises StorageError, or DivergedError."""
        self._read_losses(wait=True)
        self._check.weights(self.state.step)
        with self.clock.stopped(), self.times.measure("checkpoint"):
            self.state.seconds = self.times.seconds | {"train": self.clock.training_seconds}
            self.state.base_learning_rate = self._base_rate.at(self.state.step)
            self.state.correct = int(self._correct)
            self._saver.save(self.state)

    def restore(self) -> list[str]:
        """Resumes from the run's last checkpoint; returns notes for the user.

        Raises StorageError if none can be read; PresetError or DataError if it was trained with other settings or data.
        """
        self.state, notes = self._saver.restore()
        self._correct.fill_(self.state.correct)
        self._losses.step = self.state.step
        self.times.restore(self.state.seconds)
        self.clock.training_seconds = self.state.seconds.get("train", 0.0)
        if note := self._base_rate.resume(self.state.step, self.state.base_learning_rate):
            notes.append(note)
        return notes

    def begin_anew(self) -> None:
        """Starts again at step 0 in a run that has trained before but has no checkpoint left."""
        self._saver.begin_anew()

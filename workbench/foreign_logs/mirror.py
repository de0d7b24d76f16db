"""Mirrors another program's log as a run directory: every number that it holds, and nothing more.

Most logs do not say whether the other program is alive. While the mirror follows it, the run is in progress,
in the state `following`; where the log says how it ended, so does the run.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import suppress

from workbench.errors import EXIT_FAILED, EXIT_INTERRUPTED, StorageError, WorkbenchError, type_and_first_line
from workbench.files import user_folder
from workbench.foreign_logs.log import ForeignLog, Scalar
from workbench.foreign_logs.names import Meaning, meaning_of
from workbench.runs.best import Best
from workbench.runs.control import ControlReader
from workbench.runs.directory import RunDirectory, create_run, list_runs
from workbench.runs.event_lines import float32_text_value
from workbench.runs.events import (
    EpochEnd,
    Finished,
    Logged,
    Prepared,
    RequestHandled,
    Started,
    State,
    Steps,
    TestResult,
)
from workbench.runs.lock import claim, is_running
from workbench.runs.own_loop import OwnLoop
from workbench.runs.status import Summary
from workbench.runs.writer import EventWriter

GONE_SECONDS = 5.0
"""How long a log may be missing until its mirror ends: a program that starts again may delete and create it."""
POLL_SECONDS = 0.5
"""Time between two looks at a log that has not grown."""
BETWEEN_SECONDS = 0.01
"""Time between two parts of a long log, in which the app draws."""
MOST_LOSSES = 50
"""Losses of one event, so that the learning rate between them has a curve."""
NOT_INTEGER = 0.02
"""How far a number of epochs may be from a whole one: an evaluation of transformers comes a step late."""
REFUSED = "another program trains this run, and it takes no requests"
_UNSAFE = re.compile(r"[^A-Za-z0-9_.+-]+")


class Mirror:
    """One log, and the run directory that mirrors it."""

    def __init__(self, log: ForeignLog) -> None:
        """Creates the run directory in the user's cache, in place of an earlier one. Raises StorageError."""
        self._log = log
        self._first = log.read()  # before the run is created: some logs have their settings among the numbers
        self.run = _new_run(log)
        self._claim = claim(self.run)
        self._events = EventWriter(self.run.events)
        self._control = ControlReader(self.run.control, time.time())
        self._best = Best()
        self._epoch = 0.0
        """Epochs done, as far as the log says."""
        self._present_epoch: int | None = None
        """The number of the present epoch, from 1; None if the log does not say."""
        self._epochs = 0
        """The last epoch that was reported as done."""
        self._rate: float | None = None
        self._step = self._loss_step = self._done_step = -1
        """The last step in the log; the last with a loss; the last of a Steps event."""
        self._first_time: float | None = None
        self._time: float | None = None
        self._loss_name = ""
        """The name under which the log has the loss of the steps."""
        self._losses: list[float] = []
        self._first_step = 0
        self._further: dict[tuple[int, str], dict[str, float]] = {}
        """By step and split: metrics that are not written yet."""
        self._train: dict[str, float] = {}
        self._test: dict[str, float] = {}
        self._missing_since: float | None = None
        """Since when the log cannot be found."""
        self._is_ended = False
        self._events.write(Started(process_id=os.getpid()))
        self._events.write(Prepared(device="", device_name=""))
        self._events.write(State(state="following", step=0, detail=f"the log in {log.path}"))

    # Following.

    def start(self) -> None:
        """Follows the log in a thread, as long as this process lives."""
        threading.Thread(target=self._follow, name="workbench-mirror", daemon=True).start()

    def _follow(self) -> None:
        try:
            while not self._is_ended:
                time.sleep(BETWEEN_SECONDS if self.update() else POLL_SECONDS)
        except StorageError as error:  # the cache is full, or its folder is gone
            self._give_up(str(error))
        except Exception as error:  # a log may hold anything
            self._give_up(f"the log is not read any further: {type_and_first_line(error)}")

    def _give_up(self, reason: str) -> None:
        """Ends the run, so that it does not seem to be followed; says why, if the disk takes it."""
        with suppress(WorkbenchError, OSError):
            self._end("failed", reason, EXIT_FAILED)
        with suppress(OSError):
            self._claim.close()

    def update(self) -> bool:
        """Mirrors what is new; False if nothing was. Raises StorageError."""
        scalars, self._first = self._first or self._log.read(), []
        for scalar in scalars:
            self._take(scalar)
        self._write_losses()
        if not scalars:
            self._write_further(None)
            if (code := self._log.exit_code) is not None:
                reason = f"the program ended with exit code {code}" if code else ""
                self._end("failed" if code else "completed", reason, code)
            elif self._is_gone():
                reason = f"{self._log.path} was deleted or moved: nothing more can be read of it"
                self._end("stopped", reason, EXIT_INTERRUPTED)
        for request in [] if self._is_ended else self._control.read():
            self._events.write(
                RequestHandled(command=request.command, step=max(self._step, 0), accepted=False, detail=REFUSED)
            )
        return bool(scalars)

    def _is_gone(self) -> bool:
        """Whether the log has been missing for a while."""
        if self._log.is_there:
            self._missing_since = None
            return False
        now = time.monotonic()
        self._missing_since = self._missing_since or now
        return now - self._missing_since >= GONE_SECONDS

    def _take(self, scalar: Scalar) -> None:
        meaning = meaning_of(scalar.name, self._log.loop)
        if meaning is None or scalar.step < 0:
            return
        if meaning.kind in ("learning_rate", "epoch") and not math.isfinite(scalar.value):
            return
        if meaning.kind == "loss":
            self._loss_name = self._loss_name or scalar.name
            if scalar.name != self._loss_name:  # a second one would look like a run that was started again
                meaning = Meaning("train", scalar.name)
        self._write_further(scalar.step)  # before the next epoch begins
        if scalar.time is not None and meaning.kind in ("loss", "train"):
            self._first_time = scalar.time if self._first_time is None else self._first_time
            self._time = scalar.time
        match meaning.kind:
            case "learning_rate":
                self._rate = scalar.value
            case "epoch":
                self._take_epoch(meaning, scalar.value)
            case "loss":
                self._take_loss(scalar)
            case split:
                self._further.setdefault((scalar.step, split), {})[meaning.metric] = scalar.value
        self._step = max(self._step, scalar.step)

    def _take_epoch(self, meaning: Meaning, value: float) -> None:
        if meaning.counts == "from_0":
            self._epoch, self._present_epoch = value, int(value) + 1
        elif meaning.counts == "done":
            self._epoch = value
            self._present_epoch = round(value) if abs(value - round(value)) < NOT_INTEGER and value >= 1 else None

    def _take_loss(self, scalar: Scalar) -> None:
        if scalar.step <= self._loss_step:  # the program was started again from a checkpoint
            self._write_losses()
            before = max(scalar.step - 1, 0)
            self._step = self._done_step = before
            self._events.write(Started(process_id=os.getpid(), resumed=True, step=before))
            self._events.write(State(state="following", step=before))
        elif self._losses and (scalar.step != self._loss_step + 1 or len(self._losses) >= MOST_LOSSES):
            self._write_losses()
        if not self._losses:
            self._first_step = scalar.step
        self._losses.append(float32_text_value(scalar.value))
        self._loss_step = scalar.step

    # Writing.

    def _write_losses(self) -> None:
        losses, self._losses = self._losses, []
        if not losses and self._step <= self._done_step:
            return
        last = max(self._step, self._loss_step) if not losses else self._loss_step
        self._done_step = last
        seconds = 0.0 if self._time is None or self._first_time is None else self._time - self._first_time
        self._events.write(
            Steps(
                first_step=self._first_step if losses else last + 1,
                losses=losses,
                epoch=round(max(self._epoch, 0.0), 6),
                learning_rate=self._rate,
                seconds=round(max(seconds, 0.0), 3),
                last_step=None if losses and last > 0 else last,
            )
        )
        if losses:
            self._train = {"loss": losses[-1]}

    def _write_further(self, present: int | None) -> None:
        """Writes the metrics of all steps but the present one, of which more may come; None: of all."""
        for step, split in [key for key in self._further if key[0] != present]:
            metrics = self._further.pop((step, split))
            if split == "test":
                self._test |= metrics
                self._events.write(TestResult(step=step, weights="as the log says", metrics=dict(self._test)))
            elif split == "validation" and self._present_epoch is not None and self._present_epoch > self._epochs:
                self._write_epoch(step, self._present_epoch, metrics)
            else:
                finite = {name: float32_text_value(value) for name, value in metrics.items()}
                self._events.write(Logged(step=step, metrics=finite, split=split))

    def _write_epoch(self, step: int, epoch: int, metrics: Mapping[str, float]) -> None:
        self._write_losses()
        self._epochs = epoch
        best = self._best.take(epoch, {}, metrics)
        self._events.write(
            EpochEnd(
                epoch=epoch,
                step=step,
                learning_rate=self._rate,
                train={},
                validation=dict(metrics),
                best=best,
                monitor=self._best.monitor,
            )
        )

    def _end(self, status: str, reason: str, exit_code: int) -> None:
        """Ends the run: its program has ended, or its log can be read no further."""
        self._is_ended = True
        Summary(
            status=status,
            reason=reason,
            exit_code=exit_code,
            step=max(self._step, 0),
            epoch=self._epochs,
            best_epoch=self._best.epoch,
            monitor=self._best.monitor or "loss",
            train=self._train or None,
            validation=self._best.validation,
            test=self._test or None,
        ).save(self.run)
        self._events.write(Finished(status=status, step=max(self._step, 0), reason=reason, exit_code=exit_code))
        self._events.close()
        self._claim.close()


def _new_run(log: ForeignLog) -> RunDirectory:
    """A run in a folder of the log's own in the user's cache; earlier ones that nobody follows are removed."""
    key = hashlib.sha256(os.fsencode(log.path.absolute())).hexdigest()[:16]
    folder = user_folder("cache") / "followed" / key
    for earlier in list_runs(folder):
        if not is_running(earlier):
            shutil.rmtree(earlier.path, ignore_errors=True)
    log_name = _UNSAFE.sub("-", log.name).strip("-.+")[:64].rstrip("-.+") or "log"
    own = OwnLoop(log_name, log.loop, None, log.settings)
    return create_run(folder, log_name, own.to_toml())

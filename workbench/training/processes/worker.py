"""The trainer's process: `python -m workbench.training.processes.worker RUN_DIR`.

It trains the preset in the run directory, or continues from the run's last checkpoint, and writes events as it does.
Whoever started it may die: this process lives in a session of its own. Its exit code is that of the command line, but
`EXIT_STORAGE` when even the run directory could not be written.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.atomic_files import without_sync
from workbench.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    USERS_KINDS,
    DivergedError,
    RunDeletedError,
    StorageError,
    WorkbenchError,
    type_and_first_line,
)
from workbench.files import is_file
from workbench.processes.worker import EXIT_BUSY, EXIT_STORAGE
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Checkpointed, Finished, Prepared, Progress, Started, State, Steps, WarningRaised
from workbench.runs.lock import claim
from workbench.runs.tail import has_event
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.settings.validation import check_is_one_run
from workbench.training.inbox import Inbox
from workbench.training.processes.imports import import_pytorch
from workbench.training.processes.leave import leave

if TYPE_CHECKING:
    import torch

    from workbench.data.progress import Progress as ReadProgress
    from workbench.training.job import Job
    from workbench.training.kept_data import KeptData
    from workbench.training.trainer import Trainer


@dataclass(frozen=True)
class Life:
    """How the trainer of a run has ended."""

    exit_code: int
    was_signalled: bool = False
    """Whether a signal asked the process to stop."""


def main(arguments: list[str]) -> int:
    """Trains the run in the directory that is the one argument; returns the exit code."""
    return live(RunDirectory(Path(arguments[0]).absolute())).exit_code


def live(run: RunDirectory, kept: KeptData | None = None) -> Life:
    """Trains a run in this process, from taking its lock to releasing it.

    kept: data that earlier runs of this process have read; None: it is read again.
    """
    started = time.perf_counter()
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(claim(run))
            if is_file(run.study):
                held.enter_context(without_sync())
            inbox = Inbox(run)
            inbox.listen_to_signals()
            events = EventWriter(run.events)
        except WorkbenchError as error:
            _print(str(error))
            return Life(EXIT_STORAGE if isinstance(error, StorageError) else EXIT_BUSY)
        worker = _Worker(run, events, inbox, started, kept)
        held.callback(events.close)
        held.callback(worker.close)
        try:
            exit_code = worker.work()
        except StorageError as error:
            _print(str(error))
            exit_code = EXIT_STORAGE
    return Life(exit_code, inbox.was_signalled)


class _StopRequestedError(Exception):
    """A request to stop came while the run was still being prepared."""


class _Worker:
    """One life of the trainer's process. PyTorch is imported inside, when the run already says that it prepares."""

    def __init__(
        self, run: RunDirectory, events: EventWriter, inbox: Inbox, started: float, kept: KeptData | None = None
    ) -> None:
        self._run = run
        self._kept = kept
        self._events = events
        self._inbox = inbox
        self._started = started
        self._preset = Preset()
        self._job: Job | None = None
        self._trainer: Trainer | None = None

    def work(self) -> int:
        """Trains, and records how it ended. Raises StorageError if that cannot be written."""
        try:
            self._trainer = trainer = self._prepare()
            if not self._stop_requested():
                trainer.train()
            return self._finish("stopped" if trainer.stopping else "completed")
        except _StopRequestedError:
            return self._finish("stopped")
        except RunDeletedError:
            raise  # a summary would bring the directory back
        except Exception as error:
            is_users = isinstance(error, WorkbenchError) and error.kind in USERS_KINDS
            _print(str(error) if is_users else traceback.format_exc())
            return self._fail(error)

    def close(self) -> None:
        """Ends what outlives the run's last step: processes that read samples, threads, and the driver's readings."""
        if self._job is not None:
            self._job.close()
        if self._trainer is not None:
            self._trainer.reporter.close()

    def _prepare(self) -> Trainer:
        """Builds the job, and continues from the run's last checkpoint if there is one."""
        resumed = self._run.events.stat().st_size > 0
        self._run.summary.unlink(missing_ok=True)
        self._events.write(State(state="preparing", step=0, detail="importing PyTorch"))

        import_pytorch()
        from workbench.training.job import build_job
        from workbench.training.prepared_data import prepare
        from workbench.training.processes.environment import write_environment
        from workbench.training.trainer import Trainer

        self._preset = Preset.of_run(self._run.preset)
        check_is_one_run(self._preset.validation)
        self._job = job = build_job(self._preset, self._progress, prepare if self._kept is None else self._kept.prepare)
        write_environment(self._run.environment)
        trainer = Trainer(job, self._run, self._events, self._inbox)
        notes = self._restore(trainer, resumed)
        state = trainer.state
        self._events.write(
            Started(
                process_id=os.getpid(),
                resumed=resumed,
                step=state.step,
                epoch=state.epoch,
                learning_rate=trainer.base_learning_rate,
            )
        )
        self._events.write(self._prepared(trainer))
        for warning in notes:
            self._events.write(WarningRaised(step=state.step, message=warning))
        for note in job.notes:
            self._events.write(WarningRaised(step=state.step, message=note, is_note=True))
        return trainer

    def _restore(self, trainer: Trainer, resumed: bool) -> list[str]:
        """Continues where an earlier life of the run has got to; returns what the user should know of it."""
        from workbench.runs.checkpoints import can_be_resumed

        if can_be_resumed(self._run):
            return trainer.restore()
        if not resumed:
            return []
        trainer.begin_anew()
        if not has_event(self._run.events, Steps):
            return []
        lost = f"none is left in {self._run.checkpoints}" if has_event(self._run.events, Checkpointed) else ""
        return [f"{lost or 'no checkpoint had been written yet'}: training starts again at step 0"]

    def _prepared(self, trainer: Trainer) -> Prepared:
        from torch import get_num_threads

        from workbench.training.device import device_name, device_uuid

        job = trainer.job
        return Prepared(
            device=str(job.device),
            device_name=device_name(job.device),
            engine=trainer.engine.name,
            engine_reason=trainer.engine_choice.reason,
            data_loading=job.train.name,
            parameters=job.parameters,
            task=job.task.kind,
            learns=job.learns,
            classes=list(job.task.classes),
            class_counts=None if job.class_counts is None else job.class_counts.tolist(),
            train_samples=len(job.train),
            validation_samples=None if job.validation is None else len(job.validation),
            test_samples=None if job.test is None else len(job.test),
            batch_size=job.preset.data.batch_size,
            steps_per_epoch=job.steps_per_epoch,
            epochs=job.preset.training.epochs,
            monitor=job.monitor.name,
            seconds=round(time.perf_counter() - self._started, 3),
            engine_seconds=round(trainer.engine_choice.seconds, 3),
            device_uuid=device_uuid(job.device),
            precision=job.precision.name,
            num_threads=get_num_threads(),
        )

    def _progress(self, progress: ReadProgress) -> None:
        if self._inbox.stop_asked:
            raise _StopRequestedError
        self._events.write(Progress(what=progress.what, done=progress.done, total=progress.total, unit=progress.unit))

    def _stop_requested(self) -> bool:
        """Handles what was asked while preparing; True if the trainer is to stop."""
        assert self._trainer is not None
        return self._trainer.handle_requests()

    def _finish(
        self,
        status: str,
        reason: str = "",
        exit_code: int | None = None,
        kind: str = "",
        diverged: DivergedError | None = None,
    ) -> int:
        from workbench.training.processes.summary import summarize, with_earlier_life, with_last_epoch

        if exit_code is None:
            exit_code = EXIT_INTERRUPTED if status == "stopped" else EXIT_DONE
        age = time.perf_counter() - self._started
        summary = summarize(self._trainer, status, reason, exit_code, kind, age)
        if self._trainer is None:
            summary = with_earlier_life(summary, self._run)
        elif summary.train is None and summary.epoch:
            summary = with_last_epoch(summary, self._run)
        summary.save(self._run)
        what, at_step = ("", None) if diverged is None else (diverged.what, diverged.step)
        self._events.write(
            Finished(
                status=status,
                step=summary.step,
                reason=reason,
                exit_code=exit_code,
                kind=kind,
                what=what,
                at_step=at_step,
            )
        )
        return exit_code

    def _fail(self, error: Exception) -> int:
        from workbench.training.memory.out_of_memory import explain_out_of_memory

        device = self._job.device if self._job else None
        if not isinstance(error, WorkbenchError):
            summary = self._memory_summary(error, device)
            error = explain_out_of_memory(error, self._preset, device, summary) or error
        if isinstance(error, WorkbenchError):
            diverged = error if isinstance(error, DivergedError) else None
            return self._finish("failed", str(error), error.exit_code, error.kind, diverged)
        reason = f"{type_and_first_line(error)} (the traceback is in worker.log)"
        return self._finish("failed", reason, EXIT_FAILED, "internal")

    def _memory_summary(self, error: Exception, device: torch.device | None) -> Path | None:
        """What held the memory of a GPU that has run out of it: where that is written down."""
        from workbench.training.memory.out_of_memory import is_gpu_out_of_memory
        from workbench.training.memory.snapshot import write_after_running_out

        if not is_gpu_out_of_memory(error):
            return None
        step = self._trainer.state.step if self._trainer else 0
        return write_after_running_out(self._run, step, device, self._job)


def _print(text: str) -> None:
    """Writes to worker.log, unbuffered; on a full disk nothing, and the exit code still says why the run has ended."""
    with contextlib.suppress(OSError):
        os.write(sys.stderr.fileno(), f"{text.rstrip()}\n".encode(errors="backslashreplace"))


if __name__ == "__main__":
    leave(main(sys.argv[1:]))

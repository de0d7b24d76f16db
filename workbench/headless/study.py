"""Following a study to its end without the app: starts its controller, reads its events, prints the result."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from workbench import output
from workbench.errors import (
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    StorageError,
    TrainerLostError,
    UsageError,
    WorkbenchError,
)
from workbench.files import is_file, read_small, short_path
from workbench.headless.beside import Beside
from workbench.headless.interrupts import Interrupts, kill_group
from workbench.headless.options import Options
from workbench.metrics import metric as metric_named
from workbench.processes.worker import EXIT_BUSY, EXIT_STORAGE
from workbench.runs.control import append_request
from workbench.runs.events import Event
from workbench.runs.lock import process_id
from workbench.tuning.directory import StudyDirectory, trials_of
from workbench.tuning.disk import free_bytes
from workbench.tuning.events import Noted, PresetSaved, TrialDiscarded, TrialFinished, TrialPaused, TrialRetried
from workbench.tuning.process import start_controller
from workbench.tuning.question import read_question
from workbench.tuning.view import StudyView, read_study_view, study_tail
from workbench.tuning.words import changes
from workbench.units import duration, size

POLL_SECONDS = 0.05
ShowResult = Callable[[dict[str, Any], StudyView], None]
"""Prints the result for people: what summary.json says, and the study."""


def follow_study(study: StudyDirectory, options: Options, show_result: ShowResult) -> int:
    """Runs a study, or continues it, and shows it until it ends; returns the exit code. Raises WorkbenchError.

    show_result: prints the result for people.
    """
    tail = study_tail(study)
    view = read_study_view(study, tail)
    is_new = view.started is None
    if not options.quiet:
        print(f"study {short_path(study.path)}", file=sys.stderr, flush=True)
    with Interrupts() as interrupts:
        beside = Beside(study)
        try:
            controller = start_controller(study, shlex.join(sys.argv))
        except WorkbenchError:
            if is_new:
                shutil.rmtree(study.path, ignore_errors=True)
            raise
        beside.start(lambda problem: print(problem, file=sys.stderr), options.tensorboard)
        try:
            while True:
                ended = controller.poll() is not None
                written = tail.read()
                for line, event in written:
                    view.take(event)
                    _show(line, event, view, options)
                if not interrupts.count:  # whoever stops a study need not hear that it has stopped
                    beside.read([event for _, event in written], is_alive=not ended)
                if ended and not written:
                    break
                if interrupts.handle(lambda: _ask_to_stop(study, controller), lambda: _kill(study, controller)):
                    print("stopping after this step, all is saved; interrupt again to end it at once", file=sys.stderr)
                if not written:
                    time.sleep(POLL_SECONDS)
        except BrokenPipeError:
            # Whoever read our output is gone; the study continues, as when a terminal is lost.
            output.abandon()
            print(f"the output is no longer read; the study continues in {study.path}", file=sys.stderr)
            return EXIT_DONE
    beside.end()
    return _conclude(study, view, controller.returncode, options, show_result, interrupts.count, is_new=is_new)


def _show(line: bytes, event: Event, view: StudyView, options: Options) -> None:
    if options.json_output:
        print(line.decode(errors="replace").strip(), flush=True)
        return
    if options.quiet:
        return
    match event:
        case TrialFinished() if event.status == "completed":
            own = metric_named(event.metric or "value")
            words = "no finite value" if event.value is None else f"{own.label} {own.write(event.value)}"
            what = changes(view.trials[event.trial], view)
            print(f"trial {event.trial:<3} {words} in {duration(event.seconds)}  {what}", flush=True)
        case TrialPaused():
            trial, metric = view.trials[event.trial], view.metric
            value = None if metric is None else trial.best(metric)
            words = "no finite value" if metric is None or value is None else f"{metric.label} {metric.write(value)}"
            print(f"trial {event.trial:<3} {words} after epoch {event.epoch}  {changes(trial, view)}", flush=True)
        case TrialFinished():
            what = changes(view.trials[event.trial], view)
            print(f"trial {event.trial:<3} failed: {event.reason}  {what}", flush=True)
        case TrialDiscarded():
            what = changes(view.trials[event.trial], view)
            print(f"trial {event.trial:<3} discarded ({event.reason})  {what}", flush=True)
        case TrialRetried():
            print(f"trial {event.trial:<3} again: {event.reason}", flush=True)
        case Noted():
            print(event.message, file=sys.stderr, flush=True)


def _conclude(
    study: StudyDirectory,
    view: StudyView,
    exit_code: int,
    options: Options,
    show_result: ShowResult,
    interrupts: int,
    *,
    is_new: bool = False,
) -> int:
    how_to_resume = f"continue it with: workbench resume {short_path(study.path)}"
    if exit_code == EXIT_BUSY:
        raise UsageError(study.is_taken)
    if exit_code == EXIT_STORAGE:
        free = size(free_bytes(study.path.parent) or 0)
        if is_new and not trials_of(study) and not any(trial.began for trial in view.trials.values()):
            shutil.rmtree(study.path, ignore_errors=True)
            raise StorageError(
                f"the study could not be written in {study.path.parent} ({free} are free on that disk), and "
                "nothing was trained: free some space, then start it again"
            )
        raise StorageError(
            f"the study {study.path} can no longer be written ({free} are free on that disk). "
            f"What was written is whole; free some space, then {how_to_resume}"
        )
    if view.finished is None:
        if interrupts > 1:
            interrupted = WorkbenchError(f"the study was killed; {how_to_resume}")
            interrupted.exit_code = EXIT_INTERRUPTED
            raise interrupted
        raise TrainerLostError(f"the controller of the study was killed; {how_to_resume}")
    if view.finished.status == "failed" and not study.summary.exists():
        failure = WorkbenchError(view.finished.reason)
        failure.exit_code = view.finished.exit_code
        if failure.exit_code == EXIT_USAGE and not any(trial.status == "completed" for trial in view.trials.values()):
            _remove(study, options)
        raise failure
    try:
        _show_end(study, view, options, show_result, how_to_resume)
    except BrokenPipeError:
        output.abandon()  # the exit code says how the study ended all the same
    return view.finished.exit_code


def _remove(study: StudyDirectory, options: Options) -> None:
    """Removes a study that was refused, and in which no trial was trained to its end."""
    _kill_trainers(study)  # the first trial starts while the rest is checked
    shutil.rmtree(study.path, ignore_errors=True)
    if not options.quiet and not study.path.exists():
        print(f"the study {study.name} was removed: nothing was trained to its end", file=sys.stderr)


def _show_end(
    study: StudyDirectory,
    view: StudyView,
    options: Options,
    show_result: ShowResult,
    how_to_resume: str,
) -> None:
    result = json.loads(read_small(study.summary))
    finished = view.finished
    assert finished is not None
    if finished.status != "completed" or finished.reason:
        print(finished.reason or "stopped", file=sys.stderr)
    if finished.status == "stopped":
        print(how_to_resume, file=sys.stderr)
    if options.json_output:
        print(json.dumps(result), flush=True)
    elif options.quiet:
        print(study.path)
    else:
        show_result(result, view)
    if is_file(study.report) and not options.quiet:
        print(f"the page is in {short_path(study.report)}", file=sys.stderr)
    if finished.status == "completed" and (name := read_question(study.question).save_as):
        if view.saved is None:
            raise WorkbenchError(f"{name} was not saved: the study's process was killed. Save it with: "
                                 f"workbench resume {short_path(study.path)}")  # fmt: skip
        say_saved(view.saved)


def say_saved(saved: PresetSaved) -> None:
    """Says where the preset is that was found. Raises WorkbenchError where it could not be saved."""
    if saved.exit_code:
        failure = WorkbenchError(saved.problem)
        failure.exit_code = saved.exit_code
        raise failure
    path = Path(saved.path)
    said = f"saved {path}; train it with: workbench --preset {path.stem}" if saved.path else saved.problem
    print(said, file=sys.stderr)


def _ask_to_stop(study: StudyDirectory, controller: subprocess.Popen[bytes]) -> None:
    try:
        append_request(study.control, "stop")
    except StorageError:  # a full disk must not keep a study from being stopped
        controller.terminate()


def _kill(study: StudyDirectory, controller: subprocess.Popen[bytes]) -> None:
    """Ends the controller, then the trainers, which would otherwise train their runs to the end.

    A trainer that has its order and still imports PyTorch holds no run's lock yet: it is found as a child.
    """
    import psutil

    children = []
    with suppress(psutil.Error):
        children = [child.pid for child in psutil.Process(controller.pid).children(recursive=True)]
    kill_group(controller.pid)
    for child in children:
        kill_group(child)
    _kill_trainers(study)


def _kill_trainers(study: StudyDirectory) -> None:
    for run in trials_of(study):
        trainer = process_id(run)
        if trainer is not None:
            kill_group(trainer)

"""Following a study to its end without the app: starts its controller, reads its events, prints the result."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

from workbench.errors import EXIT_INTERRUPTED, StorageError, TrainerLostError, UsageError, WorkbenchError
from workbench.files import read_small, short_path
from workbench.processes.worker import EXIT_BUSY, EXIT_STORAGE
from workbench.runs.control import append_request
from workbench.runs.events import Event
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.events import Noted, TrialDiscarded, TrialFinished, TrialRetried
from workbench.tuning.process import start_controller
from workbench.tuning.view import StudyView, study_tail
from workbench.units import duration

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Output:
    """How a study is shown."""

    json_output: bool = False
    quiet: bool = False


def follow_study(
    study: StudyDirectory, output: Output, show_result: Callable[[dict[str, Any], StudyView], None]
) -> int:
    """Runs a study, or continues it, and shows it until it ends; returns the exit code. Raises WorkbenchError.

    show_result: prints the result for people.
    """
    tail, view = study_tail(study), StudyView()
    for _, event in iter_all(tail):
        view.take(event)
    if not output.quiet:
        print(f"study {short_path(study.path)}", file=sys.stderr, flush=True)
    with _Interrupts(study) as interrupts:
        controller = start_controller(study, shlex.join(sys.argv))
        interrupts.controller = controller
        while True:
            ended = controller.poll() is not None
            written = tail.read()
            for line, event in written:
                view.take(event)
                _show(line, event, view, output)
            if ended and not written:
                break
            if not written:
                time.sleep(POLL_SECONDS)
    return _conclude(study, view, controller.returncode, output, show_result, interrupts.count)


def iter_all(tail: Any) -> list[tuple[bytes, Event]]:
    """All that is in the file already."""
    found: list[tuple[bytes, Event]] = []
    while written := tail.read():
        found += written
    return found


def _show(line: bytes, event: Event, view: StudyView, output: Output) -> None:
    if output.json_output:
        print(line.decode(errors="replace").strip(), flush=True)
        return
    if output.quiet:
        return
    match event:
        case TrialFinished() if event.status == "completed" and view.metric is not None and event.value is not None:
            trial = view.trials[event.trial]
            words = f"{view.metric.label} {view.metric.write(event.value)} in {duration(event.seconds)}"
            print(f"trial {event.trial:<3} {words}  {described(trial.settings)}", flush=True)
        case TrialFinished():
            print(f"trial {event.trial:<3} failed: {event.reason}", flush=True)
        case TrialDiscarded():
            trial = view.trials[event.trial]
            print(f"trial {event.trial:<3} discarded ({event.reason})  {described(trial.settings)}", flush=True)
        case TrialRetried():
            print(f"trial {event.trial:<3} again: {event.reason}", flush=True)
        case Noted():
            print(event.message, file=sys.stderr, flush=True)


def described(settings: dict[str, Any]) -> str:
    """Settings in a line."""
    return ", ".join(
        f"{path}={value:.4g}" if isinstance(value, float) else f"{path}={value}" for path, value in settings.items()
    )


def _conclude(
    study: StudyDirectory,
    view: StudyView,
    exit_code: int,
    output: Output,
    show_result: Callable[[dict[str, Any], StudyView], None],
    interrupts: int,
) -> int:
    how = f"continue it with: workbench resume {short_path(study.path)}"
    if exit_code == EXIT_BUSY:
        raise UsageError(study.is_taken)
    if exit_code == EXIT_STORAGE:
        raise StorageError(f"the study {study.path} could not be written any more. Free some space, then {how}")
    if view.finished is None:
        error = TrainerLostError(f"the controller of the study was killed; {how}")
        if interrupts > 1:
            error.exit_code = EXIT_INTERRUPTED
        raise error
    if view.finished.status == "failed" and not study.summary.exists():
        failure = WorkbenchError(view.finished.reason)
        failure.exit_code = view.finished.exit_code
        raise failure
    result = json.loads(read_small(study.summary))
    if output.json_output:
        print(json.dumps(result), flush=True)
    elif not output.quiet:
        show_result(result, view)
    if view.finished.status == "stopped":
        print(f"stopped; {how}", file=sys.stderr)
    elif view.finished.reason:
        print(view.finished.reason, file=sys.stderr)
    return view.finished.exit_code


class _Interrupts:
    """Ctrl-C and SIGTERM: the first asks the study to stop, the second ends its controller and the trials at once."""

    def __init__(self, study: StudyDirectory) -> None:
        self.count = 0
        self.controller: subprocess.Popen[bytes] | None = None
        self._study = study
        self._old = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def __enter__(self) -> _Interrupts:
        for number in self._old:
            signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.count == 1:
            with suppress(StorageError):
                append_request(self._study.control, "stop")
            print("stopping after this step, all is saved; interrupt again to end it at once", file=sys.stderr)
        elif self.controller is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.controller.pid, signal.SIGKILL)

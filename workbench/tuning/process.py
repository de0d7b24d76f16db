"""The controller's process: `python -m workbench.tuning.process STUDY_DIR`. It outlives whoever started it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path

from workbench.errors import EXIT_FAILED, StorageError, WorkbenchError, type_and_first_line
from workbench.files import open_to_append, storage_error
from workbench.processes.worker import EXIT_BUSY, EXIT_STORAGE, launched_at, not_started, trainer_environment
from workbench.runs.control import append_request
from workbench.runs.lock import claim
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.events import StudyFinished
from workbench.tuning.question import read_question


def start_controller(study: StudyDirectory, command: str) -> subprocess.Popen[bytes]:
    """Starts the controller of a study; what it prints goes to the study's controller.log.

    command: the user's command line, for the record. Raises StorageError, TrainerLostError.
    """
    try:
        log = open_to_append(study.log)
    except OSError as error:
        raise storage_error(study.log, error) from error
    try:
        return subprocess.Popen(
            (sys.executable, "-P", "-m", "workbench.tuning.process", str(study.path)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | trainer_environment(command),
        )
    except OSError as error:
        raise not_started(error) from error
    finally:
        os.close(log)


def main(arguments: list[str]) -> int:
    """Runs the study in the directory that is the one argument; returns the exit code."""
    study = StudyDirectory(Path(arguments[0]).absolute())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: append_request(study.control, "stop"))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with claim(study):
            return _control(study)
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return EXIT_STORAGE if isinstance(error, StorageError) else EXIT_BUSY


def _control(study: StudyDirectory) -> int:
    """Raises StorageError where the study cannot be written."""
    from workbench.tuning.controller import Controller
    from workbench.tuning.places import local_places
    from workbench.tuning.ways.choose import make_way

    try:
        question = read_question(study.question)
        way = make_way(question, Preset.of_run(study.preset), study)
        return Controller(study, way, local_places(question.workers), launched_at()).run().exit_code
    except StorageError:
        raise
    except Exception as error:
        is_users = isinstance(error, WorkbenchError)
        print(str(error) if is_users else traceback.format_exc(), file=sys.stderr)
        reason = str(error) if is_users else f"{type_and_first_line(error)} (the traceback is in controller.log)"
        code = error.exit_code if isinstance(error, WorkbenchError) else EXIT_FAILED
        with contextlib.closing(EventWriter(study.events)) as events:
            events.write(StudyFinished(status="failed", reason=reason, exit_code=code))
        return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The controller's process: `python -m workbench.tuning.process STUDY_DIR`. It outlives whoever started it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import EXIT_FAILED, StorageError, WorkbenchError, type_and_first_line
from workbench.files import is_file, open_to_append, read_small, storage_error
from workbench.processes.worker import EXIT_BUSY, EXIT_STORAGE, launched_at, not_started, trainer_environment
from workbench.runs.lock import claim
from workbench.runs.writer import EventWriter
from workbench.tuning.directory import StudyDirectory, preset_of
from workbench.tuning.events import StudyFinished
from workbench.tuning.question import Question, read_question

if TYPE_CHECKING:
    from workbench.settings.preset import Preset
    from workbench.tuning.check import CornerCheck
    from workbench.tuning.view import StudyView


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
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: signals.append(number))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with claim(study):
            return _control(study, lambda: bool(signals))
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return EXIT_STORAGE if isinstance(error, StorageError) else EXIT_BUSY


def _control(study: StudyDirectory, is_interrupted: Callable[[], bool]) -> int:
    """Raises StorageError where the study cannot be written."""
    from workbench.tuning.controller import Controller
    from workbench.tuning.places import local_places
    from workbench.tuning.ray_places import ray_places
    from workbench.tuning.saving import save_as_asked
    from workbench.tuning.supply import FixedSupply, LocalSupply
    from workbench.tuning.ways.choose import make_way

    try:
        question = read_question(study.question)
        preset = preset_of(study, question)
        on_cpu = _is_on_cpu(question, preset)
        check = _check(question, preset, on_cpu)  # first, for it takes some seconds in a process of its own
        way = make_way(question, preset, study)
        places = ray_places(question, preset) if question.on else local_places(question.workers, on_cpu=on_cpu)
        elsewhere = FixedSupply("its trials run on a Ray cluster, which gives each its place")
        supply = elsewhere if question.on else LocalSupply(on_cpu=on_cpu)
        controller = Controller(study, way, places, launched_at(), is_interrupted, check, question.together, supply)
        finished = controller.run()
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
    if is_file(study.measured):
        _write_page(study, preset, question, controller.view)
    if finished.status == "completed":
        save_as_asked(study)
    return finished.exit_code


def _write_page(study: StudyDirectory, preset: Preset, question: Question, view: StudyView) -> None:
    """The result is there already: what goes wrong with its page is said in the log alone."""
    from workbench.tuning.page import write_page

    try:
        write_page(study, preset, question, json.loads(read_small(study.summary)), view)
    except Exception:
        traceback.print_exc()


def _check(question: Question, preset: Preset, on_cpu: bool) -> CornerCheck | None:
    """The dry run of a search that begins. Raises PresetError, TrainerLostError."""
    from workbench.tuning.check import CornerCheck, corners_of, is_needed
    from workbench.tuning.places import memory_of_a_place
    from workbench.tuning.space import SearchSpace

    if question.way != "search":
        return None
    space = SearchSpace.parse(question.search, preset)
    if not is_needed(space):
        return None
    found = corners_of(space, preset)
    if question.on:
        return CornerCheck(found, lambda: None, elsewhere=True)
    return CornerCheck(found, partial(memory_of_a_place, on_cpu=on_cpu))


def _is_on_cpu(question: Question, preset: Preset) -> bool:
    """Whether all trials are trained on the CPU."""
    own = preset.runtime.device
    return {changes.get("runtime.device", own) for changes in question.changes or [{}]} == {"cpu"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

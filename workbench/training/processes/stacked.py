"""The process that trains candidates together; `workbench.processes.stacked` says what it is asked and answers."""

from __future__ import annotations

import math
import os
import queue
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from workbench.atomic_files import write_text_atomically
from workbench.errors import EXIT_FAILED
from workbench.processes.measuring import ANSWER, FAILURE, read_typed
from workbench.processes.messages import encode
from workbench.processes.stacked import ASKED, ENDED, VALUES, WAY, Ended, Ending, Request, Steer, Values, Way
from workbench.settings.preset import Preset
from workbench.training.processes.out_of_fold import judge_kept
from workbench.training.processes.serve import adapting, failure_of, input_lines, report_progress, send

if TYPE_CHECKING:
    from workbench.training.prepared_data import PreparedData
    from workbench.training.tuning.stacked.course import Course
    from workbench.training.validation_scores import ValidationScores

Lines = queue.SimpleQueue[bytes]


def main() -> int:
    """Answers requests until standard input ends."""
    lines = input_lines()
    from workbench.training.processes.process_state import ProcessState

    state = ProcessState.now()
    known: list[PreparedData] = []
    while True:
        asked = _read(lines)
        if not isinstance(asked, Request):
            continue  # it came too late
        try:
            train(asked, lines, known)
        except BrokenPipeError:
            os._exit(EXIT_FAILED)
        except Exception as error:
            traceback.print_exc()
            send(FAILURE, failure_of(error))
        state.restore()


def _read(lines: Lines) -> Request | Steer | None:
    """Waits for a line; None for one that is neither."""
    read = read_typed(lines.get(), ASKED)
    return read[1] if read is not None and isinstance(read[1], Request | Steer) else None


def train(request: Request, lines: Lines, known: list[PreparedData] | None = None) -> None:
    """Trains the candidates and sends what becomes of them.

    lines: where it is steered. known: data of earlier requests, which those of this one replace. Raises PresetError,
    DataError and what training raises.
    """
    from workbench.training.processes.environment import write_environment
    from workbench.training.tuning.stacked.errors import CannotStackError
    from workbench.training.tuning.stacked.faster_way import way_of
    from workbench.training.tuning.stacked.train import prepare_all, stacks_of, train_stacks

    presets = [Preset.from_toml(text, "the preset") for text in request.presets]
    known = [] if known is None else known
    data = prepare_all(presets, lambda each: report_progress(each.what, each.done, each.total), known)
    known[:] = list({id(each): each for each in data}.values())[-1:]
    report_progress("building the models")
    try:
        stacks = stacks_of(data, presets)
        decision = way_of(data, presets, stacks) if request.if_faster else Way(True, "as asked for")
    except CannotStackError as error:
        decision = Way(False, str(error))
    send(WAY, Way(decision.together, decision.reason, decision.ratio))
    if not decision.together:
        return
    if request.environment:
        write_environment(Path(request.environment))
    courses = sorted((course for stack in stacks for course in stack.running), key=lambda course: course.number)
    teller = _Teller(courses, [Path(path) for path in request.scores])
    began = perf_counter()

    def on_epoch(epoch: int, values: list[float | None]) -> Sequence[int] | None:
        adapt()
        finite = [value if value is not None and math.isfinite(value) else None for value in values]
        running = [course.number for course in courses if course.status == "running"]
        waits = epoch in request.decide_after and bool(running)
        send(VALUES, Values(epoch, courses[0].monitor.name, finite, waits))
        teller.tell_ended()
        return _steered(lines, running, waits=waits)

    with adapting(presets[0]) as adapt:
        train_stacks(stacks, len(presets), on_epoch)
    teller.tell_ended()
    if request.judged:
        teller.judge(Path(request.judged))
    send(ANSWER, Ending(round(perf_counter() - began, 4)))


def _steered(lines: Lines, running: Sequence[int], *, waits: bool) -> list[int] | None:
    """The candidates that are trained further, as what was said meanwhile has it; None for all. Waits for no more.

    waits: whether it is waited until it is said which are kept.
    """
    left, is_paused = set(running), False
    while waits or is_paused or not lines.empty():
        steer = _read(lines)
        if not isinstance(steer, Steer):
            continue
        if steer.keep is not None:
            left &= set(steer.keep)
            waits = False
        left -= set(steer.drop)
        is_paused = is_paused if steer.paused is None else steer.paused
    return sorted(left) if len(left) < len(running) else None


class _Teller:
    """Sends the ends of candidates, each once."""

    def __init__(self, courses: Sequence[Course], scores: Sequence[Path]) -> None:
        """scores: where each candidate's answers for its validation split are written; none: they are not."""
        self._courses = courses
        self._scores = scores
        self._told: set[int] = set()
        self._kept: dict[int, ValidationScores] = {}

    def tell_ended(self) -> None:
        """Sends those that have ended since the last call. Raises StorageError."""
        for course in self._courses:
            if course.status != "running" and course.number not in self._told:
                self._told.add(course.number)
                self._save_scores(course)
                send(ENDED, _ended(course))

    def _save_scores(self, course: Course) -> None:
        from workbench.training.validation_scores import ValidationScores

        own = course.validation
        if self._scores and own is not None and own.scores is not None and own.targets is not None:
            kept = self._kept[course.number] = ValidationScores(own.scores, own.targets, own.metrics)
            kept.save(self._scores[course.number])

    def judge(self, path: Path) -> None:
        """Writes how good all candidates are together, each on its own validation split, if all have completed.

        Whoever has asked could do that too, but would have to import PyTorch for it. Raises StorageError.
        """
        if len(self._kept) == len(self._courses):
            kept = [self._kept[course.number] for course in self._courses]
            judged = judge_kept(self._courses[0].preset, kept)
            write_text_atomically(path, encode(judged) + "\n", parents=False)


def _ended(course: Course) -> Ended:
    validation = None if course.validation is None else course.validation.metrics
    name = course.monitor.name
    return Ended(
        candidate=course.number,
        status=course.status,
        reason=course.reason,
        value=validation[name] if validation is not None and name in validation else course.best_value,
        best_epoch=course.best_epoch,
        epochs=len(course.epochs),
        validation=validation,
        test=None if course.test is None else course.test.metrics,
    )


if __name__ == "__main__":
    sys.exit(main())

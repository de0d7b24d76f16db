"""The process that trains candidates together; `workbench.processes.stacked` says what it is asked and answers."""

from __future__ import annotations

import math
import os
import queue
import sys
import threading
import traceback
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from workbench.processes.measuring import ANSWER, FAILURE
from workbench.processes.messages import decode, parse_object
from workbench.processes.stacked import ENDED, VALUES, WAY, Ended, Ending, Keep, Request, Values, Way
from workbench.settings.preset import Preset
from workbench.training.processes.serve import adapting, failure_of, report_progress, send

if TYPE_CHECKING:
    from workbench.training.tuning.stacked.course import Course


def main() -> int:
    """Trains what standard input asks for; returns the exit code."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    try:
        train(decode(Request, parse_object(lines.get())), lines)
    except Exception as error:
        traceback.print_exc()
        failure = failure_of(error)
        send(FAILURE, failure)
        return failure.exit_code
    return 0


def _listen(lines: queue.SimpleQueue[bytes]) -> None:
    """Queues the lines of standard input; at its end whoever launched this process has ended."""
    for line in sys.stdin.buffer:
        lines.put(line)
    os._exit(0)


def train(request: Request, lines: queue.SimpleQueue[bytes]) -> None:
    """Trains the candidates and sends what becomes of them. lines: where a `Keep` comes from.

    Raises PresetError, DataError and what training raises.
    """
    from workbench.training.tuning.stacked.errors import CannotStackError
    from workbench.training.tuning.stacked.faster_way import way_of
    from workbench.training.tuning.stacked.train import prepare_all, stacks_of, train_stacks

    presets = [Preset.from_toml(text, "the preset") for text in request.presets]
    data = prepare_all(presets, lambda progress: report_progress(progress.what, progress.done, progress.total))
    report_progress("building the models")
    try:
        stacks = stacks_of(data, presets)
        decision = way_of(data, presets, stacks) if request.if_faster else Way(True, "asked for")
    except CannotStackError as error:
        decision = Way(False, str(error))
    send(WAY, Way(decision.together, decision.reason, decision.ratio))
    if not decision.together:
        return
    courses = sorted((course for stack in stacks for course in stack.running), key=lambda course: course.number)
    said: set[int] = set()
    began = perf_counter()

    def on_epoch(epoch: int, values: list[float | None]) -> Sequence[int] | None:
        adapt()
        finite = [value if value is not None and math.isfinite(value) else None for value in values]
        running = any(course.status == "running" for course in courses)
        waits = epoch in request.decide_after and running
        send(VALUES, Values(epoch, courses[0].monitor.name, finite, waits))
        _send_ended(courses, said)
        return decode(Keep, parse_object(lines.get())).candidates if waits else None

    with adapting(presets[0]) as adapt:
        train_stacks(stacks, len(presets), on_epoch)
    _send_ended(courses, said)
    send(ANSWER, Ending(round(perf_counter() - began, 4)))


def _send_ended(courses: Sequence[Course], said: set[int]) -> None:
    """Sends those that have ended since the last call. said: the numbers of those that were sent."""
    for course in courses:
        if course.status == "running" or course.number in said:
            continue
        said.add(course.number)
        send(
            ENDED,
            Ended(
                candidate=course.number,
                status=course.status,
                reason=course.reason,
                value=course.best_value,
                best_epoch=course.best_epoch,
                epochs=len(course.epochs),
                validation=None if course.validation is None else course.validation.metrics,
                test=None if course.test is None else course.test.metrics,
            ),
        )


if __name__ == "__main__":
    sys.exit(main())

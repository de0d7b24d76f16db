"""A trial as a Ray task: whether it is being trained, has ended, was lost with its node, or still waits for room."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

from workbench.errors import WorkbenchError, type_and_first_line
from workbench.runs.control import ControlReader
from workbench.runs.directory import RunDirectory
from workbench.runs.lock import is_running

LOOK_SECONDS = 0.5
"""Between two looks at a trial for which Ray has no room yet."""
MOST_TASKS = 60
"""For one life of a trial: Ray also hands tasks to nodes that have just died, before it knows of it."""
EXIT_LOST = -9
"""Of a trial whose worker or node has died."""


@dataclass(eq=False)
class Task:
    """A trial that was handed in to Ray."""

    exit_code: Future[int]
    """The trainer's; the error of Ray, if its worker or node has died."""
    cancel: Callable[[], object]


class RayTrial:
    """A run that a Ray task trains, or for which Ray has no room yet."""

    def __init__(self, run: RunDirectory, submit: Callable[[], Task]) -> None:
        self._run = run
        self._submit = submit
        self._asked = ControlReader(run.control, time.time())
        self._bytes_before = _size(run)
        self._has_begun = False
        self._was_withdrawn = False
        self._is_lost = False
        self._looked = time.monotonic()
        self._task = submit()
        self._tasks = 1

    def poll(self) -> int | None:
        """The trainer's exit code, EXIT_LOST if its worker or node has died; None until then.

        Raises WorkbenchError where it cannot be trained: the node does not see it, or the cluster is gone.
        """
        if self._is_lost:
            return EXIT_LOST
        if not self._task.exit_code.done():
            self._withdraw_if_asked()
            return None
        error = self._task.exit_code.exception()
        if error is None:
            return self._task.exit_code.result()
        if not _is_loss(error):
            raise _cannot_train(error)
        if self._was_withdrawn or _size(self._run) > self._bytes_before or self._tasks >= MOST_TASKS:
            print(f"{self._run.name}: {type_and_first_line(error)}", file=sys.stderr, flush=True)  # in controller.log
            self._is_lost = True
            return EXIT_LOST
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._looked = time.monotonic()
            self._task = self._submit()
            self._tasks += 1
        return None

    def withdraw(self) -> None:
        """Ends the task, and the trainer with it."""
        self._was_withdrawn = True
        if not self._task.exit_code.done():
            with suppress(Exception):
                self._task.cancel()

    def _withdraw_if_asked(self) -> None:
        """Nobody else reads a request to stop while there is no trainer yet."""
        now = time.monotonic()
        if self._has_begun or now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        self._has_begun = is_running(self._run)
        if not self._has_begun and any(request.command == "stop" for request in self._asked.read()):
            self.withdraw()


def _size(run: RunDirectory) -> int:
    """Bytes of the run's events: a trainer that has begun has written some."""
    with suppress(OSError):
        return run.events.stat().st_size
    return 0


def _is_loss(error: BaseException) -> bool:
    """Whether a worker or a node was lost, or the task withdrawn: nothing that is wrong with the cluster."""
    from ray.exceptions import NodeDiedError, OutOfMemoryError, TaskCancelledError, WorkerCrashedError

    return isinstance(error, (NodeDiedError, OutOfMemoryError, TaskCancelledError, WorkerCrashedError))


def _cannot_train(error: BaseException) -> WorkbenchError:
    from ray.exceptions import RayTaskError

    cause = getattr(error, "cause", None)
    if isinstance(cause, WorkbenchError):
        return cause
    if "No module named 'workbench" in str(error):
        return WorkbenchError("a node of the Ray cluster has no workbench: install the same one on every node")
    if isinstance(error, RayTaskError):
        return WorkbenchError(f"a node of the Ray cluster cannot train: {type_and_first_line(cause or error)}")
    return WorkbenchError(
        f"the Ray cluster no longer answers ({type_and_first_line(error)}); once it is back, continue the study "
        "with: workbench resume"
    )

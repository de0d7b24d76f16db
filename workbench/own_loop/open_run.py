"""Opens the run directory of a watched loop, and sees to it that the run ends with its program."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from workbench.errors import StorageError, UsageError, type_and_first_line
from workbench.followers.start import start_followers
from workbench.metrics import METRICS
from workbench.own_loop.loop import Loop
from workbench.own_loop.recorder import Recorder
from workbench.runs.directory import RunDirectory, create_run, default_runs_folder
from workbench.runs.own_loop import OwnLoop
from workbench.suggestion import nearest

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")


def open_loop(
    name: str,
    *,
    epochs: int | None,
    settings: Mapping[str, Any],
    monitor: str | None,
    runs_folder: Path | None,
    measure: bool,
    made_by: str = "own",
    task: str = "",
    model: Any = None,
    optimizer: Any = None,
    device: Any = None,
    step: int = 0,
    epoch: int = 0,
    tensorboard: bool | Path = False,
) -> tuple[Loop, Path | None]:
    """Creates a run and takes its lock; returns the loop's record and the run's directory.

    Without a directory (it cannot be written, or this is not the first of several ranks), nothing is recorded.
    made_by: a key of `runs.own_loop.LOOPS`; task: the kind of task, if it is known; step, epoch: how many are done
    already; tensorboard: whether a process writes the run for TensorBoard too, and where. Raises UsageError.
    """
    _check(name, epochs, monitor)
    recorder = Recorder()
    if os.environ.get("RANK", "0") in ("", "0"):
        try:
            own = OwnLoop(name, made_by, epochs, settings)
            recorder = _recorder(create_run(runs_folder or default_runs_folder(), name, own.to_toml()), measure)
        except StorageError as error:
            print(f"workbench.watch: {error}; training continues unwatched", file=sys.stderr, flush=True)
    loop = Loop(
        recorder,
        epochs=epochs,
        model=model,
        optimizer=optimizer,
        device=device,
        monitor=monitor,
        task=task,
        step=step,
        epoch=epoch,
    )
    if recorder.run is None:
        return loop, None
    folder = recorder.run.path / "tensorboard" if tensorboard is True else tensorboard or None
    for problem in _started_beside(recorder.run, folder):
        loop.warn(problem)
        print(f"workbench.watch: {problem}", file=sys.stderr, flush=True)
    return loop, recorder.run.path


def _recorder(run: RunDirectory, measure: bool) -> Recorder:
    """Raises StorageError; then no run is left that nothing was written to."""
    try:
        return Recorder(run, measure=measure)
    except StorageError:
        shutil.rmtree(run.path, ignore_errors=True)
        raise


def _started_beside(run: RunDirectory, tensorboard: Path | None) -> list[str]:
    """Starts the processes that send alerts and write for TensorBoard; returns what prevented one."""
    try:
        return start_followers(run, tensorboard=tensorboard)
    except Exception as error:  # never the end of a training
        return [f"nothing follows this run: {type_and_first_line(error)}"]


def _check(name: str, epochs: int | None, monitor: str | None) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise UsageError(
            f"a run cannot be called {str(name)[:40]!r}: a name has 1 to 64 letters, digits, _ . + -, "
            "and begins with a letter, a digit or _"
        )
    if epochs is not None and (not isinstance(epochs, int) or epochs < 1):
        raise UsageError(f"epochs={epochs!r}: a number from 1 up, or None where it is not known")
    known = [each.name for each in METRICS if each.can_monitor]
    if monitor is not None and monitor not in known:
        raise UsageError(f"monitor={monitor!r}{nearest(monitor, known)}: it is one of {', '.join(known)}")


class Ending:
    """Ends a run that was not closed when its program ends."""

    def __init__(self, end: Callable[[BaseException | None], None]) -> None:
        """end: takes the exception that ended the program, or None."""
        self._end = end
        self._process = os.getpid()
        self._last_error = _last_error()
        atexit.register(self._at_exit)

    def cancel(self) -> None:
        """The run has ended already."""
        atexit.unregister(self._at_exit)

    def _at_exit(self) -> None:
        if os.getpid() != self._process:
            return  # a fork of the program
        error = _last_error()
        with suppress(Exception):
            self._end(None if error is self._last_error else error)


def _last_error() -> BaseException | None:
    """The exception that was printed last because nobody caught it: in a script, the one that ends it."""
    return getattr(sys, "last_value", None)

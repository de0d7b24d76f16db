"""The follower that writes for TensorBoard: it continues in the same file where it, or another before it, stopped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workbench.alerts.clock import Clock
from workbench.errors import EXIT_DONE, StorageError
from workbench.followers.files import FollowerFiles
from workbench.followers.follow import follow_to_end
from workbench.followers.log import Log
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Event
from workbench.tensorboard.log_folder import LogFolder, State

SAVE_SECONDS = 2.0
"""Least time between two notes of how far it has come: what is behind the last is written again after a kill."""
FOLDER = "tensorboard"
"""In the run's directory, where no other folder was named."""


class TensorBoardReader:
    """Writes events, and notes how far it has come."""

    def __init__(self, log_folder: LogFolder, state_file: Path, clock: Clock) -> None:
        self._log_folder = log_folder
        self._state_file = state_file
        self._clock = clock
        self._saved_at = clock.monotonic()
        self._is_saved = True

    def take(self, events: Sequence[Event], offset: int) -> None:
        self._log_folder.take(events, offset)
        self._is_saved = False
        self._save_if_due()

    def rest(self, *, is_alive: bool) -> None:
        self._save_if_due()

    def end(self) -> None:
        self._save()

    def _save_if_due(self) -> None:
        if self._clock.monotonic() - self._saved_at >= SAVE_SECONDS:
            self._save()

    def _save(self) -> None:
        if not self._is_saved:
            self._log_folder.state.save(self._state_file)
            self._is_saved, self._saved_at = True, self._clock.monotonic()


def follow_with_tensorboard(files: FollowerFiles, parent: Path | None, since: float, log: Log) -> int:
    """Follows to the end; returns the exit code. Raises StorageError.

    parent: the folder in which the run gets a folder of its own; None: where it was written before, else in the run.
    """
    run, clock = files.directory, Clock()
    assert isinstance(run, RunDirectory)
    state = State.read(files.state)
    wanted = parent / run.name if parent is not None else run.path / FOLDER
    if state is None or (parent is not None and state.folder != str(wanted)):
        state = State(str(wanted))
    state.save(files.state)  # a resumed run continues here
    log_folder = LogFolder(run, state)
    log.say(f"writes to {state.folder}")
    try:
        follow_to_end(run, log_folder.tail, TensorBoardReader(log_folder, files.state, clock), since, clock=clock)
    finally:
        try:
            log_folder.close()
        except StorageError as error:
            log.problem(str(error))
    log.say("the end")
    return EXIT_DONE

"""The follower that writes for TensorBoard: it continues in the same file where it, or another before it, stopped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from workbench.alerts.clock import Clock
from workbench.errors import EXIT_DONE, StorageError
from workbench.files import make_folder, short_path
from workbench.followers.files import FollowerFiles
from workbench.followers.follow import follow_to_end
from workbench.followers.log import Log
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Event
from workbench.runs.owned import OwnedDirectory
from workbench.tensorboard.log_folder import LogFolder, State
from workbench.tuning.directory import StudyDirectory, trials_of
from workbench.tuning.events import (
    TrialDiscarded,
    TrialFinished,
    TrialPaused,
    TrialRetried,
    TrialStarted,
    TrialStopped,
)
from workbench.tuning.view import study_tail

SAVE_SECONDS = 2.0
"""Least time between two notes of how far it has come: what is behind the last is written again after a kill."""
FOLDER = "tensorboard"
"""In the run's directory, where no other folder was named."""


def belongs(state: State, run: RunDirectory) -> bool:
    """Whether a run continues where its state says though its user does not name that folder now.

    The run may be a stranger's, or a copy: outside its directory only a file is continued that it has begun itself.
    """
    return state.is_inside(run) or (Path(state.folder).name == run.name and state.has_file(run))


def is_written_to(folder: Path, run: RunDirectory) -> bool:
    """Whether a run was written to a folder outside its directory."""
    state = State.read(FollowerFiles(run, "tensorboard").state)
    return state is not None and state.folder == str(folder) and belongs(state, run)


def not_known(folder: str, instead: str) -> str:
    """A sentence on a folder that does not belong to the run or the study."""
    return f"nothing shows that {folder} is its own, so that {instead}; or name a log folder with --tensorboard DIR"


class RunReader:
    """Writes the events of a run, and notes how far it has come in the run's directory."""

    def __init__(self, run: RunDirectory, wanted: Path | None, clock: Clock) -> None:
        """wanted: the folder to write to; None: that where it was written before, else one in the run.

        Raises StorageError.
        """
        self._state_file = FollowerFiles(run, "tensorboard").state
        self._clock = clock
        self.problem = ""
        """Why it is not written where it was before."""
        state = self._state(run, wanted)
        self._log_folder = LogFolder(run, state)
        make_folder(self._state_file.parent)
        self._log_folder.state.save(self._state_file)  # a resumed run continues here
        self.tail = self._log_folder.tail
        self._saved_at = clock.monotonic()
        self._is_saved = True

    def _state(self, run: RunDirectory, wanted: Path | None) -> State:
        """Raises StorageError."""
        state = State.read(self._state_file)
        if wanted is not None:
            begun = State.begin(run, wanted)
            return state if state is not None and state.folder == begun.folder else begun
        if state is not None and belongs(state, run):
            return state
        own = State(FOLDER)
        if not own.is_inside(run):
            raise StorageError(f"{short_path(run.path / FOLDER)} leads elsewhere, where nothing is written")
        if state is None:
            return own
        moved = replace(state, folder=FOLDER)
        if moved.has_file(run):  # the whole path was kept by an earlier version
            return moved
        self.problem = not_known(state.folder, f"the whole run is written to {short_path(run.path / FOLDER)}")
        return own

    @property
    def folder(self) -> Path:
        """Where it writes to."""
        return self._log_folder.folder

    def take(self, events: Sequence[Event], offset: int) -> None:
        self._log_folder.take(events, offset)
        self._is_saved = False
        self._save_if_due()

    def rest(self, *, is_alive: bool) -> None:
        self._save_if_due()

    def end(self) -> None:
        self._save()

    def close(self) -> None:
        """Closes the file. Raises StorageError."""
        self._log_folder.close()

    def _save_if_due(self) -> None:
        if self._clock.monotonic() - self._saved_at >= SAVE_SECONDS:
            self._save()

    def _save(self) -> None:
        if not self._is_saved:
            self._log_folder.state.save(self._state_file)
            self._is_saved, self._saved_at = True, self._clock.monotonic()


class StudyReader:
    """Writes the trials of a study that are runs: one process for all of them."""

    def __init__(self, study: StudyDirectory, parent: Path | None, clock: Clock, log: Log) -> None:
        self._study = study
        self._clock = clock
        self._log = log
        self._parent = self._remembered(None if parent is None else parent / study.name)
        self._open: dict[str, RunReader] = {}
        self._has_said_together = False
        self._runs: dict[int, str] = {}
        """By trial."""
        self._ended: set[str] = set()
        """Runs that are closed once all of them has been written."""

    def _remembered(self, folder: Path | None) -> Path | None:
        """The folder for all trials, that which was named when the study began if none is now. Raises StorageError."""
        state_file = FollowerFiles(self._study, "tensorboard").state
        if folder is None and (state := State.read(state_file)) is not None and state.folder:
            if any(is_written_to(Path(state.folder) / trial.name, trial) for trial in trials_of(self._study)):
                folder = Path(state.folder)
            else:
                self._log.problem(not_known(state.folder, "the trials are written to their own directories"))
        State(str(folder or "")).save(state_file)
        return folder

    def take(self, events: Sequence[Event], offset: int) -> None:
        for event in events:
            match event:
                case TrialStarted(run=run) if run:
                    self._runs[event.trial] = run
                    self._ended.discard(run)
                    self._follow(run)
                case TrialStarted() if not self._has_said_together:
                    self._has_said_together = True
                    self._log.problem("trials that are trained together are no runs, and nothing is written of them")
                case TrialFinished() | TrialDiscarded() | TrialPaused() | TrialStopped() | TrialRetried():
                    self._ended.add(self._runs.get(event.trial, ""))
        self._read()

    def rest(self, *, is_alive: bool) -> None:
        self._read()

    def end(self) -> None:
        self._ended.update(self._open)
        self._read()

    def _follow(self, name: str) -> None:
        run = self._study.run(name)
        if name not in self._open:
            with self._apart(name):
                self._open[name] = reader = RunReader(run, self._parent and self._parent / name, self._clock)
                if reader.problem:
                    self._log.problem(reader.problem)

    def _read(self) -> None:
        for name, reader in list(self._open.items()):
            with self._apart(name):
                while written := reader.tail.read():
                    reader.take([event for _, event in written], reader.tail.offset)
                if name in self._ended:
                    reader.end()
                    reader.close()
                    del self._open[name]
                else:
                    reader.rest(is_alive=True)

    @contextmanager
    def _apart(self, name: str) -> Iterator[None]:
        """Inside the `with` a run that cannot be written disturbs no other."""
        try:
            yield
        except StorageError as error:
            self._open.pop(name, None)
            if self._study.run(name).path.exists():  # else it was discarded, and deleted
                self._log.problem(str(error))


def follow_with_tensorboard(directory: OwnedDirectory, parent: Path | None, since: float, log: Log) -> int:
    """Follows to the end; returns the exit code. Raises StorageError.

    parent: the folder in which the run gets a folder of its own; None: where it was written before, else in the run.
    """
    clock = Clock()
    if isinstance(directory, StudyDirectory):
        follow_to_end(directory, study_tail(directory), StudyReader(directory, parent, clock, log), since, clock=clock)
    else:
        reader = RunReader(RunDirectory(directory.path), parent and parent / directory.name, clock)
        if reader.problem:
            log.problem(reader.problem)
        log.say(f"writes to {reader.folder}")
        try:
            follow_to_end(directory, reader.tail, reader, since, clock=clock)
        finally:
            with suppress(StorageError):  # what could not be written has been reported
                reader.close()
    log.say("the end")
    return EXIT_DONE

"""The log folder of a run: written from its events, and continued where another process has stopped."""

from __future__ import annotations

import json
import re
import secrets
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

from workbench.atomic_files import write_text_atomically
from workbench.errors import StorageError
from workbench.files import read_small
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Event
from workbench.runs.tail import EventTail
from workbench.runs.typed import taken
from workbench.tensorboard.hparams import Setting, settings_of
from workbench.tensorboard.record_file import RecordFile
from workbench.tensorboard.run_writer import Memo, RunWriter

PREFIX = "events.out.tfevents."
"""How the names of files begin that TensorBoard reads."""
OWN_NAME = re.compile(re.escape(PREFIX) + r".+\.[0-9a-f]{32}")
"""The name of a file that this module began: who knows its random end has seen the state of the run that wrote it."""


@dataclass
class State:
    """How far the events of a run have been written."""

    folder: str
    """Within the run's directory, with which it moves, where it is relative."""
    file: str = ""
    """Name of the file in the folder, which is made with the first event; empty before it has a name."""
    offset: int = 0
    """Bytes of events.jsonl that are in it."""
    size: int = 0
    """Of the file, in bytes."""
    memo: Memo = field(default_factory=Memo)

    @classmethod
    def read(cls, path: Path) -> State | None:
        """From a file; None where there is none, or it is not what this wrote."""
        try:
            values = json.loads(read_small(path))
            memo = taken(Memo, values.pop("memo"))
            state = cls(memo=memo, **{name: kind(values[name]) for name, kind in _PLAIN.items()})
        except (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
            return None
        # A run may come from a stranger: no other file is cut off and written to.
        if "\0" in state.folder + state.file:
            return None
        is_name = not state.file or (state.file.startswith(PREFIX) and Path(state.file).name == state.file)
        return state if is_name and state.offset >= 0 and state.size >= 0 else None

    @classmethod
    def begin(cls, run: RunDirectory, folder: Path) -> State:
        """Of a folder to which nothing was written."""
        inside = folder.resolve(), run.path.resolve()
        return cls(str(inside[0].relative_to(inside[1]) if inside[0].is_relative_to(inside[1]) else folder.absolute()))

    def is_inside(self, run: RunDirectory) -> bool:
        """Whether the folder is in the run's directory, links followed."""
        try:
            return (run.path / self.folder).resolve().is_relative_to(run.path.resolve())
        except (OSError, RuntimeError):  # links in a circle
            return False

    def has_file(self, run: RunDirectory) -> bool:
        """Whether what was written is there, and is the run's own: its state may be a stranger's.

        Elsewhere a file is the run's if it has a name that nobody guesses.
        """
        is_own = self.is_inside(run) or OWN_NAME.fullmatch(self.file) is not None
        return bool(self.file) and is_own and _has_bytes(run.path / self.folder / self.file, self.size)

    def save(self, path: Path) -> None:
        """Writes it whole, or not at all. Raises StorageError."""
        write_text_atomically(path, f"{json.dumps(asdict(self))}\n", parents=False)


_PLAIN = {"folder": str, "file": str, "offset": int, "size": int}


class LogFolder:
    """Writes a run for TensorBoard."""

    def __init__(
        self, run: RunDirectory, state: State, of_others: Mapping[str, Setting] = MappingProxyType({})
    ) -> None:
        """Continues where `state` says, or from the first event in a new file where that is not the run's, or is gone.

        of_others: as for `columns_summary`.
        """
        self._of_others = of_others
        self._run = run
        self.folder = run.path / state.folder
        # The name is known before the file is there: one that is killed at once leaves none that nobody continues.
        name = f"{PREFIX}{time.time():.0f}.{socket.gethostname()}.{secrets.token_hex(16)}"
        self.state = state if state.has_file(run) else State(state.folder, name)
        self._file: RecordFile | None = None
        self._writer: RunWriter | None = None

    @property
    def tail(self) -> EventTail:
        """A reader of the run's events that continues behind those that are written."""
        return EventTail(self._run.events, offset=self.state.offset)

    def take(self, events: Iterable[Event], offset: int) -> None:
        """Writes events. offset: bytes of events.jsonl up to their end. Raises StorageError."""
        for event in events:
            if self._writer is None:
                self._open(event)
            assert self._writer is not None
            self._writer.take(event)
        self.state.offset = offset
        if self._file is not None:
            self.state.size = self._file.flush()

    def _open(self, first: Event) -> None:
        self._file = RecordFile(self.folder / self.state.file, self.state.size, first.time)
        self._writer = RunWriter(self._run, self.folder, self._file, self.state.memo, self._of_others)

    @property
    def has_begun(self) -> bool:
        """Whether anything was written."""
        return self._file is not None

    def close(self) -> None:
        """Closes the file. Raises StorageError."""
        if self._file is not None:
            self._file.close()


def _has_bytes(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size >= size
    except OSError:
        return False


def write_runs(runs: Sequence[RunDirectory], folder: Path) -> None:
    """Writes all that runs have recorded so far, each to a new folder in `folder`. Raises StorageError."""
    of_all: dict[str, Setting] = {}
    for run in runs:
        of_all |= settings_of(run)
    for run in runs:
        write_run(run, folder / run.name, of_all)


def write_run(run: RunDirectory, folder: Path, of_others: Mapping[str, Setting] = MappingProxyType({})) -> None:
    """Writes all that a run has recorded so far to a new folder. Raises StorageError."""
    log = LogFolder(run, State(str(folder.absolute())), of_others)
    tail = log.tail
    try:
        while written := tail.read():
            log.take([event for _, event in written], tail.offset)
    finally:
        log.close()
    if not log.has_begun:
        raise StorageError(f"the run {run.name} has recorded nothing yet: there is nothing to write")

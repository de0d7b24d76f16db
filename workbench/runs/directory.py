"""The files of a run, and how a new run gets its directory."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from workbench.atomic_files import write_text_atomically
from workbench.errors import StorageError, UsageError
from workbench.files import expanded, is_file, storage_error
from workbench.runs.owned import OwnedDirectory
from workbench.runs.study import StudyMembership
from workbench.suggestion import closest

STAMP = re.compile(r"\d{8}T\d{6}Z")
"""The time in a run's name."""


@dataclass(frozen=True)
class RunDirectory(OwnedDirectory):
    """The directory of a run, and the files in it."""

    @property
    def started(self) -> datetime | None:
        """When the run was created (UTC), from its name; None if it was renamed."""
        stamp = self.name.partition("-")[0]
        if STAMP.fullmatch(stamp) is None:
            return None
        try:
            return datetime.fromisoformat(stamp)  # many times as quick as strptime, for tables of thousands of runs
        except ValueError:
            return None

    @property
    def study(self) -> Path:
        """The id of the run's study, as JSON; absent for a run without a study."""
        return self.path / "study.json"

    @property
    def labels(self) -> Path:
        """Its tags and its note, as JSON; absent before the first."""
        return self.path / "labels.json"

    @property
    def environment(self) -> Path:
        """GPU, driver, versions, host and command, as JSON."""
        return self.path / "environment.json"

    @property
    def validation_scores(self) -> Path:
        """What the model answers for the samples that a run of a cross-validation left out; absent for other runs."""
        return self.path / "validation_scores.npz"

    @property
    def checkpoints(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def last_checkpoint(self) -> Path:
        """The state of training from which a resumed run continues; absent before the first checkpoint."""
        return self.checkpoints / "last.pt"

    @property
    def profiles(self) -> Path:
        """The folder of traces and memory snapshots; absent before the first."""
        return self.path / "profiles"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where files are written whole or not at all."""
        return self.path, self.checkpoints, self.profiles

    @property
    def is_taken(self) -> str:
        """What to say to a second trainer."""
        return f"the run {self.name} is in use by another process"

    @property
    def worker_log(self) -> Path:
        """The output of the trainer's process, including tracebacks."""
        return self.path / "worker.log"


class SeveralRunsError(UsageError):
    """A part of a name that several runs have."""


def default_runs_folder() -> Path:
    """The folder of runs: WORKBENCH_RUNS, else ./runs."""
    return Path(os.environ.get("WORKBENCH_RUNS") or "runs")


def create_run(runs_folder: Path, preset_name: str, preset_toml: str, *, study: str | None = None) -> RunDirectory:
    """Creates a run directory with its preset. Raises StorageError if it cannot be written.

    study: the id of the run's study. Raises ValueError for an invalid id.
    """
    membership = None if study is None else StudyMembership(study)
    run = RunDirectory(new_directory(runs_folder, preset_name, "the runs folder"))
    try:
        # A directory is a run once it has a preset, so the preset is written last.
        if membership is not None:
            membership.save(run.study)
        write_text_atomically(run.preset, preset_toml, parents=False)
    except StorageError:
        shutil.rmtree(run.path, ignore_errors=True)
        raise
    return run


def new_directory(folder: Path, name: str, what: str) -> Path:
    """Makes `<UTC time>-<name>-<4 hex>` in a folder, absolute. what: the folder in words. Raises StorageError."""
    started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    while True:
        path = (folder / f"{started}-{name}-{secrets.token_hex(2)}").absolute()
        try:
            if not folder.exists():
                folder.mkdir(parents=True, exist_ok=True)
            path.mkdir(0o700)  # whoever may write here steers the trainer
        except FileExistsError:
            if path.is_dir():
                continue  # two of one name in one second drew the same four digits
            raise UsageError(f"{what} {folder} is not a folder") from None
        except OSError as error:
            raise storage_error(path, error) from error
        return path


def find_run(runs_folder: Path, name_or_path: str) -> RunDirectory:
    """Finds a run by its path or name; a part of the name is enough if only one run has it. Raises UsageError."""
    path = expanded(name_or_path)
    if is_file(RunDirectory(path).preset):
        return RunDirectory(path.absolute())
    runs = list_runs(runs_folder)
    matches = [run for run in runs if name_or_path in run.name]
    matches = [run for run in matches if run.name == name_or_path] or matches
    if len(matches) == 1:
        return matches[0]
    if not matches:
        suggested = nearest_name(name_or_path, [run.name for run in runs])
        raise UsageError(f"there is no run {name_or_path!r} in {runs_folder.absolute()}{suggested}")
    raise SeveralRunsError(f"several runs match {name_or_path!r}: {', '.join(run.name for run in matches)}")


def nearest_name(name: str, known: Iterable[str]) -> str:
    """`; did you mean NAME?` where one of the known directories' names, or a part that people type, is much like it."""
    newest = {}
    for each in known:
        without_time = each.partition("-")[2]
        newest.update(dict.fromkeys((each, without_time, without_time.rpartition("-")[0]), each))
    found = closest(name, newest)
    return f"; did you mean {newest[found]}?" if found else ""


def list_runs(runs_folder: Path) -> list[RunDirectory]:
    """All runs in a folder, the oldest first."""
    if not runs_folder.is_dir():
        return []
    runs = (RunDirectory(path.absolute()) for path in sorted(runs_folder.iterdir()))
    return [run for run in runs if is_file(run.preset)]

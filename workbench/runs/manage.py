"""Finds, renames and deletes runs; never one that a trainer is using."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from workbench.errors import StorageError, UsageError
from workbench.runs.directory import RunDirectory, find_run, list_runs
from workbench.runs.status import status
from workbench.runs.study import read_study

STARTING_SECONDS = 60.0
"""A younger run without a trainer is about to get one."""
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}")
PATTERN_LETTERS = "*?["


def find_runs(runs_folder: Path, words: Iterable[str], *, every: bool = False) -> list[RunDirectory]:
    """Finds the runs that any of the words names, each once.

    A word is a path, a name, a part of the name of one run, or a pattern with * ? [] for the whole name with or without
    its time. every: all runs whose name has the word as a part. Raises UsageError for a word that names no run, or
    several.
    """
    found: dict[Path, RunDirectory] = {}
    for word in words:
        for run in _matches(runs_folder, word, every=every):
            found[run.path] = run
    return list(found.values())


def _matches(runs_folder: Path, word: str, *, every: bool) -> list[RunDirectory]:
    is_pattern = any(letter in word for letter in PATTERN_LETTERS)
    if not is_pattern and not every:
        return [find_run(runs_folder, word)]
    runs = list_runs(runs_folder)
    if is_pattern:
        matches = [run for run in runs if any(fnmatchcase(name, word) for name in _names(run))]
    else:
        matches = [run for run in runs if word in run.name]
    if not matches and is_pattern:
        raise UsageError(f"no run in {runs_folder.absolute()} has a name like {word!r}")
    return matches or [find_run(runs_folder, word)]


def _names(run: RunDirectory) -> tuple[str, str]:
    return run.name, run.name if run.started is None else run.name.partition("-")[2]


def why_in_use(run: RunDirectory) -> str:
    """Why a run must not be renamed or deleted now, as in "it is in progress"; empty if it may."""
    try:
        now = status(run)
    except Exception:
        # Its files cannot be read, so no trainer can have written them.
        return ""
    if now == "running":
        return "is in progress: stop it first"
    if now == "new" and time.time() - _created(run) < STARTING_SECONDS:
        return "is about to start: stop it first"
    return ""


def _created(run: RunDirectory) -> float:
    return run.preset.stat().st_mtime if run.started is None else run.started.timestamp()


def delete_run(run: RunDirectory) -> None:
    """Deletes a run's directory; links in it are removed and not followed.

    Raises UsageError if the run is in use, or its directory is a link; StorageError if it cannot be deleted.
    """
    if problem := why_not_deleted(run):
        raise UsageError(f"{run.name} {problem}")
    try:
        shutil.rmtree(run.path)
    except OSError as error:
        raise StorageError(f"cannot delete {error.filename or run.path}: {error.strerror or error}") from error


def why_not_deleted(run: RunDirectory) -> str:
    """Why a run must not be deleted now, as in "it is in progress"; empty if it may."""
    if run.path.is_symlink():
        where = run.path.parent / run.path.readlink()
        return f"is a link to {where}: remove the link, or delete the run where it is"
    return why_in_use(run)


def rename_run(run: RunDirectory, name: str) -> RunDirectory:
    """Renames a run's directory; returns the run under its new name.

    Raises UsageError if the run is in use or belongs to a study, or the name is impossible or taken; StorageError if
    the directory cannot be renamed.
    """
    if problem := problem_of_name(name):
        raise UsageError(problem)
    if problem := why_in_use(run) or why_not_renamed(run):
        raise UsageError(f"{run.name} {problem}")
    renamed = RunDirectory(run.path.with_name(name))
    if renamed.path == run.path:
        return run
    if os.path.lexists(renamed.path):
        raise UsageError(f"there is already a {name} in {run.path.parent}: choose another name")
    try:
        run.path.rename(renamed.path)
    except OSError as error:
        raise StorageError(f"cannot rename {run.path} to {name}: {error.strerror or error}") from error
    return renamed


def why_not_renamed(run: RunDirectory) -> str:
    """Why the run must keep its name, as in "it is a trial of a study"; empty if it need not."""
    if (study := read_study(run.study)) is not None:
        return f"is a trial of the study {study}, which knows it by its name: give it a tag or a note instead"
    return ""


def problem_of_name(name: str) -> str:
    """Why a run cannot have a name; empty if it can."""
    if NAME.fullmatch(name):
        return ""
    return (
        f"a run cannot be called {name[:40]!r}: a name has 1 to 128 letters, digits, _ . + -, "
        "and begins with a letter, a digit or _"
    )

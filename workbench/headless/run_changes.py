"""What `workbench runs tag`, `note`, `rename` and `delete` do and print."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from workbench.errors import EXIT_DONE, UsageError
from workbench.files import short_path
from workbench.headless.run_list import as_json
from workbench.runs.directory import RunDirectory, SeveralRunsError, find_run
from workbench.runs.labels import problem_of_note, problem_of_tag, read_labels, write_labels
from workbench.runs.manage import delete_run, find_runs, rename_run, why_not_deleted
from workbench.units import count

MOST_NAMED = 20
"""Runs that are named in a question."""
TAG_HINT = ". A tag is added as +TAG and removed as -TAG"


def tag(folder: Path, words: Sequence[str], *, every: bool, json_output: bool) -> int:
    """Adds the tags of words such as +good to runs, removes those of -old, and prints their tags.

    Returns the exit code. Raises UsageError before anything is written, and StorageError.
    """
    added = [word[1:] for word in words if word.startswith("+")]
    removed = [word[1:] for word in words if word.startswith("-")]
    if problem := next(filter(None, map(problem_of_tag, added + removed)), ""):
        raise UsageError(problem)
    runs = _find(folder, [word for word in words if word[:1] not in ("+", "-")], every=every, hint=TAG_HINT)
    changed = [(run, read_labels(run.labels).with_tags(added, removed)) for run in runs]
    if added or removed:
        for run, labels in changed:
            write_labels(run.labels, labels)
    if json_output:
        _print_rows(runs)
    else:
        for run, labels in changed:
            print(f"{run.name}: {' '.join(labels.tags) or 'no tags'}")
    return EXIT_DONE


def note(folder: Path, word: str, text: str | None, *, every: bool, json_output: bool) -> int:
    """Sets the note of runs, or prints it if there is no text; an empty text removes it.

    Returns the exit code. Raises UsageError before anything is written, and StorageError.
    """
    if problem := problem_of_note(text or ""):
        raise UsageError(problem)
    runs = _find(folder, [word], every=every)
    if text is not None:
        for run in runs:
            write_labels(run.labels, replace(read_labels(run.labels), note=text.strip()))
    if json_output:
        _print_rows(runs)
    else:
        for run in runs:
            print(f"{run.name}: {read_labels(run.labels).note or 'no note'}")
    return EXIT_DONE


def rename(folder: Path, word: str, name: str, *, json_output: bool) -> int:
    """Renames a run; returns the exit code. Raises UsageError, StorageError."""
    run = find_run(folder, word)
    _check_place(run, folder)
    renamed = rename_run(run, name)
    if json_output:
        _print_rows([renamed])
    else:
        print(f"{run.name} is now called {renamed.name}: {short_path(renamed.path)}")
    return EXIT_DONE


def delete(folder: Path, words: Sequence[str], *, every: bool, yes: bool, json_output: bool) -> int:
    """Deletes runs, after asking; returns the exit code. Raises UsageError before any is deleted, and StorageError."""
    runs = _find(folder, words, every=every)
    for run in runs:
        _check_place(run, folder)
        if problem := why_not_deleted(run):
            raise UsageError(f"{run.name} {problem}")
    if not yes and not _is_wanted(runs):
        print("nothing was deleted", file=sys.stderr)
        return EXIT_DONE
    lines = [json.dumps(values) for values in _rows(runs)] if json_output else []
    for number, run in enumerate(runs):
        delete_run(run)
        print(lines[number] if json_output else f"deleted {short_path(run.path)}")
    return EXIT_DONE


def _find(folder: Path, words: Sequence[str], *, every: bool, hint: str = "") -> list[RunDirectory]:
    if not words:
        raise UsageError("name a run: its name, part of its name, its path, or a pattern such as '*-fast-*'")
    try:
        return find_runs(folder, words, every=every)
    except SeveralRunsError as error:
        raise UsageError(f"{error}. Name one, or take all of them with --all") from None
    except UsageError as error:
        raise UsageError(f"{error}{hint}") from None


def _check_place(run: RunDirectory, folder: Path) -> None:
    """Refuses a run elsewhere than in the runs folder, and a trial of a study."""
    from workbench.tuning.directory import is_study

    parent = run.path.parent.resolve()
    if is_study(parent.parent):
        raise UsageError(
            f"{run.name} is a trial of the study {parent.parent.name}, which needs it as it is; "
            f"a study is deleted as a whole: {short_path(parent.parent)}"
        )
    if parent != folder.resolve():
        raise UsageError(
            f"{run.path} is not in the runs folder {folder.absolute()}: add --runs-dir {short_path(parent)}"
        )


def _is_wanted(runs: Sequence[RunDirectory]) -> bool:
    """Asks on stderr, for stdout may be piped. Raises UsageError if nobody answers."""
    named = "\n".join(f"  {short_path(run.path)}" for run in runs[:MOST_NAMED])
    more = f"\n  and {count(len(runs) - MOST_NAMED)} more" if len(runs) > MOST_NAMED else ""
    what = "this run" if len(runs) == 1 else f"these {count(len(runs))} runs"
    print(f"{named}{more}\nDelete {what} with curves, checkpoints and log? [y/N] ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        print(file=sys.stderr)
        raise UsageError("no answer, so nothing was deleted; --yes deletes without asking")
    return answer.strip().lower() in ("y", "yes")


def _print_rows(runs: Iterable[RunDirectory]) -> None:
    for values in _rows(runs):
        print(json.dumps(values))


def _rows(runs: Iterable[RunDirectory]) -> list[dict[str, object]]:
    """The runs as `workbench runs --json` has them."""
    from workbench.runs.catalogue import read_row

    return [as_json(read_row(run)) for run in runs]

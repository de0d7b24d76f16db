"""What people say about a run: tags, a note and whether it is pinned, in a file of its directory.

The trainer neither reads nor writes the file, so a run in progress can be labelled too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.atomic_files import write_text_atomically
from workbench.errors import StorageError, UsageError
from workbench.files import read_small
from workbench.units import count

MOST_TAG_LETTERS = 64
MOST_TAGS = 64
MOST_NOTE_LETTERS = 1000
MOST_BYTES = 2**20
"""The most bytes of the file: far more than the largest tags and note need."""
NO_TAG_LETTERS = "*?[],"
"""Letters of patterns and lists, which a tag has not."""


@dataclass(frozen=True)
class Labels:
    """The tags of a run, in the order in which they were added, and its note."""

    tags: tuple[str, ...] = ()
    note: str = ""
    """One line."""
    pinned: bool = False
    """Whether it is the base with which other runs are compared."""

    def __post_init__(self) -> None:
        for tag in self.tags:
            if problem := problem_of_tag(tag):
                raise UsageError(problem)
        if len(self.tags) > MOST_TAGS:
            raise UsageError(f"a run has at most {MOST_TAGS} tags: remove some")
        if problem := problem_of_note(self.note):
            raise UsageError(problem)

    def with_tags(self, added: Iterable[str] = (), removed: Iterable[str] = ()) -> Labels:
        """Adds and removes tags; those that are there, or are not, already are no error. Raises UsageError."""
        gone = set(removed)
        return replace(self, tags=tuple(tag for tag in dict.fromkeys((*self.tags, *added)) if tag not in gone))


def problem_of_tag(tag: str) -> str:
    """Why a text is no tag; empty if it is one."""
    if not tag:
        return "a tag has at least one letter"
    if len(tag) > MOST_TAG_LETTERS:
        return f"the tag {tag[:20]}... is too long: a tag has at most {MOST_TAG_LETTERS} letters"
    if any(letter.isspace() for letter in tag):
        return f"the tag {tag!r} has a blank in it: write {'-'.join(tag.split()) or 'a word'}"
    if not tag.isprintable():
        return f"the tag {tag!r} has a character in it that cannot be shown"
    if tag[0] in "+-" or any(letter in NO_TAG_LETTERS for letter in tag):
        return f"the tag {tag!r} must not begin with + or -, and has none of {' '.join(NO_TAG_LETTERS)}"
    return ""


def problem_of_note(note: str) -> str:
    """Why a text is no note; empty if it is one."""
    if len(note) > MOST_NOTE_LETTERS:
        return f"the note is too long: {count(len(note))} letters of at most {count(MOST_NOTE_LETTERS)}"
    if not note.isprintable():
        return "a note is one line of text, without tabs and other characters that cannot be shown"
    return ""


def read_labels(file: Path) -> Labels:
    """Reads a run's labels; what is missing or cannot be read is left out."""
    try:
        values = _parsed(file)
    except (OSError, ValueError, TypeError, RecursionError):
        return Labels()
    tags, note = values.get("tags"), values.get("note")
    known = [tag for tag in tags if isinstance(tag, str) and not problem_of_tag(tag)] if isinstance(tags, list) else []
    line = " ".join(note.split())[:MOST_NOTE_LETTERS] if isinstance(note, str) else ""
    note = line if line.isprintable() else ""
    return Labels(tuple(dict.fromkeys(known))[:MOST_TAGS], note, values.get("pinned") is True)


def write_labels(file: Path, labels: Labels) -> None:
    """Writes a run's labels atomically, and keeps what else a later version has stored in the file.

    Raises StorageError if the file cannot be written, or if it holds something that would be lost.
    """
    try:
        values = _parsed(file)
    except FileNotFoundError:
        values = {}
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise StorageError(f"cannot write {file}: it holds something else ({error}). Repair or delete it") from error
    values.pop("pinned", None)
    values |= {"tags": list(labels.tags), "note": labels.note} | ({"pinned": True} if labels.pinned else {})
    write_text_atomically(file, json.dumps(values, indent=2, ensure_ascii=False) + "\n", parents=False)


def _parsed(file: Path) -> dict[str, Any]:
    """Raises OSError, ValueError, RecursionError, and TypeError if the file holds no table."""
    values = json.loads(read_small(file, MOST_BYTES))
    if not isinstance(values, dict):
        raise TypeError("it holds no JSON object")
    return values

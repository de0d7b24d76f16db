"""The study that a run belongs to: a file in its directory that is written once, before all others.

A run that was started alone has no study, and neither have runs of versions without studies.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.atomic_files import write_text_atomically
from workbench.files import read_small
from workbench.runs.typed import taken

MOST_LETTERS = 255
MOST_BYTES = 2**16


@dataclass(frozen=True)
class StudyMembership:
    """The study that a run belongs to, as its study.json holds it."""

    study: str
    """The study's id: the name of its folder."""

    def __post_init__(self) -> None:
        text = self.study
        if not 0 < len(text) <= MOST_LETTERS or not text.isprintable() or "/" in text or text in (".", ".."):
            raise ValueError(f"no study can be called {text!r}")

    def save(self, file: Path) -> None:
        """Writes a run's study.json. Raises StorageError."""
        write_text_atomically(file, json.dumps(asdict(self)) + "\n", parents=False)


def read_study(file: Path) -> str | None:
    """Reads the study's id from a run's study.json; None if the file is missing or cannot be read."""
    try:
        return taken(StudyMembership, json.loads(read_small(file, MOST_BYTES))).study
    except (OSError, ValueError, TypeError, ArithmeticError, RecursionError):
        return None

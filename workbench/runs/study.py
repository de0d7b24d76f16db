"""Which study a run belongs to: a file in its directory that is written once, before anything else.

A run that was started by itself has none, nor have those made before there were studies.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from workbench.files import read_small, write_text_atomically
from workbench.runs.typed import taken

if TYPE_CHECKING:
    from workbench.runs.directory import RunDirectory

MOST_LETTERS = 255
MOST_BYTES = 2**16


@dataclass(frozen=True)
class StudyMembership:
    """What a run's directory says of its study."""

    study: str
    """The study's id: the name of its folder."""

    def __post_init__(self) -> None:
        text = self.study
        if not 0 < len(text) <= MOST_LETTERS or not text.isprintable() or "/" in text or text in (".", ".."):
            raise ValueError(f"no study can be called {text!r}")

    def save(self, run: RunDirectory) -> None:
        """Writes study.json. Raises StorageError."""
        write_text_atomically(run.study, json.dumps(asdict(self)) + "\n", parents=False)


def read_study(run: RunDirectory) -> str | None:
    """The id of the study that a run belongs to; None if it belongs to none, or the file cannot be read."""
    try:
        return taken(StudyMembership, json.loads(read_small(run.study, MOST_BYTES))).study
    except (OSError, ValueError, TypeError, ArithmeticError, RecursionError):
        return None

"""The letter and the colour by which a run is recognised, wherever it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase

COLOURS = 4
"""Styles of overlaid runs: overlay-1, overlay-2, ..."""
LETTERS = ascii_uppercase + ascii_lowercase


@dataclass(frozen=True)
class RunMark:
    """How a run is told from the others."""

    letter: str
    """One or two letters; no two runs have the same."""
    style: str


class RunMarks:
    """The marks of a session. A run keeps its mark until the app ends."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def of(self, name: str) -> RunMark:
        """The mark of a run; a run that has none gets the next one."""
        place = self._places.setdefault(name, len(self._places))
        round_, letter = divmod(place, len(LETTERS))
        return RunMark(LETTERS[letter] + (str(round_ + 1) if round_ else ""), f"overlay-{place % COLOURS + 1}")

    def rename(self, before: str, now: str) -> None:
        """Keeps the mark of a run that is renamed."""
        if before in self._places:
            self._places[now] = self._places.pop(before)

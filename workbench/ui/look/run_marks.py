"""The letter and the colour by which a run is recognised, wherever it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from string import ascii_uppercase

COLOURS = 8
"""Styles of overlaid runs: overlay-1, overlay-2, ..."""
LETTERS = ascii_uppercase
"""In plain ASCII a curve is drawn with its letter: with a and A, or o and 0, two could not be told apart."""


@dataclass(frozen=True)
class RunMark:
    """How a run is told from the others."""

    letter: str
    """A letter, after the first 26 with a number: no two runs have the same."""
    style: str
    dashed: bool = False
    """Whether its curve has gaps: every other round of the colours."""


class RunMarks:
    """The marks of a session. A run keeps its mark until the app ends."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._next = count()

    def of(self, name: str) -> RunMark:
        """The mark of a run; a run that has none gets the next one."""
        if name not in self._places:
            self._places[name] = next(self._next)
        place = self._places[name]
        round_, letter = divmod(place, len(LETTERS))
        turn, colour = divmod(place, COLOURS)
        name_of = LETTERS[letter] + (str(round_ + 1) if round_ else "")
        return RunMark(name_of, f"overlay-{colour + 1}", dashed=turn % 2 == 1)

    def rename(self, before: str, now: str) -> None:
        """Keeps the mark of a run that is renamed."""
        if before in self._places:
            self._places[now] = self._places.pop(before)

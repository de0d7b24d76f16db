"""The marked runs of the table, and the letters that they show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from workbench.runs.row import RunRow
from workbench.ui.look.run_marks import RunMarks
from workbench.ui.panels.runs_column import Parts
from workbench.ui.panels.runs_shown import RunFacts


class MarkedRuns:
    """Which runs are marked, in the order in which they were."""

    def __init__(self, marks: RunMarks, names: Iterable[str]) -> None:
        """marks: gives each marked run its letter."""
        self._marks = marks
        self._names = dict.fromkeys(names)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def names(self) -> list[str]:
        """The names of the marked runs."""
        return list(self._names)

    def rows(self, facts: Mapping[str, RunFacts]) -> list[RunRow]:
        """The marked runs. facts: of all runs, by name."""
        return [facts[name].row for name in self._names if name in facts]

    def keep(self, names: Iterable[str]) -> None:
        """Forgets the runs that are not among these."""
        there = set(names)
        self._names = {name: None for name in self._names if name in there}

    def toggle(self, rows: Sequence[RunRow]) -> None:
        """Marks runs; if all of them are marked, removes their marks. A broken run is never marked."""
        names = dict.fromkeys(row.run.name for row in rows if not row.broken)
        if names.keys() <= self._names.keys():
            self._names = {name: None for name in self._names if name not in names}
        else:
            self._names |= names

    def rename(self, name: str, now: str) -> None:
        """Keeps the mark of a run that was renamed."""
        self._names = {now if each == name else each: None for each in self._names}

    @property
    def cells(self) -> int:
        """Of the longest letter."""
        return max((len(self._marks.of(name).letter) for name in self._names), default=1)

    def parts(self, row: RunRow) -> Parts:
        """What stands before a run."""
        if row.run.name not in self._names:
            return ()
        mark = self._marks.of(row.run.name)
        return ((mark.letter, f"strong {mark.style}"),)

"""What the table of runs knows of all the runs that it shows: the base, the best, and in which settings they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workbench.metrics import BY_CLASS, WEIGHTED, in_reading_order, metric
from workbench.runs.own_loop import KEY
from workbench.runs.row import RunRow
from workbench.runs.run_conditions import is_number
from workbench.settings.changes import read
from workbench.settings.differing import NAMES, unless_empty
from workbench.settings.judged import LOSS, WHICH_DATA, decides_loss
from workbench.settings.renamed import present_path
from workbench.settings.run_keys import OWN, is_choice, setting_of
from workbench.ui.form.differences import CHANGES, differing, in_a_line

LEARNING_RATE = "optimizer.learning_rate"
SEED = "training.seed"
EPOCHS = "training.epochs"
"""The column of epochs shows them already, behind those done."""
LEFT_OUT = (*NAMES, CHANGES, KEY)
"""Settings that have no column."""


Comparable = tuple[str, ...]


@dataclass(frozen=True)
class RunFacts:
    """What is worked out once for each run, by the thread that reads it."""

    row: RunRow
    changes: Mapping[str, Any] = field(default_factory=dict)
    """The settings in which it differs from the preset of its name."""
    text: str = ""
    """What is written about it, in lower case, for words to be found in."""
    compared: Comparable = ("",)
    """What it must have in common with another run, so that their best values can be compared."""


def facts_of(row: RunRow) -> RunFacts:
    """Works out the facts of a run."""
    changes = {} if row.broken else differing(row)
    words = (row.run.name, state_of(row), row.preset_name, row.reason, in_a_line(row, changes), tags_of(row), row.note)
    return RunFacts(row, changes, " ".join(words).lower(), compared_by(row))


def compared_by(row: RunRow) -> Comparable:
    """The metric, the data, and for a loss its scale: values that differ in one of these say nothing of each other."""
    paths = [f"data.{key}" for key in WHICH_DATA]
    if row.monitor == LOSS:
        paths += sorted(path for path in map(present_path, row.settings) if decides_loss(path))
    return row.monitor, *(f"{path} {value!r}" for path in paths if (value := setting_of(row, path)) is not None)


def state_of(row: RunRow) -> str:
    """How a run stands, in a word."""
    if row.broken:
        return "broken"
    return "paused" if row.status == "running" and row.state == "paused" else row.status


def name_of(row: RunRow) -> str:
    """What a run is called in the table: its preset, or the name that it was given."""
    return row.run.name if row.run.started is None else row.preset_name or row.run.name


def tags_of(row: RunRow) -> str:
    """The tags of a run, each with a # before it."""
    return " ".join(f"#{tag}" for tag in row.tags)


def setting_value(row: RunRow, path: str) -> Any:
    """The value of a setting; of a learning rate that was changed by hand, `0.01 → 0.02`, or `0.01 (changed)`."""
    value = setting_of(row, path)
    if path == LEARNING_RATE and is_number(value) and (changes := read(row.settings.get(CHANGES))):
        last = changes[-1][1]
        return f"{value:g} (changed)" if last == value else f"{value:g} → {last:g}"
    return unless_empty(value)


def differing_settings(rows: Sequence[RunRow], among: Iterable[str] | None = None) -> list[str]:
    """The settings in which runs differ, by key path, in the order in which presets have them.

    among: settings that may differ; None: all.
    """
    if among is None:
        among = dict.fromkeys(present_path(path) for row in rows for path in row.settings)
    return [path for path in among if path not in LEFT_OUT and _differs(rows, path)]


def _differs(rows: Sequence[RunRow], path: str) -> bool:
    """Whether runs differ in a setting. One that only some of them have tells nothing new: their choices differ."""
    values = (setting_value(row, path) for row in rows)
    if not path.startswith(OWN):
        values = (value for value in values if value is not None)
    first = next(values, None)
    return any(value != first for value in values)


@dataclass
class ShownRuns:
    """The runs that the table shows, and what its columns need to know of all of them."""

    rows: Sequence[RunRow] = ()
    base: RunRow | None = None
    """The run with which the others are compared; it need not be among them."""
    facts: Mapping[str, RunFacts] = field(default_factory=dict)
    """By the run's name."""
    candidates: Sequence[str] = ()
    """The settings that differ between any runs of the folder."""
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """By the run's name, the values of the monitored metric after each epoch, as far as they were read."""
    in_columns: Sequence[str] = ()
    """The settings that have columns of their own now, by key path."""

    @cached_property
    def monitor(self) -> str:
        """The metric that decides the best epoch of all these runs; empty if they have several, or none."""
        found = {row.monitor for row in self.rows if row.best is not None}
        return found.pop() if len(found) == 1 else ""

    @cached_property
    def best(self) -> dict[Comparable, RunRow]:
        """Of runs that can be compared, the best, if there are two or more."""
        found: dict[Comparable, RunRow] = {}
        counts: Counter[Comparable] = Counter()
        ranks: dict[Comparable, float] = {}
        for row in self.rows:
            if row.best is not None:
                key, rank = self.compared(row), metric(row.monitor).rank(row.best)
                counts[key] += 1
                if rank > ranks.get(key, float("-inf")):
                    found[key], ranks[key] = row, rank
        return {key: row for key, row in found.items() if counts[key] > 1}

    def compared(self, row: RunRow) -> Comparable:
        """What a run must have in common with another one to be compared with it."""
        facts = self.facts.get(row.run.name)
        return compared_by(row) if facts is None or facts.row is not row else facts.compared

    def best_beside(self, row: RunRow) -> RunRow | None:
        """The best of the runs that can be compared with a run."""
        return self.best.get(self.compared(row))

    @cached_property
    def differing(self) -> list[str]:
        """The settings in which these runs differ, by key path: those changed in most first, epochs and seed last."""
        rows = [row for row in self.rows if not row.broken]
        counts = Counter(path for row in rows if (facts := self.facts.get(row.run.name)) for path in facts.changes)
        if counts[CHANGES]:
            counts[LEARNING_RATE] += counts[CHANGES]
        found = differing_settings(rows, self.candidates)
        return sorted(found, key=lambda path: (path == SEED, path == EPOCHS, -counts[path], not is_choice(path)))

    @cached_property
    def metrics(self) -> list[str]:
        """The metrics of best epochs, but for the one that is shown as the best."""
        return [name for name in _in_order(row.metrics for row in self.rows) if name != self.monitor]

    @cached_property
    def test_metrics(self) -> list[str]:
        """The metrics of test splits."""
        return _in_order(row.test for row in self.rows)

    def changes_in_words(self, row: RunRow, *, with_columns: bool = False) -> str:
        """How a run differs from the preset of its name, in a line.

        with_columns: names the settings that have columns of their own too.
        """
        facts = self.facts.get(row.run.name)
        if facts is None:
            return ""
        left_out = set() if with_columns else set(self.in_columns)
        if LEARNING_RATE in left_out:
            left_out.add(CHANGES)
        return in_a_line(row, {path: value for path, value in facts.changes.items() if path not in left_out})


def _in_order(found: Iterable[Mapping[str, Any] | None]) -> list[str]:
    """The names of metrics as a list of results has them; last those that are no declared metric."""
    names: set[str] = set().union(*(values for values in found if values))
    known = [each.name for each in in_reading_order() if each.name in names]
    return [*known, *sorted(names.difference(known, WEIGHTED, BY_CLASS))]

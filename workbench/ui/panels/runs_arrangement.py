"""Which runs the table shows, in which order and groups, and what there is of columns. Knows nothing of the screen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import is_
from statistics import fmean
from typing import Any

from workbench.runs.row import RunRow, arranged
from workbench.runs.run_conditions import FilterError, is_number
from workbench.runs.run_filter import parse
from workbench.settings.run_keys import KnownKeys, label_of_setting, labels_of_settings
from workbench.ui.look.glyphs import Glyphs
from workbench.ui.panels.runs_column import Column, Parts
from workbench.ui.panels.runs_columns import SETTING, all_columns, setting_text
from workbench.ui.panels.runs_shown import RunFacts, ShownRuns, differing_settings, facts_of, setting_value, tags_of

PRESET, STUDY, TAGS = "preset", "study", "tags"
"""What runs can be grouped by, besides a setting: `setting:` and its key path."""
NEWEST = "started"
NO_MEAN = ("", 0.0)


@dataclass(frozen=True)
class RunsRead:
    """All runs of a folder as they were read, with what is worked out of them at once."""

    rows: Sequence[RunRow] = ()
    facts: Mapping[str, RunFacts] = field(default_factory=dict)
    """By the run's name."""
    keys: KnownKeys = field(default_factory=KnownKeys)
    candidates: Sequence[str] = ()
    """The settings that differ between any of them."""

    @classmethod
    def of(cls, rows: Sequence[RunRow], before: RunsRead) -> RunsRead:
        """Works out what has changed. before: what was read last."""
        if len(rows) == len(before.rows) and all(map(is_, rows, before.rows)):
            return before
        facts = {}
        for row in rows:
            known = before.facts.get(row.run.name)
            facts[row.run.name] = known if known is not None and known.row is row else facts_of(row)
        return cls(rows, facts, KnownKeys(rows), differing_settings([row for row in rows if not row.broken]))


@dataclass
class RunsView:
    """How the user looks at the runs; kept while the app runs."""

    filter_text: str = ""
    sorted_by: str = NEWEST
    """The key of a column."""
    descending: bool = True
    grouped_by: str = ""
    """preset, study, tags, `setting:` and a key path; empty: not at all."""


@dataclass(frozen=True)
class Group:
    """Runs that have something in common, under a line of their own."""

    name: str
    rows: tuple[RunRow, ...]
    is_folded: bool


Item = RunRow | Group
"""A line of the table."""


class Arrangement:
    """Filters, sorts and groups runs."""

    def __init__(self, glyphs: Glyphs, mark_of: Callable[[RunRow], Parts], view: RunsView | None = None) -> None:
        """mark_of: the letter of a marked run."""
        self.view = view or RunsView()
        self._glyphs = glyphs
        self._mark_of = mark_of
        self.read = RunsRead()
        self.runs = ShownRuns()
        """Those that the filter shows, sorted."""
        self.items: list[Item] = []
        """The lines: the base and the other runs; or groups, each with its runs."""
        self.columns: list[Column] = []
        """All that there are, shown or not."""
        self._folded: set[str] = set()
        self._found: list[RunRow] = []
        self.curves: dict[str, Sequence[float]] = {}
        """By the run's name, as `ShownRuns.curves`."""
        self._arrange()

    # What is asked for.

    def take(self, read: RunsRead) -> None:
        """Takes the runs as they were read."""
        self.read = read
        if self.filter(self.view.filter_text, is_typed=False):  # it asks for something that no run has any more
            self._found = list(read.rows)
            self._arrange()

    def filter(self, text: str, *, is_typed: bool = True) -> str:
        """Shows the runs that meet a filter. Returns what is wrong with it; then those shown before stay.

        is_typed: whether its last word may be the beginning of a condition.
        """
        try:
            wanted = parse(text, self.read.keys, self._text_of)
            found = [row for row in self.read.rows if wanted.is_met(row)]
        except FilterError as error:
            return str(error)
        if is_typed and not found and (word := _last_word(text)) and self.read.keys.is_begun(word):
            return f"no run has {word} written about it; to compare it, write {word} > 1 or {word}:word"
        self._found = found
        self.view.filter_text = text
        self._arrange()
        return ""

    def sort(self, key: str, *, descending: bool) -> None:
        """Sorts by a column."""
        self.view.sorted_by, self.view.descending = key, descending
        self._order()

    def group(self, by: str) -> None:
        """Groups the runs, see `RunsView.grouped_by`."""
        self.view.grouped_by, self._folded = by, set()
        self._arrange()

    def fold(self, name: str) -> None:
        """Folds a group, or unfolds it."""
        self._folded ^= {name}
        self._order()

    def fold_all(self) -> None:
        """Folds all groups; unfolds them if all are folded."""
        names = {item.name for item in self.items if isinstance(item, Group)}
        self._folded = set() if names <= self._folded else names
        self._order()

    @property
    def sorted_by(self) -> Column:
        """The column by which the runs are sorted: the start, if the chosen one is gone."""
        by_key = {column.key: column for column in self.columns}
        return by_key.get(self.view.sorted_by) or by_key[NEWEST]

    @property
    def can_be_grouped_by(self) -> list[tuple[str, str]]:
        """What the runs can be grouped by: a key, and in words."""
        settings = [(f"{SETTING}{path}", label) for path, label in labels_of_settings(self.runs.differing).items()]
        return [("", "nothing"), (PRESET, "preset"), (STUDY, "study"), (TAGS, "tags"), *settings]

    @property
    def grouped_by_in_words(self) -> str:
        """What the runs are grouped by: preset, learning rate."""
        by = self.view.grouped_by
        return dict(self.can_be_grouped_by).get(by) or label_of_setting(by.removeprefix(SETTING))

    # Arranging.

    def _text_of(self, row: RunRow) -> str:
        return self.read.facts[row.run.name].text

    def _arrange(self) -> None:
        read = self.read
        base = next((row for row in read.rows if row.pinned), None)
        self.runs = ShownRuns(self._found, base, read.facts, read.candidates, self.curves)
        self.columns = all_columns(self.runs, self._glyphs, self._mark_of, is_grouped=bool(self.view.grouped_by))
        self._order()

    def _order(self) -> None:
        column, base = self.sorted_by, self.runs.base
        assert column.sort_key is not None
        rows = arranged(self._found, column.sort_key, descending=self.view.descending)
        if self.view.grouped_by:
            self.items = self._grouped(rows)
        else:
            self.items = [*([] if base is None else [base]), *(row for row in rows if row is not base)]

    def _grouped(self, rows: Sequence[RunRow]) -> list[Item]:
        """The groups, in the order of the means of what the runs are sorted by; and the runs of those not folded."""
        members: dict[str, list[RunRow]] = {}
        for row in rows:
            members.setdefault(self._group_of(row), []).append(row)
        sort_key = self.sorted_by.sort_key
        assert sort_key is not None
        groups = [Group(name, tuple(found), name in self._folded) for name, found in members.items()]
        means = {group.name: _mean([sort_key(row) for row in group.rows]) for group in groups}
        if any(mean is not None for mean in means.values()):
            groups.sort(key=lambda group: means[group.name] or NO_MEAN, reverse=self.view.descending)
            groups.sort(key=lambda group: means[group.name] is None)
        items: list[Item] = []
        for group in groups:
            items += [group, *(() if group.is_folded else group.rows)]
        return items

    def _group_of(self, row: RunRow) -> str:
        match self.view.grouped_by:
            case "preset":
                return row.preset_name or "no preset"
            case "study":
                return row.study or "no study"
            case "tags":
                return tags_of(row) or "no tags"
        return setting_text(setting_value(row, self.view.grouped_by.removeprefix(SETTING))) or "not set"


def _last_word(text: str) -> str:
    """The word that may be the beginning of a condition, which is being typed; empty if something else is the last."""
    word = text.split()[-1:] or [""]
    return word[0] if word[0].replace("_", "").replace(".", "").isalpha() else ""


def _mean(keys: Iterable[Any]) -> tuple[str, float] | None:
    """The mean of sort keys that are numbers, or numbers behind a name; None for others."""
    known = [key if isinstance(key, tuple) else ("", key) for key in keys if key is not None]
    if not known or not all(is_number(value) and value == value for _, value in known):
        return None
    return str(known[0][0]), fmean(value for _, value in known)

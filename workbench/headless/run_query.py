"""Which runs `workbench runs` lists, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import UsageError
from workbench.metrics import metric
from workbench.runs.row import RunRow, arranged, goodness
from workbench.runs.run_conditions import AllOf, AnyOf, Condition, FilterError, RunFilter, is_number
from workbench.runs.run_filter import HOW, parse
from workbench.settings.run_keys import FIELDS, STATUSES, KnownKeys, sortable
from workbench.suggestion import nearest

DESCENDING = ("started", "duration", "epoch", "epochs")
"""Fields that are sorted from the largest down."""


@dataclass(frozen=True)
class RunQuery:
    """What to list. Several tags and conditions must all be met; of several statuses or presets, one."""

    statuses: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """Tags, or patterns such as `v1*`."""
    presets: tuple[str, ...] = ()
    """Names, or patterns such as `mnist*`."""
    where: tuple[str, ...] = ()
    """Filters, as `workbench.runs.run_filter` reads them, without words."""
    sort: str = "started"
    reverse: bool = False
    limit: int | None = None

    def __post_init__(self) -> None:
        for status in self.statuses:
            if status not in STATUSES:
                raise UsageError(f"--status {status}: there is no such status{nearest(status, STATUSES)}")

    def select(self, rows: Sequence[RunRow]) -> list[RunRow]:
        """The runs that are asked for, in order. Raises UsageError for a setting or metric that no run can have."""
        keys = KnownKeys(rows)
        order, descending = self._order(keys)
        found = [row for row in rows if self._options.is_met(row)]
        for text in self.where:
            if not text.strip():
                raise UsageError(f"--where {text!r} is empty: {HOW}")
            try:
                wanted = parse(text, keys)
                found = [row for row in found if wanted.is_met(row)]
            except FilterError as error:
                raise UsageError(f"--where {text!r}: {error}") from None
        return arranged(found, order, descending=descending)[: self.limit]

    @property
    def _options(self) -> RunFilter:
        """What --status, --preset and --tag ask for."""
        return AllOf(
            (
                *(AnyOf(tuple(_is(name, each) for each in found)) for name, found in self._choices() if found),
                *(_is("tag", tag) for tag in self.tags),
            )
        )

    def _choices(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        return ("status", self.statuses), ("preset", self.presets)

    def _order(self, keys: KnownKeys) -> tuple[Callable[[RunRow], Any], bool]:
        """The key to sort by, and whether larger ones come first. Raises UsageError."""
        try:
            key = keys.find(self.sort)
        except FilterError as error:
            raise UsageError(f"--sort {error}") from None
        if key.name == "best":
            return lambda row: goodness(row.monitor, row.best), not self.reverse
        if key.name in FIELDS:
            return lambda row: sortable(key.value_of(row)), (key.name in DESCENDING) != self.reverse
        if key.metric:  # the best first
            return lambda row: _rank(key.metric, key.value_of(row)), not self.reverse
        return lambda row: sortable(key.value_of(row)), self.reverse


def _is(name: str, pattern: str) -> RunFilter:
    return Condition(FIELDS[name], ":", pattern, pattern)


def _rank(name: str, value: Any) -> float | None:
    is_known = is_number(value) and value == value
    return metric(name).rank(value) if is_known else None

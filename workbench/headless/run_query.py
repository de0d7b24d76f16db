"""Which runs `workbench runs` lists, and in which order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, get_args

from workbench.errors import UsageError
from workbench.metrics import METRICS, metric
from workbench.runs.row import RunRow, arranged, goodness
from workbench.runs.status import Status
from workbench.settings.renamed import present_path, with_present_paths
from workbench.settings.toml_text import from_toml, toml
from workbench.suggestion import closest, nearest

STATUSES = (*get_args(Status), "broken")
FIELDS: dict[str, Callable[[RunRow], Any]] = {
    "started": lambda row: None if row.started is None else row.started.isoformat(),
    "best": lambda row: row.best,
    "name": lambda row: row.run.name,
    "preset": lambda row: row.preset_name or None,
    "status": lambda row: status_of(row),
    "duration": lambda row: row.seconds,
    "epoch": lambda row: row.epoch,
    "epochs": lambda row: row.epochs,
    "monitor": lambda row: row.monitor or None,
    "study": lambda row: row.study,
}
"""What can be asked of every run; the duration in seconds."""
NUMBERS = ("best", "duration", "epoch", "epochs")
"""Fields that are numbers."""
DESCENDING = ("started", "duration", "epoch", "epochs")
"""Fields that are sorted from the largest down."""
ORDERED_TEXTS = ("started", "name")
"""Texts that have an order; a time is compared as it is written in ISO 8601."""
TEST = "test."
"""Before the name of a metric: on the test split."""
CONDITION = re.compile(r"([^\s=<>!]+)\s*(>=|<=|!=|==|=|>|<)\s*(.*)", re.DOTALL)


def status_of(row: RunRow) -> str:
    """The status in a word; broken if the run's files cannot be read."""
    return "broken" if row.broken else row.status


@dataclass(frozen=True)
class Condition:
    """A condition such as `accuracy>=0.97` or `optimizer.name=adam`. A run without a value does not meet it."""

    text: str
    """As the user wrote it."""
    key: str
    operator: str
    wanted: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Raises UsageError."""
        found = CONDITION.fullmatch(text.strip())
        if found is None or not found[3]:
            raise UsageError(f"--where {text!r}: write it as optimizer.name=adam, or 'accuracy>=0.97' (also != < > <=)")
        return cls(text, present_path(found[1]), found[2].replace("==", "="), found[3])

    def check(self) -> None:
        """Refuses what no run could be compared with, whether there are any. Raises UsageError."""
        if self.operator not in ("=", "!=") and _is_number_by_declaration(self.key):
            self._number()

    def is_met(self, row: RunRow) -> bool:
        """Raises UsageError for values that cannot be compared."""
        value = value_of(row, self.key)
        if value is None:
            return False
        wanted = from_toml(self.wanted)
        if self.operator in ("=", "!="):
            return _is_equal(value, wanted, self.wanted) == (self.operator == "=")
        if _is_number(value):
            return _is_ordered(value, self.operator, self._number())
        if isinstance(value, str) and self.key in ORDERED_TEXTS:
            return _is_ordered(value, self.operator, self.wanted)
        raise UsageError(f"--where {self.text!r}: {self.key} is {toml(value)} in {row.run.name}; compare it by = or !=")

    def _number(self) -> Any:
        """The number that is compared with. Raises UsageError where it is none."""
        wanted = from_toml(self.wanted)
        if not _is_number(wanted):
            hint = ", a fraction from 0 to 1" if self.wanted.endswith("%") else ""
            raise UsageError(f"--where {self.text!r}: {self.key} is a number{hint}, and {self.wanted!r} is none")
        return wanted


@dataclass(frozen=True)
class RunQuery:
    """What to list. Several tags and conditions must all be met; of several statuses or presets, one."""

    statuses: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    presets: tuple[str, ...] = ()
    """Names, or patterns such as `mnist*`."""
    conditions: tuple[Condition, ...] = ()
    sort: str = "started"
    reverse: bool = False
    limit: int | None = None

    def __post_init__(self) -> None:
        for status in self.statuses:
            if status not in STATUSES:
                raise UsageError(f"--status {status}: there is no such status{nearest(status, STATUSES)}")

    def select(self, rows: Sequence[RunRow]) -> list[RunRow]:
        """The runs that are asked for, in order. Raises UsageError for a setting or metric that no run can have."""
        for option, key in [("--sort", self.sort), *(("--where", each.key) for each in self.conditions)]:
            _check_key(option, key, rows)
        for condition in self.conditions:
            condition.check()
        found = [row for row in rows if self._is_wanted(row)]
        order, descending = self._order()
        return arranged(found, order, descending=descending)[: self.limit]

    def _is_wanted(self, row: RunRow) -> bool:
        return (
            (not self.statuses or status_of(row) in self.statuses)
            and (not self.presets or any(fnmatchcase(row.preset_name, preset) for preset in self.presets))
            and all(any(fnmatchcase(tag, wanted) for tag in row.tags) for wanted in self.tags)
            and all(condition.is_met(row) for condition in self.conditions)
        )

    def _order(self) -> tuple[Callable[[RunRow], Any], bool]:
        """The key to sort by, and whether larger ones come first."""
        key = present_path(self.sort)
        if key == "best":
            return lambda row: goodness(row.monitor, row.best), not self.reverse
        if key in FIELDS:
            return lambda row: _sortable(value_of(row, key)), (key in DESCENDING) != self.reverse
        if "." not in key or key.startswith(TEST):  # a metric: the best first
            return lambda row: _rank(key.removeprefix(TEST), value_of(row, key)), not self.reverse
        return lambda row: _sortable(value_of(row, key)), self.reverse


def value_of(row: RunRow, key: str) -> Any:
    """The value of a field, a metric of the best epoch, `test.METRIC` or a setting; None if the run has none."""
    if key in FIELDS:
        return FIELDS[key](row)
    if key.startswith(TEST):
        return (row.test or {}).get(key.removeprefix(TEST))
    found = (row.metrics or {}).get(key)
    return _settings(row).get(key) if found is None else found


def _settings(row: RunRow) -> Mapping[str, Any]:
    return with_present_paths(row.settings)


def _check_key(option: str, key: str, rows: Sequence[RunRow]) -> None:
    key = present_path(key)
    if key in FIELDS or any(value_of(row, key) is not None for row in rows):
        return
    known = set(_known(rows))
    if key not in known:
        raise UsageError(f"{option} {key}: no run has such a setting or metric{_nearest(key, known)}")


def _nearest(key: str, known: Iterable[str]) -> str:
    found = closest(key, known)
    return f"; did you mean {found}?" if found else ""


def _known(rows: Sequence[RunRow]) -> Iterable[str]:
    """All fields, declared metrics and settings, and whatever the runs have."""
    from workbench.settings.explain import PLAIN_TABLES
    from workbench.settings.preset import FAMILIES

    yield from FIELDS
    for each in METRICS:
        yield from (each.name, f"{TEST}{each.name}")
    for family in FAMILIES.values():
        yield from (f"{family.name}.{name}" for choice in family.choices for name in choice.model_fields)
    for table, settings in PLAIN_TABLES.items():
        yield from (f"{table}.{name}" for name in settings.model_fields)
    for row in rows:
        yield from _settings(row)
        yield from row.metrics or {}
        yield from (f"{TEST}{name}" for name in row.test or {})


def _is_number_by_declaration(key: str) -> bool:
    """Whether all that have this field, metric or setting have a number."""
    from workbench.settings.explain import PLAIN_TABLES
    from workbench.settings.preset import FAMILIES

    if key in FIELDS:
        return key in NUMBERS
    if key.removeprefix(TEST) in {each.name for each in METRICS}:
        return True
    table, _, name = key.partition(".")
    family = FAMILIES.get(table)
    models = family.choices if family is not None else [PLAIN_TABLES[table]] if table in PLAIN_TABLES else []
    types = [model.model_fields[name].annotation for model in models if name in model.model_fields]
    return bool(types) and all(each in (int, float) for each in types)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_equal(value: Any, wanted: Any, text: str) -> bool:
    if _is_number(value):
        return _is_number(wanted) and bool(value == wanted)
    if isinstance(value, str):
        return value in (text, wanted)
    return toml(value) == (toml(wanted) if isinstance(wanted, (bool, list, dict)) else None)


def _is_ordered(value: Any, operator: str, wanted: Any) -> bool:
    match operator:
        case ">=":
            return bool(value >= wanted)
        case "<=":
            return bool(value <= wanted)
        case ">":
            return bool(value > wanted)
    return bool(value < wanted)


def _rank(name: str, value: Any) -> float | None:
    is_known = _is_number(value) and value == value
    return metric(name).rank(value) if is_known else None


def _sortable(value: Any) -> tuple[int, Any] | None:
    """A key for values of any type: numbers before texts."""
    if value is None or value != value:
        return None
    return (0, value) if isinstance(value, (int, float)) else (1, value if isinstance(value, str) else toml(value))

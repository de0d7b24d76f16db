"""What can be asked of a run, by any of its names: `acc`, `learning rate`, `optimizer.name`, `test.f1`.

A filter, `--sort` and the columns of the table of runs find fields, metrics and settings here. A name is a field, a
metric or a setting, in this order; a setting may leave out its table; the first letters suffice where they leave one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, get_args

from workbench.metrics import METRICS, metric
from workbench.runs.row import RunRow
from workbench.runs.run_conditions import FilterError, Kind, RunKey
from workbench.runs.status import Status
from workbench.settings.explain import PLAIN_TABLES
from workbench.settings.preset import FAMILIES
from workbench.settings.renamed import RENAMED, present_path, present_value
from workbench.settings.toml_text import toml
from workbench.suggestion import closest

STATUSES = (*get_args(Status), "broken")
TEST = "test."
"""Before the name of a metric: on the test split."""
OWN = "settings."
"""How the paths of settings begin that a loop of the user's own has."""
LEAST_LETTERS = 2
"""Of a name that is not written to its end."""


def status_of(row: RunRow) -> str:
    """The status in a word; broken if the run's files cannot be read."""
    return "broken" if row.broken else row.status


FIELDS = {
    key.name: key
    for key in (
        RunKey("started", lambda row: None if row.started is None else row.started.isoformat(), "ordered"),
        RunKey("best", lambda row: row.best, "number", shown=lambda row, value: _shown(row.monitor, value)),
        RunKey("name", lambda row: row.run.name, "ordered"),
        RunKey("preset", lambda row: row.preset_name or None),
        RunKey("status", status_of, choices=STATUSES),
        RunKey("duration", lambda row: row.seconds, "seconds"),
        RunKey("epoch", lambda row: row.epoch, "number"),
        RunKey("epochs", lambda row: row.epochs, "number"),
        RunKey("monitor", lambda row: row.monitor or None),
        RunKey("study", lambda row: row.study, "text"),
        RunKey("tag", lambda row: row.tags, "tags"),
        RunKey("note", lambda row: row.note or None, "text"),
        RunKey("reason", lambda row: row.reason or None, "text"),
        RunKey("device", lambda row: row.device or None, "text"),
        RunKey("pinned", lambda row: row.pinned),
        RunKey("age", lambda row: None if row.started is None else time.time() - row.started.timestamp(), "seconds"),
    )
}
"""What can be asked of every run."""

SYNONYMS = {
    "acc": "accuracy", "val_loss": "loss", "f1": "f1_macro", "auc": "roc_auc", "top5": "top5_accuracy",
    "ppl": "perplexity", "bpb": "bits_per_byte", "lr": "learning_rate", "bs": "batch_size", "wd": "weight_decay",
    "tags": "tag", "time": "duration", "state": "status", "run": "name", "date": "started", "gpu": "device",
}  # fmt: skip
"""What people write for a field, a metric or a setting."""


def is_choice(path: str) -> bool:
    """Whether a setting chooses one of a family: the optimizer, the model."""
    table, _, key = path.rpartition(".")
    return table in FAMILIES and key == FAMILIES[table].tag


def short_name(path: str) -> str:
    """A setting's key without its table; the family's name for its choice: `optimizer.name` is optimizer."""
    if path.startswith(OWN):
        return path.removeprefix(OWN)
    table, _, key = path.rpartition(".")
    return table if is_choice(path) else key


@cache
def declared_settings() -> dict[str, Kind]:
    """All settings by key path; those that are a number wherever they occur are of that kind."""
    types: dict[str, list[Any]] = {}
    for family in FAMILIES.values():
        for choice in family.choices:
            for name, info in choice.model_fields.items():
                types.setdefault(f"{family.name}.{name}", []).append(info.annotation)
    for table, settings in PLAIN_TABLES.items():
        for name, info in settings.model_fields.items():
            types.setdefault(f"{table}.{name}", []).append(info.annotation)
    return {path: "number" if all(each in (int, float) for each in found) else "any" for path, found in types.items()}


@cache
def _names_of(path: str) -> tuple[str, ...]:
    """The path under which a setting is stored, the present one first."""
    return path, *(old for old, now in RENAMED.items() if now == path)


def setting_of(row: RunRow, path: str) -> Any:
    """The value of a setting by its present key path; None if the run has none."""
    for name in _names_of(path):
        if name in row.settings:
            return present_value(path, row.settings[name])
    return None


def label_of_setting(path: str) -> str:
    """A setting as people call it: learning rate for optimizer.learning_rate, optimizer for optimizer.name."""
    return short_name(path).replace("_", " ")


def labels_of_settings(paths: Iterable[str]) -> dict[str, str]:
    """By path, settings as people call them; of several of one name, each behind its table: validation seed."""
    labels = {path: label_of_setting(path) for path in paths}
    counts = Counter(labels.values())
    return {
        path: label if counts[label] == 1 else f"{path.rpartition('.')[0].replace('.', ' ')} {label}".strip()
        for path, label in labels.items()
    }


def sortable(value: Any) -> tuple[int, Any] | None:
    """A key for values of any type: numbers before texts; None for an unknown value."""
    if value is None or value != value:
        return None
    return (0, value) if isinstance(value, (int, float)) else (1, value if isinstance(value, str) else toml(value))


class KnownKeys:
    """The fields, the declared metrics and settings, and whatever else some runs have."""

    def __init__(self, rows: Sequence[RunRow] = ()) -> None:
        self._rows = rows
        self._found_paths = {present_path(path) for path in set().union(*(row.settings for row in rows))}
        found_metrics = set().union(*(row.metrics or () for row in rows), *(row.test or () for row in rows))
        self._metrics = {each.name for each in METRICS} | found_metrics
        self._paths = {*declared_settings(), *self._found_paths}
        self._by_short_name: dict[str, list[str]] = {}
        for path in sorted(self._paths):
            self._by_short_name.setdefault(short_name(path), []).append(path)

    def find(self, name: str, *, is_number: bool = True) -> RunKey:
        """Finds a key by its name. is_number: whether it is compared with a number: loss is a metric and a choice.

        Raises FilterError for a name that no run can have, or that can mean several.
        """
        wanted = name.casefold().replace("-", "_")
        wanted = SYNONYMS.get(wanted, wanted)
        settings = [path for each in dict.fromkeys((name, wanted)) for path in self._by_short_name.get(each, ())]
        for each in (name, wanted):
            if (key := self._whole(each, may_be_metric=is_number or not settings)) is not None:
                return key
        if settings:
            return self._of_settings(name, settings)
        begun = sorted(each for each in self._short_names() if each.startswith(wanted)) if wanted else []
        if len(begun) == 1 and len(wanted) >= LEAST_LETTERS:
            return self.find(begun[0], is_number=is_number)
        if 1 < len(begun) < 8:
            raise FilterError(f"{name} can be {', '.join(begun[:-1])} or {begun[-1]}: write more of it")
        found = closest(name, self.names()) or closest(wanted, self._by_short_name)
        raise FilterError(f"{name}: no run has such a setting or metric{f'; did you mean {found}?' if found else ''}")

    def is_begun(self, word: str) -> bool:
        """Whether a word is the beginning of a name, or another word for one."""
        wanted = word.casefold().replace("-", "_")
        return wanted in SYNONYMS or any(name.startswith(wanted) for name in (*self._short_names(), *self._paths))

    def names(self) -> Iterable[str]:
        """The whole names of all keys."""
        yield from FIELDS
        yield from self._metrics
        yield from (f"{TEST}{name}" for name in self._metrics)
        yield from self._paths

    def _short_names(self) -> set[str]:
        return {*FIELDS, *self._metrics, *self._by_short_name}

    def _whole(self, name: str, *, may_be_metric: bool) -> RunKey | None:
        """The key of a name that is written to its end, a setting's with its table."""
        if name in FIELDS:
            return FIELDS[name]
        if name.startswith(TEST):
            return self._test_metric(name.removeprefix(TEST))
        if name in self._metrics and may_be_metric:
            return metric_key(name)
        path = present_path(name)
        return setting_key(path) if path in self._paths else None

    def _test_metric(self, name: str) -> RunKey | None:
        name = SYNONYMS.get(name.casefold(), name)
        return metric_key(name, is_test=True) if name in self._metrics else None

    def _of_settings(self, name: str, paths: Sequence[str]) -> RunKey:
        """The setting of a short name that several tables may have: the one that differs, or that each run has."""
        had = [path for path in paths if path in self._found_paths] or list(paths)
        if len(had) > 1 and any(sum(path in row.settings for path in had) > 1 for row in self._rows):
            differing = [path for path in had if self._differs(path)]
            if len(differing) != 1:
                raise FilterError(f"{name} can be {', '.join(had[:-1])} or {had[-1]}: write it with its table")
            had = differing
        if len(had) == 1:
            return setting_key(had[0])
        kinds = {setting_key(path).kind for path in had}
        return RunKey(name, _first_of(had), kinds.pop() if len(kinds) == 1 else "any")

    def _differs(self, path: str) -> bool:
        """Whether runs have several values of a setting."""
        known = [value for row in self._rows if (value := setting_of(row, path)) is not None]
        return any(value != known[0] for value in known)


def metric_key(name: str, *, is_test: bool = False) -> RunKey:
    """A metric of the best epoch, or on the test split."""
    declared = any(each.name == name for each in METRICS)
    kind: Kind = "fraction" if metric(name).is_fraction else "number" if declared else "any"

    def shown(_: RunRow, value: float) -> float:
        return _shown(name, value)

    if is_test:
        return RunKey(f"{TEST}{name}", lambda row: (row.test or {}).get(name), kind, metric=name, shown=shown)
    return RunKey(name, lambda row: (row.metrics or {}).get(name), kind, metric=name, shown=shown)


def _shown(name: str, value: float) -> float:
    """A value of a metric as tables round it."""
    known = metric(name or "loss")
    return float(known.number(value)) / (100 if known.is_fraction else 1)


def setting_key(path: str) -> RunKey:
    """A setting, by its present key path."""
    return RunKey(path, lambda row: setting_of(row, path), declared_settings().get(path, "any"))


def _first_of(paths: Sequence[str]) -> Callable[[RunRow], Any]:
    def value_of(row: RunRow) -> Any:
        return next((value for path in paths if (value := setting_of(row, path)) is not None), None)

    return value_of

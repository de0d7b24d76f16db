"""What a filter of runs consists of: words, conditions, and what joins them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, Protocol

from workbench.errors import UsageError
from workbench.runs.row import RunRow

Kind = Literal["any", "number", "fraction", "seconds", "ordered", "text", "tags"]
"""How a value is compared. Numbers, fractions (0.97 or 97 %) and seconds (90 or 2 min) by size, ordered texts as they
are written; a text is searched for its parts; tags are several words; a setting may be of any kind."""
SWITCHES = {"on": True, "yes": True, "true": True, "off": False, "no": False, "false": False}


class FilterError(UsageError):
    """A filter that cannot be read, or asks what no run can answer; says in a sentence what to write."""


@dataclass(frozen=True)
class RunKey:
    """Something that can be asked of every run: a field, a metric or a setting."""

    name: str
    value_of: Callable[[RunRow], Any]
    """None for a run without a value, which meets no condition."""
    kind: Kind = "any"
    choices: tuple[str, ...] = ()
    """All values that there are, where they are known."""
    metric: str = ""
    """The metric that it is a value of; empty for a field or a setting."""
    shown: Callable[[RunRow, float], float] | None = None
    """A value of a run as tables show it, rounded; None where they show all of it."""


class RunKeys(Protocol):
    """Finds what can be asked of runs by any of its names."""

    def find(self, name: str, *, is_number: bool = True) -> RunKey:
        """is_number: whether it is compared with a number. Raises FilterError for an unknown name."""
        ...


class RunFilter(Protocol):
    """Decides which runs are shown."""

    def is_met(self, row: RunRow) -> bool:
        """Raises FilterError for a value that cannot be compared."""
        ...


@dataclass(frozen=True)
class Word:
    """A word that must occur in what is written about a run."""

    word: str
    text_of: Callable[[RunRow], str]
    """In lower case."""

    def is_met(self, row: RunRow) -> bool:
        return self.word in self.text_of(row)


@dataclass(frozen=True)
class Not:
    """What a filter leaves out."""

    part: RunFilter

    def is_met(self, row: RunRow) -> bool:
        return not self.part.is_met(row)


@dataclass(frozen=True)
class AllOf:
    """Every part must be met; without parts every run meets it."""

    parts: tuple[RunFilter, ...] = ()

    def is_met(self, row: RunRow) -> bool:
        return all(part.is_met(row) for part in self.parts)


@dataclass(frozen=True)
class AnyOf:
    """One of the parts must be met."""

    parts: tuple[RunFilter, ...]

    def is_met(self, row: RunRow) -> bool:
        return any(part.is_met(row) for part in self.parts)


@dataclass(frozen=True)
class Condition:
    """A condition such as `accuracy>=0.97`, `optimizer.name=adam` or `tag:night`."""

    key: RunKey
    sign: str
    """= != < > <= >=, or : for "is, or is like"."""
    text: str
    """What the value is compared with, as the user wrote it, without quotes."""
    wanted: Any
    """The same as a value."""

    def is_met(self, row: RunRow) -> bool:
        value = self.key.value_of(row)
        if value is None or value != value:
            return False
        if is_number(value) and is_number(self.wanted) and self._is_shown(row, value):
            value = self.wanted  # equal for every sign
        if self.sign == ":":
            return self._is_like(value)
        if self.sign in ("=", "!="):
            return self._is_equal(value) == (self.sign == "=")
        if is_number(value) and is_number(self.wanted):
            return _is_ordered(value, self.sign, self.wanted)
        if isinstance(value, str) and self.key.kind == "ordered":
            return _is_ordered(value, self.sign, self.text)
        if is_number(value):
            raise FilterError(f"{self.key.name} is a number, and {self.text!r} is none")
        raise FilterError(f"{self.key.name} is {shown(value)} in {row.run.name}; compare it by = or !=")

    def _is_shown(self, row: RunRow, value: float) -> bool:
        """Whether the wanted number is what tables show of the value: 98.25 % of 0.98246."""
        if self.key.shown is None:
            return False
        return any(math.isclose(each, self.wanted, rel_tol=1e-12) for each in (value, self.key.shown(row, value)))

    def _is_equal(self, value: Any) -> bool:
        if self.key.kind == "tags":
            return any(fnmatchcase(tag, self.text) for tag in value)
        if is_number(value):
            return is_number(self.wanted) and bool(value == self.wanted)
        if isinstance(value, str):
            return value in (self.text, self.wanted)
        return isinstance(self.wanted, bool | list | dict) and _comparable(value) == _comparable(self.wanted)

    def _is_like(self, value: Any) -> bool:
        if isinstance(value, bool):
            return SWITCHES.get(self.text.lower(), self.wanted) is value
        if isinstance(value, tuple | list):
            return _comparable(value) == _comparable(self.wanted) or any(self._is_like(each) for each in value)
        if isinstance(value, str):
            pattern = self.text.lower()
            if self.key.kind in ("text", "ordered"):
                pattern = f"*{pattern}*"
            return fnmatchcase(value.lower(), pattern)
        return self._is_equal(value)


def is_number(value: Any) -> bool:
    """Whether a value is a number, and neither true nor false."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(value: Any) -> str:
    """A value in an error."""
    return f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def _comparable(value: Any) -> Any:
    """A value in which lists are equal to tuples, and true differs from 1."""
    if isinstance(value, tuple | list):
        return [_comparable(each) for each in value]
    if isinstance(value, dict):
        return {name: _comparable(each) for name, each in value.items()}
    return str(value) if isinstance(value, bool) else value


def _is_ordered(value: Any, sign: str, wanted: Any) -> bool:
    match sign:
        case ">=":
            return bool(value >= wanted)
        case "<=":
            return bool(value <= wanted)
        case ">":
            return bool(value > wanted)
    return bool(value < wanted)

"""The language that filters runs: `acc > 0.97 and (tag:night or optimizer:adam) not failed`.

A filter is words, conditions, `and`, `or`, `not` and parentheses; parts that stand side by side must all be met. The
table of runs and `workbench runs --where` both read it here. What can be asked of a run, and under which names, is the
caller's to say: this file knows no setting and no metric.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from workbench.runs.row import RunRow
from workbench.runs.run_conditions import (
    AllOf,
    AnyOf,
    Condition,
    FilterError,
    Kind,
    Not,
    RunFilter,
    RunKey,
    RunKeys,
    Word,
    is_number,
)
from workbench.suggestion import nearest

NUMBERS = ("number", "fraction", "seconds")

NUMERALS: dict[Kind, str] = {"fraction": ": write 0.97 or 97%", "seconds": ": write 90, 5min, 2h or 3d"}
MOST_DEPTH = 40
"""Parentheses within parentheses."""
SECONDS = {"": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
HOW = "write it as optimizer.name=adam, or 'accuracy>=0.97' (or != < > <=)"
SIGNS = {"==": "=", "≥": ">=", "≤": "<=", "≠": "!="}

_CONDITION = re.compile(r"([^\s=<>!:()\"'≥≤≠]+)\s*(>=|<=|!=|==|=|>|<|:|≥|≤|≠)\s*")
_QUOTED = re.compile(r"\"((?:\\.|[^\"\\])*)\"|'([^']*)'")
_WORD = re.compile(r"[^\s()]+")
_PERCENT = re.compile(r"([-+]?[\d.]+(?:e[-+]?\d+)?)\s*%", re.IGNORECASE)
_OPEN_NUMBER = re.compile(r"[-+]?(?:\d+\.|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_DURATION = re.compile(r"([\d.]+(?:e[-+]?\d+)?)\s*([a-z]*)", re.IGNORECASE)
_UNIT_BEHIND = re.compile(r"\s+(%|s|min|h|d)(?=[\s()]|$)")
"""A unit behind a number and a blank, as the table writes it: 97.2 %, 5 min."""


def parse(text: str, keys: RunKeys, text_of: Callable[[RunRow], str] | None = None) -> RunFilter:
    """Reads a filter; an empty text is met by every run.

    text_of: what is written about a run, in lower case, for words to be found in; None: words are refused. Raises
    FilterError.
    """
    return _Reader(text, keys, text_of).filter()


class _Reader:
    """Reads a filter from left to right."""

    def __init__(self, text: str, keys: RunKeys, text_of: Callable[[RunRow], str] | None) -> None:
        self._text = text
        self._at = 0
        self._keys = keys
        self._text_of = text_of
        self._depth = 0

    def filter(self) -> RunFilter:
        self._skip_blanks()
        if self._at == len(self._text):
            return AllOf()
        found = self._any()
        if self._at < len(self._text):  # only a ) ends a part early
            raise FilterError("there is a ) without its (")
        return found

    def _any(self) -> RunFilter:
        parts = [self._all()]
        while self._takes("or"):
            parts.append(self._all(after="or"))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all(self, after: str = "") -> RunFilter:
        parts = [self._part(after)]
        while True:
            if self._takes("and"):
                parts.append(self._part("and"))
            elif self._is_at_end or self._next_word() == "or":
                return parts[0] if len(parts) == 1 else AllOf(tuple(parts))
            else:
                parts.append(self._part(""))

    def _part(self, after: str) -> RunFilter:
        """after: the word before it, after which something must follow."""
        is_negated = False
        while self._takes("not"):
            is_negated, after = not is_negated, "not"
        if self._is_at_end or self._next_word() in ("and", "or"):
            if after:
                raise FilterError(f"something must follow {after}")
            raise FilterError(f"something must stand before {self._next_word() or ')'}")
        part = self._parenthesis() if self._text[self._at] == "(" else self._condition_or_word()
        return Not(part) if is_negated else part

    def _parenthesis(self) -> RunFilter:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise FilterError(f"there are more than {MOST_DEPTH} parentheses within each other")
        self._step(1)
        found = self._any()
        if self._at == len(self._text):
            raise FilterError("a ) is missing")
        self._step(1)
        self._depth -= 1
        return found

    def _condition_or_word(self) -> RunFilter:
        if condition := _CONDITION.match(self._text, self._at):
            self._at = condition.end()
            name, sign = condition[1], SIGNS.get(condition[2], condition[2])
            text, wanted = self._value(f"{name}{'' if sign == ':' else ' '}{sign}")
            return _checked(self._keys.find(name, is_number=not isinstance(wanted, str)), sign, text, wanted)
        quoted = _QUOTED.match(self._text, self._at)
        word = quoted or _WORD.match(self._text, self._at)
        assert word is not None  # neither blank nor parenthesis stands here
        self._step(word.end() - self._at)
        if self._text_of is None or (quoted is None and word[0][0] in "=<>!:"):
            raise FilterError(f"{word[0]!r} is no condition: {HOW}")
        return Word((_unquoted(quoted) if quoted else word[0]).lower(), self._text_of)

    def _value(self, before: str) -> tuple[str, Any]:
        """What follows a sign: as text without quotes, and as a value. before: the condition so far."""
        if quoted := _QUOTED.match(self._text, self._at):
            self._step(quoted.end() - self._at)
            return _unquoted(quoted), _unquoted(quoted)
        if (end := _end_of_list(self._text, self._at)) is None:
            if (word := _WORD.match(self._text, self._at)) is None:
                raise FilterError(f"a value must follow {before}: {HOW}")
            end = word.end()
            if _is_numeral(word[0]) and (unit := _UNIT_BEHIND.match(self._text, end)):
                end = unit.end()
        text = self._text[self._at : end]
        self._step(end - self._at)
        return text, _from_toml(text)

    # Moving on.

    @property
    def _is_at_end(self) -> bool:
        return self._at == len(self._text) or self._text[self._at] == ")"

    def _next_word(self) -> str:
        word = _WORD.match(self._text, self._at)
        return "" if word is None else word[0].lower()

    def _takes(self, wanted: str) -> bool:
        """Whether a word comes next, which is then read."""
        if self._next_word() != wanted:
            return False
        self._step(len(wanted))
        return True

    def _step(self, characters: int) -> None:
        self._at += characters
        self._skip_blanks()

    def _skip_blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1


def _checked(key: RunKey, sign: str, text: str, wanted: Any) -> Condition:
    """A condition that makes sense, whether there are runs or not."""
    if key.kind == "fraction" or (key.shown is not None and _PERCENT.fullmatch(text)):
        wanted = _fraction(text, wanted)
    elif key.kind == "seconds":
        wanted = _seconds(text, wanted)
    if key.kind in NUMBERS and sign not in ("=", "!=") and not is_number(wanted):
        raise FilterError(f"{key.name} is a number, and {text!r} is none{NUMERALS.get(key.kind, '')}")
    if key.choices and not any(fnmatchcase(choice, text.lower()) for choice in key.choices):
        raise FilterError(f"{key.name} {text}: there is no such {key.name}{nearest(text, key.choices)}")
    return Condition(key, sign, text, wanted)


def _fraction(text: str, wanted: Any) -> Any:
    """A fraction; more than 1 are percent, with or without the sign."""
    if percent := _PERCENT.fullmatch(text):
        wanted = _from_toml(percent[1])
        return wanted / 100 if is_number(wanted) else wanted
    return wanted / 100 if is_number(wanted) and wanted > 1 else wanted


def _seconds(text: str, wanted: Any) -> Any:
    if (found := _DURATION.fullmatch(text)) and found[2] in SECONDS and is_number(value := _from_toml(found[1])):
        return value * SECONDS[found[2]]
    return wanted


def _is_numeral(text: str) -> bool:
    return is_number(_from_toml(text))


def _from_toml(text: str) -> Any:
    """A value as TOML reads it, and numbers without digits before or behind the point; anything else is text."""
    if _OPEN_NUMBER.fullmatch(text):
        return float(text)
    try:
        return tomllib.loads(f"value = {text}")["value"] if text.isprintable() else text
    except (ValueError, RecursionError):
        return text


def _unquoted(quoted: re.Match[str]) -> str:
    if quoted[2] is not None:
        return str(quoted[2])
    value = _from_toml(quoted[0])
    return value if isinstance(value, str) else str(quoted[1])


def _end_of_list(text: str, at: int) -> int | None:
    """Where a list or table in brackets ends that begins here; None where none begins, or it has no end."""
    pairs = {"[": "]", "{": "}"}
    if text[at : at + 1] not in pairs:
        return None
    opened = []
    for place in range(at, len(text)):
        if text[place] in pairs:
            opened.append(pairs[text[place]])
        elif opened and text[place] == opened[-1]:
            opened.pop()
            if not opened:
                return place + 1
    return None

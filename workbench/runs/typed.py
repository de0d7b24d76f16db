"""Checks values from a file against the annotations of a dataclass, and refuses those that do not fit.

A file may contain anything: from another version, an editor or a stranger. Readers need not check values again. The
annotations are compiled once to a small function per field, because a long run has a hundred thousand lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import partial
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from workbench.metrics import BY_CLASS, METRICS

Take = Callable[[Any], Any]
"""Checks and returns a value; in lists and tables of numbers, null becomes NaN. Raises TypeError or OverflowError."""

WELL_KNOWN = frozenset(BY_CLASS) | {metric.name for metric in METRICS}
"""The metrics whose shape readers rely on."""
LARGEST = 2**63
"""Larger integers are refused: no valid count is that large, and array indices could not hold it."""
HUGE = 1e300
"""Larger numbers are refused: no valid number is that large, and computing with it would give infinity."""

Made = TypeVar("Made")
_TAKES: dict[type, dict[str, Take]] = {}


class Rows:
    """Marks a list of tables, with the keys that each table must have, or may have if their type is optional."""

    def __init__(self, **columns: Any) -> None:
        self._columns = {name: take_of(annotation) for name, annotation in columns.items()}

    def __call__(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for row in rows:
            for name, take in self._columns.items():
                take(row.get(name))
        return rows


def metrics(values: dict[str, Any]) -> dict[str, Any]:
    """Marks metrics of a split: numbers or null, lists of these by class, or a square matrix of classes."""
    sizes = set()
    for name, value in values.items():
        if (name in BY_CLASS) != isinstance(value, list) and name in WELL_KNOWN:
            raise TypeError
        if isinstance(value, list) and value and isinstance(value[0], list):
            sizes |= {len(value), *map(len, value)}
            for row in value:
                _only_numbers(row)
        elif isinstance(value, list):
            sizes.add(len(value))
            _only_numbers(value)
        elif value is not None and type(value) is not float:  # in a summary it may be NaN
            _whole(value)
    if len(sizes) > 1:
        raise TypeError
    return values


def moment(value: float) -> float:
    """Marks seconds since 1970 within the range of dates."""
    if not 0 <= value < 2**36:
        raise TypeError
    return value


def positive(value: int) -> int:
    """Marks a divisor."""
    if value < 1:
        raise TypeError
    return value


def takes_of(kind: type) -> dict[str, Take]:
    """Returns the function that checks the value of each field of a dataclass."""
    known = _TAKES.get(kind)
    if known is None:
        hints = get_type_hints(kind, include_extras=True)
        known = _TAKES[kind] = {item.name: take_of(hints[item.name]) for item in _fields(kind)}
    return known


def needed_of(kind: type) -> frozenset[str]:
    """The fields that have no default."""
    return frozenset(item.name for item in _fields(kind) if item.default is item.default_factory is MISSING)


def taken(kind: type[Made], values: object) -> Made:
    """Makes a dataclass from a parsed file; ignores unknown keys. Raises TypeError or OverflowError."""
    if not isinstance(values, Mapping):
        raise TypeError
    takes = takes_of(kind)
    return kind(**{name: take(values[name]) for name, take in takes.items() if name in values})


def _fields(kind: Any) -> tuple[Field[Any], ...]:
    return fields(kind)


def take_of(annotation: Any) -> Take:
    """Returns the function that checks a value against an annotation."""
    if annotation is Any:
        return lambda value: value
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _each_of(take_of(arguments[0]), [marker for marker in arguments[1:] if callable(marker)])
    if origin in (Union, UnionType):
        [inner] = [argument for argument in arguments if argument is not NoneType]
        return _optional(take_of(inner))
    if origin is Literal:
        return _one_of(arguments)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return partial(taken, annotation)
    if origin is tuple and arguments[1:] == (...,):
        items = _list(take_of(arguments[0]))
        return lambda value: tuple(items(value))
    if origin is list:
        return _numbers if arguments == (float,) else _list(take_of(arguments[0]))
    if origin is dict:
        return _dict(_number_or_nan if arguments[1] is float else take_of(arguments[1]))
    raise NotImplementedError(f"no way to check {annotation}")


def _number(value: Any) -> float:
    kind = type(value)
    if kind is float:
        if not -HUGE < value < HUGE:
            raise TypeError
        return value  # type: ignore[no-any-return]
    if kind is int and -LARGEST < value < LARGEST:
        return value  # type: ignore[no-any-return]
    raise TypeError


def _number_or_nan(value: Any) -> float:
    return math.nan if value is None else _number(value)


def _whole(value: Any) -> int:
    if type(value) is int and -LARGEST < value < LARGEST:
        return value
    raise TypeError


def _exactly(kind: type) -> Take:
    def take(value: Any) -> Any:
        if type(value) is kind:
            return value
        raise TypeError

    return take


_SCALARS: dict[Any, Take] = {float: _number, int: _whole, str: _exactly(str), bool: _exactly(bool)}
_FLOAT, _FLOAT_OR_INT, _OR_NULL = {float}, {float, int}, {float, int, NoneType}


def _numbers(values: Any) -> list[float]:
    """Checks a list of numbers; null becomes NaN. Every loss passes through here."""
    if type(values) is not list:
        raise TypeError
    kinds = set(map(type, values))
    if kinds <= _FLOAT:
        return values
    if kinds <= _OR_NULL:
        return [math.nan if value is None else float(value) for value in values]
    raise TypeError


def _only_numbers(values: Any) -> None:
    if type(values) is not list or not set(map(type, values)) <= _OR_NULL:
        raise TypeError


def _one_of(allowed: tuple[Any, ...]) -> Take:
    def take(value: Any) -> Any:
        if value in allowed:
            return value
        raise TypeError

    return take


def _optional(take: Take) -> Take:
    return lambda value: None if value is None else take(value)


def _each_of(take: Take, markers: list[Take]) -> Take:
    def all_of(value: Any) -> Any:
        value = take(value)
        for marker in markers:
            value = marker(value)
        return value

    return all_of


def _list(take: Take) -> Take:
    def items(values: Any) -> Any:
        if type(values) is not list:
            raise TypeError
        return list(map(take, values))

    return items


def _dict(take: Take) -> Take:
    def items(values: Any) -> Any:
        if type(values) is not dict:
            raise TypeError
        return {name: take(value) for name, value in values.items()}

    return items

"""Checks values from a file against the annotations of a dataclass, and refuses those that do not fit.

A file may hold anything: another version's, an editor's, a stranger's. Readers need not check what has passed here. The
annotations are read once, into one small function for each field, because a long run has a hundred thousand lines.
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
"""Returns the value; in lists and tables of numbers, a null is NaN. Raises TypeError, or OverflowError."""

WELL_KNOWN = frozenset(BY_CLASS) | {metric.name for metric in METRICS}
"""The metrics whose shape readers know."""
LARGEST = 2**63
"""No count of ours comes near; floats and array indices could not hold larger ones."""
HUGE = 1e300
"""No number of ours comes near; computing with larger ones would give infinity."""

Made = TypeVar("Made")
_TAKES: dict[type, dict[str, Take]] = {}


class Rows:
    """Marks a list of tables: the keys that each must have, or may have if their type is optional."""

    def __init__(self, **columns: Any) -> None:
        self._columns = {name: take_of(annotation) for name, annotation in columns.items()}

    def __call__(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for row in rows:
            for name, take in self._columns.items():
                take(row.get(name))
        return rows


def metrics(values: dict[str, Any]) -> dict[str, Any]:
    """Marks metrics of a split: numbers or null, a list of them per class, or a square matrix of classes."""
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
    """Marks seconds since 1970 that a calendar can show."""
    if not 0 <= value < 2**36:
        raise TypeError
    return value


def positive(value: int) -> int:
    """Marks a number that is divided by."""
    if value < 1:
        raise TypeError
    return value


def takes_of(kind: type) -> dict[str, Take]:
    """For each field of a dataclass, the function that takes a value for it."""
    known = _TAKES.get(kind)
    if known is None:
        hints = get_type_hints(kind, include_extras=True)
        known = _TAKES[kind] = {item.name: take_of(hints[item.name]) for item in _fields(kind)}
    return known


def needed_of(kind: type) -> frozenset[str]:
    """The fields that have no default."""
    return frozenset(item.name for item in _fields(kind) if item.default is item.default_factory is MISSING)


def taken(kind: type[Made], values: object) -> Made:
    """Makes a dataclass from a parsed file; unknown keys are ignored. Raises TypeError, OverflowError."""
    if not isinstance(values, Mapping):
        raise TypeError
    takes = takes_of(kind)
    return kind(**{name: take(values[name]) for name, take in takes.items() if name in values})


def _fields(kind: Any) -> tuple[Field[Any], ...]:
    return fields(kind)


def take_of(annotation: Any) -> Take:
    """The function that takes a value for an annotation."""
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
    """A list of numbers; a null in it is NaN. What every step's loss goes through."""
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

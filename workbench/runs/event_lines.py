"""Events as lines of events.jsonl: one JSON object a line.

A number that is not finite is null in a list of losses. A reading that is None is left out. Readers ignore types and
fields they do not know, so that an older viewer reads a newer run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from pydantic_core import from_json  # twice as fast as json.loads: a long run's file is nothing but numbers

from workbench.printable import as_text
from workbench.runs.events import (
    Checkpointed,
    EpochEnd,
    Event,
    Finished,
    Logged,
    Prepared,
    Progress,
    RequestHandled,
    Started,
    State,
    Steps,
    TestResult,
    TextGenerated,
    WarningRaised,
)
from workbench.runs.measurements import Footprint, Health, Memory, MemorySnapshot, Profiled, Timing
from workbench.runs.typed import needed_of, takes_of

_TYPES = (
    Started,
    Progress,
    Prepared,
    State,
    Steps,
    Logged,
    Timing,
    Footprint,
    Memory,
    Health,
    EpochEnd,
    TextGenerated,
    RequestHandled,
    Checkpointed,
    Profiled,
    MemorySnapshot,
    WarningRaised,
    TestResult,
    Finished,
)


_RENAMED = {"prepared": (("feed", "data_loading"),)}
"""Fields with another name in runs of older versions, by type of event: old, new."""


def encode(event: Event) -> str:
    """The event as one line of JSON, without the line's end."""
    values: dict[str, Any] = {"type": event.type}
    for item in fields(event):
        value = getattr(event, item.name)
        if value is not None:
            values[item.name] = value
    return json.dumps(_jsonable(values), separators=(",", ":"), ensure_ascii=False)


def decoder(
    types: Iterable[type[Event]], renamed: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType({})
) -> Callable[[str | bytes], Event | None]:
    """A function that finds the event in a line; None for a torn line, an unknown type, or values of a wrong type.

    types: those that it knows. renamed: by type of event, the old and the new names of fields.
    """
    by_name = {event.type: event for event in types}
    # Looked up once: a long run has a hundred thousand lines.
    fields_of = {event: (takes_of(event), needed_of(event)) for event in by_name.values()}

    def decode(line: str | bytes) -> Event | None:
        try:
            values = from_json(line, allow_inf_nan=False)
            kind = values.pop("type")
            event_type = by_name[kind]
            for old, new in renamed.get(kind, ()):
                if old in values:
                    values.setdefault(new, values.pop(old))
            takes, needed = fields_of[event_type]
            taken = {name: takes[name](value) for name, value in values.items() if name in takes}
            for name in needed.difference(taken):
                taken[name] = takes[name](None)  # an unavailable reading was left out; anything else is refused
            return event_type(**taken)
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError):
            return None

    return decode


decode = decoder(_TYPES, _RENAMED)
"""Finds the event of a run in a line; None where there is none."""


def float32_text_value(value: float) -> float:
    """The number rounded to the 9 digits that identify a float32, so that logs stay small and exact."""
    return float(f"{value:.9g}")


def _jsonable(value: Any) -> Any:
    """With None for NaN and infinity, which JSON does not have, and file names that are not text made readable."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return as_text(value)
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    return value

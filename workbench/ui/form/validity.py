"""Whether the values of a table are valid, by the classes that validate a preset file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from workbench.settings.base import Settings
from workbench.settings.problems import table_problems


def faults_of(model: type[Settings], values: Mapping[str, Any]) -> dict[str, str]:
    """The faults of a table's values, by key; those of no single value have an empty key. A missing one is no fault."""
    try:
        model.model_validate(values)
    except ValidationError as error:
        return {key: text for key, text in table_problems(error, model).items() if not key or key in values}
    return {}


def fault_of_value(model: type[Settings], key: str, values: Mapping[str, Any]) -> str | None:
    """The fault of one value: by itself, or together with the others."""
    faults = faults_of(model, values)
    return faults.get(key) or faults.get("")


def fitting(model: type[Settings], values: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Those new values, by key, that are valid together with the others: all of them, or as many as can be taken.

    One value may make another valid (momentum and Nesterov), so that the order in which they are tried does not matter.
    """
    if not faults_of(model, {**values, **new}):
        return list(new)
    taken: dict[str, Any] = {}
    again = True
    while again:
        again = False
        for key in [key for key in new if key not in taken]:
            if not faults_of(model, {**values, **taken, key: new[key]}):
                taken[key] = new[key]
                again = True
    return list(taken)

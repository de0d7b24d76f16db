"""The next value up or down: a rung of the 1-2-5 ladder, a power of two, a multiple, or a choice.

Every step lands on a round number, whatever the value was before, and never out of bounds.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

from workbench.settings.optimizer_choice import LEARNING_RATE_BOUNDS

LADDER = (1, 2, 5)

FRACTION_STEP = 0.05
"""The step of fractions such as dropout, whose bounds are at most 1 apart."""

SMALLEST_RUNG = 1e-5
"""The smallest rung of a ladder whose default is 0; other ladders end two decades below the default."""


def stepped(value: Any, schema: dict[str, Any], direction: int) -> Any:
    """The value one step up (direction > 0) or down; the same value at a bound, or if it cannot be stepped."""
    if "anyOf" in schema:
        schema = next((option for option in schema["anyOf"] if "enum" in option), schema)
        if value not in schema.get("enum", [value]):
            return schema["enum"][0 if direction > 0 else -1]
    if "enum" in schema:
        return _next_choice(value, schema["enum"], direction)
    match schema.get("type"):
        case "boolean":
            return not value
        case "integer" | "number":
            return _stepped_number(value, schema, direction)
    return value


def ladder(value: float, direction: int) -> float:
    """The next rung of ..., 0.1, 0.2, 0.5, 1, 2, 5, ... above (direction > 0) or below a positive value."""
    return _rung(value, 0.0, direction)


MOST_LIVE_FACTOR = 100
"""Steps keep a learning rate within this factor of the run's first one: a held key must not ruin the run."""


def live_rate(value: float, began: float, direction: int) -> float:
    """The next rung for a run in progress; the same value if the rung is out of bounds. began: the run's first."""
    highest = min(began * MOST_LIVE_FACTOR, LEARNING_RATE_BOUNDS["le"])
    rung, slack = ladder(value, direction), 1 + 1e-9
    is_out = rung > highest * slack if direction > 0 else rung * slack < began / MOST_LIVE_FACTOR
    return value if is_out else rung


def can_step(schema: dict[str, Any]) -> bool:
    """Whether left and right do anything."""
    if "anyOf" in schema:
        return any("enum" in option for option in schema["anyOf"])
    return "enum" in schema or schema.get("type") in ("boolean", "integer", "number")


def _next_choice(value: Any, choices: list[Any], direction: int) -> Any:
    at = choices.index(value) if value in choices else -1
    return choices[(at + (1 if direction > 0 else -1)) % len(choices)]


def _stepped_number(value: float, schema: dict[str, Any], direction: int) -> float:
    is_whole = schema["type"] == "integer"
    rule = schema.get("step") or _usual_rule(schema)
    if rule == "ladder":
        wanted = _rung(value, _smallest_rung(schema), direction)
    elif rule == "double":
        wanted = _power_of_two(value, direction)
    else:
        wanted = _multiple(value, float(rule), direction)
    new = _nearest_allowed(wanted, schema)
    if new is None or new == value or (new > value) != (direction > 0):
        return value
    return int(new) if is_whole else float(new)


def _usual_rule(schema: dict[str, Any]) -> str | float:
    if schema["type"] == "integer":
        return 1
    low, high = _bounds(schema)
    return FRACTION_STEP if high - low <= 1 else "ladder"


def _bounds(schema: dict[str, Any]) -> tuple[float, float]:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -math.inf))
    return low, schema.get("maximum", schema.get("exclusiveMaximum", math.inf))


def _nearest_allowed(value: float, schema: dict[str, Any]) -> float | None:
    """The value, or the bound that it has passed; None if that bound is not an allowed value."""
    low, high = _bounds(schema)
    if value <= low:
        return low if "minimum" in schema else None
    if value >= high:
        return high if "maximum" in schema else None
    return value


def _smallest_rung(schema: dict[str, Any]) -> float:
    """The smallest rung: below it there is only 0. If 0 is not allowed, the ladder continues."""
    if schema["type"] == "integer":
        return 1
    if schema.get("exclusiveMinimum") == 0:
        return 0.0
    default = abs(schema.get("default") or 0)
    return 10.0 ** (math.floor(math.log10(default)) - 2) if default else SMALLEST_RUNG


def _rung(value: float, smallest: float, direction: int) -> float:
    """The next of ..., 0.1, 0.2, 0.5, 1, 2, 5, ...; below the smallest rung there is 0."""
    if value < 0:
        return -_rung(-value, smallest, -direction)
    if value == 0:
        return smallest if direction > 0 else -smallest
    if direction < 0 and value <= smallest:
        return 0.0
    decade = Decimal(repr(float(value))).adjusted()
    rungs = [float(f"{digit}e{exponent}") for exponent in range(decade - 1, decade + 2) for digit in LADDER]
    return min(rung for rung in rungs if rung > value) if direction > 0 else max(r for r in rungs if r < value)


def _power_of_two(value: float, direction: int) -> float:
    if value < 1:
        return 1 if direction > 0 else 0
    below: int = 2 ** (int(value).bit_length() - 1)
    if direction > 0:
        return below * 2
    return below if below < value else below // 2


def _multiple(value: float, step: float, direction: int) -> float:
    """The next multiple of a step, without errors from binary fractions."""
    ratio = Fraction(repr(float(value))) / Fraction(repr(float(step)))
    count = math.floor(ratio) + 1 if direction > 0 else math.ceil(ratio) - 1
    return float(count * Fraction(repr(float(step))))

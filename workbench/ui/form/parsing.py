"""Reads the value of a setting from what the user types, and writes it back.

Text needs no quotes, a list no brackets, a dictionary no braces. What is in quotes is read as TOML reads it, so that
every value can be typed. Pydantic decides whether a value is allowed, as for presets; nothing here does.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from workbench.settings.toml_text import from_toml, quoted, toml, toml_key

SWITCH_WORDS = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}

_SPECIAL = {"\t": "tab"}


def parse(text: str, schema: dict[str, Any]) -> Any:
    """The value that a typed text stands for, given the JSON schema of its field.

    A text that cannot be read as the field's type is returned as it is, and validation refuses it.
    """
    text = text.strip()
    if "anyOf" in schema:
        options = schema["anyOf"]
        named = [parse(text, option) for option in options if "enum" in option]
        if any(value in option.get("enum", ()) for value in named for option in options):
            return named[0]
        value = parse(text, next(option for option in options if "enum" not in option))
        # The word is no entry of the list either, so it was meant as a name: the error lists the names.
        is_word = isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], str)
        return text if is_word else value
    if "$ref" in schema:  # a table of its own, written inline
        return from_toml(text)
    if "enum" in schema:
        known = schema["enum"]
        return next((value for value in known if text in (value, shown(value), wording(value), quoted(value))), text)
    match schema.get("type"):
        case "integer":
            return _whole_number(_without_unit(text, schema))
        case "number":
            return _number(_without_unit(text, schema), is_fraction=_is_fraction(schema))
        case "boolean":
            return SWITCH_WORDS.get(text.lower(), text)
        case "array":
            return _list(text, schema)
        case "object":
            return _dictionary(text)
    return _text(text)


def shown(value: Any) -> str:
    """A value as the form shows it, and as one may type it: exact."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return _shown_number(value)
    if isinstance(value, str):
        return _SPECIAL.get(value) or (value if _text(value) == value and value.isprintable() else quoted(value))
    if isinstance(value, (tuple, list)):
        return ", ".join(_entry(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{toml_key(key)}={_entry(item, of_any_type=True)}" for key, item in value.items())
    return str(value)


def typed(value: Any) -> str:
    """A value as its field shows it while it is edited; text that would be read as something else is in quotes."""
    return quoted(value) if isinstance(value, str) and value in _SPECIAL else shown(value)


def wording(label: Any) -> str:
    """A name from the declarations as people write it: one cycle for one_cycle."""
    return shown(label).replace("_", " ")


_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
"""A whole number as the form itself writes large ones: 1,000,000."""


def _without_unit(text: str, schema: dict[str, Any]) -> str:
    """The number of a text such as `30 s`; 0 for the word that stands for it."""
    if text.lower() == schema.get("empty"):
        return "0"
    unit = schema.get("unit", "")
    return text.removesuffix(unit).rstrip() if unit and text != unit else text


def _is_fraction(schema: dict[str, Any]) -> bool:
    """Whether a number is a part of a whole, so that it may be written in per cent."""
    return bool(0 < min(schema.get(bound, 2) for bound in ("maximum", "exclusiveMaximum")) <= 1)


def _whole_number(text: str) -> Any:
    text = text.replace(",", "") if _GROUPED.fullmatch(text) else text
    try:
        return int(text)
    except ValueError:
        number = _number(text)
    # For the user, 1e3 is a whole number; 1e300 is a typing error.
    return int(number) if isinstance(number, float) and number.is_integer() and abs(number) < 1e15 else number


def _number(text: str, *, is_fraction: bool = False) -> Any:
    try:
        if is_fraction and text.endswith("%"):
            return float(Decimal(text[:-1].rstrip()) / 100)
        return float(text)
    except (ValueError, ArithmeticError):
        return text


def _text(text: str) -> str:
    """Text as typed; in quotes as TOML reads it."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        value = from_toml(text)
        return value if isinstance(value, str) else text
    return text.strip()


def _entries(text: str) -> list[str]:
    """The entries of a list. A comma within quotes or braces does not separate; one at the end adds no entry."""
    entries, entry, in_quotes, escaped, depth = [], "", False, False, 0
    for character in text:
        if in_quotes:
            in_quotes = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == "," and not depth:
            entries.append(entry.strip())
            entry = ""
            continue
        elif character in "{}":
            depth = max(depth + (1 if character == "{" else -1), 0)
        elif character == '"' and entry.rstrip()[-1:] in ("", "="):
            in_quotes = True
        entry += character
    return [*entries, entry.strip()] if entry.strip() else entries


def _list(text: str, schema: dict[str, Any]) -> tuple[Any, ...]:
    kinds = schema.get("prefixItems") or [schema.get("items", {})]
    are_numbers = all(kind.get("type") in ("integer", "number") for kind in kinds)
    if text[:1] + text[-1:] == "[]" or (are_numbers and text[:1] + text[-1:] == "()"):
        text = text[1:-1]
    if are_numbers:
        text = ",".join(re.split(r"\s*,\s*|\s+", text.strip()))  # blanks separate numbers too
    return tuple(parse(entry, kinds[min(at, len(kinds) - 1)]) for at, entry in enumerate(_entries(text)))


_PAIR = re.compile(r'("(?:\\.|[^"\\])*"|[^=]*?)\s*=\s*(.*)', re.DOTALL)


def _dictionary(text: str) -> Any:
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    pairs = [_PAIR.fullmatch(entry) for entry in _entries(text)]
    if not all(pair and pair[1] for pair in pairs):
        return text
    return {_text(pair[1]): from_toml(pair[2]) for pair in pairs if pair}


_PLAIN_ENTRY = re.compile(r"[^\s,\"'=\[\]{}#\\](?:[^,\"'=\[\]{}#\\]*[^\s,\"'=\[\]{}#\\])?")


def _entry(value: Any, *, of_any_type: bool = False) -> str:
    """An entry of a list or a dictionary; text is in quotes only if it would be read as something else without them."""
    if not isinstance(value, str):
        return toml(value) if of_any_type or isinstance(value, dict) else shown(value)
    is_plain = _PLAIN_ENTRY.fullmatch(value) and value.isprintable()
    return value if is_plain and not (of_any_type and from_toml(value) != value) else quoted(value)


def _shown_number(value: float) -> str:
    """A number with all its digits, without needless zeros: 0.001, 0.0, 1e-8, 1.5e6; of files also nan and inf."""
    if value == 0 or 1e-4 <= abs(value) < 1e6 or not math.isfinite(value):
        return repr(value)
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():E}".partition("E")
    return f"{mantissa}e{int(exponent)}"

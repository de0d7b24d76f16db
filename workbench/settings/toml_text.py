"""Converts values to TOML on one line and back, for `--set`, `--explain`, the form and its commands."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml(value: Any) -> str:
    """Formats a value as TOML on one line; dictionaries become inline tables."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml_key(key)} = {toml(item)}" for key, item in value.items()) + "}"
    return repr(value)


def from_toml(text: str) -> Any:
    """Parses a text as a TOML value; returns the text itself if it is not TOML."""
    try:
        return tomllib.loads(f"value = {text}")["value"] if "\n" not in text and "\r" not in text else text
    except (ValueError, RecursionError):
        return text


def quoted(text: str) -> str:
    """Quotes a text as in TOML."""
    # JSON escapes the same as TOML except DEL; ensure_ascii would write surrogate pairs, which TOML does not allow.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_key(key: str) -> str:
    """Formats a key, in quotes if TOML needs them."""
    return key if _PLAIN_KEY.fullmatch(key) else quoted(key)

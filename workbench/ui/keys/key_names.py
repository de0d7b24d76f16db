"""Keys as people write them, and as Textual names them."""

from __future__ import annotations

import re
from functools import cache

from rich.style import Style

_WRITTEN = {
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "question_mark": "?",
    "slash": "/",
    "comma": ",",
    "full_stop": ".",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "apostrophe": "'",
    "number_sign": "#",
    "exclamation_mark": "!",
    "circumflex_accent": "^",
    "asterisk": "*",
    "percent_sign": "%",
    "at": "@",
    "escape": "esc",
    "pageup": "page up",
    "pagedown": "page down",
}

_NAMED = {written: key for key, written in _WRITTEN.items()}
_WHOLE = ("space", "enter", "tab", "delete", "backspace", "home", "end", *(f"f{number}" for number in range(1, 13)))
"""Keys whose name is more than one letter in both."""
_LETTERS = re.compile(r".(-.)?")
"""A key that types a letter, or a range of them: 1-8."""


def key_name(key: str) -> str:
    """A key of Textual's as people write it."""
    if key.startswith("ctrl+"):
        return f"^{key_name(key.removeprefix('ctrl+'))}"
    return _WRITTEN.get(key, key)


def edits_text(shown: str) -> bool:
    """Whether a key, or the first of several, changes the text in a field that has the focus."""
    return shown in ("space", "delete") or _LETTERS.fullmatch(shown.partition(" ")[0]) is not None


@cache
def pressed_by_click(shown: str) -> Style:
    """The style of a key's name: a click on it presses the key. Empty where it names no single key."""
    key = _textual_key(shown)
    return Style.from_meta({"@click": f"app.simulate_key({key!r})"}) if key else Style()


@cache
def _textual_key(shown: str) -> str:
    if len(shown) > 1 and shown.startswith("^"):
        return f"ctrl+{_textual_key(shown[1:])}"
    return _NAMED.get(shown, shown if len(shown) == 1 or shown in _WHOLE else "")

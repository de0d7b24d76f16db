"""Texts of a preset, of data and of a run, as parts of a script: what they say is never code.

A run's directory may come from somebody else, and a script is run before it is written, to be checked. All texts enter
a script by `literal` or by `docstring`, which give one constant that is equal to the text.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence

LONGEST_DOCSTRING_LINE = 117


def literal(value: object, *, wrapped: bool = False) -> str:
    """A plain value as Python, with double quotes. wrapped: a line for each element of a collection.

    What is not printable is written as an escape. Raises TypeError for anything but a plain value.
    """
    if isinstance(value, str):
        single = repr(str(value))
        return f'"{single[1:-1]}"' if single.startswith("'") and '"' not in value else single
    if isinstance(value, dict):
        elements = [f"{literal(key)}: {literal(each)}" for key, each in value.items()]
    elif isinstance(value, (list, tuple)):
        elements = [literal(each) for each in value]
    elif isinstance(value, float) and not math.isfinite(value):
        return f'float("{float(value)!r}")'
    elif value is None or type(value) in (bool, int, float):
        return repr(value)
    else:
        raise TypeError(f"a {type(value).__name__} is not a plain value")
    begin, end = ("{", "}") if isinstance(value, dict) else ("[", "]") if isinstance(value, list) else ("(", ")")
    if wrapped:
        return begin + "\n" + "".join(f"    {element},\n" for element in elements) + end
    comma = "," * (isinstance(value, tuple) and len(value) == 1)
    return f"{begin}{', '.join(elements)}{comma}{end}"


def pattern_literal(pattern: str) -> str:
    """A regular expression as Python: a raw text where that can hold it."""
    is_raw = '"' not in pattern and pattern.isprintable() and not pattern.endswith("\\")
    return f'r"{pattern}"' if is_raw else literal(pattern)


def docstring(paragraphs: Sequence[str]) -> str:
    """The docstring of a module: paragraphs in lines of usual length, whatever characters are in them."""
    lines = [
        textwrap.fill(" ".join(each.split()), LONGEST_DOCSTRING_LINE, break_on_hyphens=False) for each in paragraphs
    ]
    # After the lines are broken: an escape must stay on one line.
    text = "\n\n".join(lines).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""{_escaped(text)}\n"""'


def _escaped(text: str) -> str:
    """The text with all that is not printable as escapes: control characters, the direction of writing, halves."""
    return re.sub(
        r"[^\n]", lambda found: found[0] if found[0].isprintable() else found[0].encode("unicode_escape").decode(), text
    )

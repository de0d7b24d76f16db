"""Text that cannot steer a terminal.

Names, descriptions and messages come from files and code of others. A terminal obeys control characters in them
(colours, its title, the clipboard), and characters that change the direction of writing make one text look like
another. All text that is shown passes through here.
"""

from __future__ import annotations

import re

_CONTROL = (
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but for tab and newline, DEL, C1
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction of writing
    r"\u2028\u2029\ud800-\udfff]"  # further line ends; bytes that are no text
)
_UNSAFE = re.compile(_CONTROL)
_NO_TEXT = re.compile(r"[\ud800-\udfff]")
_STYLE = re.compile(r"\x1b\[[0-9;:]*m")
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # cursor and colours
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles, links, the clipboard
    r"|\x1b[ -/]*[0-~]"  # character sets and the like
)


def is_printable(text: str) -> bool:
    """Whether a terminal would act on nothing in the text; tabs and newlines are allowed."""
    return _UNSAFE.search(text) is None


def is_text(text: str) -> bool:
    """Whether a text can be written as UTF-8, which a file name in other bytes cannot."""
    return text.isascii() or _NO_TEXT.search(text) is None


def as_text(text: str) -> str:
    """The text with characters that UTF-8 cannot encode written out, as `\\udce9`."""
    return text if is_text(text) else _NO_TEXT.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def escaped(text: str) -> str:
    """The text with control characters written out, as `\\u001b`, which is how JSON does it; colours are left out."""
    if is_printable(text):
        return text
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", _STYLE.sub("", text))


def without_controls(text: str) -> str:
    """The text without control characters; its width in cells stays the same."""
    return text if text.isprintable() else _UNSAFE.sub("", text).replace("\t", "").replace("\n", "")


def without_sequences(text: str) -> str:
    """The output of a program for a terminal as one line of text, without its escape sequences."""
    return _UNSAFE.sub("", _SEQUENCE.sub("", text.replace("\t", "    "))).rstrip()

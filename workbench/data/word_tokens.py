"""Divides text into words and signs, in any script.

A word is a run of letters, digits and the marks that combine with them, with apostrophes inside (`don't`). Every other
character that is not a space is a token of its own; an emoji of several characters (a family, a flag, a skin tone) is
one. Text is normalised first (NFC): é is the same token whether it was written as one character or as e and a mark.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

JOINER = "\u200d"
"""Joins emoji into one sign."""

SKIN_TONES = "\U0001f3fb-\U0001f3ff"
FLAG_LETTERS = "\U0001f1e6-\U0001f1ff"

APOSTROPHES = "'’"


def normalized(text: str) -> str:
    """The text in Unicode's composed form (NFC), without lone surrogates."""
    return unicodedata.normalize("NFC", without_lone_surrogates(text))


def without_lone_surrogates(text: str) -> str:
    """The text with each lone surrogate replaced by U+FFFD, and pairs of surrogates joined.

    A JSON file may hold lone surrogates; no encoding can write them, and libraries refuse them.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def split_words(text: str) -> list[str]:
    """The words and signs of a normalised text, in order, without the spaces between them."""
    return word_pattern().findall(text)


@cache
def word_pattern() -> re.Pattern[str]:
    """The pattern of a word or sign in a normalised text."""
    marks = _combining_marks()
    word = rf"\w[\w{marks}]*"
    sign = rf"[^\w\s][{marks}{SKIN_TONES}]*"
    return re.compile(
        rf"{word}(?:[{APOSTROPHES}]{word})*|[{FLAG_LETTERS}]{{2}}|{sign}(?:{JOINER}[\w\W][{marks}{SKIN_TONES}]*)*"
    )


def _combining_marks() -> str:
    """All characters that combine with the one before them, as ranges of a character class. `\\w` lacks them."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if unicodedata.category(chr(code)).startswith("M"):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)

"""The ids that every text has, whatever its tokens: padding and unknown. Imports no torch."""

from __future__ import annotations

from typing import Literal

PAD = 0
"""Fills up a text that is shorter than the others, at its end; it occurs nowhere else, so a mask is `ids != PAD`."""

UNKNOWN = 1
"""A token that the training split does not have, and the only token of a text that has none."""

SPECIAL = 2
"""Ids below this one are no tokens of the text itself."""

BPE_LEAST = SPECIAL + 256
"""Ids that byte pair encoding has at least: each byte is a token."""

TokenKind = Literal["words", "characters", "bytes", "bpe"]
"""What a text is divided into; also the name of the encoding."""

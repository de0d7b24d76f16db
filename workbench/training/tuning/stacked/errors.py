"""Why candidates cannot be trained together."""

from __future__ import annotations


class CannotStackError(Exception):
    """They are to be trained one by one; the text says why, in half a sentence."""

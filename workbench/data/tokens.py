"""The ids that every text has in common, whatever encoding made the others."""

from __future__ import annotations

PAD = 0
"""Fills a text up to the common length, at its end. Models do not see it."""

UNKNOWN = 1
"""Stands for what the vocabulary does not have."""

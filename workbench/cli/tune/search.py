"""`workbench tune search`: searches for the best settings."""

from __future__ import annotations


def search() -> None:
    """Search for the best values of any settings."""

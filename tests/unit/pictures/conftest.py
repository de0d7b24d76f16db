"""Looks without a terminal."""

from __future__ import annotations

import pytest
from rich.style import Style

from workbench.pictures.look import Look


def look_with(*, colours: bool = False, ascii: bool = False) -> Look:
    return Look(style_of=lambda name: Style(), colours=colours, ascii=ascii)


@pytest.fixture
def look() -> Look:
    """No colours."""
    return look_with()

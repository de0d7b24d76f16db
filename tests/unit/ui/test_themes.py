"""Themes have what panels draw with."""

from __future__ import annotations

import pytest
from textual.theme import Theme

from workbench.runs.phases import PHASES
from workbench.ui.look.themes import THEMES


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_each_theme_has_a_colour_of_its_own_for_each_phase_of_a_step(theme: Theme) -> None:
    colours = {name: colour for name, colour in theme.variables.items() if name.startswith("phase-")}
    assert list(colours) == [f"phase-{phase}" for phase in PHASES]
    assert len(set(colours.values())) == len(PHASES)

"""How pictures of samples are drawn in the app: its styles, and what the terminal has."""

from __future__ import annotations

from workbench.pictures.look import Look
from workbench.ui.look.styled_app import StyledApp, has_few_colours


def look_of(app: StyledApp) -> Look:
    """The look of pictures in this app."""
    glyphs, palette = app.glyphs, app.palette
    return Look(
        style_of=lambda name: palette[name], colours=not glyphs.ascii and not has_few_colours(), ascii=glyphs.ascii
    )

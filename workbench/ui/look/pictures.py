"""How the app draws pictures of samples."""

from __future__ import annotations

from workbench.pictures.look import Look
from workbench.ui.look.styled_app import StyledApp, has_few_colours


def look_of(app: StyledApp) -> Look:
    """The look of pictures in the app's present theme."""
    glyphs, palette = app.glyphs, app.palette
    return Look(
        style_of=lambda name: palette[name],
        colours=not glyphs.ascii and not has_few_colours(),
        ascii=glyphs.ascii,
    )

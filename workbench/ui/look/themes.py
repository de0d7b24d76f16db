"""The colours: dark, light, of high contrast, and the terminal's own sixteen.

Those of curves and phases are in `workbench.plotting.colours`.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

from workbench.plotting.colours import DARK_VARIABLES, HIGH_CONTRAST_VARIABLES, LIGHT_VARIABLES

ANSI_VARIABLES = {
    "train": "ansi_cyan",
    "validation": "ansi_yellow",
    "overlay-1": "ansi_magenta",
    "overlay-2": "ansi_blue",
    "overlay-3": "ansi_green",
    "overlay-4": "ansi_bright_black",
    "overlay-5": "ansi_bright_magenta",
    "overlay-6": "ansi_bright_blue",
    "overlay-7": "ansi_bright_green",
    "overlay-8": "ansi_white",
    "phase-data": "ansi_bright_black",
    "phase-transfer": "ansi_magenta",
    "phase-step": "ansi_bright_cyan",
    "phase-forward": "ansi_cyan",
    "phase-backward": "ansi_blue",
    "phase-metrics": "ansi_green",
    "phase-optimizer": "ansi_bright_magenta",
    "phase-rest": "ansi_white",
    "dim": "ansi_bright_black",
    "line": "ansi_bright_black",
    "cursor-line": "ansi_default",
}

DARK = Theme(
    name="workbench-dark",
    primary="#4fb3bf",
    secondary="#3a8fb7",
    accent="#4fb3bf",
    warning="#e5a54b",
    error="#e86c73",
    success="#88c690",
    foreground="#d8dee9",
    background="#11151c",
    surface="#171c25",
    panel="#1c232e",
    dark=True,
    variables=DARK_VARIABLES,
)

LIGHT = Theme(
    name="workbench-light",
    primary="#0a6d7f",
    secondary="#1f6f9c",
    accent="#0a6d7f",
    warning="#984c00",
    error="#99001c",
    success="#2c7146",
    foreground="#1f2630",
    background="#fbfbf9",
    surface="#f2f3f1",
    panel="#e8ebec",
    dark=False,
    variables=LIGHT_VARIABLES,
)

HIGH_CONTRAST = Theme(
    name="workbench-high-contrast",
    primary="#3bd6de",
    secondary="#8fb8ff",
    accent="#3bd6de",
    warning="#ffbf47",
    error="#ff919e",
    success="#91e99b",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#101418",
    dark=True,
    variables=HIGH_CONTRAST_VARIABLES,
)
"""Every text has a contrast of 7 to 1 at least (WCAG 2, AAA), and what is chosen is shown in reverse."""

ANSI = Theme(
    name="workbench-ansi",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_blue",
    accent="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables=ANSI_VARIABLES
    | {
        # Textual's own style sheet uses these two, and defines them for no theme of sixteen colours but its own.
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_cyan",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
    },
)

THEMES = (DARK, LIGHT, HIGH_CONTRAST, ANSI)
REVERSED = (HIGH_CONTRAST.name, ANSI.name)
"""The themes that show what is chosen in reverse, not by a shade."""


def defaults_of(theme: Theme) -> dict[str, str]:
    """The variables that the app's own styles need besides those of Textual, whatever the theme.

    chosen: of the line at the cursor in lists of Textual's own, which leave out `reverse`.
    """
    variables = ANSI_VARIABLES if theme.ansi else DARK_VARIABLES if theme.dark else LIGHT_VARIABLES
    return variables | {"chosen": "bold underline" if theme.name in REVERSED else "bold"}


STYLES: dict[str, str] = {
    "text": "foreground",
    "strong": "foreground",
    "accent": "accent",
    "good": "success",
    "warning": "warning",
    "error": "error",
    "cursor": "cursor-line",
} | {name: name for name in DARK_VARIABLES if name != "cursor-line"}
"""The names of the styles that panels draw with, and for each the variable of the theme with its colour."""


def palette(variables: Mapping[str, str], *, is_reversed: bool) -> dict[str, Style]:
    """The styles of a theme. Component classes would do the same, but resolving one takes milliseconds a widget.

    is_reversed: whether the line at the cursor is shown in reverse.
    """
    styles = {name: Style(color=Color.parse(variables[variable]).rich_color) for name, variable in STYLES.items()}
    styles["strong"] += Style(bold=True)
    background = Color.parse(variables[STYLES["cursor"]]).rich_color
    styles["cursor"] = Style(reverse=True) if is_reversed else Style(bgcolor=background)
    return styles

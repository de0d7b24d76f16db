"""The table of actions that every screen and dialog has, and their keys."""

from __future__ import annotations

from textual.binding import Binding

from workbench.ui.keys.action import Action

APP = "Everywhere"

ACTIONS: tuple[Action, ...] = (
    Action("copy", ("y",), "copy", "copy what has the focus: value, table, log, path", APP, 15),
    Action("command_palette", ("ctrl+p",), "palette", "palette: find an action by name", APP, 22),
    Action("take_screenshot", ("f9",), "screenshot", "take a screenshot: SVG and text, in this folder", APP),
    Action("next_theme", ("ctrl+t",), "theme", "next theme: dark, light, high contrast, 16 colours", APP),
    Action("change_theme", (), "themes", "choose a theme: from the full list", APP, words="colours"),
    Action("quit", ("ctrl+q",), "quit", "quit the app: a run may continue without it", APP, words="exit"),
)
"""Carried out by the app's method `action_<name>`."""

BOUND_BY_TEXTUAL = ("command_palette", "quit")
"""Textual's own bindings do these."""

VIM_KEYS = {"j": "down", "k": "up", "g": "home", "G": "end", "ctrl+d": "pagedown", "ctrl+u": "pageup"}
"""Keys of vim, and the keys that they stand for where nothing else takes them."""

OTHER_KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Everywhere",
        (
            ("tab", "next panel; shift+tab: the one before"),
            ("j k g G", "down, up, first, last; ^d ^u: a page"),
            ("^c", "copy the text that the mouse has selected"),
            ("tmux", "copying needs: set -s set-clipboard on"),
        ),
    ),
)
"""Keys that are no actions of the app."""


def app_bindings(prefix: str = "") -> list[Binding]:
    """Textual's bindings of what works everywhere. prefix: app. for dialogs, which hide the app's own bindings."""
    own = [each for each in ACTIONS if each.name not in BOUND_BY_TEXTUAL]
    return [
        *(Binding(each.keys[0], f"{prefix}{each.name}", each.label, show=False) for each in own if each.keys),
        *(Binding(key, f"{prefix}simulate_key('{meant}')", meant, show=False) for key, meant in VIM_KEYS.items()),
    ]

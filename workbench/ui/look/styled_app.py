"""The base class of the app, as panels, dialogs and screens know it: theme, palette, glyphs."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Sequence
from time import monotonic

from rich.style import Style
from textual import on
from textual.app import App
from textual.events import AppBlur, DescendantFocus, Event, Key, MouseDown
from textual.filter import LineFilter
from textual.widgets import Input

from workbench.ui.look.ascii import AsciiFilter
from workbench.ui.look.dimmed import DimFilter
from workbench.ui.look.glyphs import ASCII, UNICODE, Glyphs
from workbench.ui.look.heat import Heat
from workbench.ui.look.printable_filter import PrintableFilter
from workbench.ui.look.themes import REVERSED, THEMES, defaults_of, palette

PRESENT_SECONDS = 10.0
"""Whoever has pressed a key this long ago is looking at the app."""


class StyledApp(App[None]):
    """An app with the look of workbench, and nothing else: panels can be shown in it alone."""

    def __init__(self, *, ascii_only: bool = False, theme: str = "") -> None:
        """theme: the theme at first, if there is one of that name and the terminal has enough colours for it."""
        super().__init__()
        # What moves or blinks distracts, and is not worth its bytes over SSH.
        self.animation_level = "none"
        self.glyphs: Glyphs = ASCII if ascii_only else UNICODE
        self._reports_focus = False
        """Whether the terminal says when the user turns to another window."""
        self._used = -PRESENT_SECONDS
        """When the last key or click came, in seconds of the monotonic clock."""
        self._printable_filter = PrintableFilter()
        self._ascii_filters = [AsciiFilter()] if ascii_only else []
        self._dim_filters: dict[str, DimFilter] = {}
        """By theme, because Textual caches lines by the filters that drew them."""
        self._palette: tuple[str, dict[str, Style]] = ("", {})
        self._heat: tuple[str, Heat] = ("", Heat({}, mixes=True))
        for each in THEMES:
            self.register_theme(each)
        if has_few_colours():  # there the amber of the other themes would become red, the colour of errors
            self.theme = "workbench-ansi"
        else:
            self.theme = theme if theme in self.available_themes else "workbench-dark"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return defaults_of(self.current_theme)

    @property
    def palette(self) -> dict[str, Style]:
        """The styles that panels draw with, in the present theme."""
        if self._palette[0] != self.theme:
            self._palette = self.theme, palette(self.theme_variables, is_reversed=self.theme in REVERSED)
        return self._palette[1]

    @property
    def heat(self) -> Heat:
        """The backgrounds of cells that show fractions, in the present theme."""
        if self._heat[0] != self.theme:
            self._heat = self.theme, Heat(self.theme_variables, mixes=self.theme not in REVERSED)
        return self._heat[1]

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = [self._printable_filter, *super().get_line_filters(), *self._ascii_filters]
        if self.current_theme.ansi:
            return filters  # the terminal knows best what is dim among its colours
        if self.theme not in self._dim_filters:
            self._dim_filters[self.theme] = DimFilter(self.palette["dim"])
        return [self._dim_filters[self.theme], *filters]

    def notify_terminal(self, sequence: str) -> None:
        """Writes a notification of the terminal's own, which draws nothing, unless the user has the app in front.

        A terminal that has never reported a loss of focus may report none at all: there the last key counts.
        """
        was_used = monotonic() - self._used < PRESENT_SECONDS
        is_in_front = self.app_focus if self._reports_focus else was_used
        # As Textual's own bell: the driver writes between two frames.
        if self._driver is not None and not self.is_headless and not is_in_front:
            self._driver.write(sequence)

    def copy_to_clipboard(self, text: str) -> None:
        """Copies by the terminal (OSC 52), which is the user's own, over SSH too.

        tmux takes it with set-clipboard on, or passes it on with allow-passthrough on: it gets both.
        """
        super().copy_to_clipboard(text)
        if self._driver is not None and not self.is_headless:
            from workbench.alerts.terminal import through_multiplexer

            sequence = f"\x1b]52;c;{b64encode(text.encode()).decode()}\x1b\\"
            if (wrapped := through_multiplexer(sequence)) != sequence:
                self._driver.write(wrapped)

    async def on_event(self, event: Event) -> None:
        if isinstance(event, (Key, MouseDown)):
            self._used = monotonic()
        await super().on_event(event)

    @on(DescendantFocus)
    def _hold_cursor(self, event: DescendantFocus) -> None:
        """Keeps the cursor of a field from blinking."""
        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    @on(AppBlur)
    def _focus_was_reported(self) -> None:
        self._reports_focus = True

    def action_next_theme(self) -> None:
        """Switches to the next theme: dark, light, high contrast, the terminal's own colours."""
        names = [theme.name for theme in THEMES]
        here = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(here + 1) % len(names)]


def has_few_colours() -> bool:
    """Whether the terminal says that it has sixteen colours at most."""
    if os.environ.get("COLORTERM", "") in ("truecolor", "24bit"):
        return False
    terminal = os.environ.get("TERM", "")
    return not ("256" in terminal or "direct" in terminal or "kitty" in terminal or "alacritty" in terminal)

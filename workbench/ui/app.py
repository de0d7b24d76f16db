"""The app: its colours, what it remembers, and the main screen."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

from rich.style import Style
from textual import on
from textual.app import App, SystemCommand
from textual.events import Event, Key
from textual.filter import LineFilter
from textual.screen import Screen

from workbench.runs.directory import RunDirectory
from workbench.ui.form.draft import Draft
from workbench.ui.keys.actions import ACTIONS
from workbench.ui.keys.key_order import KeyOrder, Passed
from workbench.ui.live.readings import MachineReadings, ReadingSource
from workbench.ui.live.session import Session
from workbench.ui.look.ascii import AsciiFilter
from workbench.ui.look.dimmed import DimFilter
from workbench.ui.look.glyphs import ASCII, UNICODE, Glyphs
from workbench.ui.look.printable_filter import PrintableFilter
from workbench.ui.look.themes import ANSI_VARIABLES, DARK_VARIABLES, LIGHT_VARIABLES, THEMES, palette
from workbench.ui.options import AppOptions
from workbench.ui.screens.main import MainScreen
from workbench.ui.state import Remembered


class WorkbenchApp(App[None]):
    """Tune, train and profile PyTorch models from one terminal."""

    TITLE = "workbench"
    CSS_PATH = "workbench.tcss"
    ENABLE_COMMAND_PALETTE = True
    # The scrolling of a list is not worth its bytes over SSH.
    animation_level = "none"

    def __init__(
        self,
        draft: Draft,
        options: AppOptions,
        attach: RunDirectory | None = None,
        readings: ReadingSource | None = None,
        remembered: Remembered | None = None,
    ) -> None:
        """attach: a run to watch from the start; readings and remembered: others than the machine's and the user's."""
        super().__init__()
        self.draft = draft
        self.options = options
        self.attach_to = attach
        self.glyphs: Glyphs = ASCII if options.ascii else UNICODE
        self._printable_filter = PrintableFilter()
        self._ascii_filters = [AsciiFilter()] if options.ascii else []
        self.remembered = Remembered.load() if remembered is None else remembered
        self.readings: ReadingSource = MachineReadings() if readings is None else readings
        self._keys = KeyOrder(self)
        self.session = Session(options.runs_folder)
        self.runs_folder = options.runs_folder
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self._theme_at_start = self._first_theme()
        self._palette: tuple[str, dict[str, Style]] = ("", {})
        self._dim_filters: dict[str, DimFilter] = {}
        """By theme: lines are kept as a filter has made them."""

    def _first_theme(self) -> str:
        if has_few_colours():  # where the amber of a theme of millions becomes the red of trouble
            return "workbench-ansi"
        return self.remembered.theme if self.remembered.theme in self.available_themes else "workbench-dark"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        theme = self.current_theme
        if theme.ansi:
            return ANSI_VARIABLES
        return DARK_VARIABLES if theme.dark else LIGHT_VARIABLES

    @property
    def palette(self) -> dict[str, Style]:
        """The styles that panels draw with, in the present theme."""
        if self._palette[0] != self.theme:
            self._palette = self.theme, palette(self.theme_variables, ansi=self.current_theme.ansi)
        return self._palette[1]

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = [self._printable_filter, *super().get_line_filters(), *self._ascii_filters]
        if self.current_theme.ansi:
            return filters  # the terminal knows best what is dim among its colours
        if self.theme not in self._dim_filters:
            self._dim_filters[self.theme] = DimFilter(self.palette["dim"])
        return [self._dim_filters[self.theme], *filters]

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(id="main")

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        if isinstance(screen, MainScreen):
            for action in ACTIONS:
                callback = _runner(screen, action.name)
                yield SystemCommand(action.palette_name, action.help, callback)
        yield SystemCommand("Choose a theme, colours", "all themes there are", self.action_change_theme)
        yield SystemCommand("Screenshot", "save a picture of the screen (SVG) in this folder", self._take_screenshot)

    def _take_screenshot(self) -> None:
        main = self.screen_stack[0]
        try:
            told, kind = f"screenshot: {self.save_screenshot(path=str(Path.cwd()))}", "text"
        except OSError as error:
            told, kind = f"no screenshot: {error.filename or Path.cwd()}: {error.strerror}", "error"
        if isinstance(main, MainScreen):
            main.say(told, kind)

    async def on_event(self, event: Event) -> None:
        is_new_key = isinstance(event, Key) and not event.is_forwarded
        if isinstance(event, Key) and is_new_key and not self._keys.may_pass(event):
            return
        await super().on_event(event)
        if isinstance(event, Key) and is_new_key:
            self._keys.passed(event)

    @on(Passed)
    def _key_answered(self) -> None:
        self._keys.answered()

    async def action_quit(self) -> None:
        """ctrl+q, wherever the user is: asks before a run is left or unsaved settings are lost."""
        main = self.screen_stack[0]
        if isinstance(main, MainScreen):
            main.action_ask_to_quit()
        else:
            self.exit()

    def keep_habits(self) -> None:
        """Remembers theme and layout for the next start."""
        if self.theme != self._theme_at_start or not has_few_colours():
            self.remembered.theme = self.theme
        # Another app may have opened one since.
        self.remembered.preset = Remembered.load().preset or self.remembered.preset
        self.remembered.save()

    def remember_preset(self) -> None:
        """The preset that has just been opened is the last one, however this app may end."""
        if self.draft.path is not None:
            latest = Remembered.load()
            latest.preset = self.remembered.preset = str(self.draft.path.absolute())
            latest.save()

    async def on_unmount(self) -> None:
        self.session.close()
        self.readings.close()
        self.keep_habits()


def _runner(screen: MainScreen, name: str) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        await screen.run_action(name)

    return run


def has_few_colours() -> bool:
    """Whether the terminal says that it has sixteen colours at most."""
    if os.environ.get("COLORTERM", "") in ("truecolor", "24bit"):
        return False
    terminal = os.environ.get("TERM", "")
    return not ("256" in terminal or "direct" in terminal or "kitty" in terminal or "alacritty" in terminal)

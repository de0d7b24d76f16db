"""The app: its colours, what it remembers, and the main screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import SystemCommand
from textual.command import Provider
from textual.events import Event, Key
from textual.screen import Screen

from workbench.runs.directory import RunDirectory
from workbench.ui.form.draft import Draft
from workbench.ui.keys.actions import ACTIONS
from workbench.ui.keys.key_order import KeyOrder, Passed
from workbench.ui.live.readings import MachineReadings, ReadingSource
from workbench.ui.live.remembered import Remembered
from workbench.ui.live.session import Session
from workbench.ui.look.styled_app import StyledApp, has_few_colours
from workbench.ui.options import AppOptions
from workbench.ui.palette import PaletteCommands
from workbench.ui.screens.main import MainScreen


class WorkbenchApp(StyledApp):
    """Tune, train and profile PyTorch models from one terminal."""

    TITLE = "workbench"
    CSS_PATH = "workbench.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {PaletteCommands}

    def __init__(
        self,
        draft: Draft,
        options: AppOptions,
        attach: RunDirectory | None = None,
        readings: ReadingSource | None = None,
        remembered: Remembered | None = None,
        not_opened: str = "",
    ) -> None:
        """attach: a run to watch from the start. readings, remembered: instead of the machine's and the user's own.

        not_opened: why the preset of the last time could not be opened, for the screen to show.
        """
        self.remembered = Remembered.load() if remembered is None else remembered
        super().__init__(ascii_only=options.ascii, theme=self.remembered.theme)
        self._theme_at_start = self.theme
        self.draft = draft
        self.options = options
        self._attach_to = attach
        self._not_opened = not_opened
        self.readings: ReadingSource = MachineReadings() if readings is None else readings
        self.session = Session(options.runs_folder)
        self._keys = KeyOrder(self)

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(
            self.draft,
            self.session,
            self.remembered,
            self.options,
            self.readings,
            attach_to=self._attach_to,
            not_opened=self._not_opened,
        )

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
            text, kind = f"screenshot: {self.save_screenshot(path=str(Path.cwd()))}", "text"
        except OSError as error:
            text, kind = f"no screenshot: {error.filename or Path.cwd()}: {error.strerror}", "error"
        if isinstance(main, MainScreen):
            main.say(text, kind)

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
        # Another app may have opened a preset meanwhile, or saved a filter.
        latest = Remembered.load()
        self.remembered.preset = latest.preset or self.remembered.preset
        self.remembered.run_filters = latest.run_filters
        self.remembered.save()

    def action_next_theme(self) -> None:
        super().action_next_theme()
        self.keep_habits()

    async def on_unmount(self) -> None:
        self.session.close()
        self.readings.close()
        self.keep_habits()


def _runner(screen: MainScreen, name: str) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        await screen.run_action(name)

    return run

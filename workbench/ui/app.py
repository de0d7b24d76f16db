"""The app: its colours, what it remembers, and the main screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import App
from textual.binding import BindingType
from textual.command import CommandPalette, Provider
from textual.events import Event, Key
from textual.screen import Screen

from workbench.runs.directory import RunDirectory
from workbench.ui.form.draft import Draft
from workbench.ui.keys.action import Action, HasActions, Says
from workbench.ui.keys.app_actions import ACTIONS as APP_ACTIONS
from workbench.ui.keys.app_actions import app_bindings
from workbench.ui.keys.copying import found_on
from workbench.ui.keys.key_order import KeyOrder, Passed
from workbench.ui.live.readings import MachineReadings, ReadingSource
from workbench.ui.live.remembered import Remembered
from workbench.ui.live.session import Session
from workbench.ui.look.screenshot import take_screenshot
from workbench.ui.look.styled_app import StyledApp, has_few_colours
from workbench.ui.options import AppOptions
from workbench.ui.palette import MOST_RECENT, Entry, PaletteCommands
from workbench.ui.screens.main import MainScreen


class WorkbenchApp(StyledApp):
    """Tune, train and profile PyTorch models from one terminal."""

    TITLE = "workbench"
    CSS_PATH = "workbench.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [*app_bindings()]
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

    # The palette.

    def action_command_palette(self) -> None:
        """Opens the palette."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder="type what you want to do", id="--command-palette"))

    def palette_entries(self) -> list[Entry]:
        """The actions of the screen in front and those of the app; what was chosen last comes first."""
        found: list[Entry] = []
        for screen in reversed(self.screen_stack):  # below dialogs and the palette itself
            if isinstance(screen, HasActions):
                assert isinstance(screen, Screen)
                found = [Entry(each, self._chosen(each, screen)) for each in screen.ACTIONS]
                break
        found += [Entry(each, self._chosen(each, self)) for each in APP_ACTIONS if each.name != "command_palette"]
        recent = {title: place for place, title in enumerate(self.remembered.recent)}
        return sorted(found, key=lambda entry: recent.get(entry.action.title, len(recent)))

    def _chosen(self, action: Action, on: Screen[Any] | App[Any]) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            others = [title for title in self.remembered.recent if title != action.title]
            self.remembered.recent = [action.title, *others][:MOST_RECENT]
            await on.run_action(action.name)

        return run

    # What works everywhere.

    def say(self, text: str, kind: str = "text") -> None:
        """Shows a sentence on the topmost screen that has a line for it. kind: "text", "warning" or "error"."""
        screen = next((each for each in reversed(self.screen_stack) if isinstance(each, Says)), None)
        if screen is not None:
            screen.say(text, kind)

    def action_copy(self) -> None:
        """Copies what has the focus."""
        copied = found_on(self.screen)
        if copied is None:
            self.say("there is nothing to copy here", "warning")
        else:
            self.copy_to_clipboard(copied.text)
            self.say(f"copied {copied.what}")

    def action_take_screenshot(self) -> None:
        """Writes what is on the screen into the present folder, as SVG and as text."""
        try:
            self.say(f"screenshot: {take_screenshot(self, Path.cwd())}")
        except OSError as error:
            self.say(f"no screenshot: {error.filename or Path.cwd()}: {error.strerror}", "error")

    def action_help_quit(self) -> None:
        """ctrl+c where no text is selected: it never quits."""
        self.say("ctrl+c copies selected text; ctrl+q quits")

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
        await self.session.preview.ended()
        self.readings.close()
        self.keep_habits()

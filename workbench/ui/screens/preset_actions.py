"""What can be done with presets from the main screen: open, save, save as, changes, revert, the command line."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import work
from textual.screen import Screen

from workbench.errors import PresetError, WorkbenchError
from workbench.files import short_path
from workbench.settings import library
from workbench.settings.changes import in_words, read
from workbench.settings.preset import FAMILIES, Preset
from workbench.settings.renamed import with_present_paths
from workbench.ui.panels.settings import SettingsPanel
from workbench.ui.preset_list import is_shipped

if TYPE_CHECKING:
    from workbench.runs.directory import RunDirectory
    from workbench.runs.row import RunRow
    from workbench.ui.app import WorkbenchApp

REMEMBERED_SECONDS = 2.0
"""How long the settings of a preset are taken to be those of its file, for the runs of it that are compared with it."""


class PresetActions(Screen[None]):
    """The part of the main screen that deals with presets."""

    app: WorkbenchApp

    # Given by the main screen.

    def say(self, text: str, kind: str = "text", *, while_it_holds: bool = False) -> None:
        """Says a sentence in the hint line; while_it_holds: until the run's state is another."""
        raise NotImplementedError

    def show_settings(self) -> None:
        """Shows the settings."""
        raise NotImplementedError

    @work(group="presets", exclusive=True)
    async def action_open_preset(self) -> None:
        """Opens a preset from the list."""
        from workbench.ui.dialogs.presets import PresetsDialog

        path = await self.app.push_screen_wait(PresetsDialog(self.app.draft.preset))
        if path is None:
            return
        try:
            preset = Preset.load(path)
        except PresetError as error:
            await self._tell("this preset cannot be opened", str(error))
            return
        if not await self.settle_unsaved_changes():
            return
        self._open(preset, path)
        self.say(f"opened {short_path(path)}")

    def _open(self, preset: Preset, path: Path) -> None:
        self.app.draft.open(preset, path)
        self.app.remember_preset()
        self.show_settings()

    async def _tell(self, title: str, text: str) -> None:
        from workbench.ui.dialogs.message import MessageDialog

        await self.app.push_screen_wait(MessageDialog(title, text))

    @work(group="presets", exclusive=True)
    async def action_save_preset(self) -> None:
        """Saves the preset to its file; one that is shipped is saved under another name."""
        await self._save()

    @work(group="presets", exclusive=True)
    async def action_save_preset_as(self) -> None:
        """Saves the preset under another name."""
        await self._save_as()

    async def _save(self) -> bool:
        draft = self.app.draft
        if self._is_invalid():
            return False
        if draft.path is None or is_shipped(draft.path):
            return await self._save_as()
        if problem := self._write(draft.preset, draft.path):
            self.say(f"not saved: {problem}", "error")
        return not problem

    async def _save_as(self) -> bool:
        from workbench.ui.dialogs.save_as import SaveAsDialog

        draft = self.app.draft
        if self._is_invalid():
            return False
        # Of other settings the old description would not be true.
        is_other = draft.is_changed and draft.preset.description == draft.opened.description
        description = "" if is_other else draft.preset.description
        dialog = SaveAsDialog(draft.preset, draft.preset.name, description)
        while (answer := await self.app.push_screen_wait(dialog)) is not None:
            problem = self._write(answer.preset, answer.path)
            if not problem:
                return True
            # Asked again with what was typed: another name or folder may do.
            dialog = SaveAsDialog(draft.preset, answer.preset.name, answer.preset.description, f"not saved: {problem}")
        return False

    def _is_invalid(self) -> bool:
        """Whether something that is typed is not valid yet, which then is said."""
        for path, problem in self.app.draft.problems.items():
            self.say(f"not saved: {path}: {problem}", "error")
            return True
        return False

    def _write(self, preset: Preset, path: Path) -> str:
        """Saves a preset, and says so; returns what kept it from being saved."""
        preset = preset.with_absolute_paths()
        try:
            preset.save(path)
        except WorkbenchError as error:
            return str(error)
        self._open(preset, path)
        self.say(f"saved {short_path(path)}")
        return ""

    @work(group="presets", exclusive=True)
    async def action_changes(self) -> None:
        """Shows what differs from the opened preset, to save or to take back."""
        from workbench.ui.dialogs.changes import ChangesDialog

        draft = self.app.draft
        answer = await self.app.push_screen_wait(ChangesDialog(draft.changes(), draft.opened.name))
        if answer == "save":
            await self._save()
        elif answer == "revert":
            self._revert()

    @work(group="presets", exclusive=True)
    async def action_revert(self) -> None:
        """Back to the opened preset, after asking."""
        from workbench.ui.dialogs.question import QuestionDialog

        draft = self.app.draft
        if not draft.is_changed and not draft.problems:
            self.say("nothing differs from the opened preset")
            return
        count = len(draft.changes())
        differ = "1 setting differs" if count == 1 else f"{count} settings differ"
        text = f"{differ} from {draft.opened.name}; reverting loses {'it' if count == 1 else 'them'}."
        choices = (("y", "revert"), ("n", "keep them"))
        if await self.app.push_screen_wait(QuestionDialog("revert?", text, choices, "n")) == "y":
            self._revert()

    def _revert(self) -> None:
        self.app.draft.revert()
        self.show_settings()
        self.say(f"back to {self.app.draft.opened.name} as it was opened")

    def action_command(self) -> None:
        """Shows the command that trains the same without the app."""
        from workbench.ui.dialogs.command import CommandDialog

        self.app.push_screen(CommandDialog(self.app.draft.command()))

    def action_find(self) -> None:
        """Finds a setting by name."""
        self.query_one(SettingsPanel).find()

    async def take_settings(self, run: RunDirectory) -> None:
        """Takes over a run's settings for the next run; what differs from the opened preset is marked.

        What was edited by hand is not lost without a question.
        """
        try:
            preset = Preset.of_run(run.preset)
        except WorkbenchError as error:
            self.say(str(error), "error")
            return
        if self.app.draft.is_edited and not await self.settle_unsaved_changes():
            return
        self.app.draft.take(preset)
        self.show_settings()
        changes = [(change.step, change.learning_rate) for change in preset.changes]
        rates = in_words(preset.optimizer.learning_rate, changes)
        self.say(f"settings of {run.name}" + (f", its learning rate changes too: {rates}" if rates else ""))

    async def settle_unsaved_changes(self) -> bool:
        """Asks what becomes of unsaved settings; False if the user would rather stay."""
        from workbench.ui.dialogs.quit import UnsavedDialog

        draft = self.app.draft
        if not draft.is_changed:
            return True
        answer = await self.app.push_screen_wait(UnsavedDialog(draft.preset.name, draft.changes()))
        return answer == "discard" or (answer == "save" and await self._save())


@lru_cache(maxsize=1000)
def _settings_of(name: str, _now: int) -> dict[str, Any]:
    """The settings of the preset of that name, all defaults where there is none: once for all runs of it."""
    try:
        return library.load(name).flat()
    except PresetError:
        return Preset().flat()


def differs(row: RunRow) -> str:
    """What a run's settings have that the preset of its name has not, in a line."""
    settings = _settings_of(row.preset_name, int(time.monotonic() / REMEMBERED_SECONDS))
    left_out = ("name", "description")

    def short_name(path: str) -> str:
        table, _, key = path.rpartition(".")
        return table if table in FAMILIES and key == FAMILIES[table].tag else key

    found = [
        f"{short_name(path)} {value}"
        for path, value in with_present_paths(row.settings).items()
        if path not in (*left_out, "changes") and settings.get(path) != value
    ]
    if row.settings.get("changes", ()) != settings.get("changes", ()):
        rate = row.settings.get("optimizer.learning_rate")
        told = in_words(rate if isinstance(rate, int | float) else None, read(row.settings.get("changes")))
        # First, so that a narrow column shows it: nobody looks for it in the settings.
        found.insert(0, f"learning rate {told}" if told else "no changes of the learning rate")
    return ", ".join(found)

"""Presets: open, save, save as, show changes, revert; and the settings of a run as the next ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workbench.errors import PresetError, WorkbenchError
from workbench.files import short_path
from workbench.runs.directory import RunDirectory
from workbench.settings import library
from workbench.settings.changes import in_words
from workbench.settings.preset import Preset
from workbench.ui.controllers.host import Host
from workbench.ui.form.draft import Draft
from workbench.ui.form.preset_list import is_shipped
from workbench.ui.form.transition import Transition
from workbench.ui.keys.actions import action
from workbench.ui.live.remembered import Remembered


class PresetController:
    """Opens and saves presets; edited settings are never lost without a question."""

    def __init__(self, draft: Draft, remembered: Remembered, host: Host) -> None:
        self._draft = draft
        self._remembered = remembered
        self._host = host

    def remember(self) -> None:
        """Lets the next start of the app open this preset."""
        self._remembered.remember_preset(self._draft.path)

    async def choose(self) -> None:
        """Opens a preset from the list."""
        from workbench.ui.dialogs.message import MessageDialog
        from workbench.ui.dialogs.presets import PresetsDialog

        path = await self._host.ask(PresetsDialog(self._draft.preset))
        if path is None:
            return
        try:
            preset = library.load_file(path)
        except PresetError as error:
            await self._host.ask(MessageDialog("this preset cannot be opened", str(error)))
            return
        if await self.settle_unsaved_changes():
            self._draft.open(preset, path)
            self.remember()
            self._host.show_settings()
            self._host.say(f"opened {short_path(path)}")

    def undo(self) -> None:
        """Undoes the last change of the settings, and moves to the setting."""
        self._show_transition("undone", self._draft.undo(), "there is nothing to undo")

    def redo(self) -> None:
        """Redoes the change that was undone last."""
        self._show_transition("redone", self._draft.redo(), "there is nothing to redo")

    def _show_transition(self, done: str, made: Transition | None, otherwise: str) -> None:
        if made is None:
            self._host.say(otherwise)
            return
        self.remember()  # it may have been the opening of another preset
        self._host.show_setting(made.path)
        self._host.say(f"{done}: {made.words}")

    async def save(self) -> bool:
        """Saves to the preset's file; as another preset if it has no file, is shipped, or belongs to a run.

        False if nothing was saved.
        """
        draft = self._draft
        if self._is_invalid():
            return False
        if draft.path is None or is_shipped(draft.path) or library.is_of_run(draft.path):
            return await self.save_as()
        if problem := self._write(draft.preset, draft.path):
            self._host.say(f"not saved: {problem}", "error")
        return not problem

    async def save_as(self) -> bool:
        """Asks for a name, and saves under it; False if nothing was saved."""
        draft = self._draft
        if self._is_invalid():
            return False
        # The old description may not be true of the changed settings.
        is_other = draft.is_changed and draft.preset.description == draft.opened.description
        description = "" if is_other else draft.preset.description
        return await self._save_as(draft.preset, draft.preset.name, description, self._write) is not None

    async def save_found(self, preset: Preset, suggested: str, description: str) -> str:
        """Saves settings that are not those of the form, after asking for a name; says where. The form stays."""
        path = await self._save_as(preset, suggested, description, _written)
        return f"saved {short_path(path)}" if path is not None else "not saved"

    async def _save_as(
        self, preset: Preset, suggested: str, description: str, write: Callable[[Preset, Path], str]
    ) -> Path | None:
        """Asks for a name until it is saved under one, or the user leaves; write: returns why it cannot be saved."""
        from workbench.ui.dialogs.save_as import SaveAsDialog

        dialog = SaveAsDialog(preset, suggested, description)
        while (answer := await self._host.ask(dialog)) is not None:
            problem = write(answer.preset, answer.path)
            if not problem:
                return answer.path
            # Asks again, and shows what was typed: another name or folder may work.
            dialog = SaveAsDialog(preset, answer.preset.name, answer.preset.description, f"not saved: {problem}")
        return None

    def _is_invalid(self) -> bool:
        """Whether a setting has an invalid value; if so, says which one."""
        for path, problem in self._draft.problems.items():
            self._host.say(f"not saved: {path}: {problem}", "error")
            return True
        return False

    def _write(self, preset: Preset, path: Path) -> str:
        """Saves a preset with the ranges that were typed, and says so; returns why it could not be saved."""
        draft = self._draft
        ranges, _ = draft.search()
        preset = preset.model_copy(update={"search": ranges})
        if problem := _written(preset, path):
            return problem
        draft.saved(preset.with_absolute_paths(), path)
        self.remember()
        self._host.show_settings()
        self._host.say(f"saved {short_path(path)}")
        return ""

    async def show_changes(self) -> None:
        """Shows the differences from the opened preset; the user may save or revert them."""
        from workbench.ui.dialogs.changes import ChangesDialog

        answer = await self._host.ask(ChangesDialog(self._draft.changes(), self._draft.opened.name))
        if answer == "save":
            await self.save()
        elif answer == "revert":
            self._revert()

    async def revert(self) -> None:
        """Goes back to the opened preset, after asking."""
        from workbench.ui.dialogs.question import STAY, QuestionDialog

        draft = self._draft
        if not draft.is_changed and not draft.problems:
            self._host.say("nothing differs from the opened preset")
            return
        count = len(draft.changes())
        differ = "1 setting differs" if count == 1 else f"{count} settings differ"
        text = f"{differ} from {draft.opened.name}; reverting loses {'it' if count == 1 else 'them'}."
        text += f" {action('undo').shown_key} brings {'it' if count == 1 else 'them'} back."
        choices = (("revert", "revert"), (STAY, "keep them"))
        if await self._host.ask(QuestionDialog("revert?", text, choices, STAY, "revert")) == "revert":
            self._revert()

    def _revert(self) -> None:
        self._draft.revert()
        self._host.show_settings()
        self._host.say(f"back to {self._draft.opened.name} as it was opened")

    def show_command(self) -> None:
        """Shows the command that trains these settings without the app."""
        from workbench.ui.dialogs.command import CommandDialog

        self._host.open(CommandDialog(self._draft.command()))

    async def take_settings(self, run: RunDirectory) -> None:
        """Takes a run's settings for the next run; those that differ from the opened preset are marked."""
        try:
            preset = Preset.of_run(run.preset)
        except WorkbenchError as error:
            self._host.say(str(error), "error")
            return
        if not await self.take(preset):
            return
        changes = [(change.step, change.learning_rate) for change in preset.changes]
        rates = in_words(preset.optimizer.learning_rate, changes)
        self._host.say(f"settings of {run.name}" + (f", its learning rate changes too: {rates}" if rates else ""))

    async def take(self, preset: Preset) -> bool:
        """Takes settings for the next run; False if the user would rather keep editing the present ones."""
        if self._draft.is_edited and not await self.settle_unsaved_changes():
            return False
        self._draft.take(preset)
        self._host.show_settings()
        return True

    async def settle_unsaved_changes(self) -> bool:
        """Asks whether to save or discard unsaved settings; False if the user would rather keep editing."""
        from workbench.ui.dialogs.quit import UnsavedDialog

        draft = self._draft
        if not draft.is_changed:
            return True
        answer = await self._host.ask(UnsavedDialog(draft.preset.name, draft.changes()))
        return answer == "discard" or (answer == "save" and await self.save())


def _written(preset: Preset, path: Path) -> str:
    """Saves a preset; returns why it could not be saved."""
    try:
        preset.with_absolute_paths().save(path)
    except WorkbenchError as error:
        return str(error)
    return ""

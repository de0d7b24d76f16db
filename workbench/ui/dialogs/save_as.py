"""Saving a preset under a name."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, Static

from workbench.errors import PresetError, StorageError
from workbench.files import short_path
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.ui.dialogs.dialog import Dialog, plain
from workbench.ui.form.preset_list import is_shipped


@dataclass(frozen=True)
class SaveAs:
    """The preset to write, and its path."""

    path: Path
    preset: Preset


class SaveAsDialog(Dialog[SaveAs]):
    """Dismisses with the preset to write; writes nothing itself. A shipped preset is never replaced."""

    title_text = "save the preset as"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "save", "save", show=True),
        Binding("ctrl+f", "other_folder", "other folder", show=True, priority=True),
    ]

    def __init__(self, preset: Preset, suggested: str, description: str | None = None, failure: str = "") -> None:
        """suggested: the name at first; description: the description at first, by default the preset's own.

        failure: why saving under these failed a moment ago.
        """
        super().__init__()
        self._failure = failure
        self._description = preset.description if description is None else description
        self._preset = preset
        self._suggested = suggested
        own = Path("presets").absolute()
        self._folders: list[Path] = []
        with suppress(StorageError):
            self._folders.append(library.user_folder())
        if not self._folders or (own.is_dir() and not is_shipped(own / "any.toml")):
            self._folders.insert(0, own)
        self._folder = 0
        self._confirmed: Path | None = None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers another folder if there is one."""
        return action != "other_folder" or len(self._folders) > 1

    def body(self) -> Iterable[Widget]:
        yield plain("name", classes="dim")
        yield Input(self._suggested, id="name")
        yield plain("description", classes="dim")
        yield Input(self._description, placeholder="what it is for", id="description")
        yield plain("", id="where", classes="dim")
        yield plain("", id="problem", classes="warning")

    def on_mount(self) -> None:
        super().on_mount()
        self._check()

    @on(Input.Changed)
    def _check(self) -> None:
        self._confirmed = None
        preset, problem = self._named()
        self.query_one("#where", Static).update(f"file: {short_path(self._path())}" if preset is not None else "")
        if preset is not None and self._path().exists():
            problem = "a preset of that name exists: enter asks once more, then replaces it"
        if self._failure and not self._has_typed:
            problem = self._failure
        self.query_one("#problem", Static).update(problem)

    @property
    def _has_typed(self) -> bool:
        name, description = (self.query_one(f"#{id}", Input).value for id in ("name", "description"))
        return (name, description) != (self._suggested, self._description) or self._folder != 0

    def _named(self) -> tuple[Preset | None, str]:
        """The preset under its new name, or what is wrong with the name."""
        name = self.query_one("#name", Input).value.strip()
        description = self.query_one("#description", Input).value
        mapping = self._preset.to_mapping() | {"name": name, "description": description}
        try:
            return Preset.from_mapping(mapping, name or "the name"), ""
        except PresetError as error:
            return None, str(error).partition(": ")[2] or str(error)

    def _path(self) -> Path:
        name = self.query_one("#name", Input).value.strip()
        return self._folders[self._folder] / f"{name}{library.SUFFIX}"

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_save()

    def action_save(self) -> None:
        """Dismisses with the preset; replaces an existing file only after a second enter."""
        preset, _ = self._named()
        if preset is None:
            return
        path = self._path()
        if path.exists() and self._confirmed != path:
            self._confirmed = path
            self.query_one("#problem", Static).update(f"{path.name} already exists: enter again replaces it")
            return
        self.dismiss(SaveAs(path, preset))

    def action_other_folder(self) -> None:
        """Switches to the next folder for presets."""
        self._folder = (self._folder + 1) % len(self._folders)
        self._check()

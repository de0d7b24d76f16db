"""The presets that can be opened, each with its folder; broken ones with their fault."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import PresetError, StorageError
from workbench.files import is_file
from workbench.settings import library
from workbench.settings.preset import Preset


@dataclass(frozen=True)
class PresetEntry:
    """A preset file."""

    name: str
    """The file's name without its suffix, as on the command line."""
    where: str
    """shipped, yours, or ./presets."""
    path: Path
    preset: Preset | None
    """None if it is broken."""
    problem: str = ""
    """The fault of a broken one."""
    shadowed: bool = False
    """Whether a preset of the same name is in a folder that is searched earlier."""

    @property
    def description(self) -> str:
        """What it is for."""
        return self.preset.description if self.preset is not None else "broken: see below"


def list_presets() -> list[PresetEntry]:
    """All presets, in the order in which their folders are searched."""
    entries: list[PresetEntry] = []
    seen_folders: set[Path] = set()
    for folder in library.folders():
        if folder.resolve() in seen_folders:
            continue  # in a checkout, ./presets is the shipped folder
        seen_folders.add(folder.resolve())
        for path in sorted(folder.glob(f"*{library.SUFFIX}"), key=lambda path: path.stem):
            if not is_file(path):
                continue
            shadowed = any(entry.name == path.stem for entry in entries)
            entries.append(_entry(path, where(path), shadowed))
    return entries


def where(path: Path) -> str:
    """The folder of a preset, in words."""
    folder = path.resolve().parent
    if is_shipped(path):
        return "shipped"
    with suppress(StorageError):
        if folder == library.user_folder().resolve():
            return "yours"
    return "./presets" if folder == Path("presets").resolve() else str(path.parent)


def is_shipped(path: Path) -> bool:
    """Whether a preset comes with workbench: such a preset is never overwritten."""
    return path.resolve().parent == library.shipped_folder().resolve()


def _entry(path: Path, place: str, shadowed: bool) -> PresetEntry:
    try:
        return PresetEntry(path.stem, place, path, Preset.load(path), shadowed=shadowed)
    except PresetError as error:
        return PresetEntry(path.stem, place, path, None, str(error), shadowed)

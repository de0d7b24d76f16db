"""Finds presets: by path, in ./presets, in the user's preset folder, and among those shipped with workbench."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import files
from workbench.errors import PresetError, StorageError, UsageError
from workbench.files import expanded, is_file
from workbench.runs.directory import RunDirectory
from workbench.suggestion import nearest

if TYPE_CHECKING:
    from workbench.settings.preset import Preset  # takes 0.2 s, too slow for shell completion

SUFFIX = ".toml"


def user_folder() -> Path:
    """The folder for `--save-as`. Raises StorageError if the user has no home folder."""
    return files.user_folder("config") / "presets"


def shipped_folder() -> Path:
    """The folder of presets that come with workbench: in the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "presets"
    return installed if installed.is_dir() else package.parent / "presets"


def folders() -> list[Path]:
    """The search path of presets; the first folder with a file of that name wins."""
    found = [Path("presets").absolute(), shipped_folder()]
    with suppress(StorageError):
        found.insert(1, user_folder())
    return found


def find(name_or_path: str, commands: Iterable[str] = ()) -> Path:
    """The file of a preset given as a path, `fast.toml` or `fast`. Raises PresetError with the nearest name.

    commands: other words that could stand in its place, of which one may be the nearest.
    """
    commands = tuple(commands)
    path = expanded(name_or_path)
    if is_file(path):
        return path
    if path.parent == Path() and path.name:
        file_name = path.name if path.suffix == SUFFIX else path.name + SUFFIX
        for folder in folders():
            if is_file(folder / file_name):
                return folder / file_name
        kinds = "preset or command" if commands else "preset"
        raise PresetError(f"there is no {kinds} {name_or_path!r}{nearest(path.stem, [*commands, *names()])}")
    with suppress(OSError, ValueError):  # what is too long, or holds a NUL, is no folder either
        if path.is_dir():
            raise PresetError(f"{path} is a folder; a preset is a .toml file")
        if path.exists():
            raise PresetError(f"{path} is not a plain file; a preset is a .toml file")
    raise PresetError(f"there is no file {path}")


def load(name_or_path: str) -> Preset:
    """Loads the preset with that name or path. Raises PresetError."""
    return load_file(find(name_or_path))


def load_file(path: Path) -> Preset:
    """Loads the preset in a file; in a run's directory, as the preset of that run. Raises PresetError."""
    from workbench.settings.preset import Preset

    return Preset.of_run(path) if is_of_run(path) else Preset.load(path)


def is_of_run(path: Path) -> bool:
    """Whether the file is the preset of a run, which the app never overwrites."""
    run = RunDirectory(path.parent)
    return path.name == run.preset.name and (is_file(run.events) or is_file(run.process))


def names() -> list[str]:
    """The names of all presets that `find` knows, sorted."""
    return sorted({file.stem for folder in folders() for file in folder.glob(f"*{SUFFIX}") if is_file(file)})


def add_preset(preset: Preset, name: str) -> Path:
    """Saves a preset under a new name in the user's folder; returns its file. Raises UsageError, StorageError."""
    from workbench.settings.preset import Preset

    path = new_preset_file(name)
    mapping = preset.with_absolute_paths().to_mapping() | {"name": path.name.removesuffix(SUFFIX)}
    Preset.from_mapping(mapping, "--save-as").save(path)
    return path


def new_preset_file(name: str) -> Path:
    """The file of a new preset in the user's folder. Raises UsageError where there is one, or the name is none."""
    from workbench.settings.preset import Preset

    named = Preset.from_mapping({"name": name.removesuffix(SUFFIX)}, "--save-as")
    path = user_folder() / f"{named.name}{SUFFIX}"
    if path.exists():
        raise UsageError(f"{path} is there already; choose another name, or remove it first")
    return path

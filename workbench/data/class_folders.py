"""Finds the files of a folder that holds one folder per class, with their classes and splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from workbench.data.file_kinds import KINDS, FileKind
from workbench.data.words import few
from workbench.errors import DataError
from workbench.units import counted

SPLIT_NAMES = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Names of a split's folder, in upper or lower case, and the split that each stands for."""


@dataclass(frozen=True)
class ClassFiles:
    """The files of a split, sorted by class and name, and the class number of each."""

    paths: list[Path]
    targets: list[int]
    names: list[str]
    """The path of each below the folder of its class, with / between folders."""

    @property
    def origin(self) -> Callable[[int], str]:
        """Says which file the one of a number is: its folder and name."""
        names = [f"{path.parent.name}/{path.name}" for path in self.paths]
        return names.__getitem__


@dataclass(frozen=True)
class Layout:
    """The files by split: "train" always, "validation" and "test" if they exist."""

    classes: tuple[str, ...]
    splits: dict[str, ClassFiles]
    notes: tuple[str, ...]

    @property
    def origins(self) -> dict[str, Callable[[int], str]]:
        """By split, see `ClassFiles.origin`."""
        return {name: files.origin for name, files in self.splits.items()}


@dataclass
class _LeftOut:
    """Files that are left out, and those of the kind in nested folders, which are not."""

    kind: FileKind
    others: Counter[str] = field(default_factory=Counter)
    """Files of another kind, by suffix."""
    broken_links: list[Path] = field(default_factory=list)
    """Links whose target is missing."""
    nested: Counter[Path] = field(default_factory=Counter)
    """Number of files of the kind in each folder below the folder of a class."""
    outside: list[Path] = field(default_factory=list)
    """Files of the kind that are not in the folder of a class."""

    def notes(self) -> list[str]:
        """Notes for the user."""
        notes, noun = [], self.kind.noun
        if self.nested:
            folders = few([str(folder) for folder in sorted(self.nested)])
            notes.append(f"found {counted(self.nested.total(), noun)} in folders below those of classes: {folders}")
        if self.others:
            kinds = _counted(self.others)
            count = counted(self.others.total(), "file")
            notes.append(f"left out {count}, not {self.kind.one} or not readable: {kinds}")
        if self.outside:
            outside = few([str(file) for file in self.outside])
            notes.append(f"left out {counted(len(self.outside), noun)} outside the folders of classes: {outside}")
        if self.broken_links:
            links = few([str(link) for link in self.broken_links])
            notes.append(f"left out {counted(len(self.broken_links), 'broken link')}: {links}")
        return notes


def find_files(folder: Path, kind: FileKind, *, has_groups: bool = False) -> Layout:
    """Finds the files of a kind in FOLDER/<class>/ or FOLDER/{train,validation,test}/<class>/; ignores hidden files.

    Folders below the folder of a class belong to that class. A validation or test split may lack classes of the
    training split, but not have others. has_groups: whether folders below those of classes are known to be groups, such
    as speakers; where all hold the same folders it is an error otherwise. Raises DataError unless there are two classes
    or more, each with training files.
    """
    if not folder.is_dir():
        reason = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"{str(folder)!r} {reason}; data.folder must name one")
    places, others = _places(folder)
    classes = _classes(places["train"], kind, has_groups=has_groups)
    left_out = _LeftOut(kind)
    for place in dict.fromkeys((folder, *places.values())):
        entries = _visible(place)
        left_out.broken_links += [entry for entry in entries if _is_broken_link(entry)]
        left_out.outside += [entry for entry in entries if entry.is_file() and kind.matches(entry)]
    splits = {split: _files(place, classes, left_out) for split, place in places.items()}
    notes = [f"left out {str(folder / name)!r}: it is neither train, validation nor test" for name in others]
    for split, files in splits.items():
        notes += _missing_classes(split, places[split], files, classes, kind)
    return Layout(classes, splits, tuple(notes + left_out.notes()))


def _places(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Returns the folder of each split, and the names of other folders beside them."""
    names = [entry.name for entry in _folders(folder)]
    split_of = {name: SPLIT_NAMES.get(name.lower()) for name in names}
    # A class may be called "train" or "test": such folders are splits only if they contain folders.
    if not any(split == "train" and _folders(folder / name) for name, split in split_of.items()):
        if names and all(split not in (None, "train") for split in split_of.values()):
            raise DataError(f"{str(folder)!r} has the folders {few(names)}, but no train/<class>")
        return {"train": folder}, []
    places: dict[str, Path] = {}
    for name, split in split_of.items():
        if split in places:
            raise DataError(f"{str(folder)!r} has both {places[split].name!r} and {name!r}; keep one of them")
        if split is not None:
            places[split] = folder / name
    return places, [name for name, split in split_of.items() if split is None]


def _classes(place: Path, kind: FileKind, *, has_groups: bool) -> tuple[str, ...]:
    folders = _folders(place)
    expected = f"{str(place)!r}/<class>/{kind.examples}, with at least two classes"
    if len(folders) == 1:
        raise DataError(f"{str(place)!r} has a single class, {folders[0].name!r}; expected {expected}")
    if not folders:
        files = sum(map(kind.matches, place.iterdir()))
        beside = f" ({counted(files, kind.noun)} {'lies' if files == 1 else 'lie'} directly in it)" if files else ""
        raise DataError(f"{str(place)!r} has no folders{beside}; expected {expected}")
    below = [[entry.name for entry in _folders(entry)] for entry in folders]
    has_files = any(kind.matches(entry) for folder in folders for entry in _visible(folder))
    if not has_groups and not has_files and len(below[0]) > 1 and all(names == below[0] for names in below):
        raise DataError(
            f"{str(place)!r} holds {few([entry.name for entry in folders])}, and each of them {few(below[0])}: "
            "which are the classes? Splits must be called train, validation (or val) and test, and classes lie in "
            f"them; expected {expected}{kind.group_hint}"
        )
    return tuple(entry.name for entry in folders)


def _files(place: Path, classes: tuple[str, ...], left_out: _LeftOut) -> ClassFiles:
    """Finds the files of a split. Raises DataError if it has an unknown class, or no files at all."""
    unknown = [entry.name for entry in _folders(place) if entry.name not in classes]
    if unknown:
        raise DataError(f"{str(place)!r} has classes that the training folder does not have: {few(unknown)}")
    files = ClassFiles([], [], [])
    for target, name in enumerate(classes):
        found = _below(place / name, (), left_out) if (place / name).is_dir() else []
        files.paths.extend(found)
        files.targets.extend([target] * len(found))
        files.names.extend(path.relative_to(place / name).as_posix() for path in found)
    if not files.paths:
        kind = left_out.kind
        other = _other_kind([entry for name in classes for entry in _entries(place / name)], kind)
        raise DataError(f"{str(place)!r} has no {kind.noun}s; expected {kind.examples}, in one folder per class{other}")
    return files


def _missing_classes(split: str, place: Path, files: ClassFiles, classes: tuple[str, ...], kind: FileKind) -> list[str]:
    """Returns a note on classes without files. Raises DataError if the training split lacks one."""
    missing = [name for target, name in enumerate(classes) if target not in set(files.targets)]
    if missing and split == "train":
        there = [entry for entry in _visible(place / missing[0]) if entry.is_file()]
        kinds = f" but {_counted(Counter(entry.suffix.lower() for entry in there))}" if there else ""
        raise DataError(
            f"{str(place / missing[0])!r} has no {kind.noun}s{kinds}; expected {kind.examples}"
            + _other_kind(there, kind)
        )
    return [f"the {split} split has no {kind.noun}s of {few(missing)}"] if missing else []


def _other_kind(files: list[Path], kind: FileKind) -> str:
    """Names the data source for files of another kind than was asked for; empty if none are."""
    for other in KINDS:
        if other is not kind and any(map(other.matches, files)):
            return f'. It holds {other.noun}s, which data.name = "{other.source}" reads'
    return ""


def _below(folder: Path, parents: tuple[Path, ...], left_out: _LeftOut) -> list[Path]:
    """Finds the files of the kind in a folder and below it, sorted by name.

    parents: the folders from the class's down to it.
    """
    files: list[Path] = []
    entries = _visible(folder)
    for entry in entries:
        if entry.is_file():
            if left_out.kind.matches(entry):
                files.append(entry)
            else:
                left_out.others[entry.suffix.lower()] += 1
        elif _is_broken_link(entry):
            left_out.broken_links.append(entry)
        elif not entry.is_dir():
            left_out.others[entry.suffix.lower()] += 1
    if parents and files:
        left_out.nested[folder] += len(files)
    here = (*parents, folder.resolve())
    for entry in entries:
        # A link may point to a parent folder.
        if entry.is_dir() and entry.resolve() not in here:
            files += _below(entry, here, left_out)
    return files


def _is_broken_link(entry: Path) -> bool:
    return entry.is_symlink() and not entry.exists()


def _counted(kinds: Counter[str]) -> str:
    """The most frequent suffixes, each with its number of files."""
    return ", ".join(
        f"{count} {suffix!r}" if suffix else f"{count} without a suffix" for suffix, count in kinds.most_common(5)
    )


def _folders(place: Path) -> list[Path]:
    return [entry for entry in _visible(place) if entry.is_dir()]


def _entries(folder: Path) -> list[Path]:
    return _visible(folder) if folder.is_dir() else []


def _visible(place: Path) -> list[Path]:
    try:
        return sorted(entry for entry in place.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"cannot read {str(place)!r}: {error.strerror}") from error

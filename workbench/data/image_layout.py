"""Which images a folder holds, in which classes and splits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench.errors import DataError

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff"}

SPLIT_NAMES = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}
"""What a split's folder may be called, and which split it is."""


@dataclass(frozen=True)
class ImageFiles:
    """The files of a split, sorted by class and name, and the number of each one's class."""

    paths: list[Path]
    targets: list[int]


@dataclass(frozen=True)
class Layout:
    """What was found: files by split ("train" always, perhaps "validation" and "test")."""

    classes: tuple[str, ...]
    splits: dict[str, ImageFiles]
    notes: tuple[str, ...]


def find_images(folder: Path) -> Layout:
    """Looks through FOLDER/<class>/ or FOLDER/{train,validation,test}/<class>/; hidden files are ignored.

    Raises DataError where that does not make at least two classes, each with images, the same in all splits.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is {'not a folder' if folder.exists() else 'not there'}; data.folder must name one")
    names = [entry.name for entry in _folders(folder)]
    by_split: dict[str, Path] = {}
    others: list[str] = []
    # A class may well be called "train" or "test": they are splits if folders are in them.
    if "train" in names and _folders(folder / "train"):
        for name in names:
            split = SPLIT_NAMES.get(name)
            if split is None:
                others.append(name)
            elif split in by_split:
                raise DataError(f"{folder} has both {by_split[split].name} and {name}; keep one of them")
            else:
                by_split[split] = folder / name
    elif names and set(names) <= set(SPLIT_NAMES) - {"train"}:
        raise DataError(f"{folder} has the folders {', '.join(names)}, but no train/<class>")
    else:
        by_split["train"] = folder

    classes = _classes(by_split["train"])
    splits, ignored = {}, 0
    for split, place in by_split.items():
        if split != "train":
            _check_same_classes(place, classes)
        splits[split], not_images = _files(place, classes)
        ignored += not_images
    notes = [f"left out {folder / name}: it is neither train, validation nor test" for name in others]
    if ignored:
        notes.append(f"left out {ignored} files that are not images ({', '.join(sorted(SUFFIXES))})")
    return Layout(classes, splits, tuple(notes))


def _classes(place: Path) -> tuple[str, ...]:
    classes = tuple(entry.name for entry in _folders(place))
    if len(classes) >= 2:
        return classes
    expected = f"{place}/<class>/*.png, or .jpg and so on, with at least two classes"
    if classes:
        raise DataError(f"{place} has a single class, {classes[0]}; expected {expected}")
    images = sum(entry.suffix.lower() in SUFFIXES for entry in place.iterdir())
    beside = f" ({images} images lie in it directly)" if images else ""
    raise DataError(f"{place} has no folders{beside}; expected {expected}")


def _check_same_classes(place: Path, classes: tuple[str, ...]) -> None:
    found = {entry.name for entry in _folders(place)}
    missing, unknown = sorted(set(classes) - found), sorted(found - set(classes))
    if missing or unknown:
        problems = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"also has {', '.join(unknown)}"] * bool(unknown)
        raise DataError(f"{place} must have the same classes as the train folder, but {' and '.join(problems)}")


def _files(place: Path, classes: tuple[str, ...]) -> tuple[ImageFiles, int]:
    """The images of a split, and the number of files beside them that are none."""
    files, ignored = ImageFiles([], []), 0
    for target, name in enumerate(classes):
        entries = [entry for entry in _visible(place / name) if entry.is_file()]
        images = [entry for entry in entries if entry.suffix.lower() in SUFFIXES]
        if not images:
            deeper = "; images in folders below it are not read" if _folders(place / name) else ""
            raise DataError(f"{place / name} has no images ({', '.join(sorted(SUFFIXES))}){deeper}")
        files.paths.extend(images)
        files.targets.extend([target] * len(images))
        ignored += len(entries) - len(images)
    return files, ignored


def _folders(place: Path) -> list[Path]:
    return [entry for entry in _visible(place) if entry.is_dir()]


def _visible(place: Path) -> list[Path]:
    try:
        return sorted(entry for entry in place.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"cannot read {place}: {error.strerror}") from error

"""Which images a folder holds, in which classes and splits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from workbench.data.image_formats import is_image
from workbench.data.words import few
from workbench.errors import DataError

SPLIT_NAMES = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What a split's folder may be called, in any case of letters, and which split it is."""

EXPECTED = "*.png, or .jpg, .tif, .pgm and so on"


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


@dataclass
class _LeftOut:
    """What lies beside the images, and where images lie deeper than is usual."""

    others: Counter[str] = field(default_factory=Counter)
    """Files that are no images, by what their names end in."""
    dead: list[Path] = field(default_factory=list)
    """Links that lead nowhere."""
    deeper: Counter[Path] = field(default_factory=Counter)
    """Images in folders below a class's, by folder."""
    loose: list[Path] = field(default_factory=list)
    """Images that lie beside the folders of classes or splits."""

    def notes(self) -> list[str]:
        """What the user should know of it."""
        notes = []
        if self.deeper:
            folders = few([str(folder) for folder in sorted(self.deeper)])
            notes.append(f"{_number(self.deeper.total(), 'image')} found in folders below those of classes: {folders}")
        if self.others:
            kinds = _counted(self.others)
            notes.append(f"left out {_number(self.others.total(), 'file')}, not an image or not readable: {kinds}")
        if self.loose:
            images = few([str(image) for image in self.loose])
            notes.append(f"left out {_number(len(self.loose), 'image')} outside the folders of classes: {images}")
        if self.dead:
            notes.append(f"left out {_number(len(self.dead), 'broken link')}: {few([str(link) for link in self.dead])}")
        return notes


def find_images(folder: Path) -> Layout:
    """Looks through FOLDER/<class>/ or FOLDER/{train,validation,test}/<class>/; hidden files are ignored.

    Folders below a class's belong to that class. A validation or test split may lack classes, but not have others.
    Raises DataError where that does not make at least two classes, each with images to train on.
    """
    if not folder.is_dir():
        reason = "not a folder" if folder.exists() else "not there"
        raise DataError(f"{str(folder)!r} is {reason}; data.folder must name one")
    places, others = _places(folder)
    classes = _classes(places["train"])
    left_out = _LeftOut()
    for place in dict.fromkeys((folder, *places.values())):
        entries = _visible(place)
        left_out.dead += [entry for entry in entries if _is_dead(entry)]
        left_out.loose += [entry for entry in entries if entry.is_file() and is_image(entry)]
    splits = {split: _files(place, classes, left_out) for split, place in places.items()}
    notes = [f"left out {str(folder / name)!r}: it is neither train, validation nor test" for name in others]
    for split, files in splits.items():
        notes += _lacking(split, places[split], files, classes)
    return Layout(classes, splits, tuple(notes + left_out.notes()))


def _places(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """The folder of each split, and the names of folders beside them."""
    names = [entry.name for entry in _folders(folder)]
    split_of = {name: SPLIT_NAMES.get(name.lower()) for name in names}
    # A class may well be called "train" or "test": they are splits if folders are in them.
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


def _classes(place: Path) -> tuple[str, ...]:
    folders = _folders(place)
    expected = f"{str(place)!r}/<class>/{EXPECTED}, with at least two classes"
    if len(folders) == 1:
        raise DataError(f"{str(place)!r} has a single class, {folders[0].name!r}; expected {expected}")
    if not folders:
        images = sum(map(is_image, place.iterdir()))
        beside = f" ({_number(images, 'image')} {'lies' if images == 1 else 'lie'} directly in it)" if images else ""
        raise DataError(f"{str(place)!r} has no folders{beside}; expected {expected}")
    below = [[entry.name for entry in _folders(entry)] for entry in folders]
    has_images = any(is_image(entry) for folder in folders for entry in _visible(folder))
    if not has_images and len(below[0]) > 1 and all(names == below[0] for names in below):
        raise DataError(
            f"{str(place)!r} holds {few([entry.name for entry in folders])}, and each of them {few(below[0])}: "
            "which are the classes? Splits must be called train, validation (or val) and test, and classes lie in "
            f"them; expected {expected}"
        )
    return tuple(entry.name for entry in folders)


def _files(place: Path, classes: tuple[str, ...], left_out: _LeftOut) -> ImageFiles:
    """The images of a split. Raises DataError where it has a class that is none of these, or no images at all."""
    unknown = [entry.name for entry in _folders(place) if entry.name not in classes]
    if unknown:
        raise DataError(f"{str(place)!r} has classes that the training folder does not have: {few(unknown)}")
    files = ImageFiles([], [])
    for target, name in enumerate(classes):
        images = _images(place / name, (), left_out) if (place / name).is_dir() else []
        files.paths.extend(images)
        files.targets.extend([target] * len(images))
    if not files.paths:
        raise DataError(f"{str(place)!r} has no images; expected {EXPECTED}, in a folder a class")
    return files


def _lacking(split: str, place: Path, files: ImageFiles, classes: tuple[str, ...]) -> list[str]:
    """What to say of classes without images. Raises DataError where there is nothing to train on."""
    lacking = [name for target, name in enumerate(classes) if target not in set(files.targets)]
    if lacking and split == "train":
        there = Counter(entry.suffix.lower() for entry in _visible(place / lacking[0]) if entry.is_file())
        kinds = f" but {_counted(there)}" if there else ""
        raise DataError(f"{str(place / lacking[0])!r} has no images{kinds}; expected {EXPECTED}")
    return [f"the {split} split has no images of {few(lacking)}"] if lacking else []


def _images(folder: Path, above: tuple[Path, ...], left_out: _LeftOut) -> list[Path]:
    """The images in a folder and those below it, by name. above: the folders that it is in, up to the class's."""
    images: list[Path] = []
    entries = _visible(folder)
    for entry in entries:
        if entry.is_file():
            if is_image(entry):
                images.append(entry)
            else:
                left_out.others[entry.suffix.lower()] += 1
        elif _is_dead(entry):
            left_out.dead.append(entry)
        elif not entry.is_dir():
            left_out.others[entry.suffix.lower()] += 1
    if above and images:
        left_out.deeper[folder] += len(images)
    here = (*above, folder.resolve())
    for entry in entries:
        # A link may lead back to where it is.
        if entry.is_dir() and entry.resolve() not in here:
            images += _images(entry, here, left_out)
    return images


def _is_dead(entry: Path) -> bool:
    return entry.is_symlink() and not entry.exists()


def _counted(kinds: Counter[str]) -> str:
    """The most frequent endings of files, with how many have them."""
    return ", ".join(
        f"{count} {suffix!r}" if suffix else f"{count} without an ending" for suffix, count in kinds.most_common(5)
    )


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _folders(place: Path) -> list[Path]:
    return [entry for entry in _visible(place) if entry.is_dir()]


def _visible(place: Path) -> list[Path]:
    try:
        return sorted(entry for entry in place.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(f"cannot read {str(place)!r}: {error.strerror}") from error

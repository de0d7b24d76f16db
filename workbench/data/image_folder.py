"""Reads images from folders, one folder per class."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from workbench.data.class_folders import ClassFiles, find_files
from workbench.data.file_kinds import IMAGES
from workbench.data.image_file import THREADS, image_size, read_image
from workbench.data.image_range import GreyRange, grey_range
from workbench.data.progress import Meter, Report
from workbench.data.readers.images import ImageReader
from workbench.data.samples import InMemory, Lazy, Samples, Split, Task
from workbench.errors import DataError


def image_folder(
    folder: Path, size: int, channels: int, memory_limit_bytes: int, report: Report, white: int | None = None
) -> Samples:
    """Reads FOLDER/<class>/ or FOLDER/{train,validation,test}/<class>/ as uint8 (n, channels, height, width).

    size: side in pixels of the square that images are resized (the shorter side) and center-cropped to; 0 keeps their
    size, which must then be the same for all. channels: 1 for greyscale, 3 for RGB. memory_limit_bytes: images that
    need more when decoded are read lazily while training. report: receives the progress of reading. white: the value
    that becomes 255 in images of more than eight bits; None finds it, see `image_range`.

    Raises DataError if the folders are not classes, a file is broken, or sizes differ.
    """
    layout = find_files(folder, IMAGES)
    paths = [path for files in layout.splits.values() for path in files.paths]
    greys = grey_range(paths, report) if white is None else GreyRange(white)
    height, width = (size, size) if size else image_size(layout.splits["train"].paths[0])
    count = sum(len(files.paths) for files in layout.splits.values())
    in_memory = count * channels * height * width <= memory_limit_bytes

    splits: dict[str, Split] = {}
    meter = Meter(report, "reading images", count, "images")
    for name, files in layout.splits.items():
        images = _Images(files, size, channels, (height, width), greys.white)
        targets = torch.tensor(files.targets, dtype=torch.int64)
        if in_memory:
            splits[name] = InMemory(_decode(images, meter), targets)
        else:
            if size == 0:
                _check_sizes(images, meter)
            splits[name] = Lazy(images, targets)
    meter.finish()
    return Samples(
        splits["train"],
        Task("classification", len(layout.classes), classes=layout.classes),
        validation=splits.get("validation"),
        test=splits.get("test"),
        notes=layout.notes + greys.notes,
        origins=layout.origins,
        reader=ImageReader((channels, height, width), size, greys.white),
    )


@dataclass(frozen=True)
class _Images:
    """A map-style dataset that decodes the images of a split; picklable for a DataLoader's workers."""

    files: ClassFiles
    size: int
    channels: int
    expected: tuple[int, int]
    """Height and width of all images."""
    white: int
    """The value that becomes 255 in images of more than eight bits."""

    def __len__(self) -> int:
        return len(self.files.paths)

    @property
    def names(self) -> list[str]:
        """The names of the files, each with the folder of its class."""
        return [f"{path.parent.name}/{path.name}" for path in self.files.paths]

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        path = self.files.paths[index]
        image = read_image(path, self.size, self.channels, self.white)
        self.check_size(path, (image.shape[1], image.shape[2]))
        return image, torch.tensor(self.files.targets[index], dtype=torch.int64)

    def check_size(self, path: Path, found: tuple[int, int]) -> None:
        """Raises DataError if an image has another height or width than the first."""
        if found != self.expected:
            raise DataError(
                f"{str(path)!r} has {found[1]} × {found[0]} pixels, but the first image has {self.expected[1]} × "
                f"{self.expected[0]}; data.size = {min(self.expected)} resizes and crops all of them to one square"
            )


def _decode(images: _Images, meter: Meter) -> Tensor:
    """Decodes all images in several threads."""
    decoded = torch.empty(len(images), images.channels, *images.expected, dtype=torch.uint8)

    def decode(index: int) -> None:
        decoded[index] = images[index][0]

    with ThreadPoolExecutor(THREADS) as pool:
        # In order, so that the error always names the first of several broken files.
        for _ in pool.map(decode, range(len(images))):
            meter.add(1)
    return decoded


def _check_sizes(images: _Images, meter: Meter) -> None:
    """Checks the sizes by the headers, so that an error comes now and not during the first epoch."""
    for path in images.files.paths:
        images.check_size(path, image_size(path))
        meter.add(1)

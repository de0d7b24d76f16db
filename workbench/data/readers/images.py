"""Reads new images: files, folders of them, and arrays of pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from workbench.data.file_kinds import IMAGES
from workbench.data.image_file import THREADS, WHITE, Depth, pixel_depth, read_image
from workbench.data.inputs import Inputs
from workbench.data.readers.arrays import ArrayReader, ArraySample, is_arrays
from workbench.data.readers.reader import Reader
from workbench.data.readers.source import Place, Source, files_of
from workbench.errors import DataError

DEEP = (Depth.GREY_16, Depth.GREY_32, Depth.GREY_SCALED)
"""Grey values of more than eight bits, of which one is white."""


class ImageReader(Reader[Path | ArraySample]):
    """Reads images as uint8 (n, channels, height, width), resized and cropped where the training images were."""

    name: ClassVar[str] = "images"

    def __init__(
        self, shape: Sequence[int], size: int = 0, white: int | None = WHITE, channels_last: bool = False
    ) -> None:
        """shape: (channels, height, width) of an image; size: see `image_file.read_image`.

        white: the value that becomes 255 in images of more than eight bits; None where it is not known.
        """
        self.shape = tuple(map(int, shape))
        self.size = size
        self.white = white
        self._arrays = ArrayReader({"shape": list(self.shape), "type": "uint8"}, channels_last)

    def arguments(self) -> dict[str, Any]:
        last = self._arrays.channels_last
        return {"shape": list(self.shape), "size": self.size, "white": self.white, "channels_last": last}

    @property
    def takes(self) -> str:
        channels, height, width = self.shape
        size = "" if self.size else f" of {width} × {height} pixels"
        return f"{'grey' if channels == 1 else 'colour'} images{size} ({IMAGES.examples}), or {self._arrays.takes}"

    def items(self, source: Source) -> Iterator[tuple[Place, Path | ArraySample]]:
        if not source.is_stdin and is_arrays(source.path):
            return self._arrays.items(source)
        return iter(files_of(source, IMAGES))

    def make(self, items: Sequence[Path | ArraySample]) -> Inputs:
        if arrays := [item for item in items if isinstance(item, ArraySample)]:
            return self._arrays.make(arrays)
        with ThreadPoolExecutor(THREADS) as pool:
            # In order, so that the error always names the first of several broken files.
            return torch.stack(list(pool.map(self._image, [item for item in items if isinstance(item, Path)])))

    def _image(self, path: Path) -> Tensor:
        if self.white is None and pixel_depth(path) in DEEP:
            raise DataError(
                f"{str(path)!r} has more than 8 bits, and the model does not say which value is white: an earlier "
                "version of workbench trained it; save the image with 8 bits, or train the model again"
            )
        image = read_image(path, self.size, self.shape[0], self.white or WHITE)
        if image.shape != self.shape:
            _, height, width = self.shape
            raise DataError(
                f"{str(path)!r} has {image.shape[2]} × {image.shape[1]} pixels, but the model takes {width} × "
                f"{height}: resize it, or train with data.size, which resizes all images"
            )
        return image

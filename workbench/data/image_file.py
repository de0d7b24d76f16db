"""Reads one image file into a tensor."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from workbench.data.image_formats import formats_of
from workbench.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

ORIENTATION = 0x0112
"""EXIF tag of the orientation in which the camera was held."""

BITS_PER_SAMPLE = 258
"""TIFF tag of the bits of each channel."""

ROTATED = (5, 6, 7, 8)
"""Orientations that swap width and height."""

THREADS = min(8, os.cpu_count() or 1)
"""Threads that read files in parallel: Pillow releases the GIL while it decodes."""

PNG, EIGHT_BITS = b"\x89PNG\r\n\x1a\n", (b"\xff\xd8", b"BM", b"GIF8", b"RIFF")
"""First bytes of PNG files, and of formats that always have eight bits (JPEG, BMP, GIF, WebP)."""


WHITE = 65535
"""The largest value of 16 bits."""

FLOATS = "its pixels are floating-point numbers; save it with 8 or 16 bits"


class Depth(Enum):
    """The number of bits of a pixel."""

    EIGHT = "eight per channel"
    GREY_16 = "sixteen, of which some may be unused"
    GREY_32 = "more than sixteen"
    GREY_SCALED = "sixteen; Pillow scales the file's maximum to the largest value"
    DEEP_COLOUR = "sixteen per channel, of which Pillow reads the upper eight"


def read_image(path: Path, size: int, channels: int, white: int = WHITE) -> Tensor:
    """Reads the image as uint8 (channels, height, width), rotated by its EXIF orientation.

    size: side in pixels of the square that it is resized (the shorter side, antialiased) and center-cropped to; 0 keeps
    its size. channels: 1 for greyscale, 3 for RGB. white: the value that becomes 255 in images of more than eight bits.
    Raises DataError if the file is broken.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path, formats=formats_of(path)) as image:
            if size:
                # JPEG only: decodes at a half, a quarter or an eighth if that is at least twice the target size.
                image.draft(None, (2 * size, 2 * size))
            upright = _eight_bits(ImageOps.exif_transpose(image), white).convert("RGB" if channels == 3 else "L")
            if size:
                upright = ImageOps.fit(upright, (size, size), Image.Resampling.BILINEAR)
    except Exception as error:
        raise _broken(path, error) from error
    pixels = torch.from_numpy(np.array(upright))
    return pixels.permute(2, 0, 1).contiguous() if channels == 3 else pixels.unsqueeze(0)


def image_size(path: Path) -> tuple[int, int]:
    """Reads height and width in pixels, as rotated by EXIF, from the header. Raises DataError if it is broken."""
    from PIL import Image

    try:
        with Image.open(path, formats=formats_of(path)) as image:
            # Not image.getexif(): for a PNG without EXIF it decodes all pixels to search for it.
            rotated = Image.Image.getexif(image).get(ORIENTATION) in ROTATED
            return (image.width, image.height) if rotated else (image.height, image.width)
    except Exception as error:
        raise _broken(path, error) from error


def pixel_depth(path: Path) -> Depth:
    """Reads the bit depth from the header. Raises DataError if it is broken or the pixels are floating-point."""
    from PIL import Image

    try:
        with path.open("rb") as file:
            head = file.read(26)
        if head.startswith(PNG) and len(head) == 26:  # without Pillow: four times as fast, for folders of millions
            bits, colours = head[24], head[25]
            return Depth.EIGHT if bits <= 8 else Depth.GREY_16 if colours == 0 else Depth.DEEP_COLOUR
        if head.startswith(EIGHT_BITS):
            return Depth.EIGHT
        with Image.open(path, formats=formats_of(path)) as image:
            return _depth(image)
    except Exception as error:
        raise _broken(path, error) from error


def _depth(image: Image) -> Depth:
    if image.mode == "F":
        raise ValueError(FLOATS)
    if image.mode == "I" or image.mode.startswith("I;16"):
        if image.format == "PPM":
            return Depth.GREY_SCALED
        return Depth.GREY_32 if image.mode == "I" else Depth.GREY_16
    bits = image.tag_v2.get(BITS_PER_SAMPLE, (8,)) if image.format == "TIFF" else (8,)  # type: ignore[attr-defined]
    return Depth.DEEP_COLOUR if max(bits) > 8 else Depth.EIGHT


def largest_value(path: Path) -> int:
    """The largest pixel value, as Pillow reads it. Raises DataError if the file is broken or has negative values."""
    from PIL import Image

    try:
        with Image.open(path, formats=formats_of(path)) as image:
            pixels = np.asarray(image)
    except Exception as error:
        raise _broken(path, error) from error
    if pixels.min(initial=0) < 0:
        raise _broken(path, ValueError(f"it has values below 0, such as {pixels.min()}; shift them so that 0 is black"))
    return int(pixels.max(initial=0))


def _eight_bits(image: Image, white: int) -> Image:
    """Scales deeper greyscale images to eight bits; Pillow's own conversion would clip at 255."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError(FLOATS)
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.int64) * 255 // white).clip(0, 255).astype(np.uint8))


def _broken(path: Path, error: Exception) -> DataError:
    # Decoders raise OSError, SyntaxError, ValueError, struct.error and others for a broken file.
    return DataError(f"cannot read the image {str(path)!r}: {error or type(error).__name__}")

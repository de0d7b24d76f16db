"""Reading one image file into a tensor."""

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
"""EXIF: how a camera was held."""

BITS_PER_SAMPLE = 258
"""TIFF: of each channel."""

TURNED = (5, 6, 7, 8)
"""Orientations that swap width and height."""

THREADS = min(8, os.cpu_count() or 1)
"""That read files at once: Pillow lets go of the interpreter while it decodes."""

PNG, EIGHT_BITS = b"\x89PNG\r\n\x1a\n", (b"\xff\xd8", b"BM", b"GIF8", b"RIFF")
"""How files begin: PNG, and formats that have eight bits always (JPEG, BMP, GIF, WebP)."""


WHITE = 65535
"""The largest value of 16 bits."""

FLOATS = "its pixels are floating-point numbers; save it with 8 or 16 bits"


class Depth(Enum):
    """How many bits a pixel has."""

    EIGHT = "eight a channel"
    GREY_16 = "sixteen, of which all or only some may be used"
    GREY_32 = "more"
    GREY_SCALED = "sixteen, and Pillow scales what the file says is white to the largest value"
    DEEP_COLOUR = "sixteen a channel, of which Pillow reads the upper eight"


def read_image(path: Path, size: int, channels: int, white: int = WHITE) -> Tensor:
    """The image as uint8 (channels, height, width), upright as its EXIF orientation says.

    size: side of the square, in pixels, that it is resized (the shorter side, antialiased) and cropped (the centre)
    to; 0 for none. channels: 1 for grey, 3 for RGB. white: the value that is white in images of more than eight bits.
    Raises DataError if the file is broken.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path, formats=formats_of(path)) as image:
            if size:
                # JPEG only: decodes at a half, a quarter or an eighth where that is still twice the size we want.
                image.draft(None, (2 * size, 2 * size))
            upright = _eight_bits(ImageOps.exif_transpose(image), white).convert("RGB" if channels == 3 else "L")
            if size:
                upright = ImageOps.fit(upright, (size, size), Image.Resampling.BILINEAR)
    except Exception as error:
        raise _broken(path, error) from error
    pixels = torch.from_numpy(np.array(upright))
    return pixels.permute(2, 0, 1).contiguous() if channels == 3 else pixels.unsqueeze(0)


def image_size(path: Path) -> tuple[int, int]:
    """Height and width in pixels, upright, from the header alone. Raises DataError if that is broken."""
    from PIL import Image

    try:
        with Image.open(path, formats=formats_of(path)) as image:
            # Not image.getexif(): of a PNG without EXIF that decodes all the pixels, in search of it.
            turned = Image.Image.getexif(image).get(ORIENTATION) in TURNED
            return (image.width, image.height) if turned else (image.height, image.width)
    except Exception as error:
        raise _broken(path, error) from error


def pixel_depth(path: Path) -> Depth:
    """How many bits the pixels of a file have, from its header alone. Raises DataError if that is broken, or if they
    are floating-point numbers."""
    from PIL import Image

    try:
        with path.open("rb") as file:
            head = file.read(26)
        if head.startswith(PNG) and len(head) == 26:  # by hand: four times as fast, and folders may hold millions
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
    """The largest value of a file's pixels as Pillow reads them. Raises DataError if it is broken, or has negatives."""
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
    """Greys of more bits scaled to eight: Pillow's own conversion would cut all above 255 to white."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError(FLOATS)
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.int64) * 255 // white).clip(0, 255).astype(np.uint8))


def _broken(path: Path, error: Exception) -> DataError:
    # Whatever a decoder raises (OSError, SyntaxError, ValueError, struct.error, ...) is this file's fault.
    return DataError(f"cannot read the image {str(path)!r}: {error or type(error).__name__}")

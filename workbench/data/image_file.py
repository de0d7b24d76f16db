"""Reading one image file into a tensor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from workbench.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

ORIENTATION = 0x0112
"""EXIF: how a camera was held."""

TURNED = (5, 6, 7, 8)
"""Orientations that swap width and height."""

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""What a file may hold, whatever its name says. Pillow knows more, and to read PostScript it runs another program."""


def read_image(path: Path, size: int, channels: int) -> Tensor:
    """The image as uint8 (channels, height, width), upright as its EXIF orientation says.

    size: side of the square, in pixels, that it is resized (the shorter side, antialiased) and cropped (the centre)
    to; 0 for none. channels: 1 for grey, 3 for RGB. Raises DataError if the file is broken.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path, formats=FORMATS) as image:
            if size:
                # JPEG only: decodes at a half, a quarter or an eighth where that is still twice the size we want.
                image.draft(None, (2 * size, 2 * size))
            upright = _eight_bits(ImageOps.exif_transpose(image)).convert("RGB" if channels == 3 else "L")
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
        with Image.open(path, formats=FORMATS) as image:
            # Not image.getexif(): of a PNG without EXIF that decodes all the pixels, in search of it.
            turned = Image.Image.getexif(image).get(ORIENTATION) in TURNED
            return (image.width, image.height) if turned else (image.height, image.width)
    except Exception as error:
        raise _broken(path, error) from error


def _eight_bits(image: Image) -> Image:
    """Sixteen-bit greys scaled to eight: Pillow's own conversion would cut all above 255 to white."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 or 16 bits")
    if image.mode != "I" and not image.mode.startswith("I;16"):
        return image
    return Image.fromarray((np.asarray(image) // 257).clip(0, 255).astype(np.uint8))


def _broken(path: Path, error: Exception) -> DataError:
    # Whatever a decoder raises (OSError, SyntaxError, ValueError, struct.error, ...) is this file's fault.
    return DataError(f"cannot read the image {path}: {error or type(error).__name__}")

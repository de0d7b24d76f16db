"""Which files are images, by their names, and which formats Pillow may read them as."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""Formats that any image file may have, whatever its name. No others: for PostScript, Pillow runs another program."""

SUFFIXES = {
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".pbm", ".pgm", ".ppm",
    ".pnm",
}  # fmt: skip

RARE = {
    ".jp2": "JPEG2000", ".j2k": "JPEG2000", ".jpx": "JPEG2000", ".avif": "AVIF", ".dib": "DIB", ".tga": "TGA",
    ".qoi": "QOI",
}  # fmt: skip
"""Formats that a file may have only if its name says so and Pillow supports them."""


def is_image(file: Path) -> bool:
    """Whether the file is a readable image, by its name."""
    suffix = file.suffix.lower()
    return suffix in SUFFIXES or (suffix in RARE and RARE[suffix] in _known())


def formats_of(file: Path) -> tuple[str, ...]:
    """Pillow's names of the formats that the file may have."""
    rare = RARE.get(file.suffix.lower())
    return FORMATS if rare is None else (*FORMATS, rare)


@cache
def _known() -> frozenset[str]:
    from PIL import Image

    Image.init()
    return frozenset(Image.OPEN)

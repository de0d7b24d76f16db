"""Finds out whether an Ogg file is whole: libsndfile reads what is there of one that is cut off, without a word.

An Ogg file is a row of pages, and the last one is marked as the end of its stream. A page is a header of 27 bytes, the
lengths of its segments, a byte each, and the segments (RFC 3533).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

MAGIC = b"OggS"
HEADER = 27
FLAGS, SEGMENTS = 5, 26
"""Where in a header the flags and the number of segments stand, a byte each."""
LAST = 4
"""The flag of the last page of a stream."""

LARGEST_PAGE = HEADER + 255 + 255 * 255
"""Bytes of a page with as many segments as there can be, each as long as can be."""

End = Literal["whole", "cut off", "unmarked"]
"""How a file ends: with a page that is marked as the last, within a page, or with a page that is not marked."""


def ogg_end(path: Path) -> End:
    """How the file ends; "whole" too for one that is not Ogg. What follows the last page is ignored, such as a tag.

    Raises OSError.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return "whole"
        file.seek(max(file.seek(0, os.SEEK_END) - LARGEST_PAGE, 0))
        tail = file.read()
    start = tail.rfind(MAGIC)
    if start < 0:
        return "whole"  # something longer than a page follows the last one
    page = tail[start:]
    if len(page) < HEADER or len(page) < _length(page):
        return "cut off"
    return "whole" if page[FLAGS] & LAST else "unmarked"


def _length(page: bytes) -> int:
    """Bytes of the page that begins here; of its header alone where that is cut off."""
    segments = page[SEGMENTS]
    return HEADER + segments + sum(page[HEADER : HEADER + segments])

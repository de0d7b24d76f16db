"""Where image arrays have their channels: PyTorch's come first, those of NumPy, Keras and Pillow last."""

from __future__ import annotations

from typing import Literal

COMMON_CHANNELS = (1, 3)
"""Grey and colour."""


def channels_axis(sample: tuple[int, int, int]) -> Literal["first", "last", "unclear"]:
    """Where the channels of an image of this shape are, as far as the shape tells.

    An image has fewer channels than rows and columns: (4, 16, 16) has them first, (16, 16, 4) and (64, 64, 13) last.
    Where that decides nothing, 1 and 3 are taken for channels, then the side that breaks a square, as in (8, 8, 32).
    """
    first, middle, last = sample
    if first < min(middle, last):
        return "first"
    if last < min(first, middle):
        return "last"
    if first in COMMON_CHANNELS or last in COMMON_CHANNELS:
        return "first" if first in COMMON_CHANNELS else "last"
    if first != middle == last:
        return "first"
    if first == middle != last:
        return "last"
    return "unclear"

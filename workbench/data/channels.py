"""Finds the channel axis of image arrays: first in PyTorch, last in NumPy, Keras and Pillow."""

from __future__ import annotations

from typing import Literal

COMMON_CHANNELS = (1, 3)
"""Grey and colour."""


def channels_axis(sample: tuple[int, int, int]) -> Literal["first", "last", "unclear"]:
    """Infers the channel axis of one image from its shape; "unclear" if the shape does not show it.

    An image has fewer channels than rows and columns: (4, 16, 16) has them first, (16, 16, 4) and (64, 64, 13) last.
    If this does not decide, a side of 1 or 3 is the channels, then the side that differs, as in (8, 8, 32).
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

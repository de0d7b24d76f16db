"""The colours of a value from 0 to 1: from black over violet and orange to a pale yellow."""

from __future__ import annotations

from workbench.pictures.blocks import Pixel

ANCHORS: tuple[Pixel, ...] = ((0, 0, 4), (81, 18, 124), (183, 55, 121), (252, 137, 97), (252, 253, 191))
"""At equal distances: matplotlib's magma (van der Walt and Smith, 2015), which brightens evenly."""


def colour_of(value: float) -> Pixel:
    """The colour of a value; those below 0 and above 1 get the last colours."""
    place = min(max(value, 0.0), 1.0) * (len(ANCHORS) - 1)
    lower = min(int(place), len(ANCHORS) - 2)
    rest = place - lower
    red, green, blue = (
        round(low + (high - low) * rest) for low, high in zip(ANCHORS[lower], ANCHORS[lower + 1], strict=True)
    )
    return red, green, blue

"""Finds the grey value that is white in images with more than eight bits: one for a whole data set.

A 16-bit file does not say how many of its bits are used: eight if it was converted from an 8-bit image, twelve from
many cameras and X-ray machines, or all sixteen. The values of all images together show it. Scaling each image by its
own maximum would make dark images bright.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from workbench.data.image_file import THREADS, WHITE, Depth, largest_value, pixel_depth
from workbench.data.progress import Meter, Report
from workbench.errors import DataError

USUAL_BITS = (8, 10, 12, 14, 16)
"""Bit depths of cameras and scanners."""


@dataclass(frozen=True)
class GreyRange:
    """The range of grey values of more than eight bits."""

    white: int = WHITE
    notes: tuple[str, ...] = ()


def grey_range(files: Sequence[Path], report: Report) -> GreyRange:
    """Reads the headers of all files, and the pixels of those with more than eight bits.

    Raises DataError for a broken file, and for values that cannot be scaled to grey.
    """
    meter = Meter(report, "reading the headers of images", len(files), "images")
    with ThreadPoolExecutor(THREADS) as pool:
        depths: list[Depth] = []
        for depth in pool.map(pixel_depth, files):
            depths.append(depth)
            meter.add(1)
    meter.finish()
    by_depth = {kind: [file for file, depth in zip(files, depths, strict=True) if depth == kind] for kind in Depth}
    _check_colours(by_depth[Depth.DEEP_COLOUR], report)
    deep, scaled = [*by_depth[Depth.GREY_16], *by_depth[Depth.GREY_32]], by_depth[Depth.GREY_SCALED]
    if not deep and not scaled:
        return GreyRange()
    # Once a file uses all 16 bits, the others need not be read.
    enough = None if by_depth[Depth.GREY_32] else 2 ** USUAL_BITS[-2]
    largest = max([WHITE] * bool(scaled) + list(_largest(deep, enough, report)))
    bits = next((bits for bits in USUAL_BITS if largest < 2**bits), largest.bit_length())
    white = 2**bits - 1
    return GreyRange(
        white, (f"{len(deep) + len(scaled)} images have grey values of up to {bits} bits: {white} is read as white",)
    )


def _largest(files: Sequence[Path], enough: int | None, report: Report) -> Iterator[int]:
    """Yields the largest value of each file, until one reaches `enough`."""
    meter = Meter(report, "reading the range of grey values", len(files), "images")
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(files), 16 * THREADS):
            for value in pool.map(largest_value, files[start : start + 16 * THREADS]):
                meter.add(1)
                yield value
                if enough is not None and value >= enough:
                    return
    meter.finish()


def _check_colours(files: Sequence[Path], report: Report) -> None:
    """Refuses 16-bit colours that use only the lower bits: Pillow reads the upper eight, so all would be dark."""
    if files and max(_largest(files, 2**6, report)) < 2**6:
        raise DataError(
            f"{len(files)} colour images such as {str(files[0])!r} have 16 bits per channel but use only the lower "
            "ones, and only the upper eight can be read; save them with 8 bits"
        )

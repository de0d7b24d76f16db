"""Options as points on axes: a batch size has one axis; layers of equal width have two, how many and how wide.

So what a sampler learns about an option holds for its neighbours too: of 5 depths × 5 widths it need not try all 25.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

LAYERS = ("layers", "width")
"""What the two axes of lists are called."""


@dataclass(frozen=True)
class Axes:
    """Options as all points of a grid of one or two axes."""

    scales: tuple[tuple[float, ...], ...]
    """The numbers of each axis, ascending."""
    options: tuple[Any, ...]
    """That of each point."""

    @property
    def names(self) -> tuple[str, ...]:
        """What tells the axes apart; empty where there is one."""
        return LAYERS if len(self.scales) == len(LAYERS) else ("",)

    def point(self, option: Any) -> tuple[int, ...]:
        """The index of an option on each axis. Raises KeyError where it is none of them."""
        numbers = _numbers(option)
        if numbers is None:
            raise KeyError(option)
        return tuple(places[number] for places, number in zip(self._places, numbers, strict=True))

    def option(self, point: Sequence[int]) -> Any:
        """The option at a point."""
        return self._at[tuple(point)]

    @cached_property
    def _places(self) -> tuple[dict[float, int], ...]:
        return tuple({number: index for index, number in enumerate(scale)} for scale in self.scales)

    @cached_property
    def _at(self) -> dict[tuple[int, ...], Any]:
        return {self.point(option): option for option in self.options}


def axes_of(options: Sequence[Any]) -> Axes | None:
    """The axes of options; None of names, of lists of several widths, and where some points of the grid are missing."""
    found = [numbers for option in options if (numbers := _numbers(option)) is not None]
    if not found or len(found) < len(options) or len({len(numbers) for numbers in found}) > 1:
        return None
    scales = tuple(tuple(sorted(set(numbers))) for numbers in zip(*found, strict=True))
    if not len(set(found)) == len(options) == math.prod(map(len, scales)):
        return None
    return Axes(scales, tuple(options))


def _numbers(option: Any) -> tuple[float, ...] | None:
    """A number itself; of a list, how many it has and which, if all are the same."""
    if isinstance(option, (tuple, list)):
        is_even = bool(option) and _is_number(option[0]) and all(each == option[0] for each in option)
        return (len(option), option[0]) if is_even else None
    return (option,) if _is_number(option) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

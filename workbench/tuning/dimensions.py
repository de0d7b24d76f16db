"""One searched setting: its values, and where they lie on a scale from 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from workbench.settings.toml_text import toml
from workbench.tuning.axes import Axes, axes_of

AT = "@"
"""Between the path of a setting and the choice that a range is for: optimizer.learning_rate@sgd."""
SIGNIFICANT_DIGITS = 4
"""Of a suggested number: what is shown, saved and trained is the same short number."""


def with_choice(path: str, choice: str) -> str:
    """The key of a range that is for one choice of the setting's family; the path where it is for all."""
    return f"{path}{AT}{choice}" if choice else path


@dataclass(frozen=True)
class Numbers:
    """Numbers from low to high, both included."""

    path: str
    low: float
    high: float
    is_whole: bool = False
    log: bool = False
    step: float | None = None
    labels: frozenset[str] | None = None
    """The choices of its family that take this range; None where all that may be chosen take it."""
    choice: str = ""
    """The choice that the range is for, such as sgd; empty where it is for all that have no range of their own."""
    axes: ClassVar[None] = None
    """Numbers are an axis by themselves."""

    @property
    def name(self) -> str:
        """The key of its range in a search: the path, and the choice if it is for one."""
        return with_choice(self.path, self.choice)

    @property
    def count(self) -> int | None:
        """How many evenly spaced values there are; None where they are not."""
        return None if self.step is None else int((self.high - self.low) / self.step + 1e-9) + 1

    @property
    def size(self) -> float:
        """How many values there are; infinity for real numbers."""
        if self.count is not None:
            return self.count
        return self.high - self.low + 1 if self.is_whole else math.inf

    def value(self, index: int) -> Any:
        """The value of that index, from 0, where they can be counted."""
        assert self.step is not None
        return self._clean(self.low + index * self.step)

    def index(self, value: Any) -> int:
        """The index of the nearest value, where they can be counted."""
        assert self.step is not None
        assert self.count is not None
        return int(min(max(round((value - self.low) / self.step), 0), self.count - 1))

    def at(self, place: float) -> Any:
        """The value at a place from 0 to 1."""
        if self.count is not None:
            return self.value(min(int(place * self.count), self.count - 1))
        if not self.log:
            return self.rounded(self.low + place * (self.high - self.low))
        low, high = self._log_ends
        return self.rounded(math.exp(low + place * (high - low)))

    def place(self, value: Any) -> float:
        """Where a value lies, from 0 to 1; what lies outside is at an end."""
        if self.count is not None:
            return (self.index(value) + 0.5) / self.count
        value = min(max(value, self.low), self.high)
        if not self.log:
            return float((value - self.low) / (self.high - self.low))
        low, high = self._log_ends
        return (math.log(value) - low) / (high - low)

    @property
    def _log_ends(self) -> tuple[float, float]:
        margin = 0.5 if self.is_whole else 0.0  # so that the first and the last number are as likely as the rest
        return math.log(self.low - margin), math.log(self.high + margin)

    def contains(self, value: Any) -> bool:
        """Whether a search may suggest it."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self.low <= value <= self.high:
            return False
        return self.count is None or math.isclose(self.value(self.index(value)), value, rel_tol=1e-9, abs_tol=1e-12)

    def rounded(self, number: float) -> Any:
        """The nearest number of a few digits within the range."""
        number = min(max(number, self.low), self.high)
        if self.is_whole:
            return round(number)
        # More digits where the range is narrow: 0.99..0.9999.
        more = math.floor(math.log10(max(abs(self.low), abs(self.high)) / (self.high - self.low)))
        digits = SIGNIFICANT_DIGITS + max(more, 0)
        return min(max(float(f"{number:.{digits}g}"), float(self.low)), float(self.high))

    def grid(self, points: int) -> list[Any]:
        """`points` values from low to high, or all where there are fewer."""
        if self.size <= points:
            return [*map(self.value, range(self.count))] if self.count else [*range(int(self.low), int(self.high) + 1)]
        first, last = self.extremes
        between = [self.at(index / (points - 1)) for index in range(1, points - 1)]
        return list(dict.fromkeys([first, *between, last]))

    @property
    def extremes(self) -> list[Any]:
        """The values that a dry run tries."""
        return [self.low, self.high if self.count is None else self.value(self.count - 1)]

    def _clean(self, number: float) -> Any:
        """Without the last digits of 0.1 + 2 × 0.1."""
        return round(number) if self.is_whole else float(f"{number:.12g}")


@dataclass(frozen=True)
class Options:
    """Values to choose from."""

    path: str
    values: tuple[Any, ...]
    labels: frozenset[str] | None = None
    """As of `Numbers`."""
    choice: str = ""
    """As of `Numbers`."""

    @property
    def name(self) -> str:
        """As of `Numbers`."""
        return with_choice(self.path, self.choice)

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self.values)

    @property
    def size(self) -> float:
        """As of `Numbers`."""
        return self.count

    @property
    def is_ordered(self) -> bool:
        """Whether values that follow each other are alike: numbers and lists, not names."""
        return not any(isinstance(value, (str, bool)) for value in self.values)

    @cached_property
    def axes(self) -> Axes | None:
        """Where the values are numbers, or lists of one repeated number: their axes; else None."""
        return axes_of(self.values)

    def value(self, index: int) -> Any:
        """The value of that index, from 0."""
        return self.values[index]

    def index(self, value: Any) -> int:
        """The index of a value; 0 where it is none of them."""
        written = [toml(known) for known in self.values]  # to Python 1, 1.0 and True are one and the same
        return written.index(toml(value)) if toml(value) in written else 0

    def at(self, place: float) -> Any:
        """The value at a place from 0 to 1."""
        return self.values[min(int(place * self.count), self.count - 1)]

    def place(self, value: Any) -> float:
        """Where a value lies, from 0 to 1."""
        return (self.index(value) + 0.5) / self.count

    def contains(self, value: Any) -> bool:
        """Whether a search may suggest it."""
        return toml(value) in map(toml, self.values)

    def grid(self, points: int) -> list[Any]:
        """All values, whatever `points` is."""
        return list(self.values)

    @property
    def extremes(self) -> list[Any]:
        """The values that a dry run tries: all; of lists of widths only those with the fewest, most, least and largest.

        Layers times widths are many lists, each of which would take a dry run of 60 ms.
        """
        if not all(isinstance(value, tuple) and _are_numbers(value) for value in self.values):
            return list(self.values)
        ends = [end(self.values, key=key) for key in (len, sum) for end in (min, max)]
        return [value for value in self.values if any(value is end for end in ends)]


def _are_numbers(values: tuple[Any, ...]) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


Dimension = Numbers | Options


def span(dimensions: Sequence[Dimension]) -> Dimension:
    """One dimension that holds all values of several of the same path, which are alike."""
    first = dimensions[0]
    if len(dimensions) == 1:
        return first
    if isinstance(first, Options):
        values = {toml(value): value for each in dimensions if isinstance(each, Options) for value in each.values}
        return Options(first.path, tuple(values.values()))
    numbers = [each for each in dimensions if isinstance(each, Numbers)]
    low, high = min(each.low for each in numbers), max(each.high for each in numbers)
    log = all(each.log or each.low > 0 for each in numbers) and any(each.log for each in numbers)
    return Numbers(first.path, low, high, first.is_whole, log)

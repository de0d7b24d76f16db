"""All combinations of a few values of each setting."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any

from workbench.errors import PresetError
from workbench.settings.preset import Preset
from workbench.tuning.sampler import RememberingSampler, Suggestion
from workbench.tuning.space import SearchSpace
from workbench.units import count

POINTS = 5
"""Values of a range of numbers that has no step."""
MOST_COMBINATIONS = 20_000


def combinations(
    space: SearchSpace, points: int, place: int = 0, values: dict[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """All combinations, each once: a setting that belongs to other choices multiplies nothing.

    points: values of a range without a step that has more. place, values: of the dimension to begin with, and what
    those before it have.
    """
    values = values or {}
    if place == len(space.dimensions):
        yield values
        return
    dimension = space.dimensions[place]
    if not space.is_active(dimension, values):
        yield from combinations(space, points, place + 1, values)
        return
    has_step = space.ranges[dimension.name].step is not None
    for value in dimension.grid(MOST_COMBINATIONS if has_step else points):
        yield from combinations(space, points, place + 1, {**values, dimension.path: value})


class GridSampler(RememberingSampler):
    """Tries all combinations and ends; in an order of the seed, so that half a grid is a sample of the whole."""

    def __init__(self, space: SearchSpace, preset: Preset, seed: int, maximize: bool) -> None:
        """Raises PresetError where there are too many combinations."""
        super().__init__(space, preset, seed, maximize)
        found = list(islice(combinations(space, POINTS), MOST_COMBINATIONS + 1))
        if len(found) > MOST_COMBINATIONS:
            raise PresetError(
                f"the grid has more than {count(MOST_COMBINATIONS)} combinations; search fewer settings, "
                "list a few values of each as choices, or take another sampler, such as tpe"
            )
        Random(seed).shuffle(found)
        self._left = iter(found)

    def suggest(self, number: int) -> Suggestion | None:
        for values in self._left:
            if not self.was_tried(values) and self.is_possible(values):
                return Suggestion(values, "grid")
        return None

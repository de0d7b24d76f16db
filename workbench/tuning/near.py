"""Settings near those of a trial: what the user has, and what was best, are good places to look (PriorBand, 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from workbench.settings.preset import Preset
from workbench.tuning.axes import Axes
from workbench.tuning.dimensions import Dimension, Options
from workbench.tuning.space import TAGS, SearchSpace

SPREAD = 0.15
"""Standard deviation of a change, as a fraction of the range (of its logarithm, where that is its scale)."""


def near(space: SearchSpace, preset: Preset, centre: Mapping[str, Any], random: Random) -> dict[str, Any]:
    """Settings that differ a little from `centre` in about half of what is searched, in at least one.

    centre: by path, those that are active.
    """
    changed = {dimension.path for dimension in space.active(centre) if random.random() < 0.5}
    changed = changed or {random.choice(space.active(centre)).path}
    values: dict[str, Any] = {}
    for dimension in space.dimensions:
        if dimension.path in TAGS:
            value = centre[dimension.path]
            values[dimension.path] = _moved(dimension, value, random) if dimension.path in changed else value
            values[dimension.path] = _within(dimension, values[dimension.path], random)
    # What another choice brings with it is near its default.
    active = space.active(values)
    kept = {dimension.path: _carried(dimension, space, centre) for dimension in active if dimension.path in centre}
    known = space.completed({**kept, **values}, preset)
    for dimension in active:
        if dimension.path not in values:
            value = known[dimension.path]
            is_changed = dimension.path in changed or dimension.path not in centre
            values[dimension.path] = (
                _moved(dimension, value, random) if is_changed else _within(dimension, value, random)
            )
    return values


def _carried(dimension: Dimension, space: SearchSpace, centre: Mapping[str, Any]) -> Any:
    """The centre's value; where its choice has another range, what lies at the same place of this one."""
    value = centre[dimension.path]
    before = next((each for each in space.active(centre) if each.path == dimension.path), dimension)
    return value if before.name == dimension.name else dimension.at(before.place(value))


def _within(dimension: Dimension, value: Any, random: Random) -> Any:
    """The value, or the nearest that a search may suggest; any option where the value is none of them."""
    if dimension.contains(value):
        return value
    return random.choice(dimension.values) if isinstance(dimension, Options) else dimension.at(dimension.place(value))


def _moved(dimension: Dimension, value: Any, random: Random) -> Any:
    """Another value near this one: a neighbour, or another name."""
    value = _within(dimension, value, random)
    if isinstance(dimension, Options) and not dimension.is_ordered:
        others = [option for option in range(dimension.count) if option != dimension.index(value)]
        return dimension.value(random.choice(others)) if others else value
    if dimension.axes is not None:
        return _moved_along(dimension.axes, value, random)
    place = abs(dimension.place(value) + random.gauss(0, SPREAD))
    moved = dimension.at(max(2 - place, 0.0) if place > 1 else place)  # reflected at both ends
    if moved != value or dimension.count is None or dimension.count == 1:
        return moved
    index = dimension.index(value)
    return dimension.value(random.choice([near for near in (index - 1, index + 1) if 0 <= near < dimension.count]))


def _moved_along(axes: Axes, value: Any, random: Random) -> Any:
    """The next option before or after this one, along one of the axes."""
    point = axes.point(value)
    moved = [
        (*point[:axis], index, *point[axis + 1 :])
        for axis, scale in enumerate(axes.scales)
        for index in (point[axis] - 1, point[axis] + 1)
        if 0 <= index < len(scale)
    ]
    return axes.option(random.choice(moved)) if moved else value

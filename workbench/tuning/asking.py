"""Makes the question of a search, for the command line and for the app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.settings.preset import Preset
from workbench.settings.search import Range
from workbench.tuning.default_space import default_ranges
from workbench.tuning.question import Question
from workbench.tuning.space import SearchSpace

DEFAULT_TRIALS = 20
"""Of a search for which neither trials, nor time, nor a value are named."""
FRESH_SEEDS = 3
"""With which the best trials are trained again."""
SEEDS = 2**31
"""How many there are of `training.seed`."""


def search_question(
    preset: Preset, ranges: Mapping[str, Range], *, fresh_seeds: int = FRESH_SEEDS, **rest: Any
) -> Question:
    """The question of a search, checked against the preset; without ranges, of what matters most.

    fresh_seeds: with how many the best trials are trained again. rest: further fields of the question. Raises
    PresetError where a range does not fit the preset.
    """
    first = preset.training.seed
    question = Question(
        way="search",
        search={path: each.to_mapping() for path, each in (ranges or default_ranges(preset)).items()},
        seeds=seeds_from(first + 1, fresh_seeds),
        **rest,
    )
    SearchSpace.parse(question.search, preset)
    return question


def seeds_from(first: int, count: int) -> tuple[int, ...]:
    """This many seeds that follow each other; after the largest that `training.seed` takes comes 0."""
    return tuple((first + number) % SEEDS for number in range(count))

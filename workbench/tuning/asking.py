"""Makes the question of a search and of a cross-validation, for the command line and for the app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.processes.plan import make_plan
from workbench.settings.preset import Preset
from workbench.settings.search import Range
from workbench.settings.validation import CrossValidation
from workbench.tuning.default_space import default_ranges
from workbench.tuning.folds import fold_changes
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


def folds_question(preset: Preset) -> Question:
    """The question of a cross-validation: a model for each fold of the preset's data, which is read for that.

    The preset is planned in a process of its own, which finds what is wrong with the data or the settings before there
    is a study. Raises PresetError where the data has too many samples or too few, and whatever planning raises.
    """
    validation = preset.validation
    assert isinstance(validation, CrossValidation)
    plan = make_plan(preset)
    return Question(
        way="folds", changes=fold_changes(validation.models(plan.train_samples + (plan.validation_samples or 0)))
    )


def seeds_from(first: int, count: int) -> tuple[int, ...]:
    """This many seeds that follow each other; after the largest that `training.seed` takes comes 0."""
    return tuple((first + number) % SEEDS for number in range(count))

"""Suggests settings to a search, from what its earlier trials have given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.settings.preset import Preset
from workbench.tuning.question import Question
from workbench.tuning.view import StudyView
from workbench.tuning.ways.search import Suggest


def make_suggest(question: Question, preset: Preset) -> Suggest:
    """Raises PresetError where the search space does not fit the preset."""

    def suggest(view: StudyView) -> Mapping[str, Any] | None:
        number = sum(trial.repeats is None for trial in view.trials.values())
        return {} if number == 0 else {"optimizer.learning_rate": 10 ** -(1 + number % 4)}

    return suggest

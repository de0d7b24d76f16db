"""The way to tune that a question asks for."""

from __future__ import annotations

from workbench.processes.together import only_numbers
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.question import Question
from workbench.tuning.queue import queue_origins
from workbench.tuning.space import SearchSpace
from workbench.tuning.steps import Way
from workbench.tuning.ways.folds import Folds
from workbench.tuning.ways.listed import Listed
from workbench.tuning.ways.queue import Queue
from workbench.tuning.ways.search import AT_ONCE, Search


def make_way(question: Question, preset: Preset, study: StudyDirectory) -> Way:
    """Raises PresetError where the question does not fit the preset."""
    if question.way == "search":
        from workbench.tuning.suggesting import Suggesting  # imports Optuna

        # What is tried together gives nothing to learn from: that pays only where all can be trained together.
        at_once = AT_ONCE if only_numbers(SearchSpace.parse(question.search, preset).paths, preset) else 1
        suggest = Suggesting(question, preset)
        return Search(question, suggest, preset.training.epochs, preset.training.seed, at_once)
    if question.way == "repeat":
        changes = [{"training.seed": seed} for seed in question.seeds]
        return Listed(changes, [f"seed {seed}" for seed in question.seeds])
    if question.way == "folds":
        return Folds(question.changes, study)
    return Queue(question.changes, question.origins or queue_origins(preset.name, question.changes))

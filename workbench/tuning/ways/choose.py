"""The way to tune that a question asks for."""

from __future__ import annotations

from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.question import Question
from workbench.tuning.queue import queue_origins
from workbench.tuning.steps import Way
from workbench.tuning.ways.folds import Folds
from workbench.tuning.ways.listed import Listed
from workbench.tuning.ways.queue import Queue
from workbench.tuning.ways.search import Search


def make_way(question: Question, preset: Preset, study: StudyDirectory) -> Way:
    """Raises PresetError where the question does not fit the preset."""
    if question.way == "search":
        from workbench.tuning.suggesting import Suggesting  # imports Optuna

        return Search(question, Suggesting(question, preset), preset.training.epochs, preset.training.seed)
    if question.way == "repeat":
        changes = [{"training.seed": seed} for seed in question.seeds]
        return Listed(changes, [f"seed {seed}" for seed in question.seeds])
    if question.way == "folds":
        return Folds(question.changes, study)
    return Queue(question.changes, queue_origins(preset.name, question.changes))

"""Saves the best settings of a search as a preset, with how they were found in its description."""

from __future__ import annotations

import contextlib
import json
import traceback

from workbench.errors import EXIT_FAILED, WorkbenchError, type_and_first_line
from workbench.files import read_small
from workbench.runs.writer import EventWriter
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.events import PresetSaved
from workbench.tuning.evidence import evidence
from workbench.tuning.question import read_question
from workbench.tuning.view import read_study_view


def save_as_asked(study: StudyDirectory) -> PresetSaved | None:
    """Saves the result of a completed study under the name asked for, if one was, and writes what came of it.

    Whoever calls it holds the study's lock. Raises StorageError where the study cannot be written.
    """
    name = read_question(study.question).save_as
    if not name:
        return None
    try:
        event = _save(study, name)
    except WorkbenchError as error:  # such as a preset that was given this name meanwhile
        event = PresetSaved(problem=str(error), exit_code=error.exit_code)
    except Exception as error:
        traceback.print_exc()
        event = PresetSaved(problem=f"{name} was not saved: {type_and_first_line(error)}", exit_code=EXIT_FAILED)
    with contextlib.closing(EventWriter(study.events)) as events:
        events.write(event)
    return event


def _save(study: StudyDirectory, name: str) -> PresetSaved:
    """Raises WorkbenchError."""
    result = json.loads(read_small(study.summary))
    if result.get("best") is None:
        return PresetSaved(problem=f"nothing was found, so that {name} was not saved")
    preset = Preset.of_run(study.preset)
    found = preset.with_values(result["best"]["settings"], "--save-as")
    view = read_study_view(study)
    measured = evidence(view, view.trials[result["best"]["trial"]], result, study.name, found.training.epochs)
    said = description_with(measured, preset)
    return PresetSaved(path=str(library.add_preset(found.model_copy(update={"description": said}), name)))


def description_with(evidence: str, preset: Preset) -> str:
    """What a preset with tuned values says of itself: what it said before, and how the values were found."""
    return f"{preset.description} ({evidence})" if preset.description else evidence

"""Saves the best settings of a search as a preset, with how they were found in its description."""

from __future__ import annotations

import contextlib
import json
import traceback
from typing import Any

from workbench.errors import EXIT_FAILED, WorkbenchError, type_and_first_line
from workbench.files import read_small
from workbench.metrics import metric as metric_named
from workbench.runs.writer import EventWriter
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.events import PresetSaved
from workbench.tuning.question import read_question
from workbench.tuning.view import StudyView, read_study_view
from workbench.tuning.words import how_far, with_interval


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
    said = description_with(evidence(result, read_study_view(study), study.name, found.training.epochs), preset)
    return PresetSaved(path=str(library.add_preset(found.model_copy(update={"description": said}), name)))


def description_with(evidence: str, preset: Preset) -> str:
    """What a preset with tuned values says of itself: what it said before, and how the values were found."""
    return f"{preset.description} ({evidence})" if preset.description else evidence


def evidence(result: dict[str, Any], view: StudyView, study: str, epochs: int) -> str:
    """What a preset that was found by a search says of itself, in a line. epochs: of a whole training of it."""
    best = result["best"]
    metric, trial = metric_named(best["metric"]), view.trials[best["trial"]]
    text = f"Best of {result['trials']} settings (study {study}): {metric.label} {metric.write(best['value'])}"
    text += how_far(trial, epochs)
    if best["mean"] is None:
        return f"{text} as searched, not trained again with fresh seeds"
    interval = None if best["low"] is None else (best["low"], best["high"])
    mean = with_interval(best["mean"], interval, metric)
    text += (
        f" as searched, {mean}{'' if interval is None else ' (95 % interval)'} over {len(best['seeds'])} fresh seeds"
    )
    if result["tied"]:
        others = ", ".join(str(each["trial"]) for each in result["tied"])
        text += f"; cannot be told apart from trial{'s' if len(result['tied']) > 1 else ''} {others}"
    return text

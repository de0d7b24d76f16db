"""Cross-validation from the command line: trains every fold, and prints what they say together."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from workbench import output
from workbench.errors import UsageError
from workbench.headless.report import metrics_line
from workbench.headless.study import Output, follow_study
from workbench.headless.train import Options, check_trust
from workbench.metrics import headline_metrics, metric
from workbench.processes.plan import make_plan
from workbench.settings.preset import Preset
from workbench.tuning.directory import create_study
from workbench.tuning.folds import fold_changes
from workbench.tuning.question import Question
from workbench.tuning.statistics import mean_and_deviation
from workbench.tuning.view import StudyView
from workbench.units import count, duration

MOST_ROWS = 30
"""Of the table of folds."""


def cross_validate(preset: Preset, options: Options, studies_folder: Path) -> int:
    """Trains a preset once for each of its folds; returns the exit code. Raises WorkbenchError."""
    if options.profile_steps is not None:
        raise UsageError("--profile takes a single run; choose one with --set validation.fold=0")
    preset = preset.with_absolute_paths()
    check_trust(preset, options.trust_code)
    # What is wrong with the data or the settings is found before there is a study, and so is how many folds there are.
    plan = make_plan(preset)
    changes = fold_changes(preset, plan.train_samples + (plan.validation_samples or 0))
    study = create_study(studies_folder, preset, Question(way="folds", changes=changes))
    return follow_study(study, Output(options.json_output, options.quiet), show_folds)


def show_folds(result: dict[str, Any], view: StudyView) -> None:
    """Prints a row for each fold, the mean over them, and the metrics of all samples that they left out."""
    if result["pooled"] is None:
        print("not all folds were trained, so there is no result")
        return
    console = output.console()
    console.print()
    console.print(_table(result, view))
    known = metric(result["metric"])
    values = [fold["value"] for fold in result["folds"] if fold["value"] is not None]
    if result["mean"] is not None:
        console.say(f"{known.label} {_mean(result, values)}")
    samples = sum(fold["samples"] for fold in result["folds"])
    console.say(f"pooled   {count(samples)} samples, each judged by the model that was trained without it: "
                f"{metrics_line(result['pooled'])}")  # fmt: skip

"""Cross-validation from the command line: trains every fold, and prints what they say together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from workbench import output
from workbench.errors import UsageError
from workbench.headless.options import Options
from workbench.headless.report import metrics_line
from workbench.headless.study import follow_study
from workbench.headless.train import check_trust
from workbench.metrics import headline_metrics, metric
from workbench.settings.preset import Preset
from workbench.tuning.asking import folds_question
from workbench.tuning.directory import create_study
from workbench.tuning.question import together_of
from workbench.tuning.statistics import mean_and_deviation
from workbench.tuning.view import StudyView
from workbench.units import count, duration

MOST_ROWS = 30
"""Of the table of folds."""


def cross_validate(preset: Preset, options: Options) -> int:
    """Trains a preset once for each of its folds; returns the exit code. Raises WorkbenchError."""
    if options.runs_dir is not None:
        raise UsageError(
            f"--runs-dir {options.runs_dir}: a cross-validation is a study, and the runs of its folds lie in it; "
            "use --studies-dir"
        )
    if options.profile_steps is not None:
        raise UsageError("--profile takes a single run; choose one with --set validation.fold=0")
    preset = preset.with_absolute_paths()
    check_trust(preset, options.trust_code)
    question = replace(folds_question(preset), together=together_of(options.together))
    study = create_study(options.studies_folder, preset, question)
    return follow_study(study, options, show_folds)


def show_folds(result: dict[str, Any], view: StudyView) -> None:
    """Prints a row for each fold, the mean over them, and the metrics of all samples that they left out."""
    if result["pooled"] is None:
        print("there is no result before all folds are trained")
        return
    console = output.console()
    console.say("")
    for row in _table(result, view, console.width):
        console.say(row)
    console.say("")
    if result["mean"] is not None:
        console.say(f"mean    {mean_words(result)}")
    samples = count(sum(fold["samples"] for fold in result["folds"]))
    console.say(f"pooled  {metrics_line(result['pooled'])}  ({samples} samples, each judged by a model without it)")


def _table(result: dict[str, Any], view: StudyView, room: int) -> list[str]:
    """The rows of a table, its header first. The last columns are left out where they have no room."""
    shown = [each for each in headline_metrics(result["metric"]) if each.name in result["pooled"]]
    has_runs = any(fold["run"] for fold in result["folds"])  # those that were trained together have none
    rows = [["fold", "samples", *(each.label for each in shown), "time", *(["run"] if has_runs else [])]]
    for fold in result["folds"][:MOST_ROWS]:
        values = [fold["metrics"].get(each.name) for each in shown]
        words = ["-" if value is None else each.write(value) for each, value in zip(shown, values, strict=True)]
        seconds = duration(view.trials[fold["fold"]].seconds)
        rows.append([str(fold["fold"]), count(fold["samples"]), *words, seconds])
        rows[-1] += [fold["run"]] if has_runs else []
    while sum(widths := [max(map(len, column)) for column in zip(*rows, strict=True)]) + 2 * len(widths) - 2 > room:
        if len(widths) <= 3:
            break
        rows = [row[:-1] for row in rows]
    lines = ["  ".join(map(str.rjust, row, widths)).rstrip() for row in rows]
    more = len(result["folds"]) - MOST_ROWS
    return [*lines, f"... and {more} more, which summary.json in the study's folder lists"] if more > 0 else lines


def mean_words(result: dict[str, Any]) -> str:
    """The mean over the folds with its deviation, and that between two folds."""
    known = metric(result["metric"])
    words = f"{known.label} {known.write(result['mean'])}"
    if result["deviation"] is None:
        return words
    values = [fold["value"] for fold in result["folds"] if fold["value"] is not None]
    between = mean_and_deviation(values)[1] or 0.0
    return (
        f"{words} ± {known.write(result['deviation'])} (standard deviation of the mean, corrected for the training "
        f"samples that folds share; between folds {known.write(between)})"
    )

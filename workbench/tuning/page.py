"""The page of `tune auto`: what was found, what mattered, by how much, and how sure that is."""

from __future__ import annotations

from typing import Any

from workbench.atomic_files import write_text_atomically
from workbench.metrics import Metric
from workbench.metrics import metric as metric_named
from workbench.runs.status import read_summary
from workbench.settings.preset import Preset
from workbench.tuning.described import described, differing
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.discarding import value_at
from workbench.tuning.importance import importances
from workbench.tuning.measured import Measured, read_measured
from workbench.tuning.question import Question
from workbench.tuning.space import SearchSpace
from workbench.tuning.view import StudyView, TrialView
from workbench.tuning.words import verdict


def write_page(
    study: StudyDirectory, preset: Preset, question: Question, result: dict[str, Any], view: StudyView
) -> None:
    """Writes the page into a study of `tune auto`; nothing into others. Raises StorageError."""
    measured = read_measured(study.measured)
    if measured is None:
        return
    space = SearchSpace.parse(question.search, preset)
    write_text_atomically(
        study.report, "\n".join(page(preset, measured, space, result, view, study)) + "\n", parents=False
    )


def page(
    preset: Preset,
    measured: Measured,
    space: SearchSpace,
    result: dict[str, Any],
    view: StudyView,
    study: StudyDirectory,
) -> list[str]:
    """The lines of the page. result: as the study's summary has it."""
    best = result["best"]
    if best is None or view.metric is None:
        return ["no trial has given a value"]
    known = metric_named(best["metric"])
    lines = [f"# {preset.name}, tuned", ""]
    if 0 in view.trials and best["trial"] != 0:
        lines += _gain(view.trials[0], view.trials[best["trial"]], known)
    lines.append(verdict(result, view))
    tested = _tested(view.trials[best["trial"]], study).get(known.name)
    if isinstance(tested, float):
        lines.append(f"{known.label} on the test split, which decided nothing: {known.write(tested)}")
    changed = differing(best["settings"], preset.flat())
    lines += ["", "settings that differ from the preset:", f"  {described(changed) or 'none'}"]
    lines += ["", "measured before the search:", *(f"  {line}" for line in measured.lines())]
    mattered = importances(view, space, preset)
    lines += ["", "what mattered (fraction of the variation after the first epoch, by PED-ANOVA):"]
    if mattered:
        lines += [f"  {path:<28} {100 * fraction:5.1f} %" for path, fraction in mattered.items()]
    else:
        lines.append("  too few trials to say")
    return lines


def _tested(trial: TrialView, study: StudyDirectory) -> dict[str, Any]:
    """The test metrics of a trial: of its run, or, of one that was trained together with others, of the study."""
    if not trial.run:
        return trial.test or {}
    summary = read_summary(study.run(trial.run))
    return (summary.test if summary is not None else None) or {}


def _gain(own: TrialView, best: TrialView, known: Metric) -> list[str]:
    """The preset's value and that of the best trial; after the same epoch, where the preset was not trained further."""
    what = f"{known.label} on the validation split"
    before, now = own.best(known), best.best(known)
    if before is None or now is None:
        return []
    if own.status == "completed":
        return [f"{what}: {known.write(before)} before, {known.write(now)} now"]
    lines = [f"{what}: {known.write(now)}"]
    then = value_at(best, own.epoch, known)
    if then is not None:
        values = f"{known.write(before)} before, {known.write(then)} now"
        lines.append(f"after epoch {own.epoch}, up to which the preset was trained: {values}")
    return lines

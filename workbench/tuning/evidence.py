"""What a preset that was found by a study says of itself: what was measured of it, and how sure that is."""

from __future__ import annotations

from typing import Any

from workbench.metrics import Metric
from workbench.tuning.verdict import Candidate, candidates_of
from workbench.tuning.view import StudyView, TrialView
from workbench.tuning.words import how_far, with_interval


def evidence(view: StudyView, trial: TrialView, result: dict[str, Any] | None, study: str, epochs: int) -> str:
    """A trial's value in a line. result: of the study, once it has one. epochs: of a whole training."""
    own = sum(each.repeats is None for each in view.trials.values())
    best = None if result is None else result.get("best")
    is_best = best is not None and best["trial"] == trial.number
    text = f"{'Best' if is_best else f'Trial {trial.number}'} of {own} settings (study {study})"
    metric = view.metric
    value = None if metric is None else trial.best(metric)
    if metric is None or value is None:
        return text
    text += f": validation {metric.label} {metric.write(value)}{how_far(trial, epochs)} as searched, "
    text += _over_fresh_seeds(candidates_of(view, [trial])[0], metric)
    if is_best and result is not None and result["tied"]:
        others = ", ".join(str(each["trial"]) for each in result["tied"])
        text += f"; cannot be told apart from trial{'s' if len(result['tied']) > 1 else ''} {others}"
    return text


def _over_fresh_seeds(candidate: Candidate, metric: Metric) -> str:
    seeds, interval = len(candidate.fresh), candidate.interval
    if not seeds:
        return "not trained again with fresh seeds"
    mean = with_interval(candidate.mean, interval, metric)
    which = "" if interval is None else " (95 % interval)"
    return f"{mean}{which} over {seeds} fresh seed{'s' if seeds > 1 else ''}"

"""What a trial is, and what a search has found, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.metrics import Metric
from workbench.tuning.described import described, differing
from workbench.tuning.statistics import least_pairs
from workbench.tuning.view import StudyView, TrialView


def changes(trial: TrialView, view: StudyView) -> str:
    """What a trial is, in a line: of a search, the settings in which it differs from its first trial, the preset."""
    if trial.repeats is not None:
        return trial.origin
    first = view.trials[0]
    if first.origin != "preset":
        return trial.origin or described(trial.settings)
    if trial is first:
        return "the preset as it is"
    return described(differing(trial.settings, first.settings))


def verdict(result: dict[str, Any], view: StudyView) -> str:
    """Whether the best is better than chance, in a sentence."""
    best, tied = result["best"], result["tied"]
    name, seeds = f"trial {best['trial']}", len(best["seeds"])
    what = changes(view.trials[best["trial"]], view)
    trial = view.trials[best["trial"]]
    if result["trials"] == 1:
        return f"{what} was the only trial, so that nothing was compared: give the search more time or trials"
    if trial.status != "completed":
        return f"{name} was best after epoch {trial.epoch} ({what}), but was not trained to its end: that may be chance"
    if not seeds:
        return f"{name} was best ({what}), but was not trained again with fresh seeds: that may be chance"
    if tied:
        numbers = [best["trial"], *(each["trial"] for each in tied)]
        more = f"; --seeds {least_pairs()} might tell" if seeds < least_pairs() else ""
        return f"{not_told_apart(numbers, seeds)}{more}. The first by its mean is {name}: {what}"
    return f"{name} is best over {seeds} fresh seed{'s' if seeds > 1 else ''}: {what}"


def not_told_apart(trials: Sequence[int], seeds: int) -> str:
    """That the best trials cannot be told apart. seeds: fresh ones that each of them was trained with again."""
    over = {0: "without fresh seeds", 1: "over 1 fresh seed, for one tells nothing"}.get(
        seeds, f"over {seeds} fresh seeds"
    )
    return f"trials {', '.join(map(str, trials))} cannot be told apart {over}"


def how_far(trial: TrialView, epochs: int) -> str:
    """Of a trial whose value is not that of a whole training, after how many epochs it was measured; else empty.

    epochs: of a whole training.
    """
    if trial.status == "completed":
        return ""
    return f" after {trial.epoch} of {epochs} epochs, not trained to its end,"


def with_interval(mean: float | None, interval: tuple[float, float] | None, metric: Metric) -> str:
    """A mean ± half of its interval; a dash without a mean."""
    if mean is None:
        return "-"
    half = "" if interval is None else f" ± {metric.number((interval[1] - interval[0]) / 2)}"
    return f"{metric.number(mean)}{half}{metric.unit}"

"""A study in words: its settings, trials and result."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from workbench.metrics import Metric, headline_metrics, written
from workbench.settings.preset import FAMILIES
from workbench.tuning.view import TrialView
from workbench.tuning.words import not_told_apart
from workbench.ui.form.parsing import shown, wording
from workbench.ui.live.study_watch import StudyWatch, number_of
from workbench.units import count, duration

WAYS = {"search": "searching", "repeat": "repeating", "folds": "cross-validating", "queue": "training"}
"""What a study that is running does."""
SAMPLERS = {"tpe": "TPE", "cmaes": "CMA-ES", "qmc": "QMC", "random": "random search", "grid": "the grid"}
"""Where the settings of a trial come from."""
SEED = "training.seed"
OWN_SETTINGS = "your preset"


def setting_label(path: str) -> str:
    """A setting's name: learning rate for optimizer.learning_rate, optimizer for optimizer.name."""
    table, _, key = path.partition(".")
    return wording(table if table in FAMILIES and key == FAMILIES[table].tag else key or table)


def value_words(value: Any) -> str:
    """A value in a few digits."""
    if isinstance(value, float):
        return shown(float(f"{value:.3g}")).removesuffix(".0")
    return wording(value) if isinstance(value, str) else shown(value)


def differs(watch: StudyWatch, trial: TrialView, without: str = "") -> str:
    """The settings of a trial that differ from the preset's. without: one that is shown elsewhere, by its path."""
    if trial.repeats is not None:
        return f"seed {trial.settings.get(SEED, '?')}, trial {trial.repeats} again"
    changed = {path: value for path, value in trial.trained_settings.items() if not _same(watch.own.get(path), value)}
    if not changed:
        return OWN_SETTINGS
    names, numbers = [], []
    for path, value in changed.items():
        if path == without:
            continue
        if isinstance(value, str):
            names.append(value_words(value))
        else:
            numbers.append(f"{setting_label(path)} {value_words(value)}")
    return ", ".join([*names, *numbers])


def _same(own: Any, value: Any) -> bool:
    return shown(own) == shown(value) if own is not None else False


def settings_words(watch: StudyWatch, trial: TrialView) -> str:
    """All settings that a trial changes."""
    return differs(watch, trial) or OWN_SETTINGS


def described(watch: StudyWatch, trial: TrialView) -> str:
    """A trial in a sentence; the settings of the best one stand in the verdict."""
    status = watch.status_of(trial)
    parts = [f"{watch.trial_word} {trial.number} {status}"]
    if trial.reason and status in ("failed", "discarded", "waiting"):
        parts[0] += f": {trial.reason}"
    metric = watch.view.metric
    if metric is not None and (value := trial.best(metric)) is not None:
        parts.append(f"{metric.label} {metric.write(value)}")
    if trial.seconds:
        parts.append(duration(trial.seconds))
    if trial.origin in SAMPLERS:
        parts.append(f"suggested by {SAMPLERS[trial.origin]}")
    elif (
        not watch.is_folds
        and trial.repeats is None
        and trial.origin not in ("", "preset", settings_words(watch, trial))
    ):
        parts.append(trial.origin)
    if not watch.is_folds and trial not in watch.best[:1]:
        parts.append(settings_words(watch, trial))
    return ", ".join(parts)


def counts(watch: StudyWatch) -> str:
    """How many trials there are, and how they stand."""
    trials = list(watch.view.trials.values())
    if not trials:
        return ""
    statuses = [watch.status_of(trial) for trial in trials]
    parts = [f"1 {watch.trial_word}" if len(trials) == 1 else f"{len(trials)} {watch.trial_word}s"]
    shown = ((statuses.count(status), status) for status in ("running", "discarded", "failed"))
    return ", ".join([*parts, *(f"{number} {status}" for number, status in shown if number)])


def verdict(watch: StudyWatch, *, explains: bool = False) -> tuple[str, str, str]:
    """What the study has found so far or at last: the style of its head, the head, and the rest of the sentence.

    explains: whether there is room to say which ± is meant.
    """
    metric, state = watch.view.metric, watch.state
    best = watch.best
    if state in ("failed", "lost"):
        return "error", f"the study {'failed' if state == 'failed' else 'is lost'}", watch.reason
    result = watch.result
    if metric is not None and not watch.is_contest:
        return _mean_so_far(watch, metric) if result is None else _mean(metric, result, explains)
    if metric is None or not best:
        note = watch.view.notes[-1] if watch.view.notes else ""
        return "dim", "", note or ("no trial has given a value" if watch.view.finished is not None else "")
    leader = best[0]
    tied = [number for each in (result or {}).get("tied") or [] if (number := number_of(each)) is not None]
    if len(tied) > 1 or (tied and tied != [leader.number]):
        numbers = list(dict.fromkeys([leader.number, *tied]))
        head = not_told_apart(numbers, len(_fresh(watch, leader, metric)))
        return "warning", head, f"the first by its mean is trial {leader.number}: {settings_words(watch, leader)}"
    said = f"{metric.label} {_written(metric, leader.best(metric))}, {settings_words(watch, leader)}"
    if over := _over_fresh_seeds(watch, leader, metric):
        said = f"{over}, {said}"
    is_final = state in ("completed", "stopped")
    return ("good" if is_final else "accent"), f"{'best' if is_final else 'best so far'}: trial {leader.number}", said


def _written(metric: Metric, value: float | None) -> str:
    return "unknown" if value is None else metric.write(value)


def _mean_so_far(watch: StudyWatch, metric: Metric) -> tuple[str, str, str]:
    trials = list(watch.view.trials.values())
    completed = [trial for trial in trials if trial.status == "completed"]
    values = [value for trial in completed or trials if (value := trial.best(metric)) is not None]
    if not values:
        return "dim", "", ""
    return "accent", f"mean so far {metric.write(fmean(values))}", f"{metric.label} of {len(values)}"


def _mean(metric: Metric, result: dict[str, Any], explains: bool) -> tuple[str, str, str]:
    mean = result.get("mean")
    if not isinstance(mean, float):
        return "warning", "no mean", "no trial has completed"
    low, high, deviation = result.get("low"), result.get("high"), result.get("deviation")
    head, said = f"mean {metric.write(mean)}", metric.label
    if isinstance(low, float) and isinstance(high, float):
        said += f", 95 % interval {metric.number(low)} to {metric.write(high)}"
    elif isinstance(deviation, float):
        head += f" ± {metric.write(deviation)}"
    which = "; ±: corrected deviation of the mean" if explains and "±" in head else ""
    return "good", head, said + _pooled(result) + which


def _pooled(result: dict[str, Any]) -> str:
    """Over how many folds, and the metrics of all samples that they have left out; empty where there are none."""
    folds, pooled = result.get("folds"), result.get("pooled")
    if not isinstance(folds, list) or not isinstance(pooled, dict):
        return ""
    known = {name: value for name, value in pooled.items() if type(value) in (int, float)}
    named = str(result.get("metric"))
    shown = sorted(headline_metrics(named), key=lambda each: each.name != named)
    words = ", ".join(f"{label} {value}" for label, value in written(known, shown))
    return f" over {count(len(folds))} folds, pooled {words}" if words else ""


def _fresh(watch: StudyWatch, trial: TrialView, metric: Metric) -> list[float]:
    """What a trial's repeats with other seeds gave."""
    found = [each.best(metric) for each in watch.view.repeats_of(trial.number)]
    return [value for value in found if value is not None]


def _over_fresh_seeds(watch: StudyWatch, trial: TrialView, metric: Metric) -> str:
    """The mean of a trial's repeats with other seeds; empty without any."""
    values = _fresh(watch, trial, metric)
    seeds = "1 fresh seed" if len(values) == 1 else f"{len(values)} fresh seeds"
    return f"mean {metric.write(fmean(values))} over {seeds}" if values else ""

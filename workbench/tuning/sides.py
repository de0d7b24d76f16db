"""The sides of `workbench compare`: a run, or a study that repeats one preset over seeds or folds."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import UsageError
from workbench.files import read_small
from workbench.metrics import METRICS, undeclared
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Prepared
from workbench.runs.history import RunHistory, read_history
from workbench.runs.own_loop import read_own_loop
from workbench.runs.phases import PHASES
from workbench.runs.preset_text import flattened
from workbench.runs.status import Status, Summary, read_summary, status
from workbench.runs.tail import EventTail
from workbench.settings.differing import NAMES
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory, find_run_or_study, trials_of
from workbench.tuning.folds import FOLD
from workbench.tuning.view import read_study_view

SPLITS = ("validation", "test")
"""validation: at the best epoch. test: once, at the end."""
PAIRED_BY = ("training.seed", "validation.fold")
"""The settings in which the runs of one side may differ: runs of two sides are paired where they are the same."""
NO_ENVIRONMENT = ("command", "working_folder")
"""Of environment.json: what says how the run was started, not what it ran on."""


class Key(NamedTuple):
    """Which of the runs of a side: two runs with the same key are a pair."""

    seed: int | None
    """None of a run that a loop of the user's own has made: it is paired with no other."""
    fold: int | None = None


@dataclass(frozen=True)
class TrainedRun:
    """What is compared of one run."""

    run: RunDirectory | None
    """None of a trial that was trained together with others: what is known of it is in the study."""
    status: Status
    preset: Preset | None
    """None of a run that a loop of the user's own has made."""
    environment: Mapping[str, str]
    """By key path, such as torch or host.cpu."""
    monitor: str
    """The metric by which its best epoch was chosen; empty if it is not known."""
    metrics: Mapping[str, Mapping[str, float]]
    """By split, then by name; only finite numbers."""
    step_times: Mapping[str, float]
    """Milliseconds by phase, and the median step."""
    seconds: float | None
    """How long training, validation and all that belongs to them took; None if it is not known."""
    start_seconds: float
    """How long it took to start: importing PyTorch, reading the data. A study does that once."""
    folds: int = 0
    """Of the cross-validation that it belongs to; 0 where it has a run, which knows how many samples it left out."""
    own_settings: Mapping[str, Any] = field(default_factory=dict)
    """Of a run without a preset: its settings by key path."""

    @property
    def key(self) -> Key:
        """Its seed and fold."""
        if self.preset is None:
            return Key(None)
        fold = getattr(self.preset.validation, "fold", None)
        return Key(self.preset.training.seed, fold if isinstance(fold, int) else None)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its settings by key path."""
        return self.own_settings if self.preset is None else self.preset.flat()

    @cached_property
    def test_to_train(self) -> float:
        """Validation samples over training samples; 0 where they are not known."""
        if self.run is None:
            return 1 / (self.folds - 1) if self.folds > 1 else 0.0
        tail = EventTail(self.run.events)
        while events := tail.read():
            for _, event in events:
                if isinstance(event, Prepared) and event.train_samples > 0:
                    return (event.validation_samples or 0) / event.train_samples
        return 0.0


@dataclass(frozen=True)
class Side:
    """One preset, trained once or several times."""

    name: str
    path: Path
    runs: Mapping[Key, TrainedRun]
    """In the order of their keys; at least one."""
    is_study: bool = False
    left_out: int = 0
    """Runs of the study that have not completed: what they reached so far is no result."""

    @property
    def first(self) -> TrainedRun:
        """The run of the first seed and fold."""
        return next(iter(self.runs.values()))

    @property
    def preset(self) -> Preset | None:
        """The preset of the first run; None where a loop of the user's own has made it."""
        return self.first.preset

    @property
    def seeds(self) -> list[int]:
        """All seeds, in order; empty where they are not known."""
        return sorted({key.seed for key in self.runs if key.seed is not None})

    @property
    def folds(self) -> list[int]:
        """All folds, in order; empty without folds."""
        return sorted({key.fold for key in self.runs if key.fold is not None})

    def seconds_of(self, runs: int) -> float | None:
        """How long this number of runs takes in one process; None if it is not known."""
        known = [run.seconds for run in self.runs.values() if run.seconds is not None]
        start = max(run.start_seconds for run in self.runs.values())
        return start + runs * statistics.fmean(known) if known else None

    @property
    def step_times(self) -> dict[str, float]:
        """Milliseconds by phase, and the median step: the median over the runs."""
        names = dict.fromkeys(name for run in self.runs.values() for name in run.step_times)
        return {
            name: statistics.median(run.step_times[name] for run in self.runs.values() if name in run.step_times)
            for name in names
        }

    @property
    def environment(self) -> dict[str, str]:
        """By key path; several values of one key are joined by a comma."""
        found: dict[str, dict[str, None]] = {}
        for run in self.runs.values():
            for name, value in run.environment.items():
                found.setdefault(name, {})[value] = None
        return {name: ", ".join(values) for name, values in found.items()}

    def values(self, split: str, metric: str) -> dict[Key, float]:
        """A metric of each run that has it."""
        found = {key: run.metrics.get(split, {}).get(metric) for key, run in self.runs.items()}
        return {key: value for key, value in found.items() if value is not None}


def read_side(name_or_path: str, runs_folder: Path, studies_folder: Path) -> Side:
    """Reads a run or a study, by its name, part of its name, or its path. Raises UsageError, PresetError."""
    found = find_run_or_study(name_or_path, runs_folder, studies_folder)
    if isinstance(found, StudyDirectory):
        return _read_study(found)
    side = side_of(found)
    if not any(side.first.metrics.values()):
        raise UsageError(
            f"the run {found.name} has no metrics: it is {side.first.status}, and has neither validated nor tested. "
            "Compare one that has completed an epoch"
        )
    return side


def side_of(run: RunDirectory) -> Side:
    """A run as a side, whether it has metrics or not. Raises PresetError."""
    found = _read_run(run)
    return Side(run.name, run.path, {found.key: found})


def _read_study(study: StudyDirectory) -> Side:
    trials = [*map(_read_run, trials_of(study)), *_without_runs(study)]
    usable = [run for run in trials if run.status == "completed" and any(run.metrics.values())]
    if not usable:
        raise UsageError(f"the study {study.name} has no completed trial with metrics yet")
    for run in usable[1:]:
        for setting in differences_of(usable[0].settings, run.settings):
            if setting not in (*PAIRED_BY, *NAMES):
                raise UsageError(
                    f"the trials of {study.name} differ in {setting}: a study that is compared repeats one preset over "
                    f"seeds or folds. Compare its runs, in {study.trials}"
                )
    # A later run of the same seed and fold stands for an earlier one.
    runs = {run.key: run for run in usable}
    ordered = sorted(runs, key=lambda key: (key.seed or 0, -1 if key.fold is None else key.fold))
    return Side(study.name, study.path, {key: runs[key] for key in ordered}, True, len(trials) - len(usable))


def _without_runs(study: StudyDirectory) -> list[TrainedRun]:
    """The trials of a study that were trained together. Raises PresetError where its preset cannot be read."""
    view = read_study_view(study)
    trials = [trial for trial in view.trials.values() if trial.began and not trial.run]
    if not trials:
        return []
    preset, environment = Preset.of_run(study.preset).without_search(), _environment(study.environment)
    # What the study took beside its trainings: starting its processes, and timing a step together and alone.
    start_seconds = max(view.seconds - sum(trial.seconds for trial in view.trials.values()), 0.0)
    folds = len(view.trials) if any(FOLD in trial.settings for trial in trials) else 0
    return [
        TrainedRun(
            None,
            "completed" if trial.status == "completed" else "failed" if trial.status == "failed" else "stopped",
            preset.with_values(trial.trained_settings, f"trial {trial.number}"),
            environment,
            trial.metric,
            {"validation": _numbers(trial.validation), "test": _numbers(trial.test)},
            {},
            trial.seconds or None,
            start_seconds,
            folds,
        )
        for trial in trials
    ]


def _read_run(run: RunDirectory) -> TrainedRun:
    """Raises PresetError where its preset cannot be read."""
    own, state = read_own_loop(run.preset), status(run)
    preset, settings = (Preset.of_run(run.preset), {}) if own is None else (None, own.flat())
    summary = None if state == "running" else read_summary(run)
    environment = _environment(run.environment)
    if summary is not None:
        metrics = {"validation": _numbers(summary.validation), "test": _numbers(summary.test)}
        times = _step_times(summary.phase_ms, summary.step_ms)
        took = _seconds(summary)
        return TrainedRun(
            run, state, preset, environment, summary.monitor, metrics, times, *took, own_settings=settings
        )
    history = read_history(run)
    best, tested, timing = history.best, history.view.tested, history.view.timing
    metrics = {
        "validation": _numbers(None if best is None else best.validation),
        "test": _numbers(None if tested is None else tested.metrics),
    }
    times = {} if timing is None else _step_times(timing.phase_ms, timing.step_ms)
    monitor = "" if history.view.prepared is None else history.view.prepared.monitor
    expected = _expected_seconds(history)
    return TrainedRun(run, state, preset, environment, monitor, metrics, times, expected, 0.0, own_settings=settings)


def _seconds(summary: Summary) -> tuple[float | None, float]:
    """How long a run took, and how long its start; of one that was cut short, as long as it took."""
    spent = {name: seconds for name, seconds in summary.seconds.items() if math.isfinite(seconds)}
    total, paused = spent.pop("total", 0.0), spent.pop("paused", 0.0)
    work = sum(spent.values())
    return (work if work > 0 else None), max(total - paused - work, 0.0)


def _expected_seconds(history: RunHistory) -> float | None:
    """Of a run in progress: training time in all, at the pace so far."""
    left = history.view.seconds_left
    return None if left is None else history.view.seconds + left


def differences_of(here: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The settings that differ, by key path: (value here, value there); None if one side lacks the setting."""
    paths = dict.fromkeys((*here, *there))
    return {path: (here.get(path), there.get(path)) for path in paths if here.get(path) != there.get(path)}


def _numbers(found: Mapping[str, Any] | None) -> dict[str, float]:
    values = {metric.name: (found or {}).get(metric.name) for metric in METRICS} | undeclared(found or {})
    return {name: float(value) for name, value in values.items() if value is not None and math.isfinite(value)}


def _step_times(phases: Mapping[str, float], step: Mapping[str, float]) -> dict[str, float]:
    known = {name: phases[name] for name in PHASES if name in phases}
    return known | {"step p50": step["p50"]} if "p50" in step else known


def _environment(path: Path) -> dict[str, str]:
    """environment.json by key path; empty where it cannot be read."""
    try:
        found = json.loads(read_small(path))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    gpus = found.pop("gpus", None)
    values = {path: str(value) for path, value in flattened(found).items() if path not in NO_ENVIRONMENT}
    if isinstance(gpus, list) and gpus:
        values["gpus"] = ", ".join(str(gpu.get("name")) for gpu in gpus if isinstance(gpu, dict))
    return values

"""Studies made up to the last digit: the same events and clock on every machine."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.ui.made import HELD, NOON, preset, write_run
from workbench.processes.out_of_fold import OutOfFold
from workbench.runs.event_lines import encode
from workbench.runs.events import Event
from workbench.runs.lock import claim
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.events import (
    MetricKnown,
    StudyFinished,
    StudyStarted,
    StudyState,
    TrialAsked,
    TrialDiscarded,
    TrialFinished,
    TrialPaused,
    TrialStarted,
    TrialValue,
)
from workbench.tuning.folds import fold_changes, result_of
from workbench.tuning.question import Question

SEARCH: dict[str, Any] = {
    "optimizer.learning_rate": {"low": 1e-5, "high": 1.0, "log": True},
    "model.hidden": {"choices": [[64], [256], [512, 256]]},
    "activation.name": {"choices": ["relu", "gelu", "mish"]},
    "model.dropout": {"low": 0.0, "high": 0.5},
    "optimizer.weight_decay": {"low": 1e-6, "high": 0.1, "log": True},
    "schedule.name": {"choices": ["constant", "one_cycle"]},
}
TRIALS, EPOCHS = 64, 10
BEST, KEPT = 41, (41, 7, 52)
FAILED = 5


def settings_of(trial: int) -> dict[str, Any]:
    """Those of the preset for trial 0; the others are spread over the space."""
    if trial == 0:
        return {
            "optimizer.learning_rate": 0.01, "model.hidden": [512, 256], "activation.name": "relu",
            "model.dropout": 0.0, "optimizer.weight_decay": 0.0, "schedule.name": "constant",
        }  # fmt: skip
    place = (trial * 0.6180339887) % 1.0
    rate = 10 ** (-5 + 5 * place)
    if trial in KEPT:
        rate = {41: 0.0021, 7: 0.0034, 52: 0.0013}[trial]
    return {
        "optimizer.learning_rate": float(f"{rate:.3g}"),
        "model.hidden": ([64], [256], [512, 256])[trial % 3],
        "activation.name": ("relu", "gelu", "mish")[(trial // 3) % 3],
        "model.dropout": round((trial * 0.37) % 0.5, 2),
        "optimizer.weight_decay": float(f"{10 ** (-6 + 5 * ((trial * 0.29) % 1.0)):.2g}"),
        "schedule.name": ("constant", "one_cycle")[trial % 2],
    }


def loss_of(trial: int, epoch: int) -> float:
    """The validation loss: best near a learning rate of 0.002, and falling from epoch to epoch."""
    rate = settings_of(trial)["optimizer.learning_rate"]
    distance = abs(math.log10(rate / 0.002))
    floor = 0.08 + 0.25 * distance**2 + 0.02 * ((trial * 0.77) % 1.0) - (0.012 if trial == BEST else 0.0)
    pace = {41: 1.2, 7: 1.6, 52: 1.9}.get(trial, 1.5 + 0.1 * (trial % 6))
    floor += {7: 0.004, 52: 0.02}.get(trial, 0.0)
    return floor + 2.2 * math.exp(-epoch / pace)


def events(*, epochs: int = EPOCHS, finished: str = "", paused: bool = False) -> Iterator[Event]:
    """The events of a study that keeps three trials of 64 after their first epoch, up to an epoch of those."""
    clock = NOON

    def at(event: Event, seconds: float) -> Event:
        nonlocal clock
        clock += seconds
        return replace(event, time=round(clock, 3))

    yield at(StudyStarted(process_id=4711), 0.0)
    yield at(MetricKnown(metric="loss"), 2.0)
    for trial in range(TRIALS):
        origin = "preset" if trial == 0 else "tpe" if trial % 2 else "near the preset"
        yield at(TrialAsked(trial=trial, settings=settings_of(trial), origin=origin, until_epoch=1), 0.01)
        yield at(TrialStarted(trial=trial, run=run_name(trial), until_epoch=1), 0.01)
        if trial == FAILED:
            reason = "the loss at step 12 is not a finite number: training has diverged"
            yield at(TrialFinished(trial=trial, status="failed", reason=reason, kind="diverged", seconds=0.2), 0.2)
            continue
        yield at(TrialValue(trial=trial, epoch=1, value=loss_of(trial, 1)), 0.5)
        yield at(TrialPaused(trial=trial, epoch=1, seconds=0.5), 0.05)
    for trial in range(TRIALS):
        if trial not in (*KEPT, FAILED):
            yield at(TrialDiscarded(trial=trial, reason="not among the best 3 after epoch 1"), 0.0)
    for trial in KEPT:
        yield at(TrialStarted(trial=trial, run=run_name(trial), resumed=True), 0.01)
    for epoch in range(2, epochs + 1):
        for trial in KEPT:
            yield at(TrialValue(trial=trial, epoch=epoch, value=loss_of(trial, epoch)), 0.5)
    if paused:
        yield at(StudyState(state="paused"), 0.1)
    if finished:
        for trial in KEPT:
            yield at(TrialFinished(trial=trial, status="completed", value=loss_of(trial, epochs), seconds=5.4), 0.1)
        for seed in (1, 2):
            yield from _repeat(TRIALS + seed - 1, seed, epochs, at)
        yield at(StudyFinished(status=finished), 0.1)


def _repeat(number: int, seed: int, epochs: int, at: Any) -> Iterator[Event]:
    settings = settings_of(BEST) | {"training.seed": seed}
    yield at(TrialAsked(trial=number, settings=settings, origin=f"trial {BEST} with seed {seed}", repeats=BEST), 0.01)
    yield at(TrialStarted(trial=number, run=run_name(number)), 0.01)
    for epoch in range(1, epochs + 1):
        yield at(TrialValue(trial=number, epoch=epoch, value=loss_of(BEST, epoch) + 0.002 * seed), 0.5)
    value = loss_of(BEST, epochs) + 0.002 * seed
    yield at(TrialFinished(trial=number, status="completed", value=value, seconds=5.0), 0.1)


def run_name(trial: int) -> str:
    return f"20261124T12{trial // 60:02d}{trial % 60:02d}Z-fast-{trial:04x}"


def write_study(
    studies: Path,
    name: str = "20261124T120000Z-fast-0a1b",
    *,
    epochs: int = 6,
    finished: str = "",
    paused: bool = False,
    alive: bool = False,
    tied: tuple[int, ...] = (),
) -> StudyDirectory:
    """A study's directory with all that a controller would have written.

    alive: this very process counts as its controller; only the best trial has a run to be opened.
    """
    study = StudyDirectory((studies / name).absolute())
    study.trials.mkdir(parents=True)
    study.preset.write_text(preset("fast").to_toml())
    question = Question(way="search", search=SEARCH, trials=TRIALS, seeds=(1, 2))
    study.question.write_text(question.to_toml())
    write_run(study.trials, run_name(BEST), steps=600)
    lines = list(events(epochs=epochs, finished=finished, paused=paused))
    study.events.write_text("".join(f"{encode(event)}\n" for event in lines))
    if finished == "completed":
        best = {"trial": BEST, "settings": settings_of(BEST), "metric": "loss", "value": loss_of(BEST, epochs)}
        result = {"type": "result", "best": best, "tied": list(tied), "trials": TRIALS, "discarded": TRIALS - 4}
        study.summary.write_text(json.dumps(result))
    if alive:
        HELD[study.path] = claim(study)
    return study


def write_folds(
    studies: Path, name: str = "20261124T130000Z-fast-0b2c", *, folds: int = 5, ended: int = 5, alive: bool = False
) -> StudyDirectory:
    """A cross-validation: completed, or with so many folds that have ended, while the next one is being trained.

    Fold f has an accuracy of 0.9 + 0.02 f and a loss of 0.3 - 0.02 f, on 28 samples and one more in the first two.
    alive: this very process counts as its controller.
    """
    study = StudyDirectory((studies / name).absolute())
    study.trials.mkdir(parents=True)
    study.preset.write_text(preset("fast").override(["validation.method=k_fold"]).to_toml())
    study.question.write_text(Question(way="folds", changes=fold_changes(folds)).to_toml())
    lines: list[Event] = [StudyStarted(process_id=4711, time=NOON), MetricKnown(metric="accuracy", time=NOON + 1)]
    for fold in range(min(ended + 1, folds)):
        now = NOON + 2 + fold
        lines.append(TrialAsked(trial=fold, settings={"validation.fold": fold}, origin=f"fold {fold}", time=now))
        lines.append(TrialStarted(trial=fold, run=run_name(fold), time=now))
        for epoch in range(1, (EPOCHS if fold < ended else 4) + 1):
            value = _accuracy(fold) - (0.3 + 0.02 * fold) * math.exp(-epoch / 2)
            lines.append(TrialValue(trial=fold, epoch=epoch, value=value, time=now + epoch / 20))
        if fold < ended:
            done = TrialFinished(trial=fold, status="completed", value=_accuracy(fold), seconds=0.5, time=now + 0.5)
            lines.append(done)
    if ended == folds:
        lines.append(StudyFinished(status="completed", time=NOON + 10))
        metrics = [{"loss": 0.3 - 0.02 * fold, "accuracy": _accuracy(fold)} for fold in range(folds)]
        samples = tuple(28 + (fold < 2) for fold in range(folds))
        judged = OutOfFold("accuracy", samples, list(metrics), {"loss": 0.2603, "accuracy": 0.9394})
        result = result_of(judged, [run_name(fold) for fold in range(folds)])
        study.summary.write_text(json.dumps({"type": "result"} | result))
    study.events.write_text("".join(f"{encode(event)}\n" for event in lines))
    if alive:
        HELD[study.path] = claim(study)
    return study


def _accuracy(fold: int) -> float:
    return 0.9 + 0.02 * fold


def append(study: StudyDirectory, *written: Event) -> None:
    """Appends the events that the controller writes next."""
    with study.events.open("a") as file:
        file.writelines(f"{encode(event)}\n" for event in written)

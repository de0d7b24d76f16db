"""A loop whose losses are not finite says so, and has diverged if they stay so."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import workbench
from tests.unit.own_loop.reading import events, summary_of
from workbench.alerts.judge import Judge
from workbench.alerts.settings import AlertSettings
from workbench.own_loop.divergence import Divergence
from workbench.own_loop.watch import WatchedRun
from workbench.runs.directory import RunDirectory
from workbench.runs.events import Event, Finished, WarningRaised

NAN = math.nan


def watched(folder: Path, losses: list[float], validation: float | None = None) -> WatchedRun:
    with workbench.watch("mine", epochs=1, runs_dir=folder, measure=False) as run:
        for _ in run.epochs():
            for loss in run.steps(losses):
                run.log(loss=loss)
            if validation is not None:
                run.validation(loss=validation)
    return run


def warnings(run: WatchedRun) -> list[str]:
    return [event.message for event in events(run.directory, WarningRaised)]


def test_losses_that_stay_nan_are_said_once_and_end_as_diverged(tmp_path: Path) -> None:
    run = watched(tmp_path, [1.0, NAN, 1.0, NAN, math.inf], NAN)
    assert warnings(run) == ["the loss at step 2 is not a finite number (nan); the loop continues"]
    [finished] = events(run.directory, Finished)
    assert (finished.status, finished.kind, finished.what, finished.at_step) == ("failed", "diverged", "loss", 4)
    assert finished.reason == "the loss at step 4 is not a finite number, nor is any loss after it"
    summary = summary_of(run.directory)
    assert (summary.status, summary.kind, summary.reason) == ("failed", "diverged", finished.reason)
    assert summary.epoch == 1
    assert run.directory is not None
    judge = Judge(AlertSettings(), RunDirectory(run.directory), since=0.0)
    judge.take(events(run.directory, Event))
    assert [alert.event for alert in judge.news()] == ["diverged"]


def test_losses_that_become_finite_again_are_only_said(tmp_path: Path) -> None:
    run = watched(tmp_path, [1.0, NAN, 1.0])
    assert len(warnings(run)) == 1
    [finished] = events(run.directory, Finished)
    assert (finished.status, finished.kind, finished.what, finished.at_step) == ("completed", "", "", None)


def test_a_finite_validation_loss_says_that_the_model_has_not_diverged(tmp_path: Path) -> None:
    run = watched(tmp_path, [1.0, NAN], 2.0)  # as of a last batch that is empty
    assert len(warnings(run)) == 1
    assert summary_of(run.directory).status == "completed"


def test_a_validation_loss_alone_tells_too(tmp_path: Path) -> None:
    run = watched(tmp_path, [1.0, 1.0], NAN)
    [finished] = events(run.directory, Finished)
    assert (finished.status, finished.what, finished.at_step) == ("failed", "validation loss", 2)


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), "stopped"), (ValueError("a NaN"), "failed")])
def test_a_loop_that_ends_by_itself_keeps_its_reason(tmp_path: Path, error: BaseException, status: str) -> None:
    run = workbench.watch("mine", epochs=1, runs_dir=tmp_path, measure=False)

    def train() -> None:
        with run:
            for _ in run.steps([1, 2]):
                run.log(loss=NAN)
                run.loop.poll(wait=True)
                raise error

    with pytest.raises(type(error)):
        train()
    [finished] = events(run.directory, Finished)
    assert (finished.status, finished.kind, finished.at_step) == (status, "diverged", 1)
    assert "finite" not in finished.reason


def test_finite_losses_say_nothing() -> None:
    divergence = Divergence()
    assert [divergence.take("loss", step, 1.0) for step in range(3)] == [""] * 3
    assert (divergence.since, divergence.reason) == (None, "")

"""What is read of a run or a study before it is compared."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.ui.made import write_run
from tests.unit.tuning.made import ENVIRONMENT, made_run, made_study
from workbench.errors import UsageError
from workbench.runs.directory import create_run
from workbench.runs.event_lines import encode
from workbench.runs.events import Event
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.tuning.directory import create_study
from workbench.tuning.events import StudyStarted, TrialAsked, TrialFinished, TrialStarted
from workbench.tuning.question import Question
from workbench.tuning.sides import Key, Side, read_side


def side(tmp_path: Path, name: str | Path) -> Side:
    return read_side(str(name), tmp_path / "runs", tmp_path / "studies")


def test_a_run_is_found_by_its_name_a_part_of_it_and_its_path(tmp_path: Path) -> None:
    preset = Preset(name="fast").override(["training.seed=3"])
    run = made_run(tmp_path / "runs", preset, validation={"accuracy": 0.9, "loss": None}, test={"accuracy": 0.8})
    for name in (run.name, run.name[-9:], run.path):
        found = side(tmp_path, name)
        assert (found.path, found.is_study, list(found.runs)) == (run.path, False, [Key(3)])
    assert found.first.metrics == {"validation": {"accuracy": 0.9}, "test": {"accuracy": 0.8}}
    assert found.first.monitor == "accuracy"
    assert found.preset == preset
    assert found.environment == {
        "workbench": "1.0", "torch": "2.9.0", "git_revision": "0123456789ab", "host.hostname": "box",
        "host.logical_cores": "2", "gpus": "NVIDIA H100",
    }  # fmt: skip
    assert found.step_times == {"data": 0.1, "forward": 0.5, "step p50": 0.75}, "in the order of a step"


def test_the_time_of_more_runs_counts_the_start_once(tmp_path: Path) -> None:
    made_study(tmp_path / "studies", Preset(name="iris"), accuracies=[0.5, 0.6])
    assert side(tmp_path, "iris").seconds_of(10) == pytest.approx(3.0 + 10 * 2.5)


def test_a_study_is_its_runs_by_seed(tmp_path: Path) -> None:
    study = made_study(tmp_path / "studies", accuracies=[0.7, None, 0.9], first_seed=4)
    for name in (study.name, study.path):
        found = side(tmp_path, name)
        assert found.values("validation", "accuracy") == {Key(4): 0.7, Key(6): 0.9}
    assert (found.seeds, found.folds, found.is_study, found.left_out) == ([4, 6], [], True, 1)
    assert found.values("test", "f1_macro") == {}


def test_of_a_study_only_completed_runs_count(tmp_path: Path) -> None:
    study = made_study(tmp_path / "studies", accuracies=[0.7])
    for seed, status in ((1, "failed"), (2, "stopped")):
        made_run(
            study.trials, Preset().override([f"training.seed={seed}"]), validation={"accuracy": 0.1}, status=status
        )
    found = side(tmp_path, study.path)
    assert (found.seeds, found.left_out) == ([0], 2)


def test_several_environments_and_step_times_of_a_study_are_gathered(tmp_path: Path) -> None:
    study = made_study(tmp_path / "studies", accuracies=[0.7])
    for seed, forward in ((1, 2.5), (2, 0.75)):
        made_run(
            study.trials, Preset().override([f"training.seed={seed}"]), validation={"accuracy": 0.5},
            forward_ms=forward, environment=ENVIRONMENT | {"torch": "2.11.0"},
        )  # fmt: skip
    found = side(tmp_path, study.path)
    assert found.environment["torch"] == "2.9.0, 2.11.0"
    assert found.environment["workbench"] == "1.0"
    assert found.step_times["forward"] == 0.75, "the median"


def test_a_later_run_of_the_same_seed_stands_for_an_earlier_one(tmp_path: Path) -> None:
    study = made_study(tmp_path / "studies", accuracies=[0.7])
    again = made_run(study.trials, Preset(), validation={"accuracy": 0.8})
    again.path.rename(study.trials / "29991231T235959Z-unnamed-ffff")
    assert side(tmp_path, study.path).values("validation", "accuracy") == {Key(0): 0.8}


def test_a_run_without_a_summary_is_read_from_its_events(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", steps=1000)
    found = side(tmp_path, run.name)
    assert found.first.status == "lost"
    assert found.first.monitor == "accuracy"
    assert set(found.first.metrics["validation"]) >= {"accuracy", "loss"}
    assert "forward" in found.step_times


def test_what_cannot_be_read_is_unknown_and_no_error(tmp_path: Path) -> None:
    run = made_run(tmp_path / "runs", validation={"accuracy": 0.9})
    for text in ("{", "[]", json.dumps({"gpus": [1, "two"], "torch": None})):
        run.environment.write_text(text)
        assert "workbench" not in side(tmp_path, run.name).environment


def test_unknown_and_ambiguous_names_are_refused(tmp_path: Path) -> None:
    made_run(tmp_path / "runs", Preset(name="iris-a"), validation={"accuracy": 0.9})
    made_study(tmp_path / "studies", Preset(name="iris-b"), accuracies=[0.9])
    for name in ("nowhere", "", "x" * 300, "a\0b"):
        with pytest.raises(UsageError, match="there is no run"):
            side(tmp_path, name)
    with pytest.raises(UsageError, match=r"could be .*iris-a.*iris-b.*: write more of the name"):
        side(tmp_path, "iris")


def test_what_has_no_metrics_is_refused_with_its_status(tmp_path: Path) -> None:
    new = create_run(tmp_path / "runs", "new", Preset().to_toml())
    failed = made_run(tmp_path / "runs", Preset(name="bad"), validation=None, status="failed")
    for run, status in ((new, "new"), (failed, "failed")):
        with pytest.raises(UsageError, match=f"{run.name} has no metrics: it is {status}, and has neither"):
            side(tmp_path, run.name)
    study = create_study(tmp_path / "studies", Preset(), Question(way="repeat", seeds=(0, 1)))
    with pytest.raises(UsageError, match="has no completed trial with metrics yet"):
        side(tmp_path, study.name)


def test_a_study_whose_trials_have_other_settings_is_refused(tmp_path: Path) -> None:
    study = made_study(tmp_path / "studies", accuracies=[0.7])
    made_run(study.trials, Preset().override(["optimizer.learning_rate=0.5"]), validation={"accuracy": 0.8})
    with pytest.raises(UsageError, match=r"differ in optimizer\.learning_rate: .* Compare its runs"):
        side(tmp_path, study.name)


def test_trials_that_were_trained_together_are_known_by_the_study_alone(tmp_path: Path) -> None:
    folds = [{"validation.fold": fold} for fold in range(3)]
    preset = Preset(name="t").override(["validation.method=k_fold", "validation.folds=3"])
    study = create_study(tmp_path / "studies", preset, Question(way="folds", changes=tuple(folds)))
    study.environment.write_text(json.dumps(ENVIRONMENT))
    with closing(EventWriter(study.events)) as events:
        for fold, settings in enumerate(folds):
            events.write(TrialAsked(trial=fold, settings=settings))
            events.write(TrialStarted(trial=fold, run=""))
        for fold, value in ((0, 0.8), (2, 0.9)):
            metrics = {"accuracy": value, "loss": 1 - value}
            events.write(
                TrialFinished(
                    trial=fold, status="completed", value=value, metric="accuracy", seconds=2.0, validation=metrics,
                    test={"accuracy": value - 0.1},
                )
            )  # fmt: skip
    found = side(tmp_path, study.name)
    assert found.values("validation", "accuracy") == {Key(0, 0): 0.8, Key(0, 2): 0.9}
    assert found.values("test", "accuracy") == {Key(0, 0): pytest.approx(0.7), Key(0, 2): pytest.approx(0.8)}
    assert (found.folds, found.left_out, found.first.monitor) == ([0, 2], 1, "accuracy")
    assert found.first.test_to_train == pytest.approx(1 / 2), "a third is left out, two thirds are trained on"
    assert found.environment["torch"] == "2.9.0"
    assert found.seconds_of(3) == pytest.approx(6.0)
    assert found.step_times == {}


def test_seeds_that_were_trained_together_cost_the_start_of_their_study_too(tmp_path: Path) -> None:
    study = create_study(tmp_path / "studies", Preset(name="t"), Question(way="repeat", seeds=(0, 1)))
    events: list[Event] = [StudyStarted(process_id=1, time=100.0)]
    for seed in (0, 1):
        events.append(TrialAsked(trial=seed, settings={"training.seed": seed}, time=101.0))
        events.append(TrialStarted(trial=seed, run="", time=101.0))
    measured: dict[str, Any] = {
        "status": "completed",
        "value": 0.5,
        "metric": "accuracy",
        "validation": {"accuracy": 0.5},
    }
    events += [TrialFinished(trial=seed, seconds=0.5, time=107.0, **measured) for seed in (0, 1)]
    study.events.write_text("".join(f"{encode(event)}\n" for event in events))
    found = side(tmp_path, study.name)
    # 7 s in all, of which 1 s is training: 6 s to start.
    assert found.seconds_of(2) == pytest.approx(7.0)
    assert found.seconds_of(6) == pytest.approx(6.0 + 6 * 0.5)

"""What a cross-validation answers, from the values of its folds."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import WorkbenchError
from workbench.headless.folds import mean_words, show_folds
from workbench.processes.messages import encode
from workbench.processes.out_of_fold import OutOfFold
from workbench.runs.events import Event
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory, create_study
from workbench.tuning.events import MetricKnown, TrialAsked, TrialFinished, TrialStarted
from workbench.tuning.folds import fold_changes, result_of
from workbench.tuning.question import Question, read_question
from workbench.tuning.steps import Done, NewTrial, Wait
from workbench.tuning.view import StudyView
from workbench.tuning.ways.choose import make_way
from workbench.tuning.ways.folds import Folds

VALUES = [0.9, 0.94, 0.86, 0.92]


def judged(values: list[Any], samples: int = 25) -> OutOfFold:
    folds = [{"loss": 0.5, "accuracy": value, "confusion": [[1]]} for value in values]
    return OutOfFold("accuracy", (samples,) * len(values), folds, {"loss": 0.5, "accuracy": 0.905})


def study_of(folds: int, *ended: str) -> StudyView:
    """A study of which as many trials have ended in these ways, and the next runs."""
    view = StudyView()
    events: list[Event] = [MetricKnown(metric="accuracy")]
    for number in range(min(len(ended) + 1, folds)):
        events.append(TrialAsked(trial=number, settings={"validation.fold": number}, origin=f"fold {number}"))
        events.append(TrialStarted(trial=number, run=f"run{number}"))
    for number, status in enumerate(ended):
        reason = "no memory left" if status == "failed" else ""
        events.append(TrialFinished(trial=number, status=status, value=VALUES[number], seconds=2.0, reason=reason))
    for event in events:
        view.take(event)
    return view


def test_the_deviation_is_corrected_for_the_samples_that_folds_share() -> None:
    result = result_of(judged(VALUES), ["a", "b", "c", "d"])
    assert list(result) == ["metric", "mean", "deviation", "folds", "pooled"]
    assert result["metric"] == "accuracy"
    assert result["mean"] == pytest.approx(0.905)
    # Nadeau and Bengio: a quarter of the samples is left out, three quarters are trained on.
    assert result["deviation"] == pytest.approx((statistics.variance(VALUES) * (1 / 4 + 1 / 3)) ** 0.5)
    assert result["folds"][1] == {
        "fold": 1,
        "run": "b",
        "samples": 25,
        "value": 0.94,
        "metrics": {"loss": 0.5, "accuracy": 0.94},
    }
    assert result["pooled"] == {"loss": 0.5, "accuracy": 0.905}


def test_folds_for_which_the_metric_is_not_defined_do_not_count() -> None:
    result = result_of(judged([0.9, None, 0.7]), ["a", "b", "c"])
    assert result["mean"] == pytest.approx(0.8)
    assert result["deviation"] == pytest.approx((0.02 * (1 / 2 + 1 / 2)) ** 0.5)
    nothing = result_of(judged([None, None]), ["a", "b"])
    assert (nothing["mean"], nothing["deviation"]) == (None, None)


def test_each_fold_is_a_trial_and_then_the_study_is_over(tmp_path: Path) -> None:
    way = Folds(fold_changes(3), StudyDirectory(tmp_path))
    assert way.next(StudyView()) == NewTrial({"validation.fold": 0}, "fold 0")
    assert way.next(study_of(3, "completed")) == NewTrial({"validation.fold": 2}, "fold 2")
    assert way.next(study_of(3, "completed", "completed")) == Wait()
    assert way.next(study_of(3, "completed", "completed", "completed")) == Done()


def test_a_fold_that_fails_ends_the_study(tmp_path: Path) -> None:
    way = Folds(fold_changes(4), StudyDirectory(tmp_path))
    view = study_of(4, "completed", "failed")
    assert way.next(view) == Done("fold 1 failed: no memory left", failed=True)
    result = way.result(view)
    assert (result["mean"], result["deviation"], result["pooled"]) == (None, None, None)
    assert [fold["run"] for fold in result["folds"]] == ["run0", "run1", "run2"]


def test_completed_folds_are_judged_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def judge(preset: Path, scores: list[Path]) -> OutOfFold:
        asked.extend([preset, *scores])
        return judged(VALUES[:2])

    monkeypatch.setattr("workbench.tuning.ways.folds.judge_out_of_fold", judge)
    view = study_of(2, "completed", "completed")
    view.trials[1].run = ""
    result = Folds(fold_changes(2), StudyDirectory(tmp_path)).result(view)
    scores = [tmp_path / "trials" / "run0" / "validation_scores.npz", tmp_path / "scores" / "1.npz"]
    assert asked == [tmp_path / "preset.toml", *scores], "of a fold that was trained together with others, the study's"
    assert result["mean"] == pytest.approx(0.92)


def test_what_the_process_has_judged_is_not_judged_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(preset: Path, scores: list[Path]) -> OutOfFold:
        return judged([0.1, 0.2])

    monkeypatch.setattr("workbench.tuning.ways.folds.judge_out_of_fold", judge)
    study, view = StudyDirectory(tmp_path), study_of(2, "completed", "completed")
    study.scores.mkdir()
    study.judged.write_text(encode(judged(VALUES[:2])))
    way = Folds(fold_changes(2), study)
    assert way.result(view)["mean"] == pytest.approx(0.15), "they have runs: the process has judged others"
    view.trials[0].run = view.trials[1].run = ""
    assert way.result(view)["mean"] == pytest.approx(0.92)
    study.judged.unlink()
    assert way.result(view)["mean"] == pytest.approx(0.15)


def test_the_question_names_every_fold_and_is_read_again(tmp_path: Path) -> None:
    preset = Preset().override(["validation.method=k_fold", "validation.folds=3"])
    study = create_study(tmp_path, preset, Question(way="folds", changes=fold_changes(3)))
    way = make_way(read_question(study.question), preset, study)
    assert isinstance(way, Folds)
    assert way.next(StudyView()) == NewTrial({"validation.fold": 0}, "fold 0")


def test_scores_that_are_gone_are_named(tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match=r"cannot read .*run0/validation_scores.npz"):
        Folds(fold_changes(1), StudyDirectory(tmp_path)).result(study_of(1, "completed"))


def test_the_table_has_a_row_a_fold(capsys: pytest.CaptureFixture[str]) -> None:
    view = study_of(4, *["completed"] * 4)
    show_folds(result_of(judged(VALUES), [f"run{number}" for number in range(4)]), view)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["fold", "samples", "loss", "accuracy", "time", "run"]
    assert lines[3].split() == ["1", "25", "0.5000", "94.00", "%", "2.00", "s", "run1"]
    assert lines[7].startswith("mean    accuracy 90.50 % ± 2.61 %")
    assert lines[8] == "pooled  accuracy 90.50 %  loss 0.5000  (100 samples, each judged by a model without it)"


def test_folds_that_were_trained_together_have_no_column_for_their_runs(capsys: pytest.CaptureFixture[str]) -> None:
    show_folds(result_of(judged(VALUES), [""] * 4), study_of(4, *["completed"] * 4))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["fold", "samples", "loss", "accuracy", "time"]
    assert lines[3].split() == ["1", "25", "0.5000", "94.00", "%", "2.00", "s"]


def test_of_many_folds_the_table_shows_the_first(capsys: pytest.CaptureFixture[str]) -> None:
    view = StudyView()
    for number in range(150):
        view.take(TrialAsked(trial=number, settings={}))
    show_folds(result_of(judged([1.0] * 150, samples=1), ["run"] * 150), view)
    assert "... and 120 more, which summary.json in the study's folder lists" in capsys.readouterr().out


def test_the_deviation_between_folds_stands_beside_that_of_their_mean() -> None:
    words = mean_words(result_of(judged(VALUES), ["a", "b", "c", "d"]))
    assert words.endswith("between folds 3.42 %)")
    assert mean_words(result_of(judged([0.9, None]), ["a", "b"])) == "accuracy 90.00 %"

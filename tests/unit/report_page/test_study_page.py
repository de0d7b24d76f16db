"""The page of a study."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.ui.made_study import write_folds, write_study
from tests.unit.report_page.made import Page
from tests.unit.tuning.made import made_study
from workbench.cli.root import app
from workbench.report_page.study_page import read_study, study_page
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def page_of(study: StudyDirectory) -> Page:
    return Page(study_page(read_study(study), NOW))


def test_a_search_shows_its_best_settings_its_course_and_its_trials(tmp_path: Path) -> None:
    page = page_of(write_study(tmp_path, finished="completed"))
    assert page.has_row("best loss", "0.0943", "trial 41", "trials", "66")
    assert page.has_row("optimizer.learning_rate", "0.0021", "0.01", "1e-05..1.0 log")
    assert page.has_row("activation.name", "gelu", "relu", "relu|gelu|mish")
    assert page.has_row("41", "0.0943", "0.0973 ± 0.0127", "6", "completed")
    labels = [attributes["aria-label"] for tag, attributes in page.tags if tag == "svg" and "aria-label" in attributes]
    assert labels == ["loss by trial", "loss of the best"]
    assert page.has_row("A trial 41", "B trial 7", "C trial 52")


def test_a_search_in_progress(tmp_path: Path) -> None:
    page = page_of(write_study(tmp_path, epochs=2))
    assert "in progress, so far 64 trials" in page.text


def test_what_its_result_says_of_chance_is_said(tmp_path: Path) -> None:
    study = write_study(tmp_path, finished="completed")
    best = {"trial": 41, "seeds": [1, 2], "metric": "loss", "settings": {}}
    study.summary.write_text(json.dumps({"best": best, "tied": [], "trials": 64, "discarded": 60}))
    assert "Trial 41 is best over 2 fresh seeds: optimizer.learning_rate=0.0021" in page_of(study).text
    study.summary.write_text('{"best": {"trial": 41}}')
    assert "fresh seeds:" not in page_of(study).text, "a result of another version"


def test_folds_have_a_mean(tmp_path: Path) -> None:
    page = page_of(write_folds(tmp_path))
    assert "fast: a cross-validation" in page.text
    assert page.has_row("mean accuracy", "94.00 %", "deviation 3.16 %, 5 trainings")


def test_a_study_without_events_is_still_a_page(tmp_path: Path) -> None:
    page = page_of(made_study(tmp_path, accuracies=[0.8, 0.9]))
    assert "in progress, so far 0 trials" in page.text


def test_a_study_is_exported_to_a_report_and_to_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = write_study(tmp_path / "studies", finished="completed")
    monkeypatch.chdir(tmp_path)
    for words, code in (
        (["0a1b", "--to", "report"], 0),
        (["0a1b", "--to", "csv"], 2),
        (["0a1b", "0a1b", "--to", "report"], 2),
        (["0a1b", "0a1b", "--to", "svg"], 2),
        (["nothing", "--to", "report"], 2),
    ):
        with pytest.raises(SystemExit) as exit:
            app(args=["export", *words], prog_name="workbench")
        assert exit.value.code == code
    said = capsys.readouterr()
    assert "a report of a study" in said.out
    assert f"{study.name} is a study, not a run" in said.err
    assert f"{study.name} was given twice" in said.err
    assert "there is no run 'nothing'" in said.err
    assert (tmp_path / f"{study.name}.html").exists()


def test_studies_are_compared_in_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    faster = Preset(name="faster").override(["optimizer.learning_rate=0.05"])
    made_study(tmp_path / "studies", Preset(name="slower"), accuracies=[0.80, 0.81, 0.79, 0.80, 0.82, 0.78])
    made_study(tmp_path / "studies", faster, accuracies=[0.85, 0.88, 0.83, 0.86, 0.86, 0.84])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit:
        app(args=["export", "slower", "faster", "--to", "report", "-o", "both.html"], prog_name="workbench")
    assert exit.value.code == 0, capsys.readouterr().err
    page = Page((tmp_path / "both.html").read_text())
    assert page.has_row("B - A, 6 pairs", "difference", "95 % interval", "p", "better")
    assert page.has_row("validation accuracy", "+5.33 %", "+4.06 to +6.60", "0.0312", "B")
    assert "B is better than A by accuracy on the validation split: difference +5.33 %" in page.text
    assert page.has_row("accuracy ↑", "80.00 ± 1.41 %", "85.33 ± 1.75 %")
    assert "6 runs, seeds 0 to 5" in page.texts
    assert "comparison of 2 studies" in page.texts

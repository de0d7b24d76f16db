"""What a search prints while it runs, and of trials that were not trained to their end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.tuning.scripted import new_study
from workbench.errors import StorageError, UsageError, WorkbenchError
from workbench.headless import study as headless_study
from workbench.headless.options import Options
from workbench.headless.study import _conclude, _show, _show_end, follow_study
from workbench.headless.tune import resume_study
from workbench.headless.tune_results import show_repeat, show_search
from workbench.processes.worker import EXIT_STORAGE
from workbench.runs.events import Event
from workbench.runs.writer import EventWriter
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.events import (
    MetricKnown,
    StudyFinished,
    TrialAsked,
    TrialFinished,
    TrialPaused,
    TrialStarted,
    TrialValue,
)
from workbench.tuning.question import Question
from workbench.tuning.saving import save_as_asked
from workbench.tuning.view import StudyView, TrialStatus, TrialView, read_study_view

EVENTS: list[Event] = [
    TrialAsked(trial=0, settings={"optimizer.learning_rate": 0.01}, origin="preset", until_epoch=1),
    MetricKnown(metric="accuracy"),
    TrialStarted(trial=0, run="a"),
    TrialValue(trial=0, epoch=1, value=0.5),
    TrialPaused(trial=0, epoch=1),
    TrialAsked(trial=1, settings={"optimizer.learning_rate": 0.02}, origin="tpe", until_epoch=1),
    TrialStarted(trial=1, run="b"),
    TrialValue(trial=1, epoch=1, value=None),
    TrialPaused(trial=1, epoch=1),
]


def shown(events: list[Event], view: StudyView, how: Options) -> None:
    for event in events:
        view.take(event)
        _show(b"{}", event, view, how)


def test_a_trial_that_waits_for_a_decision_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown(EVENTS, StudyView(), Options())
    assert capsys.readouterr().out.splitlines() == [
        "trial 0   accuracy 50.00 % after epoch 1  the preset as it is",
        "trial 1   no finite value after epoch 1  optimizer.learning_rate=0.02",
    ]
    shown(EVENTS, StudyView(), Options(quiet=True))
    assert capsys.readouterr().out == ""


def test_a_trial_that_failed_or_has_no_value_says_so_with_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    view = StudyView()
    shown(EVENTS, view, Options(quiet=True))
    ends: list[Event] = [
        TrialFinished(trial=1, status="failed", reason="it diverged"),
        TrialFinished(trial=1, status="completed", value=None),
    ]
    shown(ends, view, Options())
    assert capsys.readouterr().out.splitlines() == [
        "trial 1   failed: it diverged  optimizer.learning_rate=0.02",
        "trial 1   no finite value in 0.00 s  optimizer.learning_rate=0.02",
    ]


def test_the_best_of_a_search_that_was_stopped_is_not_said_to_be_trained(capsys: pytest.CaptureFixture[str]) -> None:
    view = StudyView()
    shown(EVENTS, view, Options(quiet=True))
    best = {"trial": 0, "seeds": [], "metric": "accuracy", "value": 0.5}
    result = {"best": best, "tied": [], "trials": 2, "discarded": 0}
    show_search(result, view)
    text = " ".join(capsys.readouterr().out.split())
    assert "50.00 % after epoch 1" in text
    assert "trial 0 was best after epoch 1 (the preset as it is), but was not trained to its end" in " ".join(
        text.split()
    )
    view.take(TrialFinished(trial=0, status="completed", value=0.75, seconds=1.0))
    show_search(result, view)
    text = " ".join(capsys.readouterr().out.split())
    assert "75.00 %" in text
    assert "75.00 % after" not in text
    assert "trial 0 was best (the preset as it is), but was not trained again with fresh seeds" in " ".join(
        text.split()
    )


def test_the_interval_of_fresh_seeds_says_that_it_is_one_of_95_percent(capsys: pytest.CaptureFixture[str]) -> None:
    view = StudyView()
    shown(EVENTS[:4], view, Options(quiet=True))
    view.take(TrialFinished(trial=0, status="completed", value=0.9))
    result = {
        "best": {"trial": 0, "seeds": [1, 2], "metric": "accuracy", "value": 0.9}, "tied": [], "trials": 1,
        "discarded": 0,
    }  # fmt: skip
    for seed, title in ((1, "fresh seeds settings"), (2, "fresh seeds, 95 % settings")):
        view.take(TrialAsked(trial=seed, settings={"training.seed": seed}, repeats=0))
        view.take(TrialFinished(trial=seed, status="completed", value=0.7 + seed / 100))
        show_search(result, view)
        printed = " ".join(capsys.readouterr().out.split())
        assert f"trial accuracy {title} " in printed
    assert "71.50 ± 6.35 %" in printed  # 12.706 * 0.707 / sqrt(2)


def completed_search(folder: Path, status: str = "completed", fresh: Sequence[float] = ()) -> StudyDirectory:
    """A search of one trial of four epochs, whose settings are to be saved as `taken`. fresh: values of fresh seeds."""
    found = {
        "trial": 0, "settings": {"optimizer.learning_rate": 0.5}, "seeds": [], "metric": "accuracy", "value": 0.5,
        "mean": None, "low": None, "high": None,
    }  # fmt: skip
    study = new_study(folder, Question(way="search", save_as="taken"), "description=small")
    result = {"type": "result", "best": found, "tied": [], "trials": 1, "discarded": 0}
    study.summary.write_text(json.dumps(result))
    ends = {"completed": TrialFinished(trial=0, status="completed", value=0.5), "paused": TrialPaused(trial=0, epoch=1)}
    writer = EventWriter(study.events)
    repeats: list[Event] = []
    for seed, value in enumerate(fresh, 1):
        repeats.append(TrialAsked(trial=seed, settings={"training.seed": seed}, repeats=0))
        repeats.append(TrialFinished(trial=seed, status="completed", value=value))
    for event in [*EVENTS[:4], ends[status], *repeats, StudyFinished(status="completed")]:
        writer.write(event)
    writer.close()
    return study


@pytest.fixture
def presets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(library, "user_folder", lambda: tmp_path)
    return tmp_path


def test_a_result_is_shown_even_where_its_preset_cannot_be_saved(
    presets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = completed_search(presets / "studies")
    (presets / "taken.toml").write_text("mine")
    save_as_asked(study)
    with pytest.raises(WorkbenchError, match=r"taken\.toml is there already; choose another name") as raised:
        _show_end(study, read_study_view(study), Options(json_output=True), show_search, "")
    assert raised.value.exit_code == 2
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == json.loads(study.summary.read_text())
    assert (presets / "taken.toml").read_text() == "mine"
    with pytest.raises(WorkbenchError, match="is there already"):
        resume_study(study, Options())
    (presets / "taken.toml").unlink()
    assert resume_study(study, Options()) == 0
    assert Preset.load(presets / "taken.toml").optimizer.learning_rate == 0.5
    with pytest.raises(UsageError, match="has completed; its result is in"):
        resume_study(study, Options())


def test_a_preset_that_was_found_says_how(presets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = completed_search(presets / "studies")
    saved = save_as_asked(study)
    assert saved is not None
    assert saved.path == str(presets / "taken.toml")
    _show_end(study, read_study_view(study), Options(quiet=True), show_search, "")
    assert f"saved {saved.path}; train it with: workbench --preset taken" in capsys.readouterr().err
    found = Preset.load(presets / "taken.toml")
    evidence = (
        f"Best of 1 settings (study {study.name}): validation accuracy 50.00 % as searched, not trained again with "
        "fresh seeds"
    )
    assert (found.name, found.description) == ("taken", f"small ({evidence})")


def test_a_preset_whose_trial_was_not_trained_to_its_end_says_after_how_many_epochs(presets: Path) -> None:
    study = completed_search(presets / "studies", "paused")
    save_as_asked(study)
    assert Preset.load(presets / "taken.toml").description == (
        f"small (Best of 1 settings (study {study.name}): validation accuracy 50.00 % after 1 of 4 epochs, not "
        "trained to its end, as searched, not trained again with fresh seeds)"
    )


def test_a_mean_over_fresh_seeds_says_that_it_has_an_interval(presets: Path) -> None:
    study = completed_search(presets / "studies", fresh=[0.53, 0.55, 0.57])
    save_as_asked(study)
    assert Preset.load(presets / "taken.toml").description.endswith(
        "accuracy 50.00 % as searched, 55.00 ± 4.97 % (95 % interval) over 3 fresh seeds)"  # 4.303 * 0.02 / sqrt(3)
    )


def test_a_study_that_found_nothing_saves_nothing_and_has_not_failed(
    presets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = completed_search(presets / "studies")
    study.summary.write_text(json.dumps(json.loads(study.summary.read_text()) | {"best": None}))
    save_as_asked(study)
    _show_end(study, read_study_view(study), Options(quiet=True), show_repeat, "")
    assert "nothing was found, so that taken was not saved" in capsys.readouterr().err
    assert not (presets / "taken.toml").exists()


def test_a_study_whose_process_was_killed_before_it_saved_says_how_to(presets: Path) -> None:
    study = completed_search(presets / "studies")
    with pytest.raises(WorkbenchError, match=r"taken was not saved: .* workbench resume "):
        _show_end(study, read_study_view(study), Options(quiet=True), show_search, "")


def test_a_mean_over_some_of_the_seeds_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    result = {"metric": "accuracy", "low": None, "high": None, "runs": [{"value": 0.75}, {"value": None}]}
    show_repeat(result, StudyView())
    assert capsys.readouterr().out.splitlines() == [
        "accuracy: mean 75.00 % over 1 seed",
        "1 of 2 runs have no value: the mean is that of the others",
    ]
    show_repeat(result | {"low": 0.6, "high": 0.9, "runs": [{"value": 0.75}] * 2}, StudyView())
    assert "no value" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "exit_code", "is_removed"),
    [("paused", 2, True), ("completed", 2, False), ("paused", 3, False)],
)
def test_a_study_that_was_refused_goes_where_nothing_was_trained_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: TrialStatus, exit_code: int, is_removed: bool
) -> None:
    study = new_study(tmp_path / "studies", Question(way="search"))
    view = StudyView(finished=StudyFinished(status="failed", reason="no images", exit_code=exit_code))
    view.trials[0] = TrialView(0, {}, status=status, values={1: 0.5})
    with pytest.raises(WorkbenchError, match="no images") as refused:
        _conclude(study, view, 0, Options(), show_search, 0)
    assert refused.value.exit_code == exit_code
    assert study.path.exists() is not is_removed
    assert ("was removed: nothing was trained to its end" in capsys.readouterr().err) is is_removed


@pytest.mark.parametrize(
    ("is_new", "began", "is_removed"), [(True, 0.0, True), (True, 9.0, False), (False, 0.0, False)]
)
def test_a_new_study_that_could_not_be_written_stays_only_where_a_trial_was_begun(
    tmp_path: Path, is_new: bool, began: float, is_removed: bool
) -> None:
    study = new_study(tmp_path / "studies", Question(way="search"))
    view = StudyView()
    view.trials[0] = TrialView(0, {}, began=began)
    with pytest.raises(StorageError) as raised:
        _conclude(study, view, EXIT_STORAGE, Options(), show_search, 0, is_new=is_new)
    assert ("then start it again" in str(raised.value)) is is_removed
    assert ("workbench resume" in str(raised.value)) is not is_removed
    assert study.path.exists() is not is_removed


def test_a_new_study_whose_process_cannot_be_started_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = new_study(tmp_path / "studies", Question(way="search"))

    def fails(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(headless_study, "start_controller", fails)
    with pytest.raises(StorageError, match="the disk is full"):
        follow_study(study, Options(quiet=True), show_search)
    assert not study.path.exists()

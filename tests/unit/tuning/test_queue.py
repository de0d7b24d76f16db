"""A queue: which settings make each preset of the first, and that each is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tuning.scripted import ScriptedPlace, best_near_a_hundredth, new_study
from workbench.errors import PresetError
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.tuning import controller as controllers
from workbench.tuning.controller import Controller
from workbench.tuning.directory import preset_of
from workbench.tuning.question import Question, read_question
from workbench.tuning.queue import origin_of, queue_changes, queue_origins
from workbench.tuning.steps import NewTrial
from workbench.tuning.view import StudyView, read_study_view
from workbench.tuning.ways.choose import make_way


@pytest.fixture(autouse=True)
def _polls_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controllers, "POLL_SECONDS", 0.0)


@pytest.mark.parametrize("first", library.names())
def test_every_shipped_preset_can_be_made_of_every_other(first: str) -> None:
    presets = [library.load(first), *map(library.load, library.names())]
    for preset, changes in zip(presets, queue_changes(presets), strict=True):
        assert presets[0].without_search().with_values(changes, "queue") == preset.without_search()


def test_only_what_differs_is_changed() -> None:
    first = Preset().override(["name=a", "optimizer.name=adam", "optimizer.learning_rate=0.01"])
    second = Preset().override(["name=b", "optimizer.name=sgd", "optimizer.momentum=0.9"])
    none, changed = queue_changes([first, second])
    assert none == {}
    assert changed["name"] == "b"
    assert {path for path in changed if not path.startswith("optimizer.")} == {"name"}
    assert (changed["optimizer.name"], changed["optimizer.momentum"]) == ("sgd", 0.9)


def test_trainings_are_named_by_their_preset_and_what_differs() -> None:
    changes: list[dict[str, Any]] = [{}, {"training.seed": 1}, {"name": "other", "training.epochs": 5}]
    assert queue_origins("own", changes) == ["own", "own: training.seed=1", "other"]


def test_a_training_is_named_by_its_own_changes_and_not_by_those_from_the_first(tmp_path: Path) -> None:
    first = Preset().override(["name=a"], ["training.seed=1"])
    second = Preset().override(["name=a"], ["training.seed=2", "data.batch_size=32"])
    origins = (origin_of(first, ["training.seed"]), origin_of(second, ["training.seed", "data.batch_size"]))
    assert origins == ("a: training.seed=1", "a: data.batch_size=32, training.seed=2")
    assert origin_of(first, []) == "a"
    study = new_study(tmp_path, Question(way="queue", changes=queue_changes([first, second]), origins=origins))
    question = read_question(study.question)
    step = make_way(question, first, study).next(StudyView())
    assert isinstance(step, NewTrial)
    assert step.origin == "a: training.seed=1"


@pytest.mark.parametrize(
    ("overrides", "each", "where"),
    [
        ([], ["training.seed=x"], "--each: "), ([], ["training.sed=1"], "--each: "), ([], ["training.seed"], "--each "),
        (["training.seed=x"], [], "--set: "), (["data.batch_size=8"], ["training.seed=x"], "--set and --each: "),
    ],
)  # fmt: skip
def test_a_change_that_is_wrong_is_named_by_its_option(overrides: list[str], each: list[str], where: str) -> None:
    with pytest.raises(PresetError) as raised:
        Preset().override(overrides, each)
    assert str(raised.value).startswith(where), raised.value


def test_each_is_trained_and_one_that_fails_holds_up_no_other(tmp_path: Path) -> None:
    presets = [
        Preset().override([f"name=q{rate}", "training.epochs=2", f"optimizer.learning_rate={rate}"])
        for rate in (0.01, 0.1, 0.001)
    ]

    def diverges(preset: Preset, epoch: int) -> float:
        return -1 if preset.name == "q0.1" else best_near_a_hundredth(preset, epoch)

    study = new_study(tmp_path, Question(way="queue", changes=queue_changes(presets)), *["training.epochs=2"])
    question = read_question(study.question)
    assert question.changes[1]["optimizer.learning_rate"] == 0.1
    place = ScriptedPlace(diverges)
    finished = Controller(study, make_way(question, preset_of(study, question), study), [place], 0.0).run()
    assert (finished.status, finished.exit_code) == ("failed", 3)
    assert finished.reason == "1 of 3 trainings failed: q0.1: it diverged"
    result = json.loads(study.summary.read_text())
    assert set(result) == {"type", "runs"}
    assert [(run["status"], run["metric"]) for run in result["runs"]] == [
        ("completed", "accuracy"), ("failed", None), ("completed", "accuracy"),
    ]  # fmt: skip
    assert [trial.origin for trial in read_study_view(study).trials.values()] == ["t", "q0.1", "q0.001"]

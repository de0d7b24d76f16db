"""Trials that are trained together: what the study's events tell of them, and that none is lost or doubled."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tuning.scripted import (
    FailsError,
    KilledError,
    ScriptedPlace,
    best_near_a_hundredth,
    killed_after,
    new_study,
)
from tests.unit.tuning.stacking import StackingPlace
from workbench.processes.stacked import Steer, Way
from workbench.runs.control import append_request
from workbench.settings.preset import Preset
from workbench.tuning import controller as controllers
from workbench.tuning.controller import Controller
from workbench.tuning.directory import StudyDirectory, trials_of
from workbench.tuning.events import StudyFinished
from workbench.tuning.places import Place
from workbench.tuning.question import Question
from workbench.tuning.sampler import Suggestion
from workbench.tuning.steps import Way as WayToTune
from workbench.tuning.supply import FixedSupply
from workbench.tuning.view import StudyView, TrialView, read_study_view
from workbench.tuning.ways.folds import Folds
from workbench.tuning.ways.listed import Listed
from workbench.tuning.ways.search import Search

RATES = (0.001, 0.01, 0.1, 0.003, 0.0001, 0.02)
SEARCH = Question(way="search", discard="keep", trials=6, keep=2, confirm=2, seeds=(1, 2))


@pytest.fixture(autouse=True)
def _polls_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controllers, "POLL_SECONDS", 0.0)


def rates(values: Sequence[float] = RATES) -> Listed:
    return Listed([{"optimizer.learning_rate": rate} for rate in values], [""] * len(values))


def search(question: Question = SEARCH, values: Sequence[float] = RATES) -> Search:
    def suggest(view: StudyView) -> Suggestion | None:
        number = sum(trial.repeats is None for trial in view.trials.values())
        return Suggestion({"optimizer.learning_rate": values[number]}, "list") if number < len(values) else None

    return Search(question, suggest, epochs=4, seed=0)


def run(study: StudyDirectory, way: WayToTune, *places: ScriptedPlace, **more: Any) -> StudyFinished:
    return Controller(study, way, list(places), 0.0, **more).run()


def trials_in(study: StudyDirectory) -> list[TrialView]:
    return list(read_study_view(study).trials.values())


def test_trials_that_differ_only_in_numbers_are_trained_together_and_have_no_runs(tmp_path: Path) -> None:
    study, place = new_study(tmp_path, Question(way="repeat")), StackingPlace()
    assert run(study, rates(), place).status == "completed"
    assert place.asked == [6]
    assert [preset.optimizer.learning_rate for preset in place.stacks[0].asked[0]] == list(RATES)
    assert place.stacks[0].if_faster
    assert place.stacks[0].is_closed is False
    trials = trials_in(study)
    assert [trial.status for trial in trials] == ["completed"] * 6
    assert [set(trial.values) for trial in trials] == [{1, 2, 3, 4}] * 6
    assert [trial.value for trial in trials] == pytest.approx([0.84, 0.94, 0.84, 0.887712, 0.74, 0.909897])
    assert {(trial.metric, trial.run) for trial in trials} == {("accuracy", "")}
    assert trials[1].validation == trials[1].test == {"accuracy": pytest.approx(0.94)}, "numbers alone"
    assert trials_of(study) == []
    result = json.loads(study.summary.read_text())
    assert [run["run"] for run in result["runs"]] == [""] * 6
    assert result["mean"] == pytest.approx(sum(trial.value or 0 for trial in trials) / 6)


def test_others_are_trained_by_themselves(tmp_path: Path) -> None:
    study, place = new_study(tmp_path, Question(way="repeat")), StackingPlace()
    settings: list[dict[str, Any]] = [
        {"training.seed": 1}, {"training.seed": 2}, {"data.batch_size": 8}, {"training.seed": 3}, {"data.batch_size": 0}
    ]  # fmt: skip
    run(study, Listed(settings, [""] * 5), place)
    trials = trials_in(study)
    assert place.asked == [2], "one that differs in more ends the gathering"
    assert [bool(trial.run) for trial in trials] == [False, False, True, True, False]
    assert [trial.status for trial in trials] == ["completed"] * 4 + ["failed"]


@pytest.mark.parametrize(
    ("together", "assignments", "asked", "note"),
    [
        ("never", [], [], []),
        ("always", [], [6], ["trials are trained together, and have no runs of their own: it is faster"]),
        ("auto", ["runtime.precision=bf16"], [], [
            "trials are trained one by one: runtime.precision = 'bf16' is trained one by one"
        ]),
    ],
)  # fmt: skip
def test_whether_trials_are_trained_together_can_be_said(
    together: str, assignments: list[str], asked: list[int], note: list[str], tmp_path: Path
) -> None:
    study, place = new_study(tmp_path, Question(way="repeat"), *assignments), StackingPlace()
    run(study, rates(), place, together=together)
    assert place.asked == asked
    assert [stack.if_faster for stack in place.stacks] == [False] * len(asked)
    assert read_study_view(study).notes == note
    assert len(trials_of(study)) == (0 if asked else 6)


def test_where_one_by_one_is_faster_they_are_trained_so_and_it_is_not_asked_again(tmp_path: Path) -> None:
    study = new_study(tmp_path, SEARCH)
    place = StackingPlace(way=Way(False, "a step takes longer"))
    run(study, search(), place)
    assert place.asked == [6]
    view = read_study_view(study)
    assert view.notes == ["trials are trained one by one: a step takes longer"]
    assert all(trial.run for trial in view.trials.values())
    assert [trial.status for trial in view.trials.values()].count("completed") == 2 + 4
    assert len(trials_of(study)) == len(view.trials) == 6 + 4


def test_what_the_process_cannot_do_is_done_one_by_one(tmp_path: Path) -> None:
    def dies(preset: Preset, epoch: int) -> float:
        if epoch == 2 and not place.started:
            raise KilledError if how == "killed" else FailsError("out_of_memory")
        return best_near_a_hundredth(preset, epoch)

    for how in ("killed", "out of memory"):
        study, place = new_study(tmp_path / how, Question(way="repeat")), StackingPlace(dies)
        assert run(study, rates(), place).status == "completed"
        assert place.asked == [6]
        assert place.stacks[0].is_closed
        trials = trials_in(study)
        assert all(trial.run for trial in trials)
        assert [set(trial.values) for trial in trials] == [{1, 2, 3, 4}] * 6
        said = "it was killed" if how == "killed" else "a failure: out_of_memory"
        assert f"trials are trained one by one: {said}" in read_study_view(study).notes


def test_one_that_diverges_has_failed_and_the_others_continue(tmp_path: Path) -> None:
    def diverges(preset: Preset, epoch: int) -> float:
        bad = preset.optimizer.learning_rate == 0.1 and epoch == 2
        return -1 if bad else best_near_a_hundredth(preset, epoch)

    study, place = new_study(tmp_path, Question(way="repeat")), StackingPlace(diverges)
    run(study, rates(), place)
    trials = trials_in(study)
    assert [trial.status for trial in trials] == ["completed"] * 2 + ["failed"] + ["completed"] * 3
    assert (trials[2].reason, trials[2].kind, trials[2].value) == ("it diverged", "diverged", None)


def test_of_a_search_the_best_of_all_after_the_epoch_are_trained_to_their_end(tmp_path: Path) -> None:
    many = [*(0.001 * 1.1**number for number in range(16)), 0.01, 0.0001, 0.009]
    question = Question(way="search", discard="keep", trials=19, keep=2, confirm=1, seeds=(1, 2))
    study, place = new_study(tmp_path, question), StackingPlace()
    run(study, search(question, many), place)
    assert place.asked == [16, 3]
    trials = trials_in(study)
    completed = [trial.number for trial in trials if trial.status == "completed" and trial.repeats is None]
    assert completed == [14, 15, 16, 18], "of each batch those among the best two of all so far"
    assert {trial.reason for trial in trials if trial.status == "discarded"} == {"not among the best 2 after epoch 1"}
    assert [set(trial.values) for trial in trials[:2]] == [{1}, {1}]
    assert [(trial.repeats, bool(trial.run)) for trial in trials[19:]] == [(16, True), (16, True)], "with weights"
    best = json.loads(study.summary.read_text())["best"]
    assert (best["trial"], best["run"]) == (16, trials[19].run)
    assert best["seeds"] == [1, 2]
    assert study.run(trials[19].run).last_checkpoint.exists()
    assert not study.run(trials[20].run).last_checkpoint.exists()


def test_asha_decides_at_its_rungs(tmp_path: Path) -> None:
    question = Question(way="search", discard="asha", trials=9, discard_after=1, confirm=1)
    study, place = new_study(tmp_path, question), StackingPlace()
    run(study, search(question, (0.1, 0.01, 1.0, 0.02, 0.5, 0.2, 0.03, 0.04, 0.05)), place)
    assert [max(trial.values) for trial in trials_in(study)] == [1, 4, 1, 3, 1, 1, 3, 1, 1]
    reasons = [trial.reason for trial in trials_in(study)]
    assert reasons[0] == "not among the best 3 of 9 after epoch 1"
    assert reasons[3] == "not among the best 1 of 3 after epoch 3"


@pytest.mark.parametrize(("count", "confirm", "completed"), [(2, 1, 1), (6, 3, 3)])
def test_asha_trains_as_many_to_their_end_as_are_trained_again(
    tmp_path: Path, count: int, confirm: int, completed: int
) -> None:
    """One of three of the one that is left is none."""
    question = Question(way="search", discard="asha", trials=count, discard_after=1, confirm=confirm)
    study = new_study(tmp_path, question)
    run(study, search(question), StackingPlace())
    assert sum(trial.status == "completed" for trial in trials_in(study)) == completed
    assert json.loads(study.summary.read_text())["best"]["trial"] == 1


def test_the_median_rule_drops_trials_and_nothing_waits_for_it(tmp_path: Path) -> None:
    question = Question(way="search", discard="median", trials=22, discard_after=2, confirm=1)
    study, place = new_study(tmp_path, question), StackingPlace()
    run(study, search(question, [0.01] * 16 + [0.1, 0.01, 0.5, 0.01, 0.01, 0.01]), place)
    assert place.asked == [16, 6]
    trials = trials_in(study)
    assert [trial.number for trial in trials if trial.status == "discarded"] == [16, 18]
    assert trials[16].reason == "worse than the median of the others after epoch 2"
    assert set(trials[16].values) == {1, 2}
    assert place.stacks[0].steered == [Steer(drop=[0, 2])]


def test_the_value_that_is_asked_for_ends_the_others(tmp_path: Path) -> None:
    question = Question(way="search", until="accuracy>=0.92", discard="none", confirm=1)
    study, place = new_study(tmp_path, question), StackingPlace()
    run(study, search(question, (0.001, 0.01, 0.02)), place)
    trials = trials_in(study)
    assert [(trial.status, max(trial.values)) for trial in trials] == [
        ("discarded", 2), ("completed", 4), ("discarded", 2),
    ]  # fmt: skip
    assert trials[0].reason == "another trial has reached accuracy>=0.92"


def test_the_time_that_is_over_ends_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    question = Question(way="search", seconds=60.0, discard="none", confirm=1)
    study, place = new_study(tmp_path, question), StackingPlace()
    way = search(question)

    def is_over(view: StudyView, seconds: float) -> str:
        return "the time is over" if any(len(trial.values) == 2 for trial in view.trials.values()) else ""

    monkeypatch.setattr(way, "is_over", is_over)
    assert run(study, way, place).status == "completed"
    assert place.stacks[0].is_closed
    trials = trials_in(study)
    assert [(trial.status, trial.reason, len(trial.values)) for trial in trials] == [
        ("discarded", "the time is over", 2)
    ] * 6
    assert json.loads(study.summary.read_text())["best"]["trial"] == 1


def test_a_stopped_study_begins_them_again(tmp_path: Path) -> None:
    def asks(preset: Preset, epoch: int) -> float:
        if epoch == 3:
            append_request(study.control, "stop")
        return best_near_a_hundredth(preset, epoch)

    study, place = new_study(tmp_path, Question(way="repeat")), StackingPlace(asks)
    finished = run(study, rates(), place)
    assert (finished.status, finished.exit_code) == ("stopped", 130)
    assert place.stacks[0].is_closed
    assert {trial.status for trial in trials_in(study)} == {"waiting"}
    again = StackingPlace()
    assert Controller(study, rates(), [again], float("inf")).run().status == "completed"
    assert again.asked == [6]
    assert [set(trial.values) for trial in trials_in(study)] == [{1, 2, 3, 4}] * 6


def test_a_paused_study_pauses_the_process(tmp_path: Path) -> None:
    polls: list[int] = []
    asked: list[str] = []

    def pauses() -> bool:
        stack = place.stacks[-1] if place.stacks else None
        if stack is not None and stack._epoch == 2 and not asked:
            asked.append("pause")
            append_request(study.control, "pause")
        if stack is not None and stack.is_paused:
            polls.append(stack._epoch)
        if len(polls) == 5 and stack is not None and stack.is_paused:
            append_request(study.control, "resume")
        return False

    study, place = new_study(tmp_path, Question(way="repeat")), StackingPlace()
    finished = Controller(study, rates(), [place], 0.0, pauses).run()
    assert finished.status == "completed"
    assert len(set(polls[:5])) == 1, "nothing is trained meanwhile"
    assert [steer.paused for steer in place.stacks[0].steered] == [True, False]


def test_one_that_is_discarded_by_hand_is_dropped_and_the_others_continue(tmp_path: Path) -> None:
    def asks(preset: Preset, epoch: int) -> float:
        if epoch == 2 and preset.optimizer.learning_rate == 0.01:
            append_request(study.control, "discard", 1)
        return best_near_a_hundredth(preset, epoch)

    study, place = new_study(tmp_path, Question(way="repeat")), StackingPlace(asks)
    run(study, rates(), place)
    trials = trials_in(study)
    assert (trials[1].status, trials[1].reason) == ("discarded", "discarded by hand")
    assert place.stacks[0].steered == [Steer(drop=[1])]
    assert [trial.status for trial in trials].count("completed") == 5


def test_several_places_divide_them(tmp_path: Path) -> None:
    study, places = new_study(tmp_path, Question(way="repeat")), [StackingPlace(), StackingPlace()]
    run(study, rates(), *places)
    assert [place.asked for place in places] == [[3], [3]]
    assert [trial.status for trial in trials_in(study)] == ["completed"] * 6


def test_a_place_that_is_added_gets_its_part_of_them(tmp_path: Path) -> None:
    study, places = new_study(tmp_path, Question(way="repeat")), [StackingPlace(), StackingPlace()]

    class Spare(FixedSupply):
        def more(self, _: Sequence[Place]) -> tuple[Place, str]:
            return places[1], "another"

    append_request(study.control, "add_place")
    run(study, rates(), places[0], supply=Spare(""))
    assert [place.asked for place in places] == [[3], [3]]


def test_a_fold_that_failed_begins_again_when_the_study_is_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_bad = [True]

    def fails(preset: Preset, epoch: int) -> float:
        if is_bad[0] and preset.flat()["validation.fold"] == 1 and epoch == 2:
            return -1
        return best_near_a_hundredth(preset, epoch)

    folds = ["validation.method=k_fold", "validation.folds=3"]
    study = new_study(tmp_path, Question(way="folds"), *folds)
    way = Folds([{"validation.fold": fold} for fold in range(3)], study)
    monkeypatch.setattr(way, "result", lambda view: {})
    again = StackingPlace(fails)
    for place in (ScriptedPlace(fails), again):
        finished = run(study, way, place)
        assert (finished.status, finished.reason) == ("failed", "fold 1 failed: it diverged")
    assert again.asked == [2], "the one that failed, and the one that had not begun"
    is_bad[0] = False
    assert run(study, way, ScriptedPlace(fails)).status == "completed"
    trials = trials_in(study)
    assert [(trial.status, set(trial.values), trial.reason) for trial in trials] == [
        ("completed", {1, 2, 3, 4}, "")
    ] * 3


def told(study: StudyDirectory) -> list[tuple[Any, ...]]:
    return [
        (trial.number, trial.settings, trial.origin, trial.repeats, trial.status, trial.values, trial.value)
        for trial in trials_in(study)
    ]


def values_of_last_lives(study: StudyDirectory) -> dict[int, list[int]]:
    """The epochs whose values were written since each trial last started, in the order of the events."""
    found: dict[int, list[int]] = {}
    for line in study.events.read_text().splitlines():
        event = json.loads(line)
        if event["type"] == "trial_started" and not event["resumed"]:
            found[event["trial"]] = []
        if event["type"] == "trial_value":
            found[event["trial"]].append(event["epoch"])
    return found


@pytest.mark.parametrize(
    ("way", "every"),
    [("search", 9), ("listed", 5), pytest.param("search", 1, marks=pytest.mark.slow),
     pytest.param("listed", 1, marks=pytest.mark.slow)],
)  # fmt: skip
def test_a_controller_that_is_killed_after_any_event_loses_and_doubles_nothing(
    way: str, every: int, tmp_path: Path
) -> None:
    make = search if way == "search" else rates
    whole = new_study(tmp_path / "whole", SEARCH)
    run(whole, make(), StackingPlace())
    expected, events = told(whole), len(whole.events.read_text().splitlines())
    for kill_after in range(1, events, every):
        study = new_study(tmp_path / f"killed-{kill_after}", SEARCH)
        with killed_after(kill_after):
            run(study, make(), StackingPlace())
        assert Controller(study, make(), [StackingPlace()], float("inf")).run().status == "completed"
        found = told(study)
        if way == "listed":
            assert found == expected, f"killed after {kill_after} events"
        assert [trial[:4] for trial in found[:6]] == [trial[:4] for trial in expected[:6]]
        assert all(trial[4] in ("completed", "discarded") for trial in found)
        assert all(epochs == sorted(set(epochs)) for epochs in values_of_last_lives(study).values())
        assert len(trials_of(study)) == sum(bool(trial.run) for trial in trials_in(study)), "no run is doubled"

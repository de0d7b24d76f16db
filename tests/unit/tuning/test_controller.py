"""The controller: what it starts, what it writes, and that a killed one continues as if nothing had happened."""

from __future__ import annotations

import itertools
import json
import math
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
from workbench.errors import EXIT_FAILED
from workbench.runs.control import append_request
from workbench.runs.directory import create_run
from workbench.runs.lock import claim
from workbench.runs.study import read_study
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.tuning import controller as controllers
from workbench.tuning.controller import Controller
from workbench.tuning.directory import StudyDirectory, trials_of
from workbench.tuning.events import (
    MetricKnown,
    Noted,
    StudyFinished,
    StudyStarted,
    StudyState,
    TrialAsked,
    TrialDiscarded,
    TrialPaused,
    TrialStarted,
    TrialThresholds,
    TrialValue,
)
from workbench.tuning.question import Question
from workbench.tuning.sampler import Suggestion
from workbench.tuning.steps import BY_HAND, Continue, Discard, NewTrial, Wait, Way
from workbench.tuning.view import StudyView, read_study_view, study_tail
from workbench.tuning.ways.listed import Listed
from workbench.tuning.ways.search import Search

NOT_KEPT = "not among the best 2 after epoch 1"
RATES = (0.001, 0.01, 0.1, 0.003, 0.0001)
SEARCH = Question(way="search", discard="keep", trials=5, keep=2, confirm=2, seeds=(1, 2))


@pytest.fixture(autouse=True)
def _polls_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controllers, "POLL_SECONDS", 0.0)


def suggest(view: StudyView) -> Suggestion | None:
    number = sum(trial.repeats is None for trial in view.trials.values())
    return Suggestion({"optimizer.learning_rate": RATES[number]}, "list") if number < len(RATES) else None


def search(question: Question = SEARCH) -> Search:
    return Search(question, suggest, epochs=4, seed=0)


def run(study: StudyDirectory, way: Way, *places: ScriptedPlace) -> StudyFinished:
    return Controller(study, way, list(places or [ScriptedPlace()]), 0.0).run()


def told(view: StudyView) -> list[tuple[Any, ...]]:
    """What a study found, without names of runs and times."""
    return [
        (trial.number, trial.settings, trial.origin, trial.repeats, trial.status, trial.values, trial.value)
        for trial in view.trials.values()
    ]


def test_a_repeat_of_which_some_seeds_failed_has_failed_and_gives_the_mean_of_the_others(tmp_path: Path) -> None:
    def diverges(preset: Preset, epoch: int) -> float:
        return -1 if preset.training.seed > 1 else 0.5 + 0.25 * preset.training.seed

    study = new_study(tmp_path, Question(way="repeat"))
    way = Listed([{"training.seed": seed} for seed in range(7)], [f"seed {seed}" for seed in range(7)])
    finished = run(study, way, ScriptedPlace(diverges))
    assert (finished.status, finished.exit_code) == ("failed", 3)
    expected = "seed 2: it diverged; seed 3: it diverged; seed 4: it diverged; and 2 more"
    assert finished.reason == f"5 of 7 trainings failed: {expected}"
    result = json.loads(study.summary.read_text())
    assert (result["metric"], result["mean"]) == ("accuracy", 0.625)
    assert [each["status"] for each in result["runs"]] == ["completed"] * 2 + ["failed"] * 5


def test_after_half_of_its_time_a_search_trains_the_best_to_their_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that runs a second from event to event."""
    clock = itertools.count(1_000_000)
    monkeypatch.setattr("workbench.runs.writer.time.time", lambda: float(next(clock)))
    monkeypatch.setattr(
        Search, "_seconds_to_finish", lambda search, view: math.inf
    )  # trials take no time by another clock
    rates = iter([1e-4 * number for number in range(1, 41)])
    way = Search(
        Question(way="search", discard="keep", seconds=120, keep=2, seeds=()),
        lambda view: Suggestion({"optimizer.learning_rate": rate}, "list") if (rate := next(rates, 0)) else None,
        epochs=4,
        seed=0,
    )
    study = new_study(tmp_path, Question(way="search"))
    controller = Controller(study, way, [ScriptedPlace()], 0.0)
    assert controller.run().status == "completed"
    view = read_study_view(study)
    assert view.seconds == controller.view.seconds > 60
    statuses = [trial.status for trial in view.trials.values()]
    assert statuses.count("completed") >= 2
    assert set(statuses) == {"completed", "discarded"}
    asked = [event.time for _, event in study_tail(study).read() if isinstance(event, TrialAsked)]
    assert len(asked) > 5
    assert asked[-1] - asked[0] == pytest.approx(60, abs=10)


def test_seconds_before_the_second_trial_are_no_time_to_try_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Importing PyTorch may take most of a short search: what is left is halved."""
    clock = itertools.count(1_000_000)
    late = 0.0
    monkeypatch.setattr("workbench.runs.writer.time.time", lambda: next(clock) + late)
    monkeypatch.setattr(Search, "_seconds_to_finish", lambda search, view: math.inf)

    def suggest(view: StudyView) -> Suggestion:
        nonlocal late
        number = len(view.trials)
        late = 800.0 if number else 0.0
        return Suggestion({"optimizer.learning_rate": 1e-4 * (number + 1)}, "list")

    way = Search(Question(way="search", discard="keep", seconds=1200, keep=2, seeds=()), suggest, epochs=4, seed=0)
    study = new_study(tmp_path, Question(way="search"))
    assert Controller(study, way, [ScriptedPlace()], 0.0).run().status == "completed"
    asked = [event.time for _, event in study_tail(study).read() if isinstance(event, TrialAsked)]
    start = read_study_view(study).start_seconds
    assert start is not None
    assert start == pytest.approx(810, abs=10)
    assert asked[-1] - asked[1] == pytest.approx((1200 - start) / 2, abs=15)
    statuses = [trial.status for trial in read_study_view(study).trials.values()]
    assert statuses.count("completed") >= 2


def test_seeds_are_trained_one_after_the_other_and_the_mean_is_right(tmp_path: Path) -> None:
    study = new_study(tmp_path, Question(way="repeat"), "optimizer.learning_rate=0.01")
    way = Listed([{"training.seed": seed} for seed in (0, 1, 2)], ["a", "b", "c"])
    assert run(study, way).status == "completed"
    result = json.loads(study.summary.read_text())
    assert result["type"] == "result"
    assert result["metric"] == "accuracy"
    assert result["mean"] == pytest.approx(0.94 + 0.001)
    # Student's t for two degrees of freedom: 4.303
    assert [result["low"], result["high"]] == pytest.approx([0.941 - 0.002484, 0.941 + 0.002484], abs=1e-6)
    assert [run["value"] for run in result["runs"]] == pytest.approx([0.94, 0.941, 0.942])
    runs = [study.run(trial.run) for trial in read_study_view(study).trials.values()]
    assert [Preset.of_run(run.preset).training.seed for run in runs] == [0, 1, 2]
    assert {read_study(trial.study) for trial in trials_of(study)} == {study.name}


def test_the_best_after_an_epoch_are_trained_to_their_end_and_then_with_fresh_seeds(tmp_path: Path) -> None:
    study = new_study(tmp_path, SEARCH)
    run(study, search())
    view = read_study_view(study)
    assert [trial.status for trial in view.trials.values()][:5] == [
        "discarded", "completed", "discarded", "completed", "discarded",
    ]  # fmt: skip
    assert [(trial.repeats, trial.settings["training.seed"]) for trial in list(view.trials.values())[5:]] == [
        (1, 1), (3, 1), (1, 2), (3, 2),
    ]  # fmt: skip
    assert set(view.trials[0].values) == {1}
    assert set(view.trials[1].values) == {1, 2, 3, 4}
    best = json.loads(study.summary.read_text())["best"]
    assert best["settings"] == {"optimizer.learning_rate": 0.01}
    assert best["value"] == pytest.approx(0.94)
    assert best["seeds"] == [1, 2]
    assert best["mean"] == pytest.approx(0.94 + 0.0015), "over the fresh seeds alone"


def test_a_trial_whose_process_is_killed_continues_and_is_given_up_after_some_deaths(tmp_path: Path) -> None:
    deaths = {0.01: 1, 0.001: 99}

    def dies(preset: Preset, epoch: int) -> float:
        rate = preset.optimizer.learning_rate
        if epoch == 3 and deaths.get(rate, 0) > 0:
            deaths[rate] -= 1
            raise KilledError
        return best_near_a_hundredth(preset, epoch)

    study = new_study(tmp_path, Question(way="queue"))
    place = ScriptedPlace(dies)
    run(study, Listed([{"optimizer.learning_rate": rate} for rate in (0.01, 0.001)], ["", ""]), place)
    first, second = read_study_view(study).trials.values()
    assert (first.status, first.retries, set(first.values)) == ("completed", 1, {1, 2, 3, 4})
    assert (second.status, second.reason) == ("failed", "its process was killed 3 times")
    assert place.started.count(first.run) == 2
    assert len(trials_of(study)) == 2


def test_when_the_first_trials_fail_the_search_ends_and_says_why(tmp_path: Path) -> None:
    study = new_study(tmp_path, SEARCH)
    finished = run(study, search(), ScriptedPlace(lambda preset, epoch: -1))
    assert (finished.status, finished.exit_code) == ("failed", 3)
    assert finished.reason == "the first 3 trials failed: it diverged"
    assert len(trials_of(study)) == 3


@pytest.mark.parametrize(("kind", "code"), [("preset", 2), ("device", 2), ("data", 3)])
def test_where_the_preset_itself_cannot_be_trained_the_search_ends_with_its_words(
    kind: str, code: int, tmp_path: Path
) -> None:
    def fails(preset: Preset, epoch: int) -> float:
        raise FailsError(kind)

    study = new_study(tmp_path, SEARCH)
    own = Search(SEARCH, lambda view: Suggestion({"optimizer.learning_rate": 0.01}, "preset"), epochs=4, seed=0)
    finished = run(study, own, ScriptedPlace(fails))
    assert (finished.status, finished.exit_code, finished.reason) == ("failed", code, f"a failure: {kind}")
    assert len(trials_of(study)) == 1


def test_a_study_ends_at_the_value_that_was_asked_for(tmp_path: Path) -> None:
    study = new_study(tmp_path, SEARCH)
    way = search(Question(way="search", discard="keep", until="accuracy>=0.9", trials=5, keep=1, confirm=0))
    run(study, way)
    trials = read_study_view(study).trials
    assert [trial.status for trial in trials.values()] == ["discarded", "completed"]


def test_a_stopped_study_stops_its_trials_and_continues_them(tmp_path: Path) -> None:
    study = new_study(tmp_path, Question(way="queue"))
    way = Listed([{"optimizer.learning_rate": rate} for rate in (0.01, 0.001)], ["", ""])

    def asks(preset: Preset, epoch: int) -> float:
        if epoch == 2:
            append_request(study.control, "stop")
        return best_near_a_hundredth(preset, epoch)

    finished = run(study, way, ScriptedPlace(asks))
    assert (finished.status, finished.exit_code) == ("stopped", 130)
    view = read_study_view(study)
    assert [trial.status for trial in view.trials.values()] == ["waiting"]
    later = Controller(study, way, [ScriptedPlace()], float("inf")).run()
    assert later.status == "completed"
    trials = read_study_view(study).trials
    assert [set(trial.values) for trial in trials.values()] == [{1, 2, 3, 4}] * 2
    assert len(trials_of(study)) == 2


def test_a_trial_that_runs_out_of_memory_is_tried_once_more_with_half_the_batch(tmp_path: Path) -> None:
    def needs_memory(preset: Preset, epoch: int) -> float:
        if preset.data.batch_size > (32 if preset.training.seed == 0 else 8):
            raise FailsError("out_of_memory")
        return best_near_a_hundredth(preset, epoch)

    study = new_study(tmp_path, Question(way="repeat"), "data.batch_size=64", "training.gradient_accumulation=3")
    run(study, Listed([{"training.seed": 0}, {"training.seed": 1}], ["", ""]), ScriptedPlace(needs_memory))
    first, second = read_study_view(study).trials.values()
    assert (first.status, first.settings) == ("completed", {"training.seed": 0})
    assert first.trained_settings == {
        "training.seed": 0, "data.batch_size": 32, "training.gradient_accumulation": 6,
    }  # fmt: skip
    preset = Preset.of_run(study.run(first.run).preset)
    assert (preset.data.batch_size, preset.training.gradient_accumulation) == (32, 6)
    assert (second.status, second.kind, second.trained_settings["data.batch_size"]) == ("failed", "out_of_memory", 32)
    assert len(trials_of(study)) == 4


def test_a_trial_whose_settings_do_not_fit_together_has_failed_and_the_others_are_trained(tmp_path: Path) -> None:
    study = new_study(tmp_path, Question(way="queue"))
    run(study, Listed([{"data.batch_size": 0}, {"data.batch_size": 8}], ["", ""]))
    first, second = read_study_view(study).trials.values()
    assert (first.status, first.kind, first.run) == ("failed", "preset", "")
    assert "batch_size" in first.reason
    assert second.status == "completed"


def test_only_the_best_keep_their_weights(tmp_path: Path) -> None:
    study = new_study(tmp_path, SEARCH)
    run(study, search())
    trials = read_study_view(study).trials.values()
    kept = [trial.number for trial in trials if study.run(trial.run).last_checkpoint.exists()]
    assert kept == [1, 3]
    assert all(study.run(trial.run).summary.exists() for trial in trials)


@pytest.mark.parametrize("how", ["it is written to", "it has less than a GiB"])
def test_on_a_full_disk_the_study_stops_and_the_trial_continues_later(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_full = [True]

    def fills_the_disk(preset: Preset, epoch: int) -> float:
        if epoch == 3 and is_full[0]:
            if how == "it is written to":
                raise FailsError("storage")
            monkeypatch.setattr("workbench.tuning.disk.LEAST_FREE_BYTES", 2**62)
            monkeypatch.setattr("workbench.tuning.disk.DISK_SECONDS", 0.0)
        return best_near_a_hundredth(preset, epoch)

    study, way = new_study(tmp_path, Question(way="queue")), Listed([{"optimizer.learning_rate": 0.01}], [""])
    finished = run(study, way, ScriptedPlace(fills_the_disk))
    assert (finished.status, finished.exit_code) == ("stopped", 3)
    assert ("a failure: storage" if how == "it is written to" else "a study stops below") in finished.reason
    [trial] = read_study_view(study).trials.values()
    assert trial.status == "waiting"
    is_full[0] = False
    monkeypatch.setattr("workbench.tuning.disk.LEAST_FREE_BYTES", 0)
    assert run(study, way, ScriptedPlace(fills_the_disk)).status == "completed"
    [trial] = read_study_view(study).trials.values()
    assert (trial.status, set(trial.values)) == ("completed", {1, 2, 3, 4})
    assert len(trials_of(study)) == 1


def test_a_signal_stops_the_study_even_where_no_request_can_be_written(tmp_path: Path) -> None:
    study = new_study(tmp_path, Question(way="queue"))
    way = Listed([{"optimizer.learning_rate": 0.01}], [""])
    finished = Controller(study, way, [ScriptedPlace()], 0.0, lambda: True).run()
    assert (finished.status, finished.exit_code) == ("stopped", 130)


def test_the_median_rule_stops_trials_that_run(tmp_path: Path) -> None:
    """Four trials at the preset's distance of nought, one better, then worse ones."""
    rates = (0.01, 0.01, 0.01, 0.01, 0.01, 0.1, 0.01)
    study = new_study(tmp_path, Question(way="search", discard="median", trials=7, discard_after=2, confirm=0))
    question = Question(way="search", discard="median", trials=7, discard_after=2, confirm=0)

    def suggest(view: StudyView) -> Suggestion | None:
        return Suggestion({"optimizer.learning_rate": rates[len(view.trials)]}, "list")

    run(study, Search(question, suggest, epochs=4, seed=0))
    trials = list(read_study_view(study).trials.values())
    assert [trial.status for trial in trials] == ["completed"] * 5 + ["discarded", "completed"]
    assert trials[5].reason == "worse than the median of the others after epoch 2"
    assert (trials[5].epoch, set(trials[5].values)) == (2, {1, 2}), "what came later does not count"


def test_what_asha_promotes_at_once_is_trained_on_without_a_new_start(tmp_path: Path) -> None:
    rates = (0.1, 1.0, 0.01, 0.5)
    study = new_study(tmp_path, Question(way="search", discard="asha", trials=4, discard_after=1, confirm=1))

    def suggest(view: StudyView) -> Suggestion | None:
        number = len(view.trials)
        return Suggestion({"optimizer.learning_rate": rates[number]}, "list") if number < 4 else None

    run(study, Search(Question(way="search", trials=4, discard_after=1, confirm=1), suggest, epochs=4, seed=0))
    started = [event for _, event in study_tail(study).read() if isinstance(event, TrialStarted)]
    assert [(event.trial, event.until_epoch) for event in started] == [(0, 1), (1, 1), (2, 1), (3, 1), (2, None)]
    values = read_study_view(study).trials[2].values
    assert list(values) == [1, 2, 3, 4], "three epochs at once, for it was the best of three; the last at the end"


def test_asha_trains_one_of_three_further(tmp_path: Path) -> None:
    rates = (0.1, 0.01, 1.0, 0.02, 0.5, 0.2)
    question = Question(way="search", discard="asha", trials=6, discard_after=1, confirm=1)
    study = new_study(tmp_path, question)

    def suggest(view: StudyView) -> Suggestion | None:
        number = len(view.trials)
        return Suggestion({"optimizer.learning_rate": rates[number]}, "list") if number < 6 else None

    run(study, Search(question, suggest, epochs=4, seed=0))
    trials = list(read_study_view(study).trials.values())
    assert [max(trial.values) for trial in trials] == [1, 4, 1, 3, 1, 1]
    assert [trial.status for trial in trials] == [
        "discarded", "completed", "discarded", "discarded", "discarded", "discarded",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("places", "every"), [(1, 7), (2, 13), pytest.param(1, 1, marks=pytest.mark.slow)], ids=["one", "two", "all"]
)
def test_a_controller_that_is_killed_after_any_event_finds_what_it_would_have_found(
    places: int, every: int, tmp_path: Path
) -> None:
    whole = new_study(tmp_path / "whole", SEARCH)
    run(whole, search(), *(ScriptedPlace() for _ in range(places)))
    expected, events = told(read_study_view(whole)), len(whole.events.read_text().splitlines())
    assert events > 40
    for kill_after in range(1, events, every):
        study = new_study(tmp_path / f"killed-{kill_after}", SEARCH)
        with killed_after(kill_after):
            run(study, search(), *(ScriptedPlace() for _ in range(places)))
        assert Controller(study, search(), [ScriptedPlace()], float("inf")).run().status == "completed"
        found = told(read_study_view(study))
        if places == 1:
            assert found == expected, f"killed after {kill_after} events"
        assert len(trials_of(study)) == len(read_study_view(study).trials), "no trial is doubled"
        assert all(trial.has_ended for trial in read_study_view(study).trials.values())


ASHA = Question(way="search", discard="asha", trials=9, discard_after=1, confirm=1, seeds=(1,))
ASHA_RATES = (0.1, 0.02, 1.0, 0.012, 0.5, 0.2, 0.01, 0.0001, 0.008)


def asha_search() -> Search:
    """Ten epochs: rungs after 1, 3 and 9."""

    def suggest(view: StudyView) -> Suggestion | None:
        number = sum(trial.repeats is None for trial in view.trials.values())
        return Suggestion({"optimizer.learning_rate": ASHA_RATES[number]}, "list") if number < len(ASHA_RATES) else None

    return Search(ASHA, suggest, epochs=10, seed=0)


def asha_study(folder: Path) -> StudyDirectory:
    return new_study(folder, ASHA, "training.epochs=10")


def uninterrupted(folder: Path) -> tuple[list[tuple[Any, ...]], int]:
    """What a search with ASHA finds, and how many events that takes."""
    study = asha_study(folder)
    run(study, asha_search())
    view = read_study_view(study)
    reached = [max(trial.values) for trial in view.trials.values() if trial.repeats is None]
    assert reached == [1, 3, 1, 3, 1, 1, 10, 1, 3], "the seventh went from its first epoch to its ninth at once"
    return told(view), len(study.events.read_text().splitlines())


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
def test_asha_with_a_killed_controller_finds_what_it_would_have_found(every: int, tmp_path: Path) -> None:
    expected, events = uninterrupted(tmp_path / "whole")
    for kill_after in range(1, events, every):
        study = asha_study(tmp_path / f"killed-{kill_after}")
        with killed_after(kill_after):
            run(study, asha_search())
        assert Controller(study, asha_search(), [ScriptedPlace()], float("inf")).run().status == "completed"
        assert told(read_study_view(study)) == expected, f"killed after {kill_after} events"


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
def test_asha_that_is_stopped_between_two_rungs_finds_what_it_would_have_found(every: int, tmp_path: Path) -> None:
    expected, events = uninterrupted(tmp_path / "whole")
    for stop_after in range(1, events, every):
        study = asha_study(tmp_path / f"stopped-{stop_after}")

        def is_asked(study: StudyDirectory = study, stop_after: int = stop_after) -> bool:
            return len(study.events.read_text().splitlines()) > stop_after

        stopped = Controller(study, asha_search(), [ScriptedPlace()], 0.0, is_asked).run()
        assert stopped.status in ("stopped", "completed")
        if stopped.status == "stopped":
            assert Controller(study, asha_search(), [ScriptedPlace()], float("inf")).run().status == "completed"
        assert told(read_study_view(study)) == expected, f"stopped after {stop_after} events"


def test_where_a_trial_pauses_next_is_known_while_it_passes_its_thresholds() -> None:
    view = StudyView()
    view.take(MetricKnown(metric="accuracy"))
    view.take(TrialAsked(trial=0, settings={}, until_epoch=1))
    view.take(TrialStarted(trial=0, run="run", until_epoch=1, thresholds={"1": 0.5, "3": 0.6, "9": 0.7}, time=100.0))
    trial = view.trials[0]
    for epoch, value, pauses in [(1, 0.55, 3), (2, 0.65, 3), (3, 0.4, 9), (9, 0.8, None)]:
        view.take(TrialValue(trial=0, epoch=epoch, value=value, time=100.0 + epoch))
        assert trial.until_epoch == pauses, epoch
    assert view.seconds_of(trial) == 9.0
    view.take(TrialStarted(trial=0, run="run", until_epoch=1, thresholds={"1": 0.5}))
    view.take(TrialThresholds(trial=0, thresholds={"1": 0.7}))
    view.take(TrialValue(trial=0, epoch=1, value=0.6))
    assert trial.until_epoch == 1


def test_what_a_trial_has_to_beat_rises_while_others_do_better_beside_it(tmp_path: Path) -> None:
    """Two places: both begin with nothing to beat, and then one is told what the other has reached."""
    study = asha_study(tmp_path)
    run(study, asha_search(), ScriptedPlace(), ScriptedPlace())
    view, events = read_study_view(study), [event for _, event in study_tail(study).read()]
    assert any(isinstance(event, TrialThresholds) for event in events)
    own = [trial for trial in view.trials.values() if trial.repeats is None]
    assert all(trial.has_ended for trial in own)
    for rung in (1, 3):
        reached = [trial for trial in own if rung in trial.values]
        assert sum(max(trial.values) > rung for trial in reached) <= len(reached) // 3 + 2, (
            "two places, one too many each"
        )
    assert max(own, key=lambda trial: max(trial.values.values())).number in (3, 6, 8), "0.012, 0.01 or 0.008"


def test_a_trial_that_was_paused_when_its_controller_was_killed_is_resumed(tmp_path: Path) -> None:
    study = new_study(tmp_path, Question(way="repeat"))
    trained = create_run(study.trials, "t", Preset().override(["name=t", "training.epochs=4"]).to_toml())
    writer = EventWriter(study.events)
    writer.write(StudyStarted(process_id=1))
    writer.write(TrialAsked(trial=0, settings={}))
    writer.write(TrialStarted(trial=0, run=trained.name))
    writer.write(StudyState(state="paused"))
    writer.close()
    trainer = claim(trained)

    def trainer_ends() -> bool:
        trainer.close()
        return False

    Controller(study, Listed([{}], ["a"]), [ScriptedPlace()], 0.0, trainer_ends).run()
    requests = [json.loads(line)["command"] for line in trained.control.read_text().splitlines()]
    assert requests == ["resume"]
    assert [trial.status for trial in read_study_view(study).trials.values()] == ["completed"]


def test_a_trial_whose_controller_was_killed_is_told_again_where_it_pauses(tmp_path: Path) -> None:
    question = Question(way="search", discard="keep", keep=1, discard_after=2, trials=1, confirm=0)
    study = new_study(tmp_path, question)
    trained = create_run(study.trials, "t", Preset().override(["name=t", "training.epochs=4"]).to_toml())
    writer = EventWriter(study.events)
    writer.write(StudyStarted(process_id=1))
    writer.write(TrialAsked(trial=0, settings={}, until_epoch=2))
    writer.write(TrialStarted(trial=0, run=trained.name, until_epoch=2))
    writer.close()
    trainer = claim(trained)
    asked: list[dict[str, Any]] = []

    def trainer_ends() -> bool:
        asked.extend(json.loads(line) for line in trained.control.read_text().splitlines())
        trainer.close()
        return True

    Controller(study, Search(question, suggest, epochs=4, seed=0), [ScriptedPlace()], 0.0, trainer_ends).run()
    assert [(each["command"], each.get("thresholds")) for each in asked[:2]] == [
        ("resume", None),
        ("set_thresholds", [[2, None]]),
    ]


def test_a_trial_of_a_killed_controller_takes_a_place_until_it_ends(tmp_path: Path) -> None:
    study = new_study(tmp_path, Question(way="queue"))
    orphan = create_run(study.trials, "t", Preset().override(["name=t", "training.epochs=4"]).to_toml())
    writer = EventWriter(study.events)
    writer.write(StudyStarted(process_id=1))
    writer.write(TrialAsked(trial=0, settings={}))
    writer.write(TrialStarted(trial=0, run=orphan.name))
    writer.close()
    trainer, place, polls = claim(orphan), ScriptedPlace(), []

    def ends_at_last() -> bool:
        polls.append(len(place.started))
        if len(polls) == 5:
            trainer.close()
        return False

    way = Listed([{}, {"optimizer.learning_rate": 0.01}], ["", ""])
    assert Controller(study, way, [place], 0.0, ends_at_last).run().status == "completed"
    assert polls[:5] == [0] * 5, "two trainers on the same cores slow each other"
    trials = read_study_view(study).trials.values()
    assert [set(trial.values) for trial in trials] == [{1, 2, 3, 4}] * 2


def test_what_waits_at_a_pause_when_the_time_is_over_is_discarded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = Question(way="search", trials=9, keep=2, seconds=60.0)
    study, way = new_study(tmp_path, question), search(question)
    monkeypatch.setattr(way, "is_over", lambda view, seconds: "the time is over" if len(view.trials) > 2 else "")
    assert run(study, way).status == "completed"
    trials = read_study_view(study).trials.values()
    assert {(trial.status, trial.reason) for trial in trials} == {("discarded", "the time is over")}


def test_a_search_that_has_found_nothing_when_its_time_is_over_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = Question(way="search", seconds=1.0)
    study, way = new_study(tmp_path, question), search(question)
    monkeypatch.setattr(way, "is_over", lambda view, seconds: "the time of 1 s is over")
    finished = run(study, way)
    assert (finished.status, finished.exit_code) == ("failed", EXIT_FAILED)
    assert finished.reason == "the time of 1 s is over, and no trial has given a value"


def test_pauses_take_none_of_a_studys_time() -> None:
    view = StudyView()
    for event in (
        StudyStarted(process_id=1, time=100.0),
        StudyState(state="paused", time=110.0),
        Noted(message="still paused", time=150.0),
        StudyState(state="running", time=200.0),
        Noted(message="on", time=203.0),
    ):
        view.take(event)
    assert view.seconds == 13.0
    assert view.seconds_at(205.0) == 15.0


def test_trials_that_were_discarded_by_hand_are_no_failures(tmp_path: Path) -> None:
    view = StudyView()
    for number in range(3):
        view.take(TrialAsked(trial=number, settings={}, time=1.0))
        view.take(TrialDiscarded(trial=number, reason=BY_HAND, time=1.0))
    assert search(Question(way="search")).gives_up(view) is None


@pytest.mark.parametrize(
    ("seconds", "tries_more"),
    [(49.0, True), (60.0, True), (94.0, True), (95.5, False)],
)
def test_settings_are_tried_as_long_as_the_best_can_still_be_trained_to_their_end(
    seconds: float, tries_more: bool
) -> None:
    """Two of 4 epochs, of which one is done in 0.25 s, and one again with 2 seeds: 14 epochs, 3.5 s; of 100 s."""
    question = Question(way="search", discard="keep", seconds=100.0, keep=2, confirm=1, seeds=(1, 2))
    view = StudyView()
    view.take(StudyStarted(process_id=1, time=1000.0))
    for number in range(3):
        view.take(TrialAsked(trial=number, settings={}, until_epoch=1, time=1000.0))
        view.take(TrialStarted(trial=number, run=str(number), until_epoch=1, time=1000.0))
        view.take(MetricKnown(metric="accuracy", time=1000.0))
        view.take(TrialValue(trial=number, epoch=1, value=0.5 + 0.1 * number, time=1000.0))
        view.take(TrialPaused(trial=number, epoch=1, seconds=0.25, time=1000.0))
    view.take(Noted(message="later", time=1000.0 + seconds))
    step = search(question).next(view)
    assert isinstance(step, NewTrial) == tries_more


def test_where_it_is_not_known_how_long_that_takes_settings_are_tried_for_half_of_the_time() -> None:
    question = Question(way="search", seconds=100.0, keep=2, confirm=1, seeds=(1, 2))
    view = StudyView()
    view.take(StudyStarted(process_id=1, time=1000.0))
    for number in range(2):
        view.take(TrialAsked(trial=number, settings={}, until_epoch=1, time=1000.0))
    view.take(Noted(message="later", time=1051.0))
    assert isinstance(search(question).next(view), Wait)


@pytest.mark.parametrize(("tried", "after"), [(7, []), (8, [Continue(7), Continue(6), Discard(0, NOT_KEPT)])])
def test_a_trial_that_is_among_the_best_of_all_so_far_is_trained_to_its_end_at_once(
    tried: int, after: list[Continue | Discard]
) -> None:
    """As soon as so many have been tried that to be among the best says something."""
    way = Search(
        Question(way="search", discard="keep", trials=50, keep=2), lambda view: Suggestion({}, "list"), epochs=4, seed=0
    )
    view = StudyView()
    view.take(MetricKnown(metric="accuracy"))
    for number in range(tried):
        view.take(TrialAsked(trial=number, settings={}, until_epoch=1))
        view.take(TrialValue(trial=number, epoch=1, value=0.1 * number))
        view.take(TrialPaused(trial=number, epoch=1))
    steps: list[Any] = []
    while not isinstance(step := way.next(view), NewTrial) and len(steps) < len(after):
        steps.append(step)
        if isinstance(step, Continue):
            view.take(TrialStarted(trial=step.trial, run="run", until_epoch=step.until_epoch, resumed=True))
        elif isinstance(step, Discard):
            view.take(TrialDiscarded(trial=step.trial, reason=step.reason))
    if after:
        assert steps == after
    else:
        assert {type(step) for step in steps} <= {Discard}

"""Each thing that happens to a run or a study is one alert: decided by its events and its pace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.alerts.alert import Alert
from workbench.alerts.clock import Clock
from workbench.alerts.judge import Judge
from workbench.alerts.reader import AlertReader
from workbench.alerts.settings import AlertSettings
from workbench.runs.directory import RunDirectory
from workbench.runs.events import (
    EpochEnd,
    Event,
    Finished,
    Prepared,
    Progress,
    RequestHandled,
    Started,
    State,
    Steps,
    TestResult,
    WarningRaised,
)
from workbench.runs.measurements import Footprint, Memory, Timing
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.events import (
    MetricKnown,
    PresetSaved,
    StudyFinished,
    StudyStarted,
    StudyState,
    TrialAsked,
    TrialFinished,
    TrialStarted,
    TrialValue,
)

NOW = 1_000_000.0


class FakeClock(Clock):
    """Advances as it is told."""

    def __init__(self) -> None:
        self.seconds = 50.0

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Kept:
    """Keeps the alerts."""

    is_done = True

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    def put(self, alert: Alert) -> None:
        self.alerts.append(alert)

    @property
    def events(self) -> list[str]:
        return [alert.event for alert in self.alerts]


class Watched:
    """A run or a study that is watched with a clock of the test's own."""

    def __init__(self, directory: RunDirectory | StudyDirectory, since: float = NOW, **settings: Any) -> None:
        self.clock, self.kept = FakeClock(), Kept()
        judge = Judge(AlertSettings(**settings), directory, since)
        self.reader = AlertReader(judge, [self.kept], self.clock)

    def after(self, seconds: float, *events: Event, is_alive: bool = True) -> list[str]:
        """The alerts once these events were read, that many seconds after the last."""
        self.clock.seconds += seconds
        self.reader.read(events, is_alive=is_alive)
        return self.kept.events


def run_in(folder: Path) -> RunDirectory:
    folder.mkdir(exist_ok=True)
    return RunDirectory(folder)


def begun(at: float = NOW, *, resumed: bool = False, step: int = 0) -> list[Event]:
    return [
        State(state="preparing", step=0, time=at),
        Started(process_id=1, resumed=resumed, step=step, time=at + 1),
        Prepared(device="cpu", device_name="", batch_size=1, steps_per_epoch=10, epochs=5, monitor="accuracy",
                 task="classification", time=at + 2),
        State(state="training", step=step, time=at + 3),
    ]  # fmt: skip


def steps(times: Iterable[float], first: int = 1) -> list[Event]:
    return [
        Steps(first_step=first + index, epoch=0.1, losses=[1.0], learning_rate=0.1, seconds=1.0, time=time)
        for index, time in enumerate(times)
    ]


def epoch(number: int, accuracy: float, time: float) -> EpochEnd:
    values = {"loss": 0.5, "accuracy": accuracy}
    return EpochEnd(epoch=number, step=10 * number, learning_rate=0.1, train=values, validation=values, best=True,
                    time=time)  # fmt: skip


def finished(time: float, status: str = "completed", **more: Any) -> Finished:
    return Finished(status=status, step=50, time=time, **more)


def test_a_completed_run_is_one_alert_with_its_result(tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path / "a-run"))
    watched.after(0, *begun(), *steps([NOW + 4]), epoch(1, 0.5, NOW + 5))
    tested = TestResult(step=50, weights="best epoch 1", metrics={"accuracy": 0.25, "loss": 2.0}, time=NOW + 6)
    assert watched.after(1, tested, finished(NOW + 6)) == ["completed"]
    for _ in range(3):
        watched.after(500, is_alive=False)
    [alert] = watched.kept.alerts
    assert alert.name == "a-run"
    result = "best epoch 1: accuracy 50.00 %, loss 0.5000; test: accuracy 25.00 %, loss 2.0000; trained 1.00 s"
    assert alert.text == result
    assert alert.time == NOW + 6
    payload = alert.payload()
    assert payload["metrics"] == {"loss": 0.5, "accuracy": 0.5}
    assert payload["test"] == {"accuracy": 0.25, "loss": 2.0}
    assert payload["title"] == "workbench: run completed"


def test_failed_diverged_and_stopped_are_told_apart(tmp_path: Path) -> None:
    texts = []
    ends = [
        finished(NOW + 9, "failed", reason="no space\nleft", kind="storage"),
        finished(NOW + 9, "failed", reason="the loss", kind="diverged", what="loss"),
        finished(NOW + 9, "stopped"),
        finished(NOW + 9, "completed", kind="diverged", what="loss"),
    ]
    for end, event in zip(ends, ("failed", "diverged", "stopped", "diverged"), strict=True):
        watched = Watched(run_in(tmp_path))
        assert watched.after(0, *begun(), end) == [event]
        texts.append(watched.kept.alerts[0].text)
    assert texts[2:] == ["before the first step: stopped", "before the first step: diverged"]


def test_a_trainer_that_ends_without_a_word_is_lost_once(tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path))
    watched.after(0, *begun(), *steps([NOW + 4], first=1234))
    assert watched.after(1) == []
    for _ in range(3):
        assert watched.after(1, is_alive=False) == ["lost"]
    assert "at step 1,234" in watched.kept.alerts[0].text


def test_a_run_that_was_deleted_is_lost_with_that_reason(tmp_path: Path) -> None:
    watched = Watched(RunDirectory(tmp_path / "gone"))
    watched.after(0, *begun())
    watched.after(1, is_alive=False)
    assert "deleted or moved" in watched.kept.alerts[0].text


def test_what_happened_before_a_resume_is_no_news(tmp_path: Path) -> None:
    before = [*begun(NOW - 100), *steps([NOW - 90]), finished(NOW - 80, "failed", kind="diverged")]
    watched = Watched(run_in(tmp_path))
    assert watched.after(0, *before) == []
    assert watched.after(0, *begun(resumed=True), finished(NOW + 9)) == ["completed"]


def test_a_run_that_was_lost_long_ago_is_no_news(tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path))
    watched.after(0, *begun(NOW - 100), *steps([NOW - 90]))
    assert watched.after(1, is_alive=False) == []


def test_each_life_of_a_run_has_its_own_end(tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path))
    watched.after(0, *begun(), *steps([NOW + 4]))
    assert watched.after(1, is_alive=False) == ["lost"]
    watched.after(5, *begun(NOW + 10, resumed=True))
    watched.after(5, finished(NOW + 20))
    assert watched.after(5, is_alive=False) == ["lost", "completed"]


def test_a_target_is_met_once_in_all_lives(tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path), target="accuracy>=0.9")
    assert watched.after(0, *begun(), epoch(1, 0.89, NOW + 5)) == []
    assert watched.after(0, epoch(2, 0.9, NOW + 6), epoch(3, 0.95, NOW + 7)) == ["target"]
    assert watched.kept.alerts[0].text == "accuracy 90.00 % at step 20 (accuracy>=0.9)"
    watched.after(1, is_alive=False)
    assert watched.after(0, *begun(NOW + 20, resumed=True), epoch(4, 0.96, NOW + 30)) == ["target", "lost"]


def test_a_target_met_before_alerts_were_set_is_no_news(tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path), target="loss<=0.5")
    assert watched.after(0, *begun(NOW - 100), epoch(1, 0.1, NOW - 50), epoch(2, 0.1, NOW + 5)) == []


def test_a_metric_that_is_not_finite_meets_no_target(tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path), target="loss<=0.5")
    nothing = EpochEnd(epoch=1, step=1, learning_rate=0.1, train={"loss": float("nan")}, validation={"loss": None},
                       best=False, time=NOW + 5)  # fmt: skip
    assert watched.after(0, *begun(), nothing) == []


def test_a_run_stalls_after_a_multiple_of_its_longest_usual_wait(tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path), stall_factor=10, stall_seconds=120)
    watched.after(0, *begun(), *steps(NOW + 4 + 30 * index for index in range(20)))
    assert watched.after(299) == []
    assert watched.after(2) == ["stalled"]
    assert watched.after(1000) == ["stalled"]
    assert watched.kept.alerts[0].text == "no progress for 5:01 min at step 20; its longest usual wait is 30.0 s"
    # It goes on, and stalls again: that is another alert, after ten times the wait that it has now shown.
    watched.after(0, *steps([NOW + 2000], first=21))
    assert watched.after(1301) == ["stalled"]


@pytest.mark.parametrize(
    "written",
    [
        Memory(step=9),
        Footprint(step=9, kinds={}, expected=[]),
        Timing(step=9, steps=1, timed_steps=1, phase_ms={}, step_ms={}, steps_per_second=1.0),
        WarningRaised(step=9, message="the disk is full"),
        RequestHandled(command="lr", step=9, accepted=False),
    ],
    ids=lambda event: event.type,
)
def test_what_is_written_while_a_step_hangs_is_no_progress(written: Event, tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path), stall_factor=10, stall_seconds=120)
    watched.after(0, *begun(), *steps(NOW + 4 + 30 * index for index in range(9)))
    for second in range(1, 300):  # as a watched loop reads the machine each second
        watched.after(0.5, replace(written, time=NOW + 244 + second))
        assert watched.after(0.5) == []
    watched.after(0.5, replace(written, time=NOW + 544))
    assert watched.after(1) == ["stalled"]
    watched.after(0.5, replace(written, time=NOW + 546))
    assert watched.after(9999) == ["stalled"]
    assert watched.kept.alerts[0].text == "no progress for 5:00 min at step 9; its longest usual wait is 30.0 s"


def test_a_fast_run_may_be_silent_for_the_least_time(tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path), stall_seconds=120)
    watched.after(0, *begun(), *steps(NOW + 4 + 0.1 * index for index in range(20)))
    assert watched.after(119) == []
    assert watched.after(2) == ["stalled"]


def test_a_first_slow_step_is_forgotten(tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path), stall_seconds=120)
    watched.after(0, *begun(), *steps([NOW + 600, *(NOW + 600 + index for index in range(1, 52))]))
    assert watched.after(121) == ["stalled"]


def test_a_pause_a_download_and_a_first_validation_are_no_stall(tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path))
    watched.after(0, State(state="preparing", step=0, time=NOW), Progress(what="download", done=1, time=NOW + 1))
    assert watched.after(100_000) == []
    watched.after(0, *begun(), *steps(NOW + 4 + index for index in range(9)))
    watched.after(0, State(state="paused", step=9, time=NOW + 20))
    assert watched.after(100_000) == []
    watched.after(0, State(state="validating", step=9, time=NOW + 200_000))
    assert watched.after(599) == []
    assert watched.after(2) == ["stalled"]


def test_validation_has_a_pace_of_its_own(tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path))
    watched.after(0, *begun(), *steps(NOW + 4 + index for index in range(9)))
    watched.after(0, State(state="validating", step=9, time=NOW + 20), State(state="training", step=9, time=NOW + 120))
    watched.after(0, *steps([NOW + 121], first=10), State(state="validating", step=10, time=NOW + 122))
    assert watched.after(900) == []
    assert watched.after(200) == ["stalled"]


def test_only_the_chosen_events_are_sent_and_short_runs_are_not(tmp_path: Path) -> None:
    watched = Watched(run_in(tmp_path), events=("failed",), target="accuracy>=0.1")
    assert watched.after(0, *begun(), epoch(1, 0.5, NOW + 5), finished(NOW + 6)) == []
    watched = Watched(run_in(tmp_path), least_seconds=60.0)
    assert watched.after(0, *begun(), finished(NOW + 59)) == []
    watched = Watched(run_in(tmp_path), least_seconds=60.0)
    assert watched.after(0, *begun(), finished(NOW + 61)) == ["completed"]


def study_begun(time: float = NOW) -> list[Event]:
    return [
        StudyStarted(process_id=1, time=time),
        TrialAsked(trial=0, settings={}, time=time + 1),
        TrialStarted(trial=0, run="a", time=time + 1),
        MetricKnown(metric="accuracy", time=time + 2),
    ]


def test_a_study_is_one_alert_with_its_best(tmp_path: Path) -> None:
    watched = Watched(StudyDirectory(tmp_path), target="accuracy>=0.75")
    value = TrialValue(trial=0, epoch=1, value=0.75, time=NOW + 3)
    ended = TrialFinished(trial=0, status="completed", value=0.75, metric="accuracy", time=NOW + 4)
    assert watched.after(0, *study_begun(), value, ended) == ["target"]
    end = [StudyFinished(status="completed", time=NOW + 5), PresetSaved(path="x", time=NOW + 6)]
    assert watched.after(0, *end) == ["target", "completed"]
    assert watched.after(9, is_alive=False) == ["target", "completed"]
    assert watched.kept.alerts[1].text == "best accuracy 75.00 % (trial 0), after 1 of 1 trial"
    assert watched.kept.alerts[1].payload()["metrics"] == {"accuracy": 0.75}
    assert watched.kept.alerts[1].sort == "study"


def test_a_study_whose_controller_is_killed_is_lost_and_a_paused_one_does_not_stall(tmp_path: Path) -> None:
    watched = Watched(StudyDirectory(tmp_path))
    watched.after(0, *study_begun(), StudyState(state="paused", time=NOW + 5))
    assert watched.after(100_000) == []
    assert watched.after(1, is_alive=False) == ["lost"]

"""The history that a viewer keeps of a run: everything that is shown, in bounded memory."""

from __future__ import annotations

import math
from pathlib import Path

from tests.ui.made import epoch_end, events, write_run
from workbench.runs.events import EpochEnd, RequestHandled, Started, State, Steps
from workbench.runs.history import MOST_MARKS, MOST_READINGS, RunHistory, read_history
from workbench.runs.measurements import Health, Memory, Timing


def taken(*given: object) -> RunHistory:
    history = RunHistory()
    for event in given:
        history.take(event)  # type: ignore[arg-type]
    return history


def steps(first: int, losses: list[float], rate: float = 0.1) -> Steps:
    return Steps(first_step=first, epoch=first / 10, losses=losses, learning_rate=rate, seconds=first * 0.01)


def test_the_curves_of_a_run_contain_the_values_of_its_events() -> None:
    history = taken(*events(1300))
    assert history.curves["loss/train"].buckets[-1].last_step == 1300
    assert [bucket.last_step for bucket in history.curves["loss/validation"].buckets] == [
        200,
        400,
        600,
        800,
        1000,
        1200,
    ]
    assert history.epochs[-1].validation is not None
    assert history.curves["accuracy/validation"].last == history.epochs[-1].validation["accuracy"]
    assert history.best is not None
    assert history.best.epoch == 6


def test_accepted_requests_are_marked_and_refused_ones_are_not() -> None:
    history = taken(
        steps(1, [1.0] * 10),
        RequestHandled(command="set_learning_rate", step=5, detail="0.01"),
        RequestHandled(command="dance", step=6, accepted=False, detail="unknown"),
        RequestHandled(command="pause", step=7),
    )
    assert [(mark.step, mark.kind) for mark in history.marks] == [(5, "learning_rate"), (7, "pause")]
    assert history.marks[0].text == "learning rate 0.01"


def test_a_resumed_run_removes_what_it_will_train_again() -> None:
    history = taken(
        Started(process_id=1),
        steps(1, [1.0] * 100),
        Started(process_id=2, resumed=True, step=40),
        steps(41, [5.0] * 10),
    )
    curve = history.curves["loss/train"]
    assert curve.buckets[-1].last_step == 50
    assert sum(bucket.count for bucket in curve.buckets) == 50
    assert history.marks[-1].kind == "resumed"


def test_a_resumed_run_keeps_its_step_while_it_prepares() -> None:
    history = taken(steps(1, [1.0] * 100), State(state="preparing", step=0, detail="importing PyTorch"))
    assert (history.view.state, history.view.step) == ("preparing", 100)
    history.take(Started(process_id=2, resumed=True, step=40))
    assert history.view.step == 40


def test_time_continues_from_the_checkpoint_when_a_run_is_resumed() -> None:
    history = taken(
        Started(process_id=1),
        *(steps(first, [1.0] * 10) for first in range(1, 1000, 10)),
        Started(process_id=2, resumed=True, step=400),
        steps(401, [1.0] * 10),
    )
    seconds = [bucket.seconds for bucket in history.curves["loss/train"].buckets]
    assert seconds == sorted(seconds)
    assert history.marks[-1].seconds <= 4.0


def test_an_epoch_that_is_trained_again_is_no_longer_the_best() -> None:
    history = taken(*events(1300), Started(process_id=2, resumed=True, step=800))
    assert history.best is not None
    assert history.best.epoch == 4
    assert [end.epoch for end in history.epochs] == [1, 2, 3, 4]


def test_the_history_of_a_finished_run_is_read_from_its_file(tmp_path: Path) -> None:
    history = read_history(write_run(tmp_path, steps=2000, ending="completed"))
    assert history.view.finished is not None
    assert history.curves["loss/train"].buckets[-1].last_step == 2000
    assert [mark.kind for mark in history.marks] == ["learning_rate"]


def test_an_unavailable_metric_is_a_gap() -> None:
    end = EpochEnd(
        epoch=1, step=10, learning_rate=0.1, train={"loss": 1.0}, validation={"loss": 2.0, "r2": None}, best=True,
        train_seconds=1.0, validation_seconds=1.0,
    )  # fmt: skip
    history = taken(end)
    assert history.curves["r2/validation"].buckets[0].gap
    assert history.curves["r2/validation"].last is not None
    assert math.isnan(history.curves["r2/validation"].last)


def test_nothing_grows_without_bound() -> None:
    history = RunHistory()
    timing = Timing(
        step=1, steps=1, timed_steps=1, phase_ms={"data": 1.0}, step_ms={"p50": 1.0}, steps_per_second=1.0,
        samples_per_second=1.0,
    )  # fmt: skip
    for number in range(5000):
        history.take(steps(number * 10 + 1, [0.5] * 10))
        history.take(timing)
        history.take(RequestHandled(command="pause", step=number))
        history.take(State(state="training", step=number))
        history.take(epoch_end(number + 1, 0.0))
    assert len(history.marks) == MOST_MARKS
    assert len(history.timings) == MOST_READINGS
    assert all(len(curve) <= 2048 for curve in history.curves.values())


def test_norms_times_and_memory_are_curves_too() -> None:
    history = taken(
        steps(1, [1.0] * 10),
        timing(10, {"data": 0.5, "transfer": 0.0}),
        timing(20, {"data": 0.0, "forward": 2.0}),
        Memory(step=20, host_rss_bytes=3 * 2**30, torch_allocated_bytes=2**29),
        Health(
            step=20, epoch=1, samples=8, seconds=0.1, layers=[], tensors=[], gradient_norm=None, weight_norm=4.0
        ),
    )  # fmt: skip
    last = {name: curve.last for name, curve in history.curves.items()}
    assert math.isnan(last.pop("gradient_norm") or 0.0), "it was not finite"
    assert last == {
        "loss/train": 1.0, "learning_rate": 0.1, "samples_per_second": 640.0, "step_ms": 2.0, "step_ms/p99": 9.0,
        "gpu_busy": 0.25, "phase_ms/data": 0.0, "phase_ms/forward": 2.0, "memory/host_rss": 3.0,
        "memory/torch_allocated": 0.5, "weight_norm": 4.0,
    }  # fmt: skip
    history.take(Started(process_id=2, resumed=True, step=15))
    assert [bucket.last_step for bucket in history.curves["phase_ms/data"].buckets] == [10]
    assert not history.curves["weight_norm"].buckets


def timing(step: int, phases: dict[str, float]) -> Timing:
    return Timing(
        step=step, steps=10, timed_steps=10, phase_ms=phases, step_ms={"p50": 2.0, "p99": 9.0}, steps_per_second=10.0,
        samples_per_second=640.0, gpu_busy_share=0.25,
    )  # fmt: skip

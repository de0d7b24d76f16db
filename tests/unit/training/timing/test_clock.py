"""Phases add up to the step, pauses count nowhere, and nothing waits for a GPU."""

from __future__ import annotations

import math
from itertools import count

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.runs.phases import PHASES
from workbench.training.timing import choose as clocks
from workbench.training.timing import clock as host_clock
from workbench.training.timing import cuda_clock
from workbench.training.timing.choose import make_clock
from workbench.training.timing.clock import HostClock, PhaseClock
from workbench.training.timing.cuda_clock import CudaClock
from workbench.training.timing.step_times import Measured, StepTimes, percentiles


class Time:
    """A host's clock that advances only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    fake = Time()
    monkeypatch.setattr(host_clock, "perf_counter", fake)
    return fake


def step(clock: PhaseClock, time: Time, phases: list[tuple[str, float]], rest: float = 0.0) -> None:
    """A step of 8 samples whose phases take these seconds."""
    for phase, seconds in phases:
        time.go(seconds)
        clock.mark(phase)
    time.go(rest)
    clock.end_step(1, 8)


def test_phases_of_a_step_add_up_to_the_step(time: Time) -> None:
    clock = HostClock()
    clock.begin()
    step(clock, time, [("data", 0.5), ("forward", 1.0), ("backward", 2.0), ("optimizer", 0.25)], rest=0.125)
    measured = clock.take()
    assert measured.phase_seconds == pytest.approx(
        {"data": 0.5, "forward": 1.0, "backward": 2.0, "optimizer": 0.25, "rest": 0.125}
    )
    assert measured.step_ms == pytest.approx([3875.0])
    assert (measured.steps, measured.samples, measured.timed_steps) == (1, 8, 1)
    assert measured.seconds == pytest.approx(3.875)


def test_phases_are_means_a_step_in_the_order_of_a_step(time: Time) -> None:
    clock = HostClock()
    clock.begin()
    for seconds in (1.0, 3.0):
        step(clock, time, [("forward", seconds), ("data", 1.0)])
    assert clock.take().phase_ms() == {"data": 1000.0, "forward": 2000.0, "rest": 0.0}


def test_phases_of_several_batches_of_a_step_are_summed(time: Time) -> None:
    clock = HostClock()
    clock.begin()
    step(clock, time, [("forward", 1.0), ("backward", 2.0), ("forward", 1.0), ("backward", 2.0)])
    assert clock.take().phase_ms() == {"forward": 2000.0, "backward": 4000.0, "rest": 0.0}


def test_what_the_trainer_does_between_two_steps_is_rest_of_the_next(time: Time) -> None:
    clock = HostClock()
    clock.begin()
    step(clock, time, [("forward", 1.0)])
    time.go(0.5)
    clock.mark("rest")
    step(clock, time, [("forward", 1.0)])
    measured = clock.take()
    assert measured.step_ms == pytest.approx([1000.0, 1500.0])
    assert measured.phase_seconds == pytest.approx({"forward": 2.0, "rest": 0.5})


@pytest.mark.parametrize("clock_type", [HostClock, PhaseClock])
def test_pauses_count_nowhere(time: Time, clock_type: type[PhaseClock]) -> None:
    clock = clock_type()
    time.go(7.0)
    clock.begin()
    step(clock, time, [("forward", 1.0)])
    with clock.stopped():
        time.go(1000.0)
        with clock.stopped():  # a checkpoint that is asked for during a pause
            time.go(1000.0)
    step(clock, time, [("forward", 2.0)])
    clock.pause()
    time.go(1000.0)
    clock.begin()
    step(clock, time, [("forward", 3.0)])
    clock.pause()
    time.go(1000.0)
    measured = clock.take()
    assert measured.seconds == clock.training_seconds == pytest.approx(6.0)
    assert clock.elapsed() == pytest.approx(6.0)
    assert clock.step_times.percentiles().get("max", 3000.0) == pytest.approx(3000.0)
    assert measured.phase_seconds.get("forward", 6.0) == pytest.approx(6.0)


def test_a_clock_that_stood_still_stands_still_after_a_stop_within(time: Time) -> None:
    clock = HostClock()
    with clock.stopped():
        time.go(5.0)
    assert not clock.running
    assert clock.take().seconds == clock.training_seconds == 0


DURATION = st.integers(0, 1000)
PHASE_LIST = st.lists(st.tuples(st.sampled_from(PHASES), DURATION), max_size=6)
ACTION: st.SearchStrategy[tuple[str, list[tuple[str, int]], int]] = st.one_of(
    st.tuples(st.just("step"), PHASE_LIST, DURATION),
    st.tuples(st.just("look"), st.just([]), DURATION),
    st.tuples(st.just("pause"), st.just([]), DURATION),
    st.tuples(st.just("take"), st.just([]), st.just(0)),
)


@settings(deadline=None)
@given(st.lists(ACTION, max_size=30))
def test_whatever_happens_phases_steps_and_wall_time_agree(
    actions: list[tuple[str, list[tuple[str, int]], int]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        time = Time()
        patch.setattr(host_clock, "perf_counter", time)
        clock = HostClock()
        clock.begin()
        trained, step_ms, unfinished = 0, 0.0, 0
        for action, phases, milliseconds in actions:
            if action == "step":
                step(clock, time, [(phase, ms / 1000) for phase, ms in phases], milliseconds / 1000)
                trained += sum(ms for _, ms in phases) + milliseconds
                unfinished = 0
            elif action == "look":
                time.go(milliseconds / 1000)
                clock.mark("rest")
                trained += milliseconds
                unfinished += milliseconds
            elif action == "pause":
                with clock.stopped():
                    time.go(milliseconds / 1000)
                step_ms += unfinished  # of a step that never ends: the next one begins after the pause
                unfinished = 0
            else:
                step_ms += sum(clock.take().step_ms)
        clock.pause()
        step_ms += sum(clock.take().step_ms) + unfinished
        total = clock.total_phases
        assert 1000 * sum(total.phase_seconds.values()) == pytest.approx(trained, abs=1e-6)
        assert 1000 * total.seconds == pytest.approx(trained, abs=1e-6)
        assert 1000 * clock.training_seconds == pytest.approx(trained, abs=1e-6)
        assert step_ms == pytest.approx(trained, abs=1e-6)
        assert total.steps == total.timed_steps == sum(action == "step" for action, _, _ in actions)


def test_each_taking_begins_anew_and_the_total_holds_all(time: Time) -> None:
    clock = HostClock()
    clock.begin()
    step(clock, time, [("forward", 1.0)])
    assert clock.take().steps == 1
    step(clock, time, [("forward", 2.0)])
    step(clock, time, [("forward", 3.0)])
    second = clock.take()
    assert (second.steps, second.samples) == (2, 16)
    assert second.step_ms == pytest.approx([2000.0, 3000.0])
    assert clock.take().steps == 0
    assert clock.total_phases.steps == 3
    assert clock.total_phases.phase_seconds["forward"] == pytest.approx(6.0)


def test_without_measuring_throughput_alone_is_counted(time: Time) -> None:
    clock = PhaseClock()
    clock.begin()
    for _ in range(3):
        step(clock, time, [("forward", 1.0), ("backward", 1.0)])
    measured = clock.take()
    assert (measured.steps, measured.samples) == (3, 24)
    assert measured.seconds == pytest.approx(6.0)
    assert measured.timed_steps == 0
    assert measured.phase_ms() == {}
    assert measured.step_ms == []
    assert clock.step_times.percentiles() == percentiles([]) == {}


def test_the_clock_fits_the_device_and_the_wish() -> None:
    assert type(make_clock(torch.device("cpu"), measure=False)) is PhaseClock
    assert type(make_clock(torch.device("cuda"), measure=False)) is PhaseClock
    assert type(make_clock(torch.device("cpu"), measure=True)) is HostClock
    assert type(make_clock(torch.device("cuda"), measure=True)) is CudaClock


@given(st.lists(st.floats(1e-3, 1e5), min_size=1, max_size=50))
def test_percentiles_of_a_few_steps_are_numpys(step_ms: list[float]) -> None:
    found = percentiles(step_ms)
    expected = [*np.percentile(step_ms, [50, 95, 99]), max(step_ms)]
    assert list(found) == ["p50", "p95", "p99", "max"]
    assert list(found.values()) == pytest.approx(expected, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**32),
    st.integers(1, 3000),
    st.floats(-2.0, 3.0),
    st.floats(0.0, 1.5),
    st.integers(1, 5),
)
def test_percentiles_of_a_run_are_within_two_percent(
    seed: int, samples: int, centre: float, width: float, pieces: int
) -> None:
    """Over step times from microseconds to minutes."""
    drawn = 10 ** np.random.default_rng(seed).normal(centre, width, samples)
    step_ms = np.clip(drawn, 2e-3, 9e5)
    times = StepTimes()
    for piece in np.array_split(step_ms, pieces):
        times.add(piece.tolist())
    found, ordered = times.percentiles(), np.sort(step_ms)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        # The nearest rank, one more or less where the share of the samples is no whole number.
        rank = math.ceil(share * samples) - 1
        low, high = ordered[max(rank - 1, 0)], ordered[min(rank + 1, samples - 1)]
        assert low * 0.98 <= found[name] <= high * 1.02
    assert found["max"] == pytest.approx(ordered[-1], abs=1e-6)
    assert found["p50"] <= found["p95"] <= found["p99"] <= found["max"]


def test_step_times_out_of_all_bounds_are_counted_too() -> None:
    times = StepTimes()
    times.add([0.0, 1e-9, 1e12])
    found = times.percentiles()
    assert found["max"] == 1e12
    assert found["p50"] < 0.01


class FakeEvent:
    """Stands for torch.cuda.Event: the GPU stamps it when it passes it, which is when a test says so."""

    gpu_seconds = 0.0
    """How far the GPU has come in what the host has queued."""
    made: list[FakeEvent] = []
    queued = count()

    def __init__(self, enable_timing: bool = False) -> None:
        assert enable_timing
        self.stamp = math.inf
        FakeEvent.made.append(self)

    def record(self) -> None:
        self.stamp = float(next(FakeEvent.queued))

    def query(self) -> bool:
        return self.stamp <= FakeEvent.gpu_seconds

    def elapsed_time(self, later: FakeEvent) -> float:
        assert self.query(), "read before it was done"
        assert later.query(), "read before it was done"
        return 1000 * (later.stamp - self.stamp)

    def synchronize(self) -> None:
        pytest.fail("waited for the GPU")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> type[FakeEvent]:
    """Each event is queued one GPU second after the one before; nothing may wait."""
    monkeypatch.setattr(FakeEvent, "gpu_seconds", -1.0)
    monkeypatch.setattr(FakeEvent, "made", [])
    monkeypatch.setattr(FakeEvent, "queued", count())
    monkeypatch.setattr(torch.cuda, "Event", FakeEvent)
    for name in ("synchronize", "current_stream"):
        monkeypatch.setattr(torch.cuda, name, lambda *_: pytest.fail("waited for the GPU"))
    return FakeEvent


GPU_STEP = [("data", 0.001), ("forward", 0.001), ("backward", 0.001), ("optimizer", 0.001)]
"""On the host: it only queues."""


def test_gpu_steps_are_read_only_when_the_gpu_has_done_them(time: Time, gpu: type[FakeEvent]) -> None:
    clock = CudaClock()
    clock.begin()
    for _ in range(3):
        step(clock, time, GPU_STEP, rest=1.0)
    first = clock.take()
    assert (first.steps, first.timed_steps, first.step_ms, first.phase_ms()) == (3, 0, [], {})
    gpu.gpu_seconds = 5.0  # the last event of the first step
    assert clock.take().timed_steps == 1
    gpu.gpu_seconds = 16.0  # one short of the last event of the third
    assert clock.take().timed_steps == 1
    gpu.gpu_seconds = math.inf
    assert clock.take().timed_steps == 1
    assert clock.total_phases.steps == clock.total_phases.timed_steps == 3


def test_gpu_phases_add_up_to_the_step(time: Time, gpu: type[FakeEvent]) -> None:
    clock = CudaClock()
    clock.begin()
    for _ in range(4):
        step(clock, time, GPU_STEP, rest=1.0)
    gpu.gpu_seconds = math.inf
    measured = clock.take()
    assert measured.step_ms == [5000.0] * 4
    assert 1000 * sum(measured.phase_seconds.values()) == sum(measured.step_ms)
    assert measured.phase_ms() == dict.fromkeys(("data", "forward", "backward", "optimizer", "rest"), 1000.0)


def test_on_a_gpu_a_sample_of_the_steps_is_timed_and_all_are_counted(time: Time, gpu: type[FakeEvent]) -> None:
    clock = CudaClock()
    clock.begin()
    steps = 1000
    for _ in range(steps):
        step(clock, time, [("forward", 0.0004)], rest=0.0006)
    gpu.gpu_seconds = math.inf
    measured = clock.take()
    assert (measured.steps, measured.samples) == (steps, 8 * steps)
    expected = 1.0 / cuda_clock.GPU_SAMPLE_SECONDS
    assert 0.9 * expected <= measured.timed_steps <= expected + 1
    assert len(gpu.made) <= 3 * (measured.timed_steps + 1)
    assert measured.seconds == pytest.approx(1.0)


def test_a_gpu_step_that_a_pause_interrupts_is_not_timed(time: Time, gpu: type[FakeEvent]) -> None:
    clock = CudaClock()
    clock.begin()
    step(clock, time, GPU_STEP, rest=1.0)
    with clock.stopped():
        time.go(1000.0)
    step(clock, time, GPU_STEP, rest=1.0)
    clock.pause()
    gpu.gpu_seconds = math.inf
    measured = clock.take()
    assert measured.timed_steps == 2
    assert measured.step_ms == [5000.0, 5000.0]
    assert measured.seconds == pytest.approx(2.008)


class NamedClock(cuda_clock.NvtxRanges):
    """Ranges above a clock that needs no GPU."""


def test_ranges_for_nsys_are_named_after_the_phases_and_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, also where a phase begins inside a graph and the last one is not marked."""
    said: list[str] = []
    monkeypatch.setattr(torch.cuda.nvtx, "range_push", said.append)
    monkeypatch.setattr(torch.cuda.nvtx, "range_pop", lambda: said.append("end"))
    clock = NamedClock()
    clock.begin()
    for _ in range(2):  # two batches of a step whose hits are not counted
        clock.enter("data")
        clock.mark("data")
        clock.enter("forward")
        clock.mark("forward")
        clock.mark("backward")
    clock.enter("optimizer")
    clock.mark("optimizer")
    clock.pause()
    batch = ["data", "end", "forward", "end", "backward", "end", "metrics", "end"]
    assert said == [*batch, *batch, "optimizer", "end"]


def test_only_under_nsys_are_phases_named(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = torch.device("cuda", 0)
    monkeypatch.delenv(clocks.PROFILED_VARIABLE, raising=False)
    assert type(make_clock(gpu, measure=True)) is CudaClock
    monkeypatch.setenv(clocks.PROFILED_VARIABLE, "1")
    assert type(make_clock(gpu, measure=True)) is cuda_clock.NvtxClock


def test_phases_that_were_marked_without_a_step_have_no_mean() -> None:
    """A run that is resumed at the very end of an epoch trains no further step."""
    assert Measured(phase_seconds={"rest": 0.1}).phase_ms() == {}
    assert Measured(timed_steps=2, phase_seconds={"rest": 0.1}).phase_ms() == {"rest": 50.0}

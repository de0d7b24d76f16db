"""Captures and launches without a GPU: stand-ins for CUDA's graphs, streams and events, and a host's clock."""

from __future__ import annotations

import gc
import weakref
from contextlib import suppress
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from workbench.training.engines import backlog as backlogs
from workbench.training.engines import capture as captures
from workbench.training.engines.backlog import Backlog
from workbench.training.engines.capture import CudaCapture, NoRoomError, seconds_of
from workbench.training.timing import cuda_clock
from workbench.training.timing.cuda_clock import CudaClock

GIB = 2**30
GPU = torch.device("cuda", 0)


class Events:
    """Events that a device passes when a test says so; milliseconds are their place in the order of recording."""

    def __init__(self) -> None:
        self.recorded: list[Event] = []
        self.passed = 0


class Event:
    """One of them."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self.place = 0
        self.waited = False
        self.stream: object = None

    def record(self, stream: object = None) -> None:
        self.stream = stream
        self._events.recorded.append(self)
        self.place = len(self._events.recorded)

    def query(self) -> bool:
        return self.place <= self._events.passed

    def synchronize(self) -> None:
        self.waited = True
        self._events.passed = max(self._events.passed, self.place)

    def elapsed_time(self, other: Event) -> float:
        assert self.query()
        assert other.query()
        return float(other.place - self.place)


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Events:
    made = Events()
    monkeypatch.setattr(torch.cuda, "Event", lambda **_: Event(made))
    return made


def test_a_timed_replay_is_read_once_the_device_has_done_all_of_it(events: Events) -> None:
    clock = CudaClock()
    with clock.capturing_phase_events() as phase_events:
        for phase in ("start", "data", "forward", "rest"):
            clock.mark(phase)
    clock.begin()
    assert clock.wants_replay()

    def timed() -> None:
        for _, event in phase_events:
            event.record()

    clock.time_replays(4, lambda: None, timed, phase_events)
    clock.end_step(5, 40)
    events.passed = len(events.recorded) - 1  # all but the end
    assert clock.take().timed_steps == 0
    events.passed += 1
    measured = clock.take()
    assert measured.timed_steps == 1
    assert measured.step_ms == [0.25]
    assert sum(measured.phase_seconds.values()) == pytest.approx(0.25e-3)
    assert set(measured.phase_seconds) == {"data", "forward", "rest"}


def test_replays_are_timed_as_often_as_meant_however_seldom_somebody_asks(
    events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_clock, "GPU_SAMPLE_SECONDS", 0.0)
    clock = CudaClock()
    with clock.capturing_phase_events() as phase_events:
        clock.mark("start")
        clock.mark("rest")
    clock.begin()

    def timed() -> None:
        for _, event in phase_events:
            event.record()

    for _ in range(5):
        assert clock.wants_replay()
        clock.time_replays(1, lambda: None, timed, phase_events)
        assert not clock.wants_replay()
        events.passed = len(events.recorded)
        clock.end_step(2, 2)
    assert clock.take().timed_steps == 5


class Busy:
    """A device that does one launch after another, and a host's clock that continues while it waits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float, late: float = 0.0) -> None:
        """seconds: of a launch. late: how much longer the host sleeps than it asked for."""
        self.now = self.free = self.idle = 0.0
        self.seconds = seconds
        self.late = late
        monkeypatch.setattr(torch.cuda, "Event", self.event)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: None)
        monkeypatch.setattr(backlogs, "perf_counter", lambda: self.now)
        monkeypatch.setattr(backlogs, "sleep", self.sleep)

    def event(self, **_: Any) -> SimpleNamespace:
        """Behind a launch, which takes the host some microseconds."""
        self.now += 20e-6
        self.idle += max(self.now - self.free, 0.0)
        self.free = done = max(self.free, self.now) + self.seconds
        return SimpleNamespace(record=lambda stream: None, query=lambda: self.now >= done)

    def sleep(self, seconds: float) -> None:
        self.now += seconds + self.late


@pytest.mark.parametrize("seconds", [10e-6, 100e-6, 1e-3, 15e-3, 0.5])
def test_a_tenth_of_a_second_of_work_may_wait_for_the_device(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Busy(monkeypatch, seconds)
    backlog = Backlog(GPU)
    for number in range(2000):
        backlog.add()
        if number in (100, 700):
            busy.now = max(busy.now, busy.free) + 2.0  # a validation
    assert busy.free - busy.now <= max(1.2 * backlogs.MOST_SECONDS_AHEAD, seconds)
    if seconds > 20e-6:
        idle = busy.free - 2000 * seconds
        assert idle < 2 * 2.0 + 2e-3, "the device waits for the host"
    if 20e-6 < seconds < 1e-2:
        assert busy.free - busy.now >= 0.4 * backlogs.MOST_SECONDS_AHEAD, "the host cannot do anything else meanwhile"


@pytest.mark.parametrize("seconds", [0.04, 0.06, 0.09])
def test_a_request_is_handled_within_two_tenths_of_a_second_of_steps_that_are_no_longer(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes just after the trainer looked for one, before a launch: until all launches are done."""
    busy = Busy(monkeypatch, seconds)
    backlog = Backlog(GPU)
    backlog.expect(seconds)
    for _ in range(50):
        before = busy.now
        backlog.add()
        assert max(busy.free, busy.now) - before <= 0.2
    assert busy.idle <= 0.01 * busy.now, "the device waits for the host"


@pytest.mark.parametrize("milliseconds", [1.12, 0.25])
def test_waits_that_end_late_keep_the_device_idle_only_until_enough_launches_are_queued(
    milliseconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where 8 launches take less than a wait is late, the device runs dry at each one unless more are queued then."""
    busy = Busy(monkeypatch, milliseconds / 1000, late=12e-3)
    backlog = Backlog(GPU)
    backlog.expect(busy.seconds)
    for _ in range(2000):
        backlog.add()
    assert busy.idle < 0.05
    assert busy.free - busy.now <= 1.2 * backlogs.MOST_SECONDS_AHEAD


class Device:
    """What a capture asks of a device."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reserved, self.free = 0, 10 * GIB
        self.current = self.stream = "its own"
        self.calls: list[str] = []
        self.end_fails = False
        self.is_repaired = True
        self.pools: list[tuple[int, int]] = []
        """The pool of each capture."""
        self._pool_numbers = count(1)
        cuda: dict[str, Any] = {
            "Stream": lambda _: "the capture's",
            "graph_pool_handle": lambda: (0, next(self._pool_numbers)),
            "CUDAGraph": lambda: SimpleNamespace(replay=lambda: None),
            "graph": self.graph,
            "empty_cache": lambda: None,
            "memory_reserved": lambda _: self.reserved,
            "mem_get_info": lambda _: (self.free, 80 * GIB),
            "current_stream": lambda _: SimpleNamespace(name=self.current, device_index=0),
            "set_stream": lambda stream: setattr(self, "current", stream.name),
        }
        for name, value in cuda.items():
            monkeypatch.setattr(torch.cuda, name, value)
        monkeypatch.setattr(torch.cuda, "default_generators", ["a generator"])
        monkeypatch.setattr(captures, "_repair", self.repair)
        monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", lambda *_: self.calls.append("end"), raising=False)
        monkeypatch.setattr(torch._C, "_cuda_releasePool", lambda *_: self.calls.append("release"), raising=False)

    def repair(self, *_: object) -> bool:
        self.calls.append("repair")
        return self.is_repaired

    def graph(self, _: object, *, stream: str, pool: tuple[int, int], **__: object) -> Graph:
        self.pools.append(pool)
        return Graph(self, stream)


class Graph:
    """As torch.cuda.graph in PyTorch 2.11: a capture whose end fails leaves its stream current."""

    def __init__(self, device: Device, stream: str) -> None:
        self._device, self._stream = device, stream

    def __enter__(self) -> None:
        self._device.current = self._stream

    def __exit__(self, *_: object) -> None:
        if self._device.end_fails:
            raise RuntimeError("operation failed due to a previous error during capture")
        self._device.current = "its own"


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    return Device(monkeypatch)


def test_a_failed_capture_raises_its_cause_and_the_device_is_left_as_it_was(device: Device) -> None:
    def work() -> None:
        device.end_fails = True
        raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
        CudaCapture(GPU)(work)
    assert device.current == "its own"
    assert device.calls == ["end", "release", "repair"]
    assert gc.isenabled()


def test_nothing_is_collected_while_work_is_captured(device: Device) -> None:
    seen: list[bool] = []
    CudaCapture(GPU)(lambda: seen.append(gc.isenabled()))
    assert seen == [False]
    assert gc.isenabled()
    assert device.calls == []


def test_a_capture_that_leaves_no_room_for_the_same_again_is_refused(device: Device) -> None:
    def work() -> None:
        device.reserved, device.free = 45 * GIB, 30 * GIB

    with pytest.raises(NoRoomError, match=r"keep 45\.0 GiB for itself, and 30\.0 GiB are free"):
        CudaCapture(GPU)(work)


class Held:
    """Something that a captured step allocates."""


def test_what_a_refused_capture_allocated_is_freed_without_the_garbage_collector(device: Device) -> None:
    """A local variable that holds the exception would be held by its traceback, with all tensors of the step."""
    alive: list[weakref.ref[Held]] = []

    def work() -> None:
        activations = Held()
        alive.append(weakref.ref(activations))
        device.end_fails = True
        raise torch.OutOfMemoryError("CUDA out of memory")

    gc.disable()
    try:
        with suppress(torch.OutOfMemoryError):  # pytest.raises would hold the exception
            CudaCapture(GPU)(work)
        assert [reference() for reference in alive] == [None]
    finally:
        gc.enable()


def refuse(capture: CudaCapture, device: Device) -> None:
    """Has a capture refused by the device."""

    def work() -> None:
        device.end_fails = True
        raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(RuntimeError):
        capture(work)
    device.end_fails, device.current = False, "its own"


def test_a_repaired_generator_outdates_the_graphs_of_all_engines_on_the_device(device: Device) -> None:
    """In a comparison of settings two engines train in one process."""
    first, second = CudaCapture(GPU), CudaCapture(GPU)
    one, other = first(lambda: None), second(lambda: None)
    assert not one.is_outdated
    refuse(second, device)
    later = first(lambda: None)
    assert not later.is_outdated
    assert one.is_outdated
    assert other.is_outdated


def test_a_refusal_that_leaves_the_generator_alone_outdates_nothing(device: Device) -> None:
    device.is_repaired = False
    capture = CudaCapture(GPU)
    captured = capture(lambda: None)
    refuse(capture, device)
    assert not captured.is_outdated


@pytest.mark.parametrize("slow", [0.05, 0.2])
def test_launches_that_become_slow_are_noticed_before_many_wait(slow: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an epoch's end the device has been idle: what was right for it before is not trusted again."""
    busy = Busy(monkeypatch, 1e-4)
    backlog = Backlog(GPU)
    backlog.expect(1e-4)
    for _ in range(3000):
        backlog.add()
    assert busy.free - busy.now > 0.5 * backlogs.MOST_SECONDS_AHEAD
    busy.now = busy.free + 1.0
    busy.seconds = slow
    waiting = []
    for _ in range(13):
        backlog.add()
        waiting.append(busy.free - busy.now)
    assert max(waiting) <= backlogs.FIRST_AHEAD * slow + 1e-3
    assert waiting[-1] <= max(0.1, slow) + 1e-3


def test_launches_that_are_known_to_be_heavy_begin_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = Busy(monkeypatch, 0.5)
    backlog = Backlog(GPU)
    backlog.expect(0.5)
    for _ in range(20):
        backlog.add()
        assert busy.free - busy.now <= 0.5 + 1e-9


def test_without_events_in_graphs_a_launch_of_eight_steps_is_timed_as_eight(
    events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before PyTorch 2.8 there are none: only launches can be timed from outside."""
    monkeypatch.setattr(cuda_clock, "GPU_SAMPLE_SECONDS", 0.0)

    def without_external(*, external: bool = False, **_: object) -> Event:
        if external:
            raise TypeError("'external' is an invalid keyword argument")
        return Event(events)

    monkeypatch.setattr(torch.cuda, "Event", without_external)
    clock = CudaClock()
    with pytest.raises(TypeError), clock.capturing_phase_events():
        pytest.fail("nothing must be captured in vain")
    clock.begin()
    clock.mark("data")
    clock.mark("backward")
    clock.end_step(8, 512)
    events.passed = len(events.recorded)
    measured = clock.take()
    assert measured.step_ms == [3 / 8]
    assert measured.timed_steps == 1
    assert measured.phase_seconds == pytest.approx({"data": 1e-3 / 8, "backward": 1e-3 / 8, "rest": 1e-3 / 8})


def test_events_are_recorded_on_the_stream_of_their_own_device(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two devices train in one process, the current device may be the other."""
    other = torch.device("cuda", 1)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"stream of {device}")
    clock, backlog = CudaClock(other), Backlog(other)
    clock.begin()
    clock.mark("data")
    clock.end_step(1, 1)
    clock.time_replays(1, lambda: None, lambda: None, [])
    backlog.add()
    assert len(events.recorded) > 6
    assert {event.stream for event in events.recorded} == {"stream of cuda:1"}


def test_work_is_timed_by_events_around_it(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"stream of {device}")

    def work() -> None:
        for _ in range(4):
            Event(events).record()

    assert seconds_of(work, GPU) == pytest.approx(5e-3)


def test_after_a_refused_capture_graphs_have_another_pool(device: Device) -> None:
    """The allocator of PyTorch 2.11 then refuses the pool: "already recording to mempool_id", seen on an H200."""
    capture = CudaCapture(GPU)
    capture(lambda: None)
    capture(lambda: None)
    refuse(capture, device)
    capture(lambda: None)
    first, second, refused, after = device.pools
    assert first == second == refused != after

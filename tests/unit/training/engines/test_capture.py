"""Recording and launching without a GPU: stand-ins for CUDA's graphs, streams and events, and a host's clock."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from workbench.training.engines import capture as recording
from workbench.training.engines.capture import Backlog, CudaRecorder, NoRoomError
from workbench.training.timing import cuda_clock
from workbench.training.timing.cuda_clock import CudaClock

GIB = 2**30


class Events:
    """Events that a device passes when it is told to; milliseconds are their place in the order of recording."""

    def __init__(self) -> None:
        self.recorded: list[Event] = []
        self.passed = 0


class Event:
    """One of them."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self.place = 0
        self.waited = False

    def record(self) -> None:
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
    """A device that does one launch after another, and a host's clock that goes on while it waits."""

    def __init__(self, seconds: float) -> None:
        self.now = self.free = 0.0
        self.seconds = seconds

    def event(self, **_: Any) -> SimpleNamespace:
        """Behind a launch, which takes the host some microseconds."""
        self.now += 20e-6
        self.free = done = max(self.free, self.now) + self.seconds
        return SimpleNamespace(
            record=lambda: None,
            query=lambda: self.now >= done,
            synchronize=lambda: setattr(self, "now", max(self.now, done)),
        )


@pytest.mark.parametrize("seconds", [10e-6, 100e-6, 1e-3, 15e-3, 0.5])
def test_a_tenth_of_a_second_of_work_may_wait_for_the_device(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    busy, backlog = Busy(seconds), Backlog()
    monkeypatch.setattr(torch.cuda, "Event", busy.event)
    monkeypatch.setattr(recording, "perf_counter", lambda: busy.now)
    for number in range(2000):
        backlog.add()
        if number in (100, 700):
            busy.now = max(busy.now, busy.free) + 2.0  # a validation
    assert busy.free - busy.now <= max(1.2 * recording.MOST_SECONDS_AHEAD, 3 * seconds)
    if seconds > 20e-6:
        idle = busy.free - 2000 * seconds
        assert idle < 2 * 2.0 + 1e-3, "the device waits for the host"
    if 20e-6 < seconds < 1e-2:
        assert busy.free - busy.now >= 0.4 * recording.MOST_SECONDS_AHEAD, "the host cannot do anything else meanwhile"


class Device:
    """What a recorder asks of a device."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reserved, self.free = 0, 10 * GIB
        self.current = self.stream = "its own"
        self.told: list[str] = []
        self.end_fails = False
        cuda: dict[str, Any] = {
            "Stream": lambda _: "the recorder's",
            "graph_pool_handle": lambda: (0, 1),
            "CUDAGraph": lambda: "a graph",
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
        monkeypatch.setattr(recording, "_repair", lambda *_: self.told.append("repair"))
        monkeypatch.setattr(torch._C, "_cuda_endAllocateToPool", lambda *_: self.told.append("end"), raising=False)
        monkeypatch.setattr(torch._C, "_cuda_releasePool", lambda *_: self.told.append("release"), raising=False)

    @contextmanager
    def graph(self, graph: str, *, stream: str, **_: Any) -> Iterator[None]:
        """As in PyTorch 2.11: a capture whose end fails leaves its stream current."""
        self.current = stream
        try:
            yield
        finally:
            if self.end_fails:
                raise RuntimeError("operation failed due to a previous error during capture")
            self.current = "its own"


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Device:
    return Device(monkeypatch)


def test_what_a_recording_fails_of_is_told_and_the_device_is_left_as_it_was(device: Device) -> None:
    def work() -> None:
        device.end_fails = True
        raise RuntimeError("operation not permitted when stream is capturing")

    with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
        CudaRecorder(torch.device("cuda", 0))(work)
    assert device.current == "its own"
    assert device.told == ["end", "release", "repair"]
    assert gc.isenabled()


def test_nothing_is_collected_while_work_is_recorded(device: Device) -> None:
    seen: list[bool] = []
    CudaRecorder(torch.device("cuda", 0))(lambda: seen.append(gc.isenabled()))
    assert seen == [False]
    assert gc.isenabled()
    assert device.told == []


def test_a_recording_that_leaves_no_room_for_the_same_again_is_refused(device: Device) -> None:
    def work() -> None:
        device.reserved, device.free = 45 * GIB, 30 * GIB

    with pytest.raises(NoRoomError, match=r"keep 45\.0 GiB for itself, and 30\.0 GiB are free"):
        CudaRecorder(torch.device("cuda", 0))(work)

"""Every step's loss comes back once and in order, and on a GPU none is read before it has arrived."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from workbench.training.loss_log import LossLog, StepLoss

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def loss(number: float) -> Tensor:
    return torch.tensor(float(number))


@given(st.lists(st.one_of(st.floats(width=32, allow_nan=False), st.just("read")), max_size=60))
def test_on_the_host_losses_come_back_once_in_order_and_to_the_bit(actions: list[float | str]) -> None:
    log = LossLog(CPU)
    read: list[StepLoss] = []
    written: list[StepLoss] = []
    for number, action in enumerate(actions):
        if isinstance(action, str):
            read += log.read()
            assert read == written  # on the host all have arrived
        else:
            log.append(loss(action), number)
            written.append(StepLoss(action, number))
    assert read + log.read(wait=True) == written
    assert log.read(wait=True) == []


def test_losses_of_lower_precision_come_back_as_the_numbers_they_are() -> None:
    log = LossLog(CPU)
    log.append(loss(0.1).bfloat16(), 4)
    log.append(loss(0.1).half(), 4)
    assert [step.loss for step in log.read()] == [float(loss(0.1).bfloat16()), float(loss(0.1).half())]


def test_nothing_logged_is_nothing_read() -> None:
    assert LossLog(CPU).read() == LossLog(CPU).read(wait=True) == []
    assert LossLog(GPU).read() == LossLog(GPU).read(wait=True) == []


class FakeGpu:
    """Stands for what the log asks of CUDA: copies into pinned memory arrive when a test says so, in order."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.arrived = 0
        """Copies that are done."""
        self.queued: list[PinnedMemory] = []
        self.waits = 0
        patch.setattr(torch, "empty", self.pinned_memory)
        patch.setattr(torch.cuda, "Event", lambda: FakeEvent(self))
        patch.setattr(torch.cuda, "synchronize", lambda *_: pytest.fail("waited for the whole GPU"))

    def pinned_memory(self, shape: torch.Size, pin_memory: bool) -> PinnedMemory:
        assert pin_memory, "a copy to memory that is not pinned waits for the GPU"
        return PinnedMemory(self, shape)


class PinnedMemory:
    """A tensor on the host that a copy is on its way to."""

    def __init__(self, gpu: FakeGpu, shape: torch.Size) -> None:
        self.gpu = gpu
        self.shape = shape
        self.number = -1

    def copy_(self, source: Tensor, non_blocking: bool) -> None:
        assert non_blocking, "a blocking copy waits for the GPU"
        assert source.shape == self.shape
        self.source = source
        self.number = len(self.gpu.queued)
        self.gpu.queued.append(self)

    def tolist(self) -> Any:
        assert 0 <= self.number < self.gpu.arrived, "read before it had arrived"
        return self.source.tolist()


class FakeEvent:
    """Done when the copy before it is."""

    def __init__(self, gpu: FakeGpu) -> None:
        self.gpu = gpu

    def record(self) -> None:
        self.copies = len(self.gpu.queued)

    def query(self) -> bool:
        return self.gpu.arrived >= self.copies

    def synchronize(self) -> None:
        if not self.query():
            self.gpu.waits += 1
            self.gpu.arrived = self.copies


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> FakeGpu:
    return FakeGpu(monkeypatch)


def test_on_a_gpu_nothing_is_read_before_it_has_arrived(gpu: FakeGpu) -> None:
    log = LossLog(GPU)
    log.append(loss(1), 8)
    log.append(loss(2), 8)
    assert log.read() == []
    log.append(loss(3), 4)
    assert log.read() == []
    gpu.arrived = 1
    assert log.read() == [StepLoss(1.0, 8), StepLoss(2.0, 8)]
    assert log.read() == []
    gpu.arrived = 2
    assert log.read() == [StepLoss(3.0, 4)]
    assert gpu.waits == 0


def test_on_a_gpu_one_copy_brings_all_losses_since_the_last(gpu: FakeGpu) -> None:
    log = LossLog(GPU)
    for number in range(100):
        log.append(loss(number), 1)
    log.read()
    log.read()
    assert len(gpu.queued) == 1


def test_at_the_end_of_an_epoch_all_losses_are_waited_for(gpu: FakeGpu) -> None:
    log = LossLog(GPU)
    log.append(loss(1), 8)
    log.read()
    log.append(loss(2), 8)
    assert log.read(wait=True) == [StepLoss(1.0, 8), StepLoss(2.0, 8)]
    assert log.read(wait=True) == []


@settings(deadline=None)
@given(st.lists(st.sampled_from(["append", "append", "read", "arrive"]), max_size=60))
def test_on_a_gpu_losses_come_back_once_and_in_order_whenever_they_arrive(actions: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        gpu = FakeGpu(patch)
        log = LossLog(GPU)
        read: list[StepLoss] = []
        written: list[StepLoss] = []
        for number, action in enumerate(actions):
            if action == "append":
                log.append(loss(number), number)
                written.append(StepLoss(float(number), number))
            elif action == "read":
                read += log.read()
                assert gpu.waits == 0
                assert read == written[: len(read)]
            else:
                gpu.arrived = min(gpu.arrived + 1, len(gpu.queued))
        assert read + log.read(wait=True) == written

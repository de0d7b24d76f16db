"""While others keep the cores busy, threads sleep at once; then they spin again; no bit changes (screen #3)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from workbench.devices.cores import CoreReading
from workbench.training.threads import openmp, spinning
from workbench.training.threads.spinning import PATIENCE_READINGS, QUIET_READINGS, Spinning

CPU = torch.device("cpu")
QUIET, BUSY = CoreReading(wait_fraction=0.0, other_cores=0.02), CoreReading(wait_fraction=0.4, other_cores=1.0)


@pytest.fixture
def spun(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spinning]:
    """Of a training with two threads on two cores, whose user has set nothing."""
    monkeypatch.setattr(openmp, "is_ours", True)
    monkeypatch.setattr(openmp, "available_cores", lambda: 2)
    before = torch.get_num_threads()
    made = Spinning(CPU, 2)
    yield made
    made.close()
    torch.set_num_threads(before)


def test_beside_a_busy_program_threads_sleep_and_alone_they_spin_again(spun: Spinning) -> None:
    spun.adapt(QUIET, 1000.0)
    assert not spun.is_short
    spun.adapt(BUSY, 200.0)
    assert spun.is_short
    for _ in range(5):
        spun.adapt(BUSY, 900.0)
    assert spun.is_short
    for _ in range(QUIET_READINGS - 1):
        spun.adapt(QUIET, 900.0)
    spun.adapt(BUSY, 900.0)  # not in a row
    for _ in range(QUIET_READINGS - 1):
        spun.adapt(QUIET, 900.0)
    assert spun.is_short
    spun.adapt(QUIET, 900.0)
    assert not spun.is_short


def test_where_it_makes_nothing_faster_it_is_undone_and_not_tried_again_for_a_while(spun: Spinning) -> None:
    spun.adapt(BUSY, 500.0)
    assert spun.is_short
    spun.adapt(BUSY, 510.0)
    assert not spun.is_short
    for _ in range(PATIENCE_READINGS - 1):
        spun.adapt(BUSY, 500.0)
        assert not spun.is_short
    spun.adapt(BUSY, 500.0)
    assert spun.is_short


@pytest.mark.parametrize(
    "reading",
    [None, QUIET, CoreReading(wait_fraction=0.0, other_cores=1.0), CoreReading(wait_fraction=0.5, other_cores=0.1)],
    ids=["unknown", "quiet", "enough cores for all", "too many threads of its own"],
)
def test_only_threads_that_wait_for_cores_that_others_take_sleep(spun: Spinning, reading: CoreReading | None) -> None:
    spun.adapt(reading, 500.0)
    assert not spun.is_short


def test_a_user_who_has_decided_one_thread_and_a_gpu_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openmp, "is_ours", True)
    for left_alone in (Spinning(CPU, 1), Spinning(torch.device("cuda"), 2)):
        left_alone.adapt(BUSY, 500.0)
        assert not left_alone.is_short
    monkeypatch.setattr(openmp, "is_ours", False)
    decided = Spinning(CPU, 2)
    decided.adapt(BUSY, 500.0)
    assert not decided.is_short


@pytest.mark.parametrize(("cores", "threads", "teams"), [(2, 2, 1), (8, 8, 1), (16, 8, 2), (64, 2, 0)])
def test_all_teams_together_have_more_threads_than_there_are_cores_or_there_are_none(
    monkeypatch: pytest.MonkeyPatch, cores: int, threads: int, teams: int
) -> None:
    monkeypatch.setattr(openmp, "is_ours", True)
    monkeypatch.setattr(openmp, "available_cores", lambda: cores)
    monkeypatch.setattr(spinning.Spinning, "_sleep", lambda self: self._end.wait())
    made = Spinning(CPU, threads)
    made.adapt(BUSY, 500.0)
    assert len(made._sleepers) == teams
    assert not teams or threads + teams * (threads - 1) > cores
    made.close()


def test_no_bit_changes_and_no_thread_is_left(spun: Spinning) -> None:
    torch.set_num_threads(2)
    numbers = torch.rand(300_000, generator=torch.Generator().manual_seed(0))
    alone, threads = numbers.sum(), threading.active_count()
    spun.adapt(BUSY)
    assert threading.active_count() == threads + 1
    assert torch.equal(numbers.sum(), alone)
    spun.close()
    assert threading.active_count() == threads
    assert torch.equal(numbers.sum(), alone)
    assert torch.get_num_threads() == 2

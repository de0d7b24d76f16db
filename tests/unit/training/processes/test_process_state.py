"""What a run sets for its whole process is taken back after it, and its memory is let go of."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch

from tests.unit.training.conftest import SMALL
from workbench.runs.directory import create_run
from workbench.runs.status import status
from workbench.settings.preset import Preset
from workbench.training.processes import process_state, worker
from workbench.training.processes.process_state import ProcessState
from workbench.training.trainer import Trainer


@pytest.fixture
def before() -> Iterator[ProcessState]:
    state = ProcessState.now()
    yield state
    state.restore()


def test_all_that_a_run_may_set_is_as_it_was(before: ProcessState, tmp_path: Path) -> None:
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    os.environ.pop("PATH")
    os.chdir(tmp_path)
    sys.path.append(str(tmp_path))
    for number in process_state.SIGNALS:
        signal.signal(number, lambda *_: None)
    torch.set_num_threads(before.num_threads + 1)
    torch.set_float32_matmul_precision("high")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
    torch.backends.cudnn.deterministic = not torch.backends.cudnn.deterministic
    torch.set_default_dtype(torch.float64)
    assert ProcessState.now() != before
    assert before.restore()
    assert ProcessState.now() == before
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.skipif(not process_state.PEAK_MEMORY_RESET[0].exists(), reason="Linux alone counts anew")
def test_the_most_memory_of_a_process_is_counted_anew(before: ProcessState) -> None:
    import resource

    def peak() -> int:
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    large = torch.ones(2**26)
    high = peak()
    del large
    before.restore()
    assert peak() < high - 2**27


def test_a_gpu_that_does_not_answer_is_reported(before: ProcessState, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", fail)
    assert not before.restore()


def parts_alive() -> int:
    """How many trainers and optimizers there are, those of other tests too."""
    return sum(issubclass(type(kept), (Trainer, torch.optim.Optimizer)) for kept in gc.get_objects())


def test_nothing_of_a_run_is_left_in_the_process(before: ProcessState, tmp_path: Path) -> None:
    """Neither of one that has completed nor of one that has failed."""
    others = parts_alive()
    for number, (assignments, exit_code) in enumerate(
        (([], 0), (["data.name=diabetes", "loss.name=mse", "optimizer.name=sgd", "optimizer.learning_rate=1000"], 3))
    ):
        preset = Preset().override([*SMALL, *assignments])
        run = create_run(tmp_path, f"run{number}", preset.to_toml())
        life = worker.live(run)
        assert life == worker.Life(exit_code)
        assert status(run) == ("failed" if exit_code else "completed")
        del life
        before.restore()
        assert parts_alive() <= others


def test_the_processes_that_read_samples_end_with_the_run(tmp_path: Path) -> None:
    """Not with the garbage collection that follows, where each takes seconds."""
    preset = Preset().override([*SMALL, "runtime.data_loading=dataloader", "runtime.num_workers=1"])
    earlier = set(psutil.Process().children())  # of other tests in this process
    gc.disable()
    try:
        assert worker.live(create_run(tmp_path, "read", preset.to_toml())) == worker.Life(0)
        left = [child for child in psutil.Process().children() if child not in earlier]
        assert [child for child in left if "resource_tracker" not in " ".join(child.cmdline())] == []
    finally:
        gc.enable()

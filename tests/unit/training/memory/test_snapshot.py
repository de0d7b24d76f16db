"""What is written when a GPU runs out of memory; PyTorch's own snapshot is made up here (tests/gpu has a real one)."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.training.scripted import new_trainer
from workbench.errors import StorageError
from workbench.training.memory import snapshot as memory_snapshot
from workbench.training.memory.out_of_memory import explain_out_of_memory
from workbench.training.memory.snapshot import owned_tensors, write_after_running_out
from workbench.training.trainer import Trainer

GPU = torch.device("cuda", 0)


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    made = new_trainer(tmp_path, [])
    made.train_epoch()
    return made


@pytest.fixture
def snapshot(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """As if the job's largest parameter lay on the GPU, and nothing else."""
    parameter = max(trainer.job.model.parameters(), key=lambda item: item.nbytes)
    block = {"address": parameter.data_ptr(), "size": 512, "requested_size": 512, "state": "active_allocated"}
    made = {"segments": [{"device": 0, "total_size": 2**21, "blocks": [block | {"frames": []}]}], "device_traces": []}
    monkeypatch.setattr(torch.cuda.memory, "_snapshot", lambda: made)
    return made


def test_running_out_of_memory_names_the_summary(trainer: Trainer, snapshot: dict[str, Any]) -> None:
    summary = write_after_running_out(trainer.run, trainer.state.step, GPU, trainer.job)
    assert summary == trainer.run.profiles / "memory-7.txt"
    text = summary.read_text()
    assert "GPU memory when it ran out, after step 7" in text
    assert "memory-7.pickle" in text
    assert "512 B  parameters: " in text
    assert pickle.loads(summary.with_suffix(".pickle").read_bytes()) == snapshot
    error = explain_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"), trainer.job.preset, None, summary)
    assert str(error).endswith(f". {summary} lists what held it")


def test_a_summary_that_cannot_be_written_keeps_the_error_as_it_was(
    trainer: Trainer, snapshot: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: Any, **__: Any) -> None:
        raise StorageError("cannot write it: No space left on device")

    monkeypatch.setattr(memory_snapshot, "write_text_atomically", full_disk)
    assert write_after_running_out(trainer.run, 7, GPU, trainer.job) is None
    error = explain_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"), trainer.job.preset, None, None)
    assert "what held it" not in str(error)


def test_without_a_job_the_snapshot_is_written_all_the_same(trainer: Trainer, snapshot: dict[str, Any]) -> None:
    summary = write_after_running_out(trainer.run, 0, GPU, None)
    assert summary is not None
    assert "512 B  no Python frame" in summary.read_text()


def test_everything_that_the_job_holds_has_an_owner(trainer: Trainer) -> None:
    owners = [(owner.kind, owner.name) for _, owner in owned_tensors(trainer.job)]
    kinds = {kind for kind, _ in owners}
    assert {"parameters", "optimizer state", "samples"} <= kinds
    names = [name for name, _ in trainer.job.model.named_parameters()]
    assert [name for kind, name in owners if kind == "parameters"] == names
    assert ("samples", "inputs of the train split") in owners
    assert ("optimizer state", f"exp_avg of {names[0]}") in owners
    trained = sum(item.nbytes for item in trainer.job.model.parameters())
    assert sum(tensor.nbytes for tensor, owner in owned_tensors(trainer.job) if owner.kind == "parameters") == trained

"""Profiles and memory snapshots on a GPU: what the trace and the summaries show, and that training stays the same."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path

import pytest
import torch

from tests.gpu.conftest import DIGITS, GPU_ONLY
from tests.unit.training.scripted import asked_at, logged_losses, new_trainer, of_type, poll_after_every_step
from workbench.runs.control import Request
from workbench.runs.events import WarningRaised
from workbench.runs.measurements import MemorySnapshot, Profiled, Timing
from workbench.training.memory.out_of_memory import explain_out_of_memory
from workbench.training.memory.snapshot import write_after_running_out
from workbench.training.trainer import Trainer

pytestmark = GPU_ONLY

PROFILE, MEMORY = Request("profile", 3), Request("memory_snapshot")


def trained(folder: Path, monkeypatch: pytest.MonkeyPatch, *requests: Request) -> Trainer:
    """Three epochs of 13 steps; each request comes after step 13 or later, when the one before is done."""
    poll_after_every_step(monkeypatch)
    looks = [[request] if request is not None else [] for one in requests for request in (one, *[None] * 5)]
    trainer = new_trainer(folder, [*DIGITS, "training.epochs=3", "runtime.deterministic=true"], asked_at(13, *looks))
    trainer.train()
    return trainer


def test_a_profile_has_the_gpus_time_by_operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trained(tmp_path, monkeypatch, PROFILE)
    [event] = of_type(trainer, Profiled)
    assert of_type(trainer, WarningRaised) == []
    assert event.device == "cuda"
    assert event.steps >= 3
    assert 0.5 < sum(row["share"] for row in event.operators) <= 1.001
    trace = json.loads(gzip.decompress((trainer.run.path / event.file).read_bytes()))
    categories = {item.get("cat") for item in trace["traceEvents"]}
    assert "kernel" in categories
    assert sum(timing.steps for timing in of_type(trainer, Timing)) == 39 - event.steps


def test_a_snapshot_shows_what_the_job_holds_and_where_activations_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trained(tmp_path, monkeypatch, MEMORY)
    [event] = of_type(trainer, MemorySnapshot)
    assert of_type(trainer, WarningRaised) == []
    assert event.steps >= 3
    text = (trainer.run.path / event.file).read_text()
    for kind in ("parameters", "optimizer state", "samples"):
        assert f"  {kind}\n" in text
    snapshot = pickle.loads((trainer.run.path / event.pickle).read_bytes())
    assert {"segments", "device_traces"} <= set(snapshot)
    if trainer.engine.name == "eager":
        assert "At the peak of what was recorded" in text
        assert ".py:" in text


def test_training_is_the_same_to_the_bit_with_and_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = trained(tmp_path / "plain", monkeypatch)
    looked_at = trained(tmp_path / "looked-at", monkeypatch, PROFILE, MEMORY)
    assert len(of_type(looked_at, Profiled)) == len(of_type(looked_at, MemorySnapshot)) == 1
    assert logged_losses(plain) == logged_losses(looked_at)


def test_running_out_of_memory_says_what_held_it(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [*DIGITS, "data.batch_size=1280", "model.hidden=[16384]"])
    torch.cuda.empty_cache()
    device = torch.device("cuda", 0)
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(device) + 2**24) / total, device)
    try:
        with pytest.raises(torch.OutOfMemoryError) as ran_out:
            trainer.train()
        summary = write_after_running_out(trainer.run, trainer.state.step, device, trainer.job)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)
        torch.cuda.memory._record_memory_history(None)
    assert summary is not None
    text = summary.read_text()
    assert "GPU memory when it ran out" in text
    assert "  parameters\n" in text
    error = explain_out_of_memory(ran_out.value, trainer.job.preset, device, summary)
    assert str(summary) in str(error)

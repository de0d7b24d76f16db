"""The memory that is expected, against every allocation that PyTorch's profiler sees of the training itself."""

from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.autograd.profiler import profile

from tests.unit.training.scripted import ScriptedInbox, nothing
from workbench.runs.directory import create_run
from workbench.runs.events import Footprint, decode
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.training.job import build_job
from workbench.training.memory.estimate import KINDS, expected_memory
from workbench.training.memory.tracker import MemoryTracker
from workbench.training.trainer import Trainer

TOLERANCE = 0.15
"""Of the measured peak."""
SAMPLES, SIDE, CLASSES = 320, 32, 4


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An .npz of small colour images that are as bright as their class, so that every epoch is the best so far."""
    random = np.random.default_rng(0)
    labels = np.arange(SAMPLES) % CLASSES
    pixels = random.integers(0, 40, (SAMPLES, 3, SIDE, SIDE)) + 50 * labels[:, None, None, None]
    file = tmp_path_factory.mktemp("data") / "images.npz"
    np.savez(file, x=pixels.astype(np.uint8), y=labels)
    return str(file)


def of_images(file: str, *assignments: str) -> Preset:
    return Preset().override(
        ["data.name=npz", f"data.file={json.dumps(file)}", "runtime.device=cpu", "training.epochs=3", *assignments]
    )


def measured_peak(preset: Preset, folder: Path) -> int:
    """Most bytes that the CPU's allocator held while the job was built and trained, of what it then gave out."""
    run = create_run(folder, preset.name, preset.to_toml())
    gc.collect()  # what an earlier profile saw being made must not be let go of in this one
    with profile(profile_memory=True, use_kineto=True) as profiler:
        inbox = ScriptedInbox(run, nothing)
        inbox.trainer = trainer = Trainer(build_job(preset, lambda _: None), run, EventWriter(run.events), inbox)
        trainer.train()
    results: Any = profiler.kineto_results
    changes = [(event.start_ns(), event.nbytes()) for event in results.events() if event.name() == "[memory]"]
    held = peak = 0
    for _, change in sorted(changes, key=lambda item: item[0]):
        held += change
        peak = max(peak, held)
    return peak


CASES = {
    "mlp sgd": ["model.hidden=[512,256]", "optimizer.name=sgd", "optimizer.learning_rate=0.001"],
    "mlp adam": ["model.hidden=[512,256]", "optimizer.name=adam"],
    "mlp adagrad": ["model.hidden=[512,256]", "optimizer.name=adagrad"],
    "mlp adabound": ["model.hidden=[512,256]", "optimizer.name=adabound"],
    "mlp rmsprop, large batches": ["model.hidden=[2048,64]", "optimizer.name=rmsprop", "data.batch_size=200"],
    "mlp in bf16 with dropout": ["runtime.precision=bf16", "model.dropout=0.3", "data.batch_size=200"],
    "cnn adam": ["model.name=cnn", "optimizer.name=adam", "data.batch_size=32"],
    "cnn adagrad, large batches": ["model.name=cnn", "optimizer.name=adagrad", "data.batch_size=128"],
    "cnn, accumulated and clipped": ["model.name=cnn", "training.gradient_accumulation=2",
                                     "training.gradient_clip_norm=1.0"],
    "cnn, loaded": ["model.name=cnn", "runtime.data_loading=dataloader", "runtime.num_workers=0"],
    "resnet9 sgd": ["model.name=resnet9", "model.width=8", "optimizer.name=sgd", "optimizer.learning_rate=0.01"],
    "resnet9 adabound, large batches": [
        "model.name=resnet9", "model.width=8", "optimizer.name=adabound", "data.batch_size=128",
    ],
    "resnet18 adam": ["model.name=torchvision", "training.epochs=2", "data.batch_size=64"],
}  # fmt: skip


@pytest.mark.parametrize("settings", CASES.values(), ids=CASES)
def test_the_expected_peak_is_the_measured_one(images: str, tmp_path: Path, settings: list[str]) -> None:
    preset = of_images(images, *settings)
    expected = expected_memory(build_job(preset, lambda _: None))
    assert expected.reason == ""
    assert expected.peak_bytes == pytest.approx(measured_peak(preset, tmp_path), rel=TOLERANCE)


def test_the_kinds_are_those_of_the_tensors_and_add_up_to_the_peak(images: str) -> None:
    job = build_job(of_images(images, "optimizer.name=amsgrad"), lambda _: None)
    expected = expected_memory(job)
    weights = sum(parameter.nbytes for parameter in job.model.parameters())
    assert tuple(expected.kinds) == KINDS
    assert sum(expected.kinds.values()) == expected.peak_bytes
    assert expected.kinds["parameters"] == weights
    assert expected.kinds["optimizer"] == pytest.approx(3 * weights, rel=1e-3)
    assert expected.kinds["data"] == job.train.resident_bytes + sum(
        feed.resident_bytes for feed in (job.validation, job.test) if feed is not None
    )


def test_an_estimate_leaves_the_job_as_it_was(images: str) -> None:
    job = build_job(of_images(images, "optimizer.name=adagrad", "model.batch_norm=true"), lambda _: None)
    before = {name: tensor.clone() for name, tensor in job.model.state_dict().items()}
    generator = torch.get_rng_state()
    expected_memory(job)
    assert all(torch.equal(tensor, before[name]) for name, tensor in job.model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(parameter.grad is None for parameter in job.model.parameters())
    assert job.model.training
    assert all(float(state["step"]) == 0 for state in job.optimizer.state.values())


def test_an_estimate_keeps_nothing_of_the_job_alive(images: str) -> None:
    """Its hooks on parameters are held in C++, where Python's garbage collector does not look."""
    gc.collect()
    before = sum(issubclass(type(thing), FakeTensor) for thing in gc.get_objects())
    job = build_job(of_images(images), lambda _: None)
    expected_memory(job)
    model = weakref.ref(job.model)
    del job
    gc.collect()
    assert model() is None
    assert sum(issubclass(type(thing), FakeTensor) for thing in gc.get_objects()) == before


class NeedsNumbers(nn.Module):
    """A network whose shape depends on its input's numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3 * SIDE * SIDE, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.layer(x.flatten(1))
        return scores + scores[scores > 0].sum() * 0


def test_a_model_that_needs_numbers_is_told_of_as_far_as_can_be(images: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.settings.model.Mlp.build", lambda *_: NeedsNumbers())
    expected = expected_memory(build_job(of_images(images), lambda _: None))
    assert (expected.peak_bytes, expected.flops_per_step) == (None, None)
    assert expected.kinds["parameters"] == expected.kinds["gradients"] == 4 * (3 * SIDE * SIDE + 1) * CLASSES
    assert "activations" not in expected.kinds
    assert "cannot be estimated" in expected.reason


def test_a_run_tells_its_footprint_once_where_the_peak_is_not_measured(images: str, tmp_path: Path) -> None:
    preset = of_images(images, "optimizer.name=adam")
    run = create_run(tmp_path, preset.name, preset.to_toml())
    inbox = ScriptedInbox(run, nothing)
    inbox.trainer = trainer = Trainer(build_job(preset, lambda _: None), run, EventWriter(run.events), inbox)
    trainer.train()
    told = [event for line in run.events.read_text().splitlines() if isinstance(event := decode(line), Footprint)]
    assert len(told) == 1
    expected = expected_memory(build_job(preset, lambda _: None))
    assert told[0].peak_bytes == told[0].expected_peak_bytes == expected.peak_bytes
    assert told[0].expected == ["activations", "rest", "peak"]
    assert told[0].flops_per_step == expected.flops_per_step
    weights = sum(parameter.nbytes for parameter in trainer.job.model.parameters())
    assert told[0].kinds["parameters"] == told[0].kinds["gradients"] == weights
    assert told[0].kinds["optimizer"] == pytest.approx(2 * weights, rel=1e-3)
    assert trainer.footprint is not None
    assert trainer.footprint.bytes["peak"] == expected.peak_bytes


def test_nothing_is_estimated_where_nothing_is_measured(images: str, tmp_path: Path) -> None:
    preset = of_images(images, "runtime.measure=false")
    run = create_run(tmp_path, preset.name, preset.to_toml())
    trainer = Trainer(build_job(preset, lambda _: None), run, EventWriter(run.events), ScriptedInbox(run, nothing))
    assert trainer.footprint is None


def test_the_tracker_counts_what_is_alive_and_what_was_at_the_peak() -> None:
    with MemoryTracker() as tracker:
        with tracker.category("data"):
            kept = torch.empty(100)
        passing = kept * 2
        assert tracker.bytes == tracker.peak_bytes == 800
        view = passing[:50]
        del passing
        assert tracker.bytes == 800, "a view keeps the whole"
        del view
        assert (tracker.bytes, tracker.peak_bytes) == (400, 800)
        assert tracker.kinds_at_peak() == {"data": 400, "rest": 400}
        tracker.reset_peak()
        assert tracker.peak_bytes == 400
        assert float(kept.sum()) == 2.0, "a number that code can go on with"


def test_the_tracker_rounds_up_as_an_allocator_does_and_counts_flops() -> None:
    with MemoryTracker(granularity=512) as tracker:
        left, right = torch.empty(3, 4), torch.empty(4, 5)
        assert tracker.bytes == 2 * 512
        left @ right
        assert tracker.flops == 2 * 3 * 4 * 5

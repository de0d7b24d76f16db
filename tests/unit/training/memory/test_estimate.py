"""The memory that is expected, against every allocation that PyTorch's profiler sees of the training itself."""

from __future__ import annotations

import gc
import json
import weakref
from dataclasses import replace
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
from workbench.runs.event_lines import decode
from workbench.runs.measurements import Footprint
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.training.job import Job, build_job
from workbench.training.memory import estimate
from workbench.training.memory.estimate import KINDS, ExpectedMemory, MemoryEstimate, expected_memory
from workbench.training.memory.fake_run import PREPARING, TRAINING, FakeRun
from workbench.training.memory.tracker import MemoryTracker
from workbench.training.memory.workspaces import TensorShape
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
    assert expected.kinds["parameters"] == expected.kinds["gradients"] == weights
    assert expected.kinds["optimizer"] == pytest.approx(3 * weights, rel=1e-3)
    assert expected.kinds["data"] == job.train.resident_bytes + sum(
        source.resident_bytes for source in (job.validation, job.test) if source is not None
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


MIB = 2**20


@pytest.fixture
def cnn_on_a_gpu(images: str, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job that says it is on a GPU, for which cuBLAS keeps 3 MiB."""
    job = build_job(of_images(images, "model.name=cnn", "runtime.deterministic=true"), lambda _: None)
    torch.use_deterministic_algorithms(False)
    monkeypatch.setattr(estimate, "cublas_workspace_bytes", lambda device, captures: 3 * MIB)
    return replace(job, device=torch.device("cuda"))


def test_the_workspace_of_a_convolution_comes_on_top_of_what_is_alive(
    cnn_on_a_gpu: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_run = FakeRun(cnn_on_a_gpu)
    fake_run.run()
    training = [stage for stage in fake_run.stages if stage.name == TRAINING]
    [largest] = {max(stage.convolutions, key=stage.convolutions.__getitem__) for stage in training}
    alive = max(stage.convolutions[largest] for stage in training)
    assert str(largest.operator) == "aten.convolution_backward.default"
    assert 0 < alive <= max(stage.peak_bytes for stage in training)

    def measured(workspace: int) -> ExpectedMemory:
        monkeypatch.setattr(
            estimate, "convolution_workspaces", lambda calls, device: dict.fromkeys(calls, 0) | {largest: workspace}
        )
        return expected_memory(cnn_on_a_gpu)

    expected, without = measured(500 * MIB), measured(0)
    assert (expected.peak_bytes, expected.peak_during) == (alive + 503 * MIB, TRAINING)
    assert without.peak_bytes == max(stage.peak_bytes for stage in training) + 3 * MIB
    assert sum(expected.kinds.values()) == expected.peak_bytes
    assert expected.reason == ""


def test_without_the_workspaces_of_convolutions_there_is_no_expected_peak(
    cnn_on_a_gpu: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory\nand more")

    monkeypatch.setattr(estimate, "convolution_workspaces", fails)
    while_training, failed = MemoryEstimate(cnn_on_a_gpu).run(), expected_memory(cnn_on_a_gpu)
    assert (while_training.peak_bytes, failed.peak_bytes) == (None, None)
    assert "while training" in while_training.reason
    assert failed.reason.endswith("could not be measured: CUDA out of memory")
    assert while_training.flops_per_step
    assert while_training.kinds["activations"] > 0


def test_where_cudnn_tries_its_algorithms_the_reason_says_so(
    cnn_on_a_gpu: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = replace(cnn_on_a_gpu, preset=cnn_on_a_gpu.preset.override(["runtime.deterministic=false"]))
    monkeypatch.setattr(estimate, "convolution_workspaces", lambda calls, device: dict.fromkeys(calls, 0))
    expected = expected_memory(job)
    assert expected.peak_bytes
    assert "tries its algorithms" in expected.reason


def test_cublas_keeps_nothing_yet_while_the_samples_are_prepared(images: str, monkeypatch: pytest.MonkeyPatch) -> None:
    built = build_job(of_images(images, "model.hidden=[8]"), lambda _: None)
    job = replace(built, device=torch.device("cuda"))
    monkeypatch.setattr(estimate, "cublas_workspace_bytes", lambda device, captures: 0)
    without = expected_memory(job)
    assert without.peak_during == PREPARING
    monkeypatch.setattr(estimate, "cublas_workspace_bytes", lambda device, captures: 1)
    assert expected_memory(job).peak_bytes == without.peak_bytes


def test_distinct_convolutions_are_those_of_other_shapes() -> None:
    with MemoryTracker() as tracker:
        images, weight = torch.empty(2, 3, 8, 8), torch.empty(4, 3, 3, 3)
        for batch in (images, images, images[:1]):
            torch.nn.functional.conv2d(batch, weight)
    assert len(tracker.convolutions) == 2
    call = next(iter(tracker.convolutions))
    made = [a.empty(torch.device("cpu")) if isinstance(a, TensorShape) else a for a in call.arguments]
    assert call.operator(*made).shape == (2, 4, 6, 6)


class NeedsNumbers(nn.Module):
    """A network whose shape depends on its input's numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3 * SIDE * SIDE, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.layer(x.flatten(1))
        return scores + scores[scores > 0].sum() * 0


def test_of_a_model_that_needs_numbers_only_the_tensors_are_known(images: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.settings.model.Mlp.build", lambda *_: NeedsNumbers())
    expected = expected_memory(build_job(of_images(images), lambda _: None))
    assert (expected.peak_bytes, expected.flops_per_step) == (None, None)
    assert expected.kinds["parameters"] == expected.kinds["gradients"] == 4 * (3 * SIDE * SIDE + 1) * CLASSES
    assert "activations" not in expected.kinds
    assert "cannot be estimated" in expected.reason


def test_a_run_writes_its_footprint_once_where_the_peak_is_not_measured(images: str, tmp_path: Path) -> None:
    preset = of_images(images, "optimizer.name=adam")
    run = create_run(tmp_path, preset.name, preset.to_toml())
    inbox = ScriptedInbox(run, nothing)
    inbox.trainer = trainer = Trainer(build_job(preset, lambda _: None), run, EventWriter(run.events), inbox)
    trainer.train()
    footprints = [event for line in run.events.read_text().splitlines() if isinstance(event := decode(line), Footprint)]
    assert len(footprints) == 1
    expected = expected_memory(build_job(preset, lambda _: None))
    assert footprints[0].peak_bytes == footprints[0].expected_peak_bytes == expected.peak_bytes
    assert footprints[0].expected == ["activations", "rest", "peak"]
    assert footprints[0].flops_per_step == expected.flops_per_step
    weights = sum(parameter.nbytes for parameter in trainer.job.model.parameters())
    assert footprints[0].kinds["parameters"] == footprints[0].kinds["gradients"] == weights
    assert footprints[0].kinds["optimizer"] == pytest.approx(2 * weights, rel=1e-3)
    assert footprints[0].kinds == expected.kinds, "what a dry run expects is what the run then counts"
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
        assert float(kept.sum()) == 2.0, "a number that code can continue with"


def test_the_tracker_rounds_up_as_an_allocator_does_and_counts_flops() -> None:
    with MemoryTracker(granularity=512) as tracker:
        left, right = torch.empty(3, 4), torch.empty(4, 5)
        assert tracker.bytes == 2 * 512
        left @ right
        assert tracker.flops == 2 * 3 * 4 * 5

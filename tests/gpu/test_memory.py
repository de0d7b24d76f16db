"""Memory on a GPU: the expected peak is the one that PyTorch's allocator measures; the run's card is the driver's."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.gpu.conftest import DIGITS, GPU_ONLY
from tests.unit.training.scripted import build_trainer, new_trainer, of_type
from workbench.devices.gpu import GpuMonitor, same_gpu
from workbench.runs.directory import create_run
from workbench.runs.measurements import Footprint, Timing
from workbench.settings.preset import Preset
from workbench.training.device import device_uuid
from workbench.training.health.probe import HealthProbe
from workbench.training.job import build_job
from workbench.training.memory.estimate import expected_memory

pytestmark = GPU_ONLY

TOLERANCE = 0.15
"""Of the measured peak."""
DEVICE = torch.device("cuda", 0)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An .npz of small colour images that are as bright as their class."""
    random = np.random.default_rng(0)
    labels = np.arange(4096) % 4
    pixels = random.integers(0, 40, (len(labels), 3, 32, 32)) + 50 * labels[:, None, None, None]
    file = tmp_path_factory.mktemp("data") / "images.npz"
    np.savez(file, x=pixels.astype(np.uint8), y=labels)
    return str(file)


def of_images(file: str) -> list[str]:
    return ["data.name=npz", f"data.file={json.dumps(file)}", "runtime.device=cuda", "training.epochs=3"]


EAGER = ["runtime.engine=eager", "runtime.deterministic=true"]
"""Deterministic: cuDNN does not try its algorithms, for which it takes whatever memory is free."""
CASES = {
    "mlp adam": ["model.hidden=[4096,4096]", "optimizer.name=adam", *EAGER],
    "mlp adam, captured": ["model.hidden=[8192,8192]", "optimizer.name=adam", "runtime.engine=cuda_graph"],
    "mlp adagrad": ["model.hidden=[4096,4096]", "optimizer.name=adagrad", *EAGER],
    "cnn sgd": ["model.name=cnn", "optimizer.name=sgd", "optimizer.learning_rate=0.01", "data.batch_size=1024", *EAGER],
    "resnet9 adabound": ["model.name=resnet9", "optimizer.name=adabound", "data.batch_size=512", *EAGER],
    "resnet18 adam": ["model.name=torchvision", "optimizer.name=adam", "data.batch_size=512", *EAGER],
}


@pytest.mark.parametrize("settings", CASES.values(), ids=CASES)
def test_the_expected_peak_is_the_measured_one(images: str, tmp_path: Path, settings: list[str]) -> None:
    preset = Preset().override([*of_images(images), *settings])
    gc.collect()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated(DEVICE)
    expected = expected_memory(build_job(preset, lambda _: None))
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(DEVICE)
    build_trainer(create_run(tmp_path, preset.name, preset.to_toml())).train()
    # In the first test cuBLAS's workspaces are in both numbers; in later ones they are there before, and in neither.
    measured = torch.cuda.max_memory_allocated(DEVICE) - before
    assert expected.reason == ""
    assert expected.peak_bytes == pytest.approx(measured, rel=TOLERANCE)


def test_convolutions_are_measured_in_half_of_the_memory_that_is_free(
    images: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = build_job(Preset().override([*of_images(images), *CASES["cnn sgd"]]), lambda _: None)
    total = torch.cuda.mem_get_info(DEVICE)[1]
    torch.cuda.empty_cache()
    with monkeypatch.context() as patch:
        patch.setattr(torch.cuda, "mem_get_info", lambda device: (2**26, total))
        expected = expected_memory(job)
    assert expected.peak_bytes is None
    assert "could not be measured" in expected.reason
    assert expected_memory(job).peak_bytes is not None


def test_measuring_health_takes_little_more_than_the_gradients(images: str) -> None:
    job = build_job(Preset().override([*of_images(images), "model.hidden=[4096,4096]"]), lambda _: None)
    probe = HealthProbe(job)
    assert probe.measure(100, 1) is not None  # cuBLAS takes its workspaces
    torch.cuda.reset_peak_memory_stats(DEVICE)
    before = torch.cuda.memory_allocated(DEVICE)
    assert probe.measure(101, 1) is not None
    gradients = sum(parameter.nbytes for parameter in job.model.parameters())
    assert gradients < torch.cuda.max_memory_allocated(DEVICE) - before < gradients + 24 * 2**20


def test_a_footprint_has_the_measured_peak_and_the_memory_of_the_tensors(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [*DIGITS, "optimizer.name=adam"])
    trainer.train()
    footprint = of_type(trainer, Footprint)[-1]
    assert footprint.expected == ["activations", "rest"]
    assert footprint.peak_bytes is not None
    assert footprint.peak_bytes <= torch.cuda.max_memory_allocated(DEVICE) <= 1.02 * footprint.peak_bytes
    weights = sum(parameter.nbytes for parameter in trainer.job.model.parameters())
    assert footprint.kinds["parameters"] == weights
    assert footprint.kinds["optimizer"] == pytest.approx(2 * weights, rel=0.01)
    assert footprint.flops_per_step is not None


def test_the_card_of_a_run_is_found_by_its_uuid() -> None:
    monitor, uuid = GpuMonitor.open(), device_uuid(DEVICE)
    assert monitor is not None
    assert uuid
    with monitor:
        [found] = [gpu for gpu in monitor.read() if same_gpu(gpu.uuid, uuid)]
        assert found.name == torch.cuda.get_device_name(DEVICE)
        assert monitor.busy_time(uuid) is not None


def test_how_busy_the_card_was_is_a_fraction(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, [*DIGITS, "training.epochs=300"])
    trainer.train()
    shares = [timing.gpu_busy_share for timing in of_type(trainer, Timing) if timing.gpu_busy_share is not None]
    assert all(0 <= share <= 1 for share in shares)
    assert trainer.reporter.gpu_busy_share is None or trainer.reporter.gpu_busy_share > 0

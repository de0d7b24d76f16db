"""Models of images, and what varies them, train alike in a script."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.export.script.alike import assert_is_well_written, assert_trains_alike, run_script, script_of, slow
from workbench.settings.preset import Preset

SMALL = ("data.name=digits", "data.batch_size=256", "training.epochs=1", "runtime.device=cpu")
CNN = ("model.name=cnn", "model.channels=[4, 8]")


def alike(folder: Path, *assignments: str) -> str:
    return assert_trains_alike(Preset().override([*SMALL, *assignments]), folder)


@pytest.mark.parametrize(
    "more",
    [
        ["data.flip=true"],
        ["data.shift=1", "data.normalize=none", "model.batch_norm=false"],
        ["data.cutout=3", "model.hidden=16", "model.dropout=0.2"],
        ["data.flip=true", "data.shift=2", "data.cutout=2", "activation.name=prelu"],
        ["runtime.engine=traced", "model.hidden=64"],
    ],
    ids=" ".join,
)
def test_cnn_of_digits(tmp_path: Path, more: list[str]) -> None:
    alike(tmp_path, *CNN, *more)


@pytest.fixture
def colours(tmp_path: Path) -> str:
    """48 colour images of 16 × 16 pixels in three classes."""
    generator = np.random.default_rng(0)
    classes = np.arange(48) % 3
    images = generator.integers(0, 255, (48, 3, 16, 16)) // 2 + 40 * classes[:, None, None, None]
    np.savez(tmp_path / "colours.npz", x=images.astype(np.uint8), y=classes)
    return str(tmp_path / "colours.npz")


@pytest.mark.parametrize(
    "model",
    [
        ["model.name=resnet9", "model.width=4", "activation.name=gelu"],
        slow("model.name=torchvision", "model.architecture=shufflenet_v2_x0_5", "model.resize=32"),
        slow(
            "model.name=torchvision", "model.architecture=mobilenet_v3_small", "activation.name=silu", "model.resize=40"
        ),
        ["model.name=torchvision", "model.architecture=resnet18"],
    ],
    ids=" ".join,
)
def test_models_of_colour_images(tmp_path: Path, colours: str, model: list[str]) -> None:
    alike(tmp_path, "data.name=npz", f"data.file={colours}", "data.batch_size=16", *model)


def test_the_script_of_a_run_on_a_gpu_trains_on_the_cpu_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    more = ["data.flip=true", "data.shift=1", "data.cutout=2", "loss.class_weights=balanced", "training.epochs=2"]
    preset = Preset().override([*SMALL, *CNN, *more])
    on_cpu, on_gpu = (run_script(script_of(preset, on_gpu=each), tmp_path) for each in (False, True))
    assert on_gpu[1] == pytest.approx(on_cpu[1], rel=1e-3)
    assert_is_well_written(tmp_path / "written.py")

"""The shipped presets train alike in a script, on few samples where they would take minutes."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision import datasets

from tests.unit.data.test_torchvision_sets import idx
from tests.unit.export.script.alike import assert_trains_alike
from workbench.settings import library

TRAIN, TEST = 240, 40
NEEDS_ESPEAK = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def images(count: int, *shape: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Noise whose brightness tells the class."""
    generator = np.random.default_rng(count)
    labels = np.arange(count) % 10
    pixels = generator.integers(0, 150, (count, *shape)) + labels.reshape(-1, *[1] * len(shape)) * 10
    return pixels.astype(np.uint8), labels.astype(np.uint8)


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """MNIST, FashionMNIST and CIFAR-10 of few images."""
    for name in ("MNIST", "FashionMNIST"):
        raw = tmp_path / "data" / name / "raw"
        raw.mkdir(parents=True)
        for split, count in (("train", TRAIN), ("t10k", TEST)):
            pixels, labels = images(count, 28, 28)
            (raw / f"{split}-images-idx3-ubyte").write_bytes(idx(pixels))
            (raw / f"{split}-labels-idx1-ubyte").write_bytes(idx(labels))
    batches = tmp_path / "data" / datasets.CIFAR10.base_folder
    batches.mkdir()
    for file in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]:
        pixels, labels = images(100, 3, 32, 32)
        (batches / file).write_bytes(pickle.dumps({"data": pixels.reshape(100, -1), "labels": labels.tolist()}))
    (batches / "batches.meta").write_bytes(pickle.dumps({"label_names": [f"c{number}" for number in range(10)]}))
    monkeypatch.setattr(datasets.CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *arguments: True)
    return tmp_path / "data"


SMALL = ("training.epochs=2", "runtime.device=cpu", "data.batch_size=32", "validation.fraction=0.2")


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("mnist-mlp", []),
        ("mnist-mlp-tuned", []),
        ("mnist-cnn", ["training.epochs=1"]),
        ("fashion-cnn", ["training.epochs=1", "model.channels=[8, 16, 32]"]),
        ("cifar10-resnet9", ["training.epochs=1", "model.width=4"]),
    ],
)
def test_images(tmp_path: Path, data_folder: Path, name: str, more: list[str]) -> None:
    preset = library.load(name).override([*SMALL, f"data.folder={data_folder}", *more])
    assert_trains_alike(preset, tmp_path)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("fast", ["training.epochs=1", "runtime.engine=traced"]),
        ("iris", ["training.epochs=10"]),
        ("regression", ["training.epochs=5"]),
        pytest.param("fast", [], marks=pytest.mark.slow),
        pytest.param("iris", [], marks=pytest.mark.slow),
        pytest.param("regression", [], marks=pytest.mark.slow),
        pytest.param("text-docstrings", ["training.epochs=2"], marks=pytest.mark.slow),
        pytest.param("char-transformer", ["training.epochs=1"], marks=pytest.mark.slow),
        pytest.param("spoken-digits", ["training.epochs=2"], marks=(pytest.mark.slow, NEEDS_ESPEAK)),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_others(tmp_path: Path, name: str, more: list[str]) -> None:
    assert_trains_alike(library.load(name).override(["runtime.device=cpu", *more]), tmp_path)

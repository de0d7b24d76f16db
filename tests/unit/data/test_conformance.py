"""The contract of every source that reads into memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.unit.data.sounds import two_pitches
from workbench.data import bundled
from workbench.data.arrays import arrays
from workbench.data.audio_folder import audio_folder
from workbench.data.audio_samples import AudioReading
from workbench.data.audio_table import audio_table
from workbench.data.image_folder import image_folder
from workbench.data.samples import InMemory, Samples
from workbench.data.table import table
from workbench.data.user import from_user

Source = Callable[[Path], Samples]


def _table(folder: Path) -> Samples:
    (folder / "t.csv").write_text("a,color,y\n1,red,0.5\n2.5,blue,1.5\n3,red,2.25\n")
    return table(folder / "t.csv", "y", "auto", (), (), (), "auto", "error")


def _arrays(folder: Path) -> Samples:
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 256, (12, 5, 5, 3), dtype=np.uint8), np.arange(12) % 3
    np.savez(folder / "a.npz", x_train=x, y_train=y, x_test=x[:4], y_test=y[:4])
    return arrays(folder / "a.npz", "auto")


def _image_folder(folder: Path) -> Samples:
    for split in ("train", "val"):
        for shade, name in enumerate(("cat", "dog")):
            place = folder / "images" / split / name
            place.mkdir(parents=True, exist_ok=True)
            for index in range(3):
                Image.new("RGB", (6, 4), (shade * 100, index, 0)).save(place / f"{index}.png")
    return image_folder(folder / "images", 0, 3, 10**6, lambda progress: None)


READING = AudioReading(8000, 0.05, "cut", False, 10**6)


def _audio_folder(folder: Path) -> Samples:
    for split in ("train", "val"):
        two_pitches(folder / "sounds" / split)
    return audio_folder(folder / "sounds", None, READING, lambda progress: None)


def _audio_table(folder: Path) -> Samples:
    two_pitches(folder)
    files = ["high/anna_take0.wav,2.5", "high/bert_take1.wav,1.5", "low/anna_take0.wav,0.25"]
    (folder / "sounds.csv").write_text("\n".join(["file,y", *files]))
    return audio_table(
        folder / "sounds.csv", "file", "y", "auto", "", "", None, "auto", "error", ("",), READING, lambda progress: None
    )


def _user(folder: Path) -> Samples:
    generator = np.random.default_rng(0)
    return from_user((generator.normal(size=(10, 3)), np.arange(10) % 2), "mine:data")


SOURCES: dict[str, Source] = {
    "digits": lambda folder: bundled.digits(),
    "iris": lambda folder: bundled.iris(),
    "wine": lambda folder: bundled.wine(),
    "breast_cancer": lambda folder: bundled.breast_cancer(),
    "diabetes": lambda folder: bundled.diabetes(),
    "table": _table,
    "arrays": _arrays,
    "image_folder": _image_folder,
    "audio_folder": _audio_folder,
    "audio_table": _audio_table,
    "user": _user,
}
SOUNDS = ("audio_folder", "audio_table")
"""Their samples are waveforms of 16 bits, of which their encoding makes numbers."""

ROWS, IMAGES = 2, 4


@pytest.fixture(params=sorted(SOURCES))
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param]


def _splits(samples: Samples) -> list[InMemory]:
    splits = [split for split in (samples.train, samples.validation, samples.test) if split is not None]
    assert all(isinstance(split, InMemory) for split in splits)
    return [split for split in splits if isinstance(split, InMemory)]


def test_inputs_are_rows_of_numbers_or_images_of_bytes(source: Source, tmp_path: Path) -> None:
    samples = source(tmp_path)
    numbers = {torch.int16} if source in [SOURCES[name] for name in SOUNDS] else {torch.float32, torch.float64}
    for split in _splits(samples):
        images = split.inputs.dim() == IMAGES
        assert split.inputs.dim() in (ROWS, IMAGES)
        assert split.inputs.dtype in ({torch.uint8} if images else numbers)
        assert split.inputs.shape[1:] == _splits(samples)[0].inputs.shape[1:]
        assert split.inputs.is_contiguous()


def test_targets_fit_the_task(source: Source, tmp_path: Path) -> None:
    samples = source(tmp_path)
    task = samples.task
    for split in _splits(samples):
        if task.kind == "classification":
            assert split.targets.dtype == torch.int64
            assert split.targets.shape == (len(split),)
            assert split.targets.min() >= 0
            assert split.targets.max() < task.outputs
        else:
            assert split.targets.dtype in (torch.float32, torch.float64)
            assert split.targets.shape == (len(split), task.outputs)
    assert len(task.classes or task.targets) == task.outputs


def test_a_second_call_returns_the_same_samples(source: Source, tmp_path: Path) -> None:
    first, second = source(tmp_path), source(tmp_path)
    assert first.task == second.task
    for one, other in zip(_splits(first), _splits(second), strict=True):
        assert torch.equal(one.inputs, other.inputs)
        assert torch.equal(one.targets, other.targets)


@pytest.mark.parametrize(
    ("read", "shape", "outputs"),
    [
        (bundled.digits, (1797, 1, 8, 8), 10),
        (bundled.iris, (150, 4), 3),
        (bundled.wine, (178, 13), 3),
        (bundled.breast_cancer, (569, 30), 2),
        (bundled.diabetes, (442, 10), 1),
    ],
)
def test_bundled_sets_have_their_documented_sizes(
    read: Callable[[], Samples], shape: tuple[int, ...], outputs: int
) -> None:
    samples = read()
    assert isinstance(samples.train, InMemory)
    assert samples.train.inputs.shape == shape
    assert samples.task.outputs == outputs


def test_digits_use_all_values_of_a_byte() -> None:
    digits = bundled.digits().train
    assert isinstance(digits, InMemory)
    assert digits.inputs.min() == 0
    assert digits.inputs.max() == 255
    assert digits.inputs.unique().tolist() == [round(value * 255 / 16) for value in range(17)]


def test_diabetes_is_not_scaled_beforehand() -> None:
    diabetes = bundled.diabetes().train
    assert isinstance(diabetes, InMemory)
    ages = diabetes.inputs[:, 0]
    assert ages.min() >= 19
    assert ages.max() <= 79

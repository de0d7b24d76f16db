from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from workbench.data.image_folder import image_folder
from workbench.data.progress import Progress
from workbench.data.samples import InMemory, Lazy, Samples
from workbench.errors import DataError

PLENTY = 10**8


def save(path: Path, pixels: Any = 0, size: tuple[int, int] = (6, 4)) -> None:
    """Saves an image of one colour, width × height, or of an array of pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else Image.new("RGB", size, (pixels,) * 3)
    image.save(path)


@pytest.fixture
def cats_and_dogs(tmp_path: Path) -> Path:
    """Two classes of two images each."""
    for shade, name in ((10, "cat/b.png"), (20, "cat/a.PNG"), (30, "dog/c.bmp"), (40, "dog/d.png")):
        save(tmp_path / name, shade)
    return tmp_path


def read(folder: Path, size: int = 0, channels: int = 3, limit: int = PLENTY) -> Samples:
    return image_folder(folder, size, channels, limit, lambda progress: None)


def in_memory(split: object) -> InMemory:
    assert isinstance(split, InMemory)
    return split


def test_classes_and_files_are_sorted_and_channels_come_first(cats_and_dogs: Path) -> None:
    samples = read(cats_and_dogs)
    assert samples.task.classes == ("cat", "dog")
    train = in_memory(samples.train)
    assert train.inputs.shape == (4, 3, 4, 6)
    assert train.inputs[:, 0, 0, 0].tolist() == [20, 10, 30, 40]
    assert train.targets.tolist() == [0, 0, 1, 1]


def test_pixels_stand_where_they_stood(tmp_path: Path) -> None:
    pixels = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    for name in ("a", "b"):
        save(tmp_path / name / "x.png", pixels)
    assert torch.equal(in_memory(read(tmp_path).train).inputs[0], torch.from_numpy(pixels).permute(2, 0, 1))


@pytest.mark.parametrize("validation", ["val", "valid", "validation"])
def test_splits_are_taken_from_their_folders(tmp_path: Path, validation: str) -> None:
    for split, count in (("train", 3), (validation, 2), ("test", 1)):
        for name in ("cat", "dog"):
            for index in range(count):
                save(tmp_path / split / name / f"{index}.png")
    samples = read(tmp_path)
    assert len(samples.train) == 6
    assert len(in_memory(samples.validation)) == 4
    assert len(in_memory(samples.test)) == 2


def test_classes_may_be_called_like_splits(tmp_path: Path) -> None:
    for name in ("train", "bus"):
        save(tmp_path / name / "a.png")
    assert read(tmp_path).task.classes == ("bus", "train")


def test_one_channel_is_grey(cats_and_dogs: Path) -> None:
    train = in_memory(read(cats_and_dogs, channels=1).train)
    assert train.inputs.shape == (4, 1, 4, 6)
    assert train.inputs[0].unique().tolist() == [20]


def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path) -> None:
    ramp = np.array([[0, 257, 32 * 257, 65535]], dtype=np.uint16)
    for name in ("a", "b"):
        save(tmp_path / name / "x.png", ramp)
    assert in_memory(read(tmp_path, channels=1).train).inputs[0, 0, 0].tolist() == [0, 1, 32, 255]


def test_images_are_turned_as_the_camera_was_held(tmp_path: Path) -> None:
    pixels = np.zeros((2, 3, 3), dtype=np.uint8)
    pixels[0, 0] = 255
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(pixels).save(tmp_path / name / "x.png", exif=exif)
    inputs = in_memory(read(tmp_path).train).inputs
    assert inputs.shape == (2, 3, 3, 2)
    assert inputs[0, 0].nonzero().tolist() == [[0, 1]]
    lazy = read(tmp_path, limit=0).train
    assert torch.equal(lazy[0][0], inputs[0])


def test_size_resizes_the_shorter_side_and_crops_the_centre(tmp_path: Path) -> None:
    # 40 × 20: the left and right quarters are white and are cut off.
    wide = np.zeros((20, 40, 3), dtype=np.uint8)
    wide[:, :10] = wide[:, 30:] = 255
    save(tmp_path / "a" / "wide.png", wide)
    save(tmp_path / "b" / "tall.png", wide.transpose(1, 0, 2).copy())
    inputs = in_memory(read(tmp_path, size=10).train).inputs
    assert inputs.shape == (2, 3, 10, 10)
    assert inputs[:, :, 1:-1, 1:-1].max() == 0


def test_resizing_is_antialiased(tmp_path: Path) -> None:
    board = (np.indices((32, 32)).sum(axis=0) % 2 * 255).astype(np.uint8)
    for name in ("a", "b"):
        save(tmp_path / name / "x.png", np.stack([board] * 3, axis=2))
    inputs = in_memory(read(tmp_path, size=8).train).inputs.int()
    assert (inputs - 127).abs().max() < 16


def test_what_does_not_fit_in_memory_is_read_one_by_one_and_is_the_same(cats_and_dogs: Path) -> None:
    bytes_of_all = 4 * 3 * 4 * 6
    whole = in_memory(read(cats_and_dogs, limit=bytes_of_all).train)
    lazy = read(cats_and_dogs, limit=bytes_of_all - 1).train
    assert isinstance(lazy, Lazy)
    assert lazy.targets is not None
    assert torch.equal(lazy.targets, whole.targets)
    for index in range(4):
        inputs, target = lazy[index]
        assert torch.equal(inputs, whole.inputs[index])
        assert torch.equal(target, whole.targets[index])


def test_a_loader_with_workers_can_read_lazily(cats_and_dogs: Path) -> None:
    loader: DataLoader[Any] = DataLoader(read(cats_and_dogs, limit=0).train, batch_size=4, num_workers=1)  # type: ignore[arg-type]
    inputs, targets = next(iter(loader))
    assert inputs.shape == (4, 3, 4, 6)
    assert targets.tolist() == [0, 0, 1, 1]


def test_other_files_are_left_out_and_told_but_hidden_ones_are_not_worth_a_word(cats_and_dogs: Path) -> None:
    (cats_and_dogs / "cat" / "notes.txt").write_text("x")
    (cats_and_dogs / "cat" / ".hidden.png").write_text("x")
    (cats_and_dogs / ".cache").mkdir()
    samples = read(cats_and_dogs)
    assert len(samples.train) == 4
    assert samples.task.classes == ("cat", "dog")
    assert len(samples.notes) == 1
    assert samples.notes[0].startswith("left out 1 files that are not images")


def test_a_folder_beside_the_splits_is_left_out_and_told(tmp_path: Path) -> None:
    for name in ("train/cat", "train/dog", "extra/cat"):
        save(tmp_path / name / "a.png")
    assert read(tmp_path).notes == (f"left out {tmp_path / 'extra'}: it is neither train, validation nor test",)


def test_progress_ends_with_all_images(cats_and_dogs: Path) -> None:
    heard: list[Progress] = []
    image_folder(cats_and_dogs, 0, 3, PLENTY, heard.append)
    assert heard[-1] == Progress("reading images", 4, 4, "images")


@pytest.mark.parametrize("limit", [0, PLENTY])
def test_images_of_different_sizes_are_told_with_the_first_that_differs(cats_and_dogs: Path, limit: int) -> None:
    for name in ("dog/e.png", "dog/f.png"):
        save(cats_and_dogs / name, size=(7, 5))
    message = r"dog/e.png has 7 × 5 pixels, but the first image has 6 × 4; data.size = 4 resizes"
    with pytest.raises(DataError, match=message):
        read(cats_and_dogs, limit=limit)
    assert in_memory(read(cats_and_dogs, size=4).train).inputs.shape == (6, 3, 4, 4)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n broken"])
def test_a_broken_file_is_named(cats_and_dogs: Path, content: bytes) -> None:
    (cats_and_dogs / "dog" / "c.png").write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read the image .*dog/c.png"):
        read(cats_and_dogs)


def test_a_truncated_file_is_named_even_if_it_is_read_later(cats_and_dogs: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    save(cats_and_dogs / "dog" / "c.png", noise)
    file = cats_and_dogs / "dog" / "c.png"
    file.write_bytes(file.read_bytes()[:80])
    lazy = read(cats_and_dogs, limit=0).train
    with pytest.raises(DataError, match=r"cannot read the image .*dog/c.png"):
        lazy[3]


def _no_classes(folder: Path) -> None:
    save(folder / "a.png")


def _one_class(folder: Path) -> None:
    save(folder / "cat" / "a.png")


def _empty_class(folder: Path) -> None:
    save(folder / "cat" / "a.png")
    save(folder / "dog" / "deeper" / "a.png")


def _no_train(folder: Path) -> None:
    save(folder / "test" / "cat" / "a.png")
    save(folder / "val" / "cat" / "a.png")


def _two_validations(folder: Path) -> None:
    for name in ("train", "val", "valid"):
        save(folder / name / "cat" / "a.png")


def _different_classes(folder: Path) -> None:
    for name in ("train/cat", "train/dog", "test/cat", "test/cow"):
        save(folder / name / "a.png")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "has no folders; expected .*<class>"),
        (_no_classes, r"has no folders \(1 images lie in it directly\)"),
        (_one_class, "has a single class, cat"),
        (_empty_class, "dog has no images .*; images in folders below it are not read"),
        (_no_train, "has the folders test, val, but no train/<class>"),
        (_two_validations, "has both val and valid"),
        (_different_classes, "test must have the same classes as the train folder, but lacks dog and also has cow"),
    ],
)
def test_a_wrong_layout_is_told_by_what_is_there(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    make(tmp_path)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_a_folder_that_is_not_there_or_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there"):
        read(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is not a folder"):
        read(tmp_path / "file")

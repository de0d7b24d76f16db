from __future__ import annotations

import struct
import zlib
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


def test_pixels_keep_their_positions(tmp_path: Path) -> None:
    pixels = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    for name in ("a", "b"):
        save(tmp_path / name / "x.png", pixels)
    assert torch.equal(in_memory(read(tmp_path).train).inputs[0], torch.from_numpy(pixels).permute(2, 0, 1))


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "val", "test"),
        ("train", "valid", "test"),
        ("Train", "Validation", "TEST"),
        ("training", "VAL", "Testing"),
    ],
)
def test_split_folders_are_found_in_upper_and_lower_case(
    tmp_path: Path, train: str, validation: str, test: str
) -> None:
    """Train and Test are not read as classes."""
    for split, count in ((train, 3), (validation, 2), (test, 1)):
        for name in ("cat", "dog"):
            for index in range(count):
                save(tmp_path / split / name / f"{index}.png")
    samples = read(tmp_path)
    assert len(samples.train) == 6
    assert len(in_memory(samples.validation)) == 4
    assert len(in_memory(samples.test)) == 2


def test_a_class_may_have_the_name_of_a_split(tmp_path: Path) -> None:
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


SIXTEEN_BITS = {
    8: ([0, 3, 255], [0, 3, 255]),
    10: ([0, 512, 1023], [0, 127, 255]),
    12: ([0, 300, 4095], [0, 18, 255]),
    14: ([0, 5000, 16383], [0, 77, 255]),
    16: ([0, 257, 16384], [0, 1, 63]),
    17: ([0, 65536, 131071], [0, 127, 255]),
}


@pytest.mark.parametrize("bits", sorted(SIXTEEN_BITS))
@pytest.mark.parametrize("limit", [0, PLENTY])
def test_the_bits_that_all_16_bit_images_together_use_are_kept(tmp_path: Path, bits: int, limit: int) -> None:
    """Small values are not read as black, and 12 bits keep 256 greys. A dark image stays dark beside a bright one."""
    values, expected = SIXTEEN_BITS[bits]
    suffix, dtype = ("tif", np.int32) if bits > 16 else ("png", np.uint16)
    for name, row in (("a/x", [0, 0, 0]), ("b/y", values), ("b/z", [values[1]] * 3)):
        save(tmp_path / f"{name}.{suffix}", np.array([row], dtype=dtype))
    samples = read(tmp_path, channels=1, limit=limit)
    assert [samples.train[index][0][0, 0].tolist() for index in range(3)] == [[0, 0, 0], expected, [expected[1]] * 3]
    assert samples.notes == (f"3 images have grey values of up to {bits} bits: {2**bits - 1} is read as white",)


def test_all_splits_have_the_same_white(tmp_path: Path) -> None:
    for name, value in (("train/a", 200), ("train/b", 100), ("val/a", 4000), ("val/b", 255)):
        save(tmp_path / name / "x.png", np.full((1, 1), value, dtype=np.uint16))
    samples = read(tmp_path, channels=1)
    assert in_memory(samples.train).inputs.flatten().tolist() == [12, 6]
    assert in_memory(samples.validation).inputs.flatten().tolist() == [249, 15]


def test_8_bit_images_beside_16_bit_ones_stay_unchanged(tmp_path: Path) -> None:
    save(tmp_path / "a" / "x.png", np.full((1, 1), 4095, dtype=np.uint16))
    save(tmp_path / "b" / "x.png", np.full((1, 1), 77, dtype=np.uint8))
    assert in_memory(read(tmp_path, channels=1).train).inputs.flatten().tolist() == [255, 77]


def test_negative_values_are_reported(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / name / "x.tif", np.full((1, 1), -1000, dtype=np.int32))
    with pytest.raises(DataError, match=r"a/x.tif': it has values below 0, such as -1000"):
        read(tmp_path)


def test_floating_point_pixels_are_reported_before_training(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / name / "x.tif", np.zeros((1, 1), dtype=np.float32))
    with pytest.raises(DataError, match=r"a/x.tif': its pixels are floating-point numbers"):
        read(tmp_path, limit=0)


def save_deep_colour(path: Path, value: int) -> None:
    """A PNG of one RGB pixel with 16 bits per channel, which Pillow cannot write."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" + struct.pack(">HHH", value, value, value))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def test_16_bit_colours_are_read_or_refused(tmp_path: Path) -> None:
    """Pillow reads only their upper eight bits."""
    for name, value in (("a", 0xFF00), ("b", 0x0100)):
        save_deep_colour(tmp_path / name / "x.png", value)
    assert in_memory(read(tmp_path).train).inputs[:, 0].flatten().tolist() == [255, 1]
    save_deep_colour(tmp_path / "a" / "x.png", 4095)
    with pytest.raises(DataError, match=r"2 colour images such as .* only the upper eight can be read"):
        read(tmp_path)


def test_images_of_many_formats_are_read(tmp_path: Path) -> None:
    """Including .pgm, .ppm and .jfif."""
    names = ["a.pgm", "b.ppm", "c.pbm", "d.jfif", "e.jpe", "f.pnm", "g.jp2", "h.tga", "i.dib"]
    for name in names:
        pixels = np.full((4, 6), 255, dtype=np.uint8)
        for folder in ("bright", "white"):
            (tmp_path / folder).mkdir(exist_ok=True)
            image = Image.fromarray(pixels)
            kind = {".jfif": "JPEG", ".jpe": "JPEG", ".pnm": "PPM"}.get(name[1:])
            (image.convert("1") if name == "c.pbm" else image).save(tmp_path / folder / name, kind)
    samples = read(tmp_path, channels=1)
    assert len(samples.train) == 2 * len(names)
    assert in_memory(samples.train).inputs.min() >= 253
    assert samples.notes == ()


def test_a_deep_pgm_file_defines_its_white(tmp_path: Path) -> None:
    for name, value in (("a", 1000), ("b", 500)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.pgm").write_text(f"P2 1 1 1000 {value}\n")
    assert in_memory(read(tmp_path, channels=1).train).inputs.flatten().tolist() == [255, 127]


def test_images_in_deeper_folders_belong_to_their_class_and_are_reported(cats_and_dogs: Path) -> None:
    """No image is lost silently."""
    for name in ("cat/sub/x.png", "cat/sub/er/y.png", "dog/.cache/z.png"):
        save(cats_and_dogs / name, 50)
    (cats_and_dogs / "cat" / "sub" / "loop").symlink_to(cats_and_dogs / "cat")
    samples = read(cats_and_dogs)
    assert in_memory(samples.train).inputs[:, 0, 0, 0].tolist() == [20, 10, 50, 50, 30, 40]
    assert in_memory(samples.train).targets.tolist() == [0, 0, 0, 0, 1, 1]
    deeper = [str(cats_and_dogs / "cat" / "sub"), str(cats_and_dogs / "cat" / "sub" / "er")]
    assert samples.notes == (f"found 2 images in folders below those of classes: {deeper[0]!r}, {deeper[1]!r}",)


def test_broken_links_are_reported(cats_and_dogs: Path) -> None:
    (cats_and_dogs / "cat" / "gone.png").symlink_to(cats_and_dogs / "nowhere.png")
    (cats_and_dogs / "cat" / "here.png").symlink_to(cats_and_dogs / "dog" / "c.bmp")
    samples = read(cats_and_dogs)
    assert len(samples.train) == 5
    assert samples.notes == (f"left out 1 broken link: '{cats_and_dogs / 'cat' / 'gone.png'}'",)


def test_images_and_broken_links_beside_the_classes_are_reported(tmp_path: Path) -> None:
    """Whatever is left out is reported."""
    for name in ("x.png", "train/y.png", "train/cat/a.png", "train/dog/b.png"):
        save(tmp_path / name)
    (tmp_path / "train" / "cow").symlink_to(tmp_path / "nowhere")
    samples = read(tmp_path)
    assert len(samples.train) == 2
    assert any(note.startswith("left out 2 images outside the folders of classes: ") for note in samples.notes)
    assert f"left out 1 broken link: '{tmp_path / 'train' / 'cow'}'" in samples.notes


def test_folders_that_all_contain_the_same_folders_are_refused(tmp_path: Path) -> None:
    """Otherwise splits with unknown names would be read as classes, because nested folders are read."""
    for name in ("fold1/cat", "fold1/dog", "fold2/cat", "fold2/dog"):
        save(tmp_path / name / "a.png")
    with pytest.raises(DataError, match="holds 'fold1', 'fold2', and each of them 'cat', 'dog': which are the classes"):
        read(tmp_path)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_validation_split_that_lacks_a_class_is_matched_by_name(tmp_path: Path, is_there: bool) -> None:
    """An image folder may hold out only some classes."""
    for name in ("train/a", "train/b", "train/c", "val/b", "val/c"):
        save(tmp_path / name / "x.png")
    if is_there:
        (tmp_path / "val" / "a").mkdir()
    samples = read(tmp_path)
    assert in_memory(samples.validation).targets.tolist() == [1, 2]
    assert samples.notes == ("the validation split has no images of 'a'",)


def test_names_with_control_characters_are_shown_escaped(tmp_path: Path) -> None:
    evil = "do\x1b]0;owned\x07g"
    for name in ("cat", evil):
        save(tmp_path / name / "a.png")
    (tmp_path / evil / "b\x1b[31m.png").write_bytes(b"no image")
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert "\x1b" not in str(caught.value)
    assert r"b\x1b[31m.png" in str(caught.value)


def test_images_are_rotated_by_their_exif_orientation(tmp_path: Path) -> None:
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


def test_images_that_do_not_fit_in_memory_are_read_lazily_and_are_the_same(cats_and_dogs: Path) -> None:
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


def test_dataloader_workers_can_read_lazy_images(cats_and_dogs: Path) -> None:
    loader: DataLoader[Any] = DataLoader(read(cats_and_dogs, limit=0).train, batch_size=4, num_workers=1)  # type: ignore[arg-type]
    inputs, targets = next(iter(loader))
    assert inputs.shape == (4, 3, 4, 6)
    assert targets.tolist() == [0, 0, 1, 1]


def test_other_files_are_left_out_and_reported_but_hidden_ones_are_not(cats_and_dogs: Path) -> None:
    (cats_and_dogs / "cat" / "notes.txt").write_text("x")
    (cats_and_dogs / "cat" / ".hidden.png").write_text("x")
    (cats_and_dogs / ".cache").mkdir()
    for name in ("a.heic", "b.HEIC", "LICENSE"):
        (cats_and_dogs / "dog" / name).touch()
    samples = read(cats_and_dogs)
    assert len(samples.train) == 4
    assert samples.task.classes == ("cat", "dog")
    assert samples.notes == ("left out 4 files, not an image or not readable: 2 '.heic', 1 '.txt', 1 without a suffix",)


def test_a_folder_beside_the_splits_is_left_out_and_reported(tmp_path: Path) -> None:
    for name in ("train/cat", "train/dog", "extra/cat"):
        save(tmp_path / name / "a.png")
    assert read(tmp_path).notes == (f"left out '{tmp_path / 'extra'}': it is neither train, validation nor test",)


def test_progress_ends_with_all_images(cats_and_dogs: Path) -> None:
    heard: list[Progress] = []
    image_folder(cats_and_dogs, 0, 3, PLENTY, heard.append)
    assert heard[-1] == Progress("reading images", 4, 4, "images")


@pytest.mark.parametrize("limit", [0, PLENTY])
def test_the_first_image_of_a_different_size_is_reported(cats_and_dogs: Path, limit: int) -> None:
    for name in ("dog/e.png", "dog/f.png"):
        save(cats_and_dogs / name, size=(7, 5))
    message = r"dog/e.png' has 7 × 5 pixels, but the first image has 6 × 4; data.size = 4 resizes"
    with pytest.raises(DataError, match=message):
        read(cats_and_dogs, limit=limit)
    assert in_memory(read(cats_and_dogs, size=4).train).inputs.shape == (6, 3, 4, 4)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n broken"])
def test_a_broken_file_is_named(cats_and_dogs: Path, content: bytes) -> None:
    (cats_and_dogs / "dog" / "c.png").write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read the image .*dog/c.png"):
        read(cats_and_dogs)


def test_a_truncated_file_is_named_even_if_it_is_read_lazily(cats_and_dogs: Path) -> None:
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
    (folder / "dog").mkdir()
    (folder / "dog" / "a.heic").touch()


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
        (_no_classes, r"has no folders \(1 image lies directly in it\)"),
        (_one_class, "has a single class, 'cat'"),
        (_empty_class, "dog' has no images but 1 '.heic'; expected .*png"),
        (_no_train, "has the folders 'test', 'val', but no train/<class>"),
        (_two_validations, "has both 'val' and 'valid'"),
        (_different_classes, "test' has classes that the training folder does not have: 'cow'"),
    ],
)
def test_a_wrong_layout_is_reported_with_the_folders_found(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(tmp_path)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


def test_a_missing_folder_or_a_file_in_its_place_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is not a folder"):
        read(tmp_path / "file")

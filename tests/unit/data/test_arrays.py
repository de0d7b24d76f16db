from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from workbench.data.arrays import arrays
from workbench.data.samples import InMemory, Samples
from workbench.devices.host import HostMonitor
from workbench.errors import DataError

Read = Callable[..., Samples]

TWO_CLASSES = np.array([0, 1, 0, 1])
FOUR_ROWS = np.ones((4, 3))


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads arrays, saved as .npz."""

    def read_saved(
        task: Literal["auto", "classification", "regression"] = "auto",
        channels: Literal["auto", "first", "last"] = "auto",
        **saved: Any,
    ) -> Samples:
        np.savez(tmp_path / "a.npz", **saved)
        return arrays(tmp_path / "a.npz", task, channels)

    return read_saved


def in_memory(split: object) -> InMemory:
    assert isinstance(split, InMemory)
    return split


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((4, 3), (4, 3)),
        ((4, 8, 9), (4, 1, 8, 9)),
        ((4, 3, 8, 9), (4, 3, 8, 9)),
        ((4, 8, 9, 3), (4, 3, 8, 9)),
        ((4, 8, 9, 1), (4, 1, 8, 9)),
        ((4, 3, 8, 3), (4, 3, 8, 3)),
        ((4, 5, 8, 9), (4, 5, 8, 9)),
        ((4, 16, 16, 4), (4, 4, 16, 16)),
        ((4, 64, 64, 13), (4, 13, 64, 64)),
    ],
)
def test_channels_are_inferred_from_the_shape(read: Read, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    samples = read(x=np.zeros(shape, dtype=np.uint8), y=TWO_CLASSES)
    assert in_memory(samples.train).inputs.shape == expected


def test_a_note_says_how_axes_are_read_unless_there_are_one_or_three_channels(read: Read) -> None:
    samples = read(x=np.zeros((4, 16, 16, 4), dtype=np.uint8), y=TWO_CLASSES)
    assert samples.notes == ("x is read as 4 channels of 16 × 16, channels last; data.channels changes this",)
    samples = read(channels="first", x=np.zeros((4, 16, 16, 4), dtype=np.uint8), y=TWO_CLASSES)
    assert in_memory(samples.train).inputs.shape == (4, 16, 16, 4)


def test_an_ambiguous_shape_needs_the_channels_setting(read: Read) -> None:
    x = np.zeros((4, 16, 16, 16), dtype=np.uint8)
    with pytest.raises(DataError, match=r'x has shape \(4, 16, 16, 16\), .* set data.channels = "first" or "last"'):
        read(x=x, y=TWO_CLASSES)
    assert in_memory(read(channels="last", x=x, y=TWO_CLASSES).train).inputs.is_contiguous()


def test_channels_last_become_channels_first(read: Read) -> None:
    x = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)
    assert torch.equal(in_memory(read(x=x, y=TWO_CLASSES).train).inputs, torch.from_numpy(x).permute(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        ("int64", torch.float64),
        ("int32", torch.float64),
        ("float64", torch.float64),
        (">f8", torch.float64),
        ("uint16", torch.float32),
        ("float16", torch.float32),
        (">f4", torch.float32),
        ("bool", torch.float32),
    ],
)
def test_numbers_become_float32_if_that_is_lossless(read: Read, dtype: str, kept: torch.dtype) -> None:
    train = in_memory(read(x=np.ones((4, 3), dtype=dtype), y=TWO_CLASSES).train)
    assert train.inputs.dtype == kept
    assert train.inputs.eq(1).all()


def test_class_numbers_with_gaps_are_renumbered_and_kept_as_names(read: Read) -> None:
    samples = read(x=FOUR_ROWS, y=np.array([7, -1, 3, 7]), x_test=FOUR_ROWS[:1], y_test=np.array([3]))
    assert samples.task.classes == ("-1", "3", "7")
    assert in_memory(samples.train).targets.tolist() == [2, 0, 1, 2]
    assert in_memory(samples.test).targets.tolist() == [1]


@pytest.mark.parametrize("name", ["validation", "val"])
def test_splits_of_the_file_are_kept(read: Read, name: str) -> None:
    saved = {"x_train": FOUR_ROWS, "y_train": TWO_CLASSES, f"x_{name}": FOUR_ROWS[:2], f"y_{name}": TWO_CLASSES[:2]}
    samples = read(**saved, x_test=FOUR_ROWS[:3], y_test=TWO_CLASSES[:3], extra=np.zeros(1))
    assert len(in_memory(samples.validation)) == 2
    assert len(in_memory(samples.test)) == 3
    assert samples.notes == ("left out the arrays extra",)


def test_floating_point_targets_are_a_regression(read: Read) -> None:
    samples = read(x=FOUR_ROWS, y=np.array([0.0, 1.0, 0.0, 1.0]))
    assert samples.task.kind == "regression"
    assert in_memory(samples.train).targets.shape == (4, 1)
    assert read(x=FOUR_ROWS, y=np.ones((4, 2))).task.outputs == 2


def test_the_task_setting_overrides_the_dtype(read: Read) -> None:
    assert read("regression", x=FOUR_ROWS, y=TWO_CLASSES).task.kind == "regression"
    assert read("classification", x=FOUR_ROWS, y=TWO_CLASSES.astype(float)).task.classes == ("0", "1")


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        ({"a": FOUR_ROWS}, "needs x and y, or x_train and y_train; it has a"),
        ({"x": FOUR_ROWS}, "has x without y"),
        ({"x": FOUR_ROWS, "y": TWO_CLASSES, "y_test": TWO_CLASSES}, "has y_test without x_test"),
        ({"x": FOUR_ROWS, "y": TWO_CLASSES, "x_train": FOUR_ROWS, "y_train": TWO_CLASSES}, "both x and x_train"),
        ({"x": FOUR_ROWS, "y": TWO_CLASSES[:3]}, "4 samples in x, but 3 in y"),
        ({"x": FOUR_ROWS[:0], "y": TWO_CLASSES[:0]}, r"x has shape \(0, 3\)"),
        ({"x": FOUR_ROWS[:, 0], "y": TWO_CLASSES}, r"x has shape \(4,\)"),
        ({"x": FOUR_ROWS.astype(str), "y": TWO_CLASSES}, "x has type <U"),
        ({"x": FOUR_ROWS.astype(object), "y": TWO_CLASSES}, "x holds Python objects"),
        ({"x": FOUR_ROWS, "y": TWO_CLASSES.astype(object)}, "y holds Python objects"),
        ({"x": [[1.0, 2.0], [3.0, np.nan]], "y": [0.5, 1.5]}, "x holds nan in sample 1 .* and 1 such"),
        ({"x": [[1.0, 1e39], [3.0, np.inf]], "y": [0.5, 1.5]}, r"x holds 1e\+39 in sample 0 .* and 2 such"),
        ({"x": FOUR_ROWS, "y": [0.5, np.inf, 1, 2]}, "y holds inf in sample 1"),
        ({"x": FOUR_ROWS, "y": np.zeros(4, dtype=int)}, "y has 1 classes"),
        ({"x": FOUR_ROWS, "y": np.zeros((4, 2), dtype=int)}, r"y has shape \(4, 2\)"),
        (
            {"x": FOUR_ROWS, "y": TWO_CLASSES, "x_val": FOUR_ROWS[:1], "y_val": [5]},
            "y_val has class 5, which y does not have",
        ),
        (
            {"x": FOUR_ROWS, "y": TWO_CLASSES, "x_test": FOUR_ROWS[:, :2], "y_test": TWO_CLASSES},
            r"samples of x_test have shape \(2,\), but training samples \(3,\)",
        ),
        (
            {"x": FOUR_ROWS.astype("u1"), "y": TWO_CLASSES, "x_test": FOUR_ROWS.astype("i8"), "y_test": TWO_CLASSES},
            "x_test is of type int64, but x of type uint8: only uint8 is read as pixels",
        ),
    ],
)
def test_an_error_names_the_array_that_cannot_be_trained_on(read: Read, saved: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(**saved)


def test_fractions_are_not_classes(read: Read) -> None:
    with pytest.raises(DataError, match="y holds fractions"):
        read("classification", x=FOUR_ROWS, y=[0.5, 1, 0.5, 1])


def test_other_files_than_npz_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("hello")
    np.save(tmp_path / "single.npy", FOUR_ROWS)
    np.savez_compressed(tmp_path / "whole.npz", x=np.random.default_rng(0).normal(size=(50, 9)), y=np.arange(50))
    (tmp_path / "half.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:900])
    for name, message in {
        "text.npz": "is not an .npz file",
        "single.npy": "holds a single array",
        "half.npz": "is not a readable .npz file",
        "nowhere.npz": "does not exist",
        ".": "is a folder",
    }.items():
        with pytest.raises(DataError, match=message) as caught:
            arrays(tmp_path / name, "auto")
        assert "pickle" not in str(caught.value)  # which NumPy advises to load


def test_one_hot_targets_are_classes_unless_the_task_is_regression(read: Read) -> None:
    labels = np.array([2, 0, 1, 2])
    for kind in (float, int, bool):
        samples = read(x=FOUR_ROWS, y=np.eye(3, dtype=kind)[labels])
        assert samples.task.classes == ("0", "1", "2")
        assert in_memory(samples.train).targets.tolist() == labels.tolist()
        assert samples.notes == ("y is one-hot encoded: each column is a class",)
    assert read("regression", x=FOUR_ROWS, y=np.eye(3)[labels]).task.kind == "regression"
    assert read(x=FOUR_ROWS, y=np.array([[1.0, 1], [0, 1], [1, 0], [0, 0]])).task.kind == "regression"


def test_classes_guessed_from_whole_numbers_are_doubtful_and_refused_if_there_are_many(read: Read) -> None:
    """Thousands of classes are not guessed."""
    assert read(x=FOUR_ROWS, y=TWO_CLASSES).task.doubt == 'set data.task = "regression" to predict them as numbers'
    assert read("classification", x=FOUR_ROWS, y=TWO_CLASSES).task.doubt == ""
    rows, prices = np.ones((100, 1)), np.arange(100) % 60
    with pytest.raises(DataError, match="60 different values in 100 samples are implausibly many"):
        read(x=rows, y=prices)
    assert read("classification", x=rows, y=prices).task.outputs == 60
    assert read("regression", x=rows, y=prices).task.outputs == 1
    assert read(x=rows, y=prices % 50).task.outputs == 50


def test_class_numbers_beyond_2_24_stay_distinct(read: Read) -> None:
    labels = 2**53 + np.array([0, 1, 0, 1])
    assert read(x=FOUR_ROWS, y=labels).task.classes == (str(2**53), str(2**53 + 1))


def test_inputs_and_targets_far_from_zero_keep_their_digits(read: Read) -> None:
    days = np.array([[20230101], [20230102], [20230103], [20230104]])
    train = in_memory(read(x=days, y=1e9 + days.reshape(-1) % 7 / 10).train)
    assert train.inputs.tolist() == days.tolist()
    assert train.targets.reshape(-1).tolist() == (1e9 + days.reshape(-1) % 7 / 10).tolist()


def test_a_note_says_that_float64_rounds_whole_numbers(read: Read) -> None:
    x = np.array([[2**53 + 1], [2**53 + 2], [2**63 - 1], [5]])
    assert read(x=x, y=TWO_CLASSES).notes == (
        f"x holds whole numbers such as {2**53 + 1}, which are rounded: float64 has about 16 digits",
    )
    assert read(x=x[3:].repeat(4, 0), y=TWO_CLASSES).notes == ()


def test_any_exception_of_a_damaged_archive_is_reported(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=FOUR_ROWS, y=TWO_CLASSES)
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 231  # the version of zip that it takes to read it
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"is not a readable \.npz file: zip file version 23\.1"):
        arrays(tmp_path / "a.npz", "auto")


def write_npy(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], content: bytes) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"shape": shape, "fortran_order": False, "descr": "<f8"})
    archive.writestr(f"{name}.npy", header.getvalue() + content)


def test_an_array_that_claims_more_than_the_file_holds_is_damaged(tmp_path: Path) -> None:
    """10^12 rows."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        write_npy(archive, "x", (10**12, 4), bytes(64))
        write_npy(archive, "y", (2,), bytes(16))
    with pytest.raises(DataError, match=r"x claims shape \(1000000000000, 4\), but the file holds only 192 B"):
        arrays(tmp_path / "a.npz", "auto")


def test_arrays_that_do_not_fit_in_memory_are_refused_before_they_are_decompressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gigabytes of zeros in a small file."""
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((1000, 100)), y=np.zeros(1000))
    reading = HostMonitor(os.getpid()).read()
    monkeypatch.setattr(HostMonitor, "read", lambda self: replace(reading, available_bytes=800_000))
    with pytest.raises(DataError, match=r"its arrays take 789 KiB of memory, but 781 KiB are free"):
        arrays(tmp_path / "a.npz", "auto")


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.npz")
    with pytest.raises(DataError, match="It is a FIFO"):
        arrays(tmp_path / "a.npz", "auto")
    with pytest.raises(DataError, match="File name too long"):
        arrays(tmp_path / ("a" * 300), "auto")

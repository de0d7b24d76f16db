"""What is said of data, against what was written into it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.errors import DataError
from workbench.processes.data import DataSummary, Lengths
from workbench.processes.messages import decode, encode
from workbench.settings import code
from workbench.settings.preset import Preset
from workbench.training.describing.pictures import MOST_NUMBERS, MOST_PIXELS
from workbench.training.describing.summary import MOST_CLASSES, summarize


def npz(folder: Path, **arrays: Any) -> list[str]:
    file = folder / "data.npz"
    np.savez(file, **arrays)
    return ["data.name=npz", f"data.file={json.dumps(str(file))}", "data.batch_size=4"]


def csv(folder: Path, text: str, target: str = "y") -> list[str]:
    file = folder / "data.csv"
    file.write_text(text)
    return ["data.name=csv", f"data.file={json.dumps(str(file))}", f"data.target={target}", "data.batch_size=4"]


def summary_of(overrides: list[str], samples: int = 6, seed: int = 0) -> DataSummary:
    found = summarize(Preset().override(overrides), samples, seed, lambda progress: None)
    assert decode(DataSummary, json.loads(encode(found))) == found, "it can be sent"
    return found


IRIS = ["data.name=iris", "data.batch_size=16"]


def test_classes_are_counted_in_every_split() -> None:
    found = summary_of(IRIS)
    assert (found.data, found.task, found.outputs) == ("iris", "classification", 3)
    assert {split.name: split.samples for split in found.splits} == {"train": 109, "validation": 19, "test": 22}
    assert [each.name for each in found.classes] == ["setosa", "versicolor", "virginica"]
    for split in found.splits:
        assert sum(each.counts[split.name] for each in found.classes) == split.samples
    assert sum(sum(each.counts.values()) for each in found.classes) == 150
    assert all(sum(each.counts.values()) == 50 for each in found.classes)
    assert (found.raw[0].shape, found.raw[0].type) == ([4], "float32")
    assert (found.model_input[0].shape, found.model_input[0].type) == ([4], "float32")
    assert found.encoding == "standardize"
    assert found.lengths is None


def test_a_row_has_the_names_of_the_columns_and_the_values_that_stand_in_the_data() -> None:
    from sklearn.datasets import load_iris

    rows = load_iris().data
    for sample in summary_of(IRIS).samples:
        assert sample.row is not None
        assert sample.row.names[0] == "sepal length (cm)"
        assert any(np.allclose(np.array(sample.row.values, float), row) for row in rows)
        assert len(sample.row.encoded) == 4


def test_numbers_are_those_of_the_training_split_in_the_datas_own_unit(tmp_path: Path) -> None:
    targets = np.array([[1.0], [2.0], [3.0], [4.0], [10.0]])
    found = summary_of(
        [
            *npz(
                tmp_path, x_train=np.ones((5, 2), np.float32), y_train=targets, x_test=np.ones((1, 2)), y_test=[[7.0]]
            ),
            "loss.name=mse",
            "validation.method=none",
        ]
    )
    [numbers] = found.numbers
    assert (numbers.name, numbers.lowest, numbers.highest, numbers.mean) == ("y_train", 1.0, 10.0, 4.0)
    assert numbers.deviation == pytest.approx(10**0.5)
    assert numbers.quantiles == pytest.approx({"5": 1.2, "25": 2.0, "50": 3.0, "75": 4.0, "95": 8.8})
    assert found.classes == []
    assert sorted(float(sample.target) for sample in found.samples) == [1.0, 2.0, 3.0, 4.0, 10.0]


def test_each_class_is_shown_once_before_another_comes_twice(tmp_path: Path) -> None:
    rare = np.array([0] * 90 + [1] * 8 + [2] * 2)
    overrides = [
        *npz(tmp_path, x=np.arange(100.0)[:, None], y=rare),
        "validation.method=none",
        "validation.test_fraction=0",
    ]
    assert [sample.target for sample in summary_of(overrides, samples=3).samples] == ["0", "1", "2"]
    targets = [sample.target for sample in summary_of(overrides, samples=9).samples]
    assert targets == ["0", "1", "2", "0", "1", "2", "0", "1", "0"]
    again, others = (summary_of(overrides, samples=9, seed=seed).samples for seed in (0, 1))
    assert again == summary_of(overrides, samples=9).samples
    assert others != again
    two = [sample.target for sample in summary_of(overrides, samples=2).samples]
    assert len(set(two)) == 2
    assert summary_of(overrides, samples=0).samples == []


def test_of_many_classes_the_largest_are_listed(tmp_path: Path) -> None:
    targets = np.repeat(np.arange(30), np.arange(30) + 2)
    found = summary_of([*npz(tmp_path, x=np.zeros((len(targets), 1)), y=targets), "validation.method=none"])
    assert [each.name for each in found.classes] == [str(29 - place) for place in range(MOST_CLASSES)]
    assert sum(found.classes[0].counts.values()) == 31
    assert found.more_classes == 10


def test_an_image_is_sent_as_it_is_where_it_is_small(tmp_path: Path) -> None:
    images = np.arange(8 * 3 * 4 * 5, dtype=np.uint8).reshape(8, 3, 4, 5)
    overrides = [*npz(tmp_path, x=images, y=np.arange(8) % 2), "validation.method=none", "validation.test_fraction=0"]
    overrides.append("data.channels=first")
    for sample in summary_of(overrides).samples:
        assert sample.image is not None
        assert (sample.image.channels, sample.image.height, sample.image.width) == (3, 4, 5)
        assert sample.image.pixels == images[sample.number].flatten().tolist()
        assert sample.image.black is None
        assert sample.row is None


def test_a_large_image_is_reduced_to_the_mean_of_its_parts(tmp_path: Path) -> None:
    image = np.zeros((1, 128, 256), np.uint8)
    image[:, :, 128:] = 200
    overrides = npz(tmp_path, x=np.stack([image] * 8), y=np.arange(8) % 2)
    found = summary_of([*overrides, "data.channels=first", "validation.method=none", "validation.test_fraction=0"])
    shown = found.samples[0].image
    assert shown is not None
    assert (shown.channels, shown.height, shown.width) == (1, MOST_PIXELS // 2, MOST_PIXELS)
    assert np.array_equal(np.reshape(shown.pixels, (32, 64)), np.repeat([[0] * 32 + [200] * 32], 32, axis=0))
    assert found.raw[0].shape == [1, 128, 256]


def test_numbers_that_are_no_pixels_are_scaled_and_the_scale_is_said(tmp_path: Path) -> None:
    images = np.linspace(-1.0, 3.0, 8 * 4, dtype=np.float32).reshape(8, 1, 2, 2)
    overrides = [*npz(tmp_path, x=images, y=np.arange(8) % 2), "validation.method=none", "validation.test_fraction=0"]
    for sample in summary_of([*overrides, "data.channels=first"]).samples:
        assert sample.image is not None
        assert sample.image.pixels == [0, 85, 170, 255]
        assert sample.image.black == pytest.approx(images[sample.number].min())
        assert sample.image.white == pytest.approx(images[sample.number].max())


def test_what_was_left_out_is_said_and_categories_are_columns(tmp_path: Path) -> None:
    rows = "".join(f"{number},{'red' if number % 2 else 'blue'},{number % 3 > 0}\n" for number in range(24))
    found = summary_of([*csv(tmp_path, f"size,colour,y\n{rows},red,True\n"), "data.missing=drop"])
    assert "left out 1 of 25 rows with missing values ('size' lacks 1)" in found.notes
    row = found.samples[0].row
    assert row is not None
    assert row.names == ["size", "colour=blue", "colour=red"]
    assert row.values[0] in range(24), "as it stands in the file, not as the model gets it"
    assert row.encoded[0] not in range(24)


def test_a_long_row_is_cut(tmp_path: Path) -> None:
    found = summary_of(npz(tmp_path, x=np.random.default_rng(0).random((40, 3000)), y=np.arange(40) % 2))
    row = found.samples[0].row
    assert row is not None
    assert len(row.names) == len(row.values) == len(row.encoded) == MOST_NUMBERS
    assert row.more == 3000 - MOST_NUMBERS
    assert row.names[:2] == ["[0]", "[1]"]


def test_the_device_and_the_batch_size_are_no_reason_not_to_look() -> None:
    found = summary_of([*IRIS, "data.batch_size=4096", "runtime.device=cuda", "runtime.precision=bf16"])
    assert found.data == "iris"


def test_a_loss_that_does_not_fit_the_data_is_a_note() -> None:
    summary = summary_of(["data.name=diabetes", "loss.name=cross_entropy"])
    assert summary.task == "regression"
    assert summary.notes[0].startswith("loss.name = 'cross_entropy' does not fit data that has numbers to predict")


def test_what_is_wrong_with_the_data_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no rows below its header"):
        summary_of(csv(tmp_path, "a,y\n"))


def test_a_million_rows_are_counted_and_few_are_sent(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x, y = random.random((1_000_000, 4), dtype=np.float32), random.integers(0, 3, 1_000_000)
    found = summary_of([*npz(tmp_path, x=x, y=y), "validation.stratified=false"], samples=6)
    assert sum(split.samples for split in found.splits) == 1_000_000
    assert sum(sum(each.counts.values()) for each in found.classes) == 1_000_000
    assert len(encode(found)) < 10_000


def test_tensors_by_name_are_rows_of_their_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "named_data.py").write_text(
        "import torch\n"
        "from workbench.data.samples import NamedInMemory, Samples, Task\n"
        "def read():\n"
        "    inputs = {'ids': torch.arange(48).reshape(16, 3), 'length': torch.full((16,), 3)}\n"
        "    return Samples(NamedInMemory(inputs, torch.arange(16) % 2), Task('classification', outputs=2))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    code.trust("named_data:read")
    overrides = ["data.name=module", "data.function=named_data:read", "data.batch_size=4", "model.name=module"]
    found = summary_of([*overrides, "model.function=named_data:read"])
    assert [(each.name, each.shape, each.type) for each in found.raw] == [
        ("ids", [3], "int64"),
        ("length", [], "int64"),
    ]
    row = found.samples[0].row
    assert row is not None
    assert row.names == ["ids[0]", "ids[1]", "ids[2]", "length"]
    first = 3 * found.samples[0].number
    assert row.values == [first, first + 1, first + 2, 3]
    assert row.encoded == []


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], list[str]]]:
    """Writes a module of the user's, and names it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.syspath_prepend(tmp_path)

    def write(text: str) -> list[str]:
        (tmp_path / "own_data.py").write_text(text)
        code.trust("own_data:read")
        return ["data.name=module", "data.function=own_data:read", "validation.stratified=false"]

    yield write
    sys.modules.pop("own_data", None)


LAZY = """
import torch
class Own(torch.utils.data.Dataset):
    classes = ["cat", "dog"]
    def __len__(self):
        return 40
    def __getitem__(self, index):
        return torch.full((5, 6), float(index)), index % 2
def read():
    return Own()
"""


def test_samples_that_are_read_one_by_one_are_not_counted(module: Callable[[str], list[str]]) -> None:
    found = summary_of(module(LAZY), samples=3)
    assert [(each.name, each.counts) for each in found.classes] == [("cat", {}), ("dog", {})]
    assert sum(split.samples for split in found.splits) == 40
    for sample in found.samples:
        assert sample.target in ("cat", "dog")
        assert sample.image is not None
        assert (sample.image.channels, sample.image.height, sample.image.width) == (1, 5, 6)
        assert sample.image.black == sample.image.white
        assert (sample.image.black or 0) % 2 == ("cat", "dog").index(sample.target)


COLLATED = """
import torch
from torch.nn.utils.rnn import pad_sequence
from workbench.data.samples import Lazy, Samples, Task
class Own:
    def __len__(self):
        return 40
    def __getitem__(self, index):
        return torch.full((index % 3 + 1,), index), torch.tensor(index % 2)
def collate(samples):
    return pad_sequence([ids for ids, _ in samples], True), torch.stack([target for _, target in samples])
def read():
    return Samples(Lazy(Own()), Task("classification", outputs=2), collate=collate)
"""


def test_samples_of_different_lengths_are_rows_of_their_own(module: Callable[[str], list[str]]) -> None:
    for sample in summary_of(module(COLLATED), samples=6).samples:
        assert sample.row is not None
        [value] = {int(each or 0) for each in sample.row.values}
        assert sample.row.names == [f"[{place}]" for place in range(value % 3 + 1)]
        assert sample.target == str(value % 2)


def test_of_a_cross_validation_it_is_said_which_fold_is_shown() -> None:
    k_fold = [*IRIS, "validation.method=k_fold"]
    shown = "the validation split is fold 0, and the other folds have as many"
    even = "validation.test_fraction=0"
    assert summary_of([*k_fold, even]).notes[-1] == shown
    assert summary_of([*k_fold, "validation.test_fraction=0.15"]).notes[-1] == f"{shown} or one sample less"
    assert summary_of([*IRIS, "validation.method=leave_one_out"]).notes[-1] == shown
    assert summary_of([*k_fold, "validation.fold=3"]).notes[-1] == "the validation split is fold 3"


def test_a_message_with_lengths_can_be_sent() -> None:
    lengths = Lengths("seconds", 0.1, 0.5, 0.9, 1.0, 40, limit=1.0, cut=2)
    assert decode(Lengths, json.loads(encode(lengths))) == lengths

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from workbench.data.samples import InMemory, Lazy, Samples, Task
from workbench.data.user import from_user
from workbench.errors import UserCodeError

X, Y = torch.rand(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])


class Listed(Dataset[Any]):
    """A map-style dataset of the given samples."""

    def __init__(self, samples: list[Any], **attributes: Any) -> None:
        self.samples = samples
        for name, value in attributes.items():
            setattr(self, name, value)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Any:
        return self.samples[index]


class Endless(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter(())


def image(value: int = 0, channels: int = 3) -> Tensor:
    return torch.full((channels, 4, 5), value, dtype=torch.uint8)


def read(result: object) -> Samples:
    return from_user(result, "mine:data")


def in_memory(split: object) -> InMemory:
    assert isinstance(split, InMemory)
    return split


def lazy(split: object) -> Lazy:
    assert isinstance(split, Lazy)
    return split


def test_samples_are_returned_unchanged() -> None:
    samples = Samples(InMemory(X, Y), Task("classification", 3))
    assert read(samples) is samples


@pytest.mark.parametrize(
    "result",
    [(X, Y), [X, Y], (X.numpy(), Y.numpy()), TensorDataset(X, Y), {"train": (X, Y)}, (X, Y.unsqueeze(1)), (X, Y.int())],
)
def test_tensors_and_arrays_are_held_in_memory(result: object) -> None:
    samples = read(result)
    train = in_memory(samples.train)
    assert torch.equal(train.inputs, X)
    assert torch.equal(train.targets, Y)
    assert (samples.task.kind, samples.task.classes) == ("classification", ("0", "1", "2"))


def test_the_second_of_three_datasets_is_for_validation() -> None:
    one, two, three = (X, Y), (X[:5], Y[:5]), (X[:4], Y[:4])
    samples = read([TensorDataset(*one), two, three])
    assert len(in_memory(samples.validation)) == 5
    assert len(in_memory(samples.test)) == 4
    samples = read((one, None, three))
    assert samples.validation is None
    assert len(in_memory(samples.test)) == 4
    samples = read({"train": one, "validation": two, "test": None})
    assert len(in_memory(samples.validation)) == 5
    assert samples.test is None


def test_two_datasets_need_names() -> None:
    """Most people return (train, validation), others (train, test)."""
    for result in (((X, Y), (X, Y)), [TensorDataset(X, Y), TensorDataset(X, Y)]):
        with pytest.raises(UserCodeError, match=r'two datasets.*return {"train": ..., "validation": ...} or'):
            read(result)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (torch.uint8, torch.uint8),
        (torch.float16, torch.float32),
        (torch.bool, torch.float32),
        (torch.float64, torch.float64),
        (torch.int64, torch.int64),
        (torch.int32, torch.int64),
        (torch.uint16, torch.int64),
    ],
)
def test_uint8_and_float64_stay_and_other_integers_become_int64(dtype: torch.dtype, expected: torch.dtype) -> None:
    """Token ids must not be standardised."""
    inputs = torch.ones(6, 3, 4, 4).to(dtype)
    samples = read((inputs, Y))
    assert in_memory(samples.train).inputs.dtype == expected
    whole = lazy(read(Listed([(inputs[0], 0), (inputs[1], 1)], classes=2)).train)
    assert whole[0][0].dtype == expected


def test_tensors_with_gradients_and_arrays_with_negative_strides_are_accepted() -> None:
    assert not in_memory(read((X.clone().requires_grad_(), Y)).train).inputs.requires_grad
    assert torch.equal(in_memory(read((X.numpy()[::-1], Y.numpy())).train).inputs, X.flip(0))


@pytest.mark.parametrize(
    ("targets", "outputs"), [(torch.rand(6), 1), (torch.rand(6, 1), 1), (torch.rand(6, 2).double(), 2)]
)
def test_floating_point_targets_are_a_regression(targets: Tensor, outputs: int) -> None:
    for result in ((X, targets), Listed(list(zip(X, targets, strict=True)))):
        samples = read(result)
        assert samples.task.kind == "regression"
        assert samples.task.outputs == len(samples.task.targets) == outputs
        inputs, target = samples.train[4]
        assert torch.equal(inputs, X[4])
        assert torch.equal(target, targets[4].reshape(-1))


@pytest.mark.parametrize("target", [1, np.int64(1), np.array(1), torch.tensor(1), torch.tensor([1]), True])
def test_a_class_may_be_any_whole_number(target: Any) -> None:
    samples = read(Listed([(image(), target)], classes=["cat", "dog"]))
    assert samples.task.classes == ("cat", "dog")
    found = samples.train[0][1]
    assert found.dtype == torch.int64
    assert found.shape == ()
    assert int(found) == 1


def test_classes_may_be_a_number_or_come_from_the_listed_targets() -> None:
    pairs = [(image(), 0), (image(), 2), (image(), 1)]
    assert read(Listed(pairs, classes=4)).task.outputs == 4
    samples = read(Listed(pairs, targets=[0, 2, 1]))
    assert samples.task.outputs == 3
    assert lazy(samples.train).targets is not None
    assert lazy(samples.train).targets.tolist() == [0, 2, 1]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "attributes",
    [{"targets": [1, 0]}, {"targets": [0]}, {"targets": ["a", "b"]}, {"targets": [0, 1], "target_transform": int}],
)
def test_listed_targets_are_ignored_if_samples_may_have_others(attributes: dict[str, Any]) -> None:
    assert lazy(read(Listed([(image(), 0), (image(), 1)], classes=2, **attributes)).train).targets is None


def test_a_subset_knows_the_classes_and_targets_of_its_dataset() -> None:
    listed = Listed([(image(i), i % 3) for i in range(6)], targets=[0, 1, 2, 0, 1, 2], classes=["a", "b", "c"])
    samples = read({"train": Subset(listed, [4, 0]), "test": Subset(Subset(listed, [5, 3, 1]), [0, 2])})
    assert samples.task.classes == ("a", "b", "c")
    assert lazy(samples.train).targets.tolist() == [1, 0]  # type: ignore[union-attr]
    assert [int(lazy(samples.test)[i][0][0, 0, 0]) for i in range(2)] == [5, 1]
    parts = read({"train": Subset(TensorDataset(X, Y), [0, 1]), "test": Subset(TensorDataset(X, Y), [2])})
    assert parts.task.outputs == 3
    assert torch.equal(in_memory(parts.test).inputs, X[2:3])


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "returned None; it must return a dictionary"),
        (3, "returned a int"),
        ("train", "returned a str"),
        (X, "returned a Tensor"),
        ({"test": (X, Y)}, r"a dictionary with the keys \['test'\]"),
        ({"train": (X, Y), "val": (X, Y)}, r"the keys \['train', 'val'\]"),
        ({"train": None}, "None for the training split"),
        ((X, Y, X, Y), "returned 4 things"),
        ((X, Y, X), "a Tensor for train"),
        (([1.0], [0]), "a list of float for train"),
        (Endless(), r"an IterableDataset \(Endless\)"),
        ({"train": (X, Y), "test": Endless()}, "IterableDataset .* for test"),
        (DataLoader(TensorDataset(X, Y)), "a DataLoader, but workbench makes the batches itself and needs its dataset"),
        (TensorDataset(X), "the TensorDataset holds 1 tensors"),
        ((X, Y[:3]), r"inputs have shape \(6, 3\), but targets \(3,\)"),
        ((X[:, 0], Y), r"inputs have shape \(6,\)"),
        ((X[:0], Y[:0]), r"inputs have shape \(0, 3\)"),
        ((X, torch.ones(6, 2).long()), r"targets have type torch.int64 and shape \(6, 2\)"),
        ((X, torch.zeros(6).long()), "only one class"),
        ((np.array([["a"]]), np.array([0])), "mine:data, train: a ndarray cannot be converted to a tensor"),
        ({"train": (X, Y), "test": (X[:, :2], Y)}, r"samples of test have shape \(2,\), those of train \(3,\)"),
        (
            {"train": (X, Y), "test": (X, Y.float())},
            "targets of test are 1 floating-point numbers per sample, those of train classes",
        ),
        ({"train": (X, Y), "test": (X, Y + 1)}, "mine:data, test: class 3 is not one of the 3 classes, 0 to 2"),
        ({"train": (X, Y * 5 + 2), "test": (X, Y)}, "test: class 0 is not one of the 3 classes, 2, 7, 12"),
        (Listed([(image(), 0)], classes="cat"), "attribute `classes` is a str; it must be the list"),
        (Listed([(image(), 0)], classes=len), "attribute `classes` is a builtin_function_or_method"),
        ({"train": (X, Y), "test": (X.byte(), Y)}, r"test are bytes \(uint8\), those of train floating-point numbers"),
        ({"train": (X.long(), Y), "test": (X, Y)}, "test are floating-point numbers, those of train whole numbers"),
        ((X.to(torch.complex64), Y), "mine:data, train: complex numbers cannot be trained on"),
        ((np.ma.masked_less(X.numpy(), 0.5), Y.numpy()), "train: a masked array has missing values"),
        ((X, torch.eye(3)[Y].to(torch.uint16)), r"They look one-hot: return class numbers"),
        (Listed([]), "the dataset is empty"),
        (Listed([(image(), 0)]), "give the dataset an attribute `classes`"),
        (Listed([image()]), "train, sample 0 is a Tensor; it must be a pair"),
        (Listed([{"image": image()}]), "sample 0 is a dict"),
        (Listed([(Image.new("RGB", (4, 4)), 0)]), "inputs are a Image; .*PILToTensor"),
        (Listed([(image(), "cat")]), "a str cannot be converted to a tensor"),
        (Listed([(image(), torch.tensor([0, 1]))]), r"its target has shape \(2,\) and type torch.int64"),
    ],
)
def test_an_unusable_result_is_reported_with_what_is_expected(result: object, message: str) -> None:
    with pytest.raises(UserCodeError, match=message):
        read(result)


def test_an_exception_of_a_dataset_is_reported_with_the_sample() -> None:
    class Broken(Listed):
        def __getitem__(self, index: int) -> Any:
            if index == 1:
                raise ZeroDivisionError("by zero")
            return super().__getitem__(index)

    with pytest.raises(UserCodeError, match="sample 1: reading it raised ZeroDivisionError: by zero"):
        read(Broken([(image(), 0), (image(), 1)], classes=2)).train[1]


@pytest.mark.parametrize(
    ("target", "message"),
    [(2, "sample 1: class 2 is not one of the 2 classes"), (0.5, "target of sample 1 is not a class")],
)
def test_a_later_sample_with_an_unknown_class_is_reported(target: Any, message: str) -> None:
    train = read(Listed([(image(), 0), (image(), target)], classes=2)).train
    with pytest.raises(UserCodeError, match=message):
        train[1]


def test_dataloader_workers_can_read_a_users_dataset() -> None:
    train = read(Listed([(image(i), i % 2) for i in range(4)], classes=2)).train
    loader: DataLoader[Any] = DataLoader(train, batch_size=4, num_workers=1)  # type: ignore[arg-type]
    inputs, targets = next(iter(loader))
    assert inputs.shape == (4, 3, 4, 5)
    assert targets.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(("low", "step", "names"), [(2, 5, ("2", "7", "12")), (1, 1, ("1", "2", "3")), (-1, 1, None)])
def test_labels_with_gaps_are_encoded_and_become_names(low: int, step: int, names: tuple[str, ...] | None) -> None:
    """Labels that start at 1 do not add a class 0."""
    labels = low + step * Y
    pairs = [(image(), int(label)) for label in labels]
    for result in ((X, labels), TensorDataset(X, labels), Listed(pairs, targets=labels.tolist())):
        samples = read({"train": result, "test": result})
        assert samples.task.classes == (names or ("-1", "0", "1"))
        for split in (samples.train, samples.test):
            assert split is not None
            assert split.targets is not None
            assert split.targets.tolist() == Y.tolist()
            assert [int(split[index][1]) for index in range(6)] == Y.tolist()
        assert "targets are whole numbers, so they are 3 classes" in samples.notes[0]


def test_there_is_no_note_on_labels_without_gaps() -> None:
    assert read((X, Y)).notes == ()


def test_whole_numbers_that_mostly_occur_once_are_not_classes() -> None:
    """Targets 0, 1000, 2000 ... do not make thousands of classes."""
    many = torch.arange(97)
    for targets in (many * 1000, many, many - 40):
        inputs = torch.zeros(len(targets), 3)
        with pytest.raises(
            UserCodeError, match=r"whole numbers \(torch.int64\), so they are classes.*targets.float\(\)"
        ):
            read((inputs, targets))


def test_many_whole_numbers_are_classes_with_a_note() -> None:
    """Ages from 17 to 90 as int64."""
    ages = torch.arange(17, 91).repeat(3)
    samples = read((torch.zeros(len(ages), 3), ages))
    assert samples.task.outputs == 74
    assert samples.notes == (
        "targets are whole numbers, so they are 74 classes (17, 18, 19, … 90); "
        "floating-point targets make a regression",
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_the_error_on_one_hot_targets_says_what_to_return(dtype: torch.dtype) -> None:
    one_hot = torch.eye(3, dtype=dtype)[Y]
    rows = list(zip(X, one_hot, strict=True))
    for result in ((X, one_hot), Listed(rows), Listed(rows, targets=one_hot)):
        with pytest.raises(UserCodeError, match=r"look one-hot.*targets.argmax\(1\)"):
            read(result)


def test_several_numbers_to_predict_may_begin_with_zeros_and_a_one() -> None:
    targets = torch.eye(3)[Y]
    targets[4] = torch.tensor([0.5, 2.0, 0.0])
    assert read((X, targets)).task.kind == "regression"
    assert read(Listed(list(zip(X, targets, strict=True)))).task.kind == "regression"


def test_uint8_with_channels_last_is_converted_with_a_note() -> None:
    """(16, 16, 3) is not read as 16 channels of 16 × 3."""
    pixels = torch.arange(6 * 5 * 4 * 3, dtype=torch.uint8).reshape(6, 5, 4, 3)
    pairs = [(image.numpy(), int(label)) for image, label in zip(pixels, Y, strict=True)]
    for result in ((pixels.numpy(), Y.numpy()), Listed(pairs, classes=3)):
        samples = read(result)
        assert torch.equal(samples.train[2][0], pixels[2].permute(2, 0, 1))
        assert samples.notes == (
            "samples of shape (5, 4, 3) are read as 3 channels of 5 × 4, channels last; data.channels changes this",
        )


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((16, 16, 13), torch.uint8),
        ((16, 16, 3), torch.float32),
        ((16, 16, 3), torch.int64),
        ((8, 8, 8), torch.uint8),
    ],
)
def test_ambiguous_channels_need_a_setting(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    inputs = torch.zeros(6, *shape).to(dtype)
    with pytest.raises(
        UserCodeError, match=r'set data.channels = "last" to move the channels first, or "first" to leave'
    ):
        read((inputs, Y))
    for result in ((inputs, Y), Listed(list(zip(inputs, Y.tolist(), strict=True)), classes=3)):
        assert from_user(result, "mine:data", "first").train[0][0].shape == shape
        assert from_user(result, "mine:data", "last").train[0][0].shape == (shape[2], *shape[:2])


def test_a_note_says_that_uint8_rows_are_read_as_pixels() -> None:
    assert "inputs are bytes" in read((torch.zeros(6, 12, dtype=torch.uint8), Y)).notes[0]


def named(classes: list[str], labels: list[int]) -> Listed:
    return Listed([(image(label), label) for label in labels], classes=classes, targets=labels)


def test_a_validation_set_with_fewer_or_reordered_classes_is_matched_by_name() -> None:
    """The class b is 1 in one split and 0 in the other."""
    train = named(["a", "b", "c"], [0, 1, 2])
    samples = read(
        {
            "train": train,
            "validation": named(["b", "c"], [0, 1, 1]),
            "test": Subset(named(["c", "a", "b"], [0, 1, 2]), [2, 1, 0]),
        }
    )
    for split, expected in ((samples.validation, [1, 2, 2]), (samples.test, [1, 0, 2])):
        assert split is not None
        assert split.targets is not None
        assert split.targets.tolist() == expected
        assert [int(split[index][1]) for index in range(3)] == expected
    assert samples.notes == (
        "validation lacks 'a' and numbers its classes differently from train: matched by name",
        "test numbers its classes differently from train: matched by name",
    )


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["b", "d"], "'d' is not one of the training split's 3, 'a', 'b', 'c'"),
        (["a", "a", "b"], "some occur twice"),
    ],
)
def test_a_validation_set_with_unknown_classes_is_refused(classes: list[str], message: str) -> None:
    with pytest.raises(UserCodeError, match=message):
        read({"train": named(["a", "b", "c"], [0, 1, 2]), "validation": named(classes, [0, 1])})


def test_a_validation_label_without_a_name_is_refused() -> None:
    samples = read({"train": Listed([(image(), 0)], classes=["a", "b"]), "test": Listed([(image(), 1)], classes=["b"])})
    with pytest.raises(UserCodeError, match="test, sample 0: class 1 is not one of the 1 classes"):
        lazy(samples.test)[0]

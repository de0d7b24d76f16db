"""NaN and infinity are refused in every split, before training."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from workbench.data import finite
from workbench.data.finite import check_finite, not_finite
from workbench.data.samples import InMemory, Lazy, Samples, Task
from workbench.errors import DataError

NUMBERS = Task("regression", 1, targets=("y",))


def split(inputs: Tensor | None = None, targets: Tensor | None = None) -> InMemory:
    return InMemory(torch.zeros(6, 3) if inputs is None else inputs, torch.zeros(6, 1) if targets is None else targets)


def with_value(shape: tuple[int, ...], position: tuple[int, ...], value: float) -> Tensor:
    tensor = torch.zeros(shape, dtype=torch.float64)
    tensor[position] = value
    return tensor


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e39])
@pytest.mark.parametrize("name", ["train", "validation", "test"])
def test_an_input_that_is_not_finite_is_reported_with_split_sample_and_position(name: str, value: float) -> None:
    bad = split(with_value((6, 3), (4, 1), value))
    splits = {"train": split(), "validation": split(), "test": split()} | {name: bad}
    full = {"train": "training"}.get(name, name)
    with pytest.raises(DataError, match=rf"sample 4 of the {full} split holds {value} at \(1,\)".replace("+", "\\+")):
        check_finite(Samples(splits["train"], NUMBERS, validation=splits["validation"], test=splits["test"]))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_target_that_is_not_finite_is_reported_before_splitting(value: float) -> None:
    targets = with_value((6, 1), (5, 0), value)
    for train in (split(targets=targets), Lazy(split(), targets)):
        with pytest.raises(DataError, match=rf"target of sample 5 of the data .counted from 0. is {value}"):
            check_finite(Samples(train, NUMBERS))


def test_bytes_ids_and_finite_numbers_pass() -> None:
    for inputs in (torch.zeros(6, 3), torch.zeros(6, 3).byte(), torch.zeros(6, 3).long(), torch.full((6, 3), 3e38)):
        check_finite(Samples(split(inputs), NUMBERS))


def test_large_arrays_are_checked_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finite, "CHUNK_NUMBERS", 4)
    numbers = with_value((6, 2, 2), (3, 0, 1), math.inf)
    assert not_finite(numbers) == (math.inf, (3, 0, 1))
    assert not_finite(torch.zeros(6, 2, 2)) is None

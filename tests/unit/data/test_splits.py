from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from workbench.data.samples import InMemory, Lazy, Samples, Split, Task
from workbench.data.splits import Splits, hold_out, no_validation, predefined_split
from workbench.errors import DataError, PresetError


def samples_of(counts: list[int], *, own_test: bool = False, own_validation: bool = False) -> Samples:
    """The given number of samples of each class, shuffled; the input of each is its index."""
    targets = torch.cat([torch.full((count,), number) for number, count in enumerate(counts)])
    targets = targets[torch.randperm(len(targets), generator=torch.Generator().manual_seed(1))]
    train = InMemory(torch.arange(len(targets)).float().unsqueeze(1), targets)
    apart = InMemory(torch.full((3, 1), -1.0), torch.zeros(3, dtype=torch.int64))
    task = Task("classification", len(counts), classes=tuple(f"class{number}" for number in range(len(counts))))
    return Samples(train, task, validation=apart if own_validation else None, test=apart if own_test else None)


def numbers_of(split: Split | None) -> list[int]:
    assert isinstance(split, InMemory)
    return split.inputs[:, 0].int().tolist()


def targets_of(split: Split | None) -> Tensor:
    assert split is not None
    assert split.targets is not None
    return split.targets


@settings(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.integers(12, 60), min_size=2, max_size=4),
    fraction=st.floats(0.1, 0.6),
    test_fraction=st.floats(0.1, 0.6),
    stratified=st.booleans(),
    seed=st.integers(0, 2**31 - 1),
)
def test_splits_are_disjoint_and_complete(
    counts: list[int], fraction: float, test_fraction: float, stratified: bool, seed: int
) -> None:
    splits = hold_out(samples_of(counts), fraction, test_fraction, stratified, seed)
    parts = [numbers_of(split) for split in (splits.train, splits.validation, splits.test)]
    assert sorted(number for part in parts for number in part) == list(range(sum(counts)))
    assert len(parts[2]) == round(sum(counts) * test_fraction)
    assert len(parts[1]) == round((sum(counts) - len(parts[2])) * fraction)


@settings(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.integers(12, 60), min_size=2, max_size=4), fraction=st.floats(0.1, 0.6), seed=st.integers(0, 99)
)
def test_stratified_splits_keep_class_fractions_within_one_sample(
    counts: list[int], fraction: float, seed: int
) -> None:
    splits = hold_out(samples_of(counts), fraction, 0.0, True, seed)
    validation = targets_of(splits.validation)
    share = len(validation) / sum(counts)
    for found, count in zip(validation.bincount(minlength=len(counts)).tolist(), counts, strict=True):
        assert abs(found - count * share) < 1


@pytest.mark.parametrize("stratified", [True, False])
def test_the_test_split_does_not_depend_on_the_validation_method(stratified: bool) -> None:
    samples = samples_of([40, 50], own_validation=True)
    ways: list[Callable[[], Splits]] = [
        lambda: hold_out(samples, 0.1, 0.2, stratified, 7),
        lambda: hold_out(samples, 0.5, 0.2, stratified, 7),
        lambda: predefined_split(samples, 0.2, stratified, 7),
        lambda: no_validation(samples, 0.2, stratified, 7),
    ]
    tests = [numbers_of(way().test) for way in ways]
    assert tests == [tests[0]] * len(ways)
    assert len(tests[0]) == 18
    assert numbers_of(hold_out(samples, 0.1, 0.2, stratified, 8).test) != tests[0]


def test_the_seed_determines_the_splits_and_global_generators_are_not_used() -> None:
    samples = samples_of([40, 50])
    state = torch.get_rng_state()
    first, second = (hold_out(samples, 0.2, 0.2, True, 3) for _ in range(2))
    assert numbers_of(first.validation) == numbers_of(second.validation)
    assert numbers_of(hold_out(samples, 0.2, 0.2, True, 4).validation) != numbers_of(first.validation)
    assert torch.equal(torch.get_rng_state(), state)


def test_splits_that_come_with_the_data_are_kept() -> None:
    samples = samples_of([10, 10], own_test=True, own_validation=True)
    splits = predefined_split(samples, 0.3, True, 0)
    assert splits == Splits(samples.train, samples.validation, samples.test)
    assert no_validation(samples, 0.3, True, 0) == Splits(samples.train, None, samples.test)
    assert hold_out(samples, 0.2, 0.3, True, 0).test is samples.test


def test_without_a_test_fraction_there_is_no_test_split() -> None:
    assert hold_out(samples_of([10, 10]), 0.2, 0.0, True, 0).test is None
    splits = no_validation(samples_of([10, 10]), 0.0, True, 0)
    assert splits.test is None
    assert numbers_of(splits.train) == list(range(20))


def test_predefined_needs_a_validation_split() -> None:
    with pytest.raises(PresetError, match=r'validation.method = "predefined", but .* use "holdout"'):
        predefined_split(samples_of([10, 10]), 0.0, True, 0)


def test_a_class_of_one_sample_allows_only_splits_without_strata() -> None:
    samples = samples_of([30, 1])
    with pytest.raises(DataError, match=r"class 'class1' has 1 sample .*validation.stratified = false"):
        hold_out(samples, 0.2, 0.0, True, 0)
    assert len(numbers_of(hold_out(samples, 0.2, 0.0, False, 0).validation)) == 6


def test_a_split_too_small_for_each_class_is_reported() -> None:
    with pytest.raises(DataError, match=r"a split of 2 samples for 3 classes, .*validation.stratified = false"):
        hold_out(samples_of([5, 5, 5]), 0.15, 0.0, True, 0)


@pytest.mark.parametrize(
    ("count", "fraction", "test_fraction", "message"),
    [
        (3, 0.1, 0.0, r"validation.fraction = 0.1 of 3 samples"),
        (3, 0.9, 0.0, r"validation.fraction = 0.9 of 3 samples"),
        (3, 0.5, 0.1, r"validation.test_fraction = 0.1 of 3 samples"),
        (2, 0.5, 0.5, r"validation.fraction = 0.5 of 1 samples"),
    ],
)
def test_an_empty_split_is_reported_with_the_numbers(
    count: int, fraction: float, test_fraction: float, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        hold_out(samples_of([count]), fraction, test_fraction, False, 0)


def test_regressions_and_unknown_classes_are_split_without_strata() -> None:
    numbers = InMemory(torch.zeros(10, 2), torch.rand(10, 1))
    splits = hold_out(Samples(numbers, Task("regression", 1)), 0.2, 0.2, True, 0)
    assert (len(splits.train), len(splits.validation or ()), len(splits.test or ())) == (6, 2, 2)
    unknown = Lazy(samples_of([5, 5]).train)
    splits = hold_out(Samples(unknown, Task("classification", 2)), 0.2, 0.2, True, 0)
    assert isinstance(splits.train, Lazy)
    assert len(splits.train) == 6


def test_lazy_samples_are_split_like_samples_in_memory() -> None:
    whole = samples_of([20, 30])
    lazy = Samples(Lazy(whole.train, whole.train.targets), whole.task)
    expected, found = (hold_out(samples, 0.2, 0.2, True, 0) for samples in (whole, lazy))
    assert found.validation is not None
    assert [int(found.validation[i][0]) for i in range(len(found.validation))] == numbers_of(expected.validation)
    assert torch.equal(targets_of(found.validation), targets_of(expected.validation))

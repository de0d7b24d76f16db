from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from workbench.data.samples import InMemory, Lazy, Samples, Split, Task
from workbench.data.splits import Splits, hold_out, k_fold, leave_one_out, no_validation, predefined_split
from workbench.errors import DataError, PresetError
from workbench.settings.validation import LeaveOneOut


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
        lambda: k_fold(samples, 5, 3, 0.2, stratified, 7),
        lambda: leave_one_out(samples, 9, 0.2, stratified, 7, None),
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


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(10, 60), min_size=2, max_size=4),
    folds=st.integers(2, 6),
    test_fraction=st.sampled_from([0.0, 0.2]),
    stratified=st.booleans(),
    seed=st.integers(0, 2**31 - 1),
)
def test_folds_leave_each_sample_out_once_and_the_test_split_never_changes(
    counts: list[int], folds: int, test_fraction: float, stratified: bool, seed: int
) -> None:
    samples = samples_of(counts)
    splits = [k_fold(samples, folds, fold, test_fraction, stratified, seed) for fold in range(folds)]
    test = numbers_of(splits[0].test) if test_fraction else []
    left_out = [numbers_of(each.validation) for each in splits]
    assert sorted(number for fold in left_out for number in fold) == sorted(set(range(sum(counts))) - set(test))
    for each, fold in zip(splits, left_out, strict=True):
        assert sorted([*numbers_of(each.train), *fold, *test]) == list(range(sum(counts)))
        assert (numbers_of(each.test) if test_fraction else []) == test
    sizes = [len(fold) for fold in left_out]
    assert max(sizes) - min(sizes) <= (len(counts) if stratified else 1)


def test_stratified_folds_have_equally_many_of_each_class() -> None:
    samples = samples_of([25, 50])
    for fold in range(5):
        splits = k_fold(samples, 5, fold, 0.0, True, 3)
        assert targets_of(splits.validation).bincount().tolist() == [5, 10]
        assert targets_of(splits.train).bincount().tolist() == [20, 40]


def test_the_same_seed_gives_the_same_folds_and_another_seed_others() -> None:
    samples = samples_of([20, 20])
    first, again, other = (numbers_of(k_fold(samples, 4, 1, 0.2, True, seed).validation) for seed in (3, 3, 4))
    assert first == again != other


@pytest.mark.parametrize(
    ("counts", "folds", "stratified", "message"),
    [
        ([30, 4], 5, True, r"validation.folds = 5, but class 'class1' has only 4 samples to divide; choose at most 4"),
        ([30, 1], 5, True, r"class 'class1' has only 1 sample to divide; add samples, or set validation.stratified"),
        ([3, 2], 6, False, r"validation.folds = 6, but there are only 5 samples to divide"),
    ],
)
def test_more_folds_than_there_is_to_divide_are_refused(
    counts: list[int], folds: int, stratified: bool, message: str
) -> None:
    with pytest.raises(PresetError, match=message):
        k_fold(samples_of(counts), folds, 0, 0.0, stratified, 0)


def test_a_class_without_samples_does_not_count_as_the_smallest() -> None:
    assert len(k_fold(samples_of([10, 0, 10]), 5, 0, 0.0, True, 0).validation or ()) == 4


def test_a_small_class_can_be_divided_without_strata() -> None:
    splits = [k_fold(samples_of([30, 4]), 17, fold, 0.0, False, 0) for fold in range(17)]
    assert sorted(number for each in splits for number in numbers_of(each.validation)) == list(range(34))


def test_numbers_and_classes_that_are_not_known_are_divided_without_strata() -> None:
    numbers = Samples(InMemory(torch.zeros(10, 2), torch.rand(10, 1)), Task("regression", 1))
    unknown = Samples(Lazy(samples_of([5, 5]).train), Task("classification", 2))
    for samples in (numbers, unknown):
        sizes = [len(k_fold(samples, 4, fold, 0.0, True, 0).validation or ()) for fold in range(4)]
        assert sizes == [3, 3, 2, 2]


def test_leave_one_out_leaves_out_the_sample_of_that_number() -> None:
    samples = samples_of([6, 7])
    splits = [leave_one_out(samples, fold, 0.0, True, 0, None) for fold in range(13)]
    assert [numbers_of(each.validation) for each in splits] == [[fold] for fold in range(13)]
    assert numbers_of(splits[5].train) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12]
    with pytest.raises(PresetError, match=r"validation.fold = 13, but there are only 13 samples, numbered from 0"):
        leave_one_out(samples, 13, 0.0, True, 0, None)


def test_leave_one_out_of_many_samples_is_refused_with_its_cost_unless_allowed_or_for_one_fold() -> None:
    samples = samples_of([1500, 1500])
    everything = LeaveOneOut(test_fraction=0.0)
    with pytest.raises(
        PresetError, match=r"a model for each of 3,000 samples, .* reads 8,997,000 samples; .*validation.allow_large"
    ):
        everything.build(samples)
    assert len(everything.model_copy(update={"allow_large": True}).build(samples).train) == 2999
    assert numbers_of(everything.at(2500).build(samples).validation) == [2500]


def test_leave_one_out_of_a_single_sample_leaves_nothing_to_train_on() -> None:
    with pytest.raises(DataError, match="at least 2 samples besides the test split"):
        leave_one_out(samples_of([1]), 0, 0.0, True, 0, None)

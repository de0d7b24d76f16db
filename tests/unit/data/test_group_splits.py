"""No group is on both sides of a split, whatever the method, and fractions and classes are kept as well as can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tests.unit.data.test_splits import numbers_of, targets_of
from workbench.data import group_splits
from workbench.data.samples import InMemory, Lazy, Samples, Split, Task
from workbench.data.splits import Splits, hold_out, k_fold, leave_one_out, no_validation, predefined_split
from workbench.errors import DataError, PresetError


def samples_of(groups: Tensor, targets: Tensor, *, kind: str = "classification") -> Samples:
    """The input of each sample is its number."""
    train = InMemory(torch.arange(len(groups)).float().unsqueeze(1), targets)
    if kind == "regression":
        return Samples(train, Task("regression", 1), groups=groups)
    names = tuple(f"class{number}" for number in range(int(targets.max()) + 1))
    return Samples(train, Task("classification", len(names), classes=names), groups=groups)


def voices(count: int, classes: int = 4, each: int = 1) -> Samples:
    """`count` groups, each with `each` samples of each class, shuffled."""
    groups = torch.arange(count).repeat_interleave(classes * each)
    targets = torch.arange(classes).repeat(count * each)
    order = torch.randperm(len(groups), generator=torch.Generator().manual_seed(1))
    return samples_of(groups[order], targets[order])


def groups_in(samples: Samples, split: Split | None) -> set[int]:
    assert samples.groups is not None
    return set(samples.groups[torch.tensor(numbers_of(split))].tolist())


def ways(samples: Samples, stratified: bool, seed: int) -> dict[str, Callable[[], Splits]]:
    return {
        "hold_out": lambda: hold_out(samples, 0.2, 0.3, stratified, seed),
        "none": lambda: no_validation(samples, 0.3, stratified, seed),
        "k_fold": lambda: k_fold(samples, 4, 2, 0.3, stratified, seed),
        "k_fold without a test": lambda: k_fold(samples, 4, 0, 0.0, stratified, seed),
        "hold_out without a test": lambda: hold_out(samples, 0.6, 0.0, stratified, seed),
    }


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=20, max_size=40),
    seed=st.integers(0, 2**31 - 2),
    kind=st.sampled_from(["classification", "regression"]),
)
def test_splits_are_disjoint_by_group_and_complete(sizes: list[int], seed: int, kind: str) -> None:
    """Any sizes of groups, any classes: with strata where each class is in enough groups, and without.

    Of 20 groups, a test split of 30 % of the samples always leaves enough for the folds.
    """
    groups = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(0, 2, (len(groups),), generator=generator)
    samples = samples_of(groups, targets if kind == "classification" else targets.double().unsqueeze(1), kind=kind)
    for name, way in ways(samples, kind == "regression", seed).items():
        splits = way()
        parts = [split for split in (splits.train, splits.validation, splits.test) if split is not None]
        owners = [groups_in(samples, part) for part in parts]
        assert sum(map(len, owners)) == len(set.union(*owners)) == len(sizes), name
        assert sorted(number for part in parts for number in numbers_of(part)) == list(range(len(groups))), name
        assert all(owners), name


@pytest.mark.parametrize("count", [12, 60, 700])
def test_fractions_are_kept_as_closely_as_groups_allow_and_classes_exactly(count: int) -> None:
    samples = voices(count)
    splits = hold_out(samples, 0.15, 0.2, True, 3)
    step = max(0.03, 0.65 / count)  # of few groups, half of one
    assert abs(len(splits.test or ()) / len(samples.train) - 0.2) <= step
    rest = len(samples.train) - len(splits.test or ())
    assert abs(len(splits.validation or ()) / rest - 0.15) <= step
    for split in (splits.train, splits.validation, splits.test):
        counts = targets_of(split).bincount(minlength=4)
        assert counts.min() == counts.max()


def test_classes_keep_their_fractions_where_each_group_has_one_class() -> None:
    groups = torch.arange(100).repeat_interleave(3)
    targets = (groups % 10 < 3).long()
    splits = hold_out(samples_of(groups, targets), 0.2, 0.2, True, 0)
    for split in (splits.train, splits.validation, splits.test):
        assert abs(float(targets_of(split).double().mean()) - 0.3) < 0.05


def test_folds_leave_out_each_group_once() -> None:
    samples = voices(10)
    splits = [k_fold(samples, 5, fold, 0.0, True, 7) for fold in range(5)]
    left_out = [groups_in(samples, each.validation) for each in splits]
    assert sorted(group for fold in left_out for group in fold) == list(range(10))
    for each, fold in zip(splits, left_out, strict=True):
        assert groups_in(samples, each.train) == set(range(10)) - fold
        assert targets_of(each.validation).bincount().tolist() == [2, 2, 2, 2]


def test_as_many_folds_as_groups_leave_out_one_at_a_time() -> None:
    samples = voices(6)
    left_out = [groups_in(samples, k_fold(samples, 6, fold, 0.0, True, 0).validation) for fold in range(6)]
    assert sorted(map(min, left_out)) == list(range(6))
    assert all(len(fold) == 1 for fold in left_out)
    with pytest.raises(PresetError, match=r"validation.folds = 7, but the samples are of only 6 groups"):
        k_fold(samples, 7, 0, 0.0, True, 0)


def test_leave_one_out_is_refused_with_what_to_do_instead() -> None:
    samples = voices(6)
    for test_fraction, folds in ((0.0, 6), (0.3, 4)):
        message = (
            rf"others of its group .*\"k_fold\": with validation.folds = {folds} it leaves out one group at a time"
        )
        with pytest.raises(PresetError, match=message):
            leave_one_out(samples, 0, test_fraction, True, 0, None)
        left_out = [k_fold(samples, folds, fold, test_fraction, True, 0).validation for fold in range(folds)]
        assert all(len(groups_in(samples, split)) == 1 for split in left_out)


def test_the_test_split_does_not_depend_on_the_method_and_the_seed_decides() -> None:
    samples = replace(voices(30), validation=voices(2).train)
    tests = [
        numbers_of(splits.test)
        for splits in (
            hold_out(samples, 0.1, 0.2, True, 7),
            hold_out(samples, 0.5, 0.2, True, 7),
            predefined_split(samples, 0.2, True, 7),
            no_validation(samples, 0.2, True, 7),
            k_fold(samples, 5, 3, 0.2, True, 7),
        )
    ]
    assert tests == [tests[0]] * 5
    assert numbers_of(hold_out(samples, 0.1, 0.2, True, 8).test) != tests[0]


def test_lazy_samples_are_split_like_samples_in_memory() -> None:
    whole = voices(12)
    lazy = replace(whole, train=Lazy(whole.train, whole.train.targets))
    expected, found = (hold_out(samples, 0.2, 0.2, True, 0).validation for samples in (whole, lazy))
    assert found is not None
    assert [int(found[index][0]) for index in range(len(found))] == numbers_of(expected)


def test_many_groups_are_bundled_and_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_splits, "MOST_DIVIDED", 25)
    samples = voices(300)
    splits = hold_out(samples, 0.2, 0.2, True, 0)
    owners = [groups_in(samples, split) for split in (splits.train, splits.validation, splits.test)]
    assert sum(map(len, owners)) == len(set.union(*owners)) == 300
    assert len(splits.test or ()) == pytest.approx(240, abs=24)
    folds = [groups_in(samples, k_fold(samples, 30, fold, 0.0, True, 0).validation) for fold in range(30)]
    assert all(folds)


def test_a_single_group_cannot_be_split() -> None:
    samples = voices(1, each=10)
    with pytest.raises(DataError, match=r"validation.test_fraction = 0.2 .* all samples are of one group"):
        no_validation(samples, 0.2, True, 0)
    assert len(no_validation(samples, 0.0, True, 0).train) == 40


def test_a_class_of_a_single_group_is_named() -> None:
    groups = torch.arange(10).repeat_interleave(4)
    samples = samples_of(groups, (groups == 3).long())
    with pytest.raises(DataError, match=r"all samples of class 'class1' are of one group .*stratified = false"):
        hold_out(samples, 0.2, 0.0, True, 0)
    with pytest.raises(DataError, match="class 'class1'"):
        k_fold(samples, 5, 0, 0.0, True, 0)
    assert len(hold_out(samples, 0.2, 0.0, False, 0).validation or ()) == 8


def test_a_class_of_which_nothing_is_left_to_train_on_is_named() -> None:
    """Three groups are split off of four, two of each class: none is left of one of them."""
    groups = torch.arange(4).repeat_interleave(4)
    samples = samples_of(groups, (groups >= 2).long())
    with pytest.raises(DataError, match=r"validation.fraction = 0.75 leaves no sample of class 'class[01]' to train"):
        hold_out(samples, 0.75, 0.0, True, 0)


@pytest.mark.parametrize("stratified", [True, False])
def test_a_group_that_is_larger_than_the_fraction_stays_in_training(stratified: bool) -> None:
    """110 of 136 samples are of one group: of the others, 10 % are taken one by one."""
    groups = torch.cat([torch.zeros(110, dtype=torch.int64), torch.arange(1, 27)])
    samples = samples_of(groups, torch.arange(136) % 2)
    for seed in range(5):
        splits = hold_out(samples, 0.1, 0.1, stratified, seed)
        assert [len(split or ()) for split in (splits.train, splits.validation, splits.test)] == [110, 12, 14]
        assert splits.notes == ()
        assert 0 in groups_in(samples, splits.train)


def test_a_fraction_that_groups_do_not_allow_is_said() -> None:
    groups = torch.arange(2).repeat_interleave(torch.tensor([60, 40]))
    splits = no_validation(samples_of(groups, torch.arange(100) % 2), 0.1, True, 0)
    assert len(splits.test or ()) == 40
    assert splits.notes == (
        "validation.test_fraction asks for 10% of 100 samples, but 40 (40%) are split off, because groups (speakers or "
        "recordings) are not divided",
    )
    groups = torch.arange(5).repeat_interleave(torch.tensor([40, 6, 6, 6, 6]))
    folds = [k_fold(samples_of(groups, torch.arange(64) % 2), 5, fold, 0.0, True, 0) for fold in range(5)]
    notes = {len(fold.validation or ()): fold.notes for fold in folds}
    assert notes[40][0].startswith("validation.folds = 5 asks for 20% of 64 samples, but 40 (62%) are split off")


def test_more_folds_than_a_class_has_samples_are_refused() -> None:
    samples = samples_of(torch.arange(18), torch.arange(18) % 3)
    with pytest.raises(PresetError, match=r"validation.folds = 8, but no class has more than 6 samples .*at most 6"):
        k_fold(samples, 8, 0, 0.0, True, 0)
    assert len(k_fold(samples, 6, 0, 0.0, True, 0).validation or ()) == 3
    assert len(k_fold(samples, 8, 0, 0.0, False, 0).validation or ()) in (2, 3)


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.2, 0.5])
def test_few_samples_of_many_groups_are_split_by_any_fraction(fraction: float) -> None:
    samples = samples_of(torch.arange(18), torch.arange(18) % 3)
    assert len(hold_out(samples, fraction, 0.0, True, 0).validation or ()) == pytest.approx(18 * fraction, abs=0.9)

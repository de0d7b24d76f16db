"""Splits samples into training, validation and test.

The test split comes first and depends only on its own fraction and the seed, so that it holds the same samples for
every validation method. Samples of one group, such as a speaker's, are always in one split, see `group_splits`. One
long text is never split at random: the parts that come with it are used, by each method.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from workbench.data.group_splits import deviation_note, group_fold, split_off_groups
from workbench.data.samples import Samples, Split
from workbench.errors import DataError, PresetError


@dataclass(frozen=True)
class Splits:
    """Disjoint samples: for training, for choosing the best epoch, and for one test at the end."""

    train: Split
    validation: Split | None
    test: Split | None
    notes: tuple[str, ...] = ()
    """What the user should know about how samples were split."""

    def map(self, change: Callable[[Split], Split]) -> Splits:
        """Applies `change` to each split."""
        return Splits(
            change(self.train),
            None if self.validation is None else change(self.validation),
            None if self.test is None else change(self.test),
            self.notes,
        )


def hold_out(samples: Samples, fraction: float, test_fraction: float, stratified: bool, seed: int) -> Splits:
    """Holds out a fraction of the training samples for validation.

    Where a setting of the data names samples for it, these are taken; of one long text the part that comes with it.
    Raises DataError if a split would be empty, or a class is too small for a stratified split; PresetError if a long
    text has no part for validation.
    """
    if samples.is_one_text:
        return Splits(samples.train, _own_validation(samples, "holdout"), samples.test)
    if samples.validation is not None and samples.validation_is_named:
        return predefined_split(samples, test_fraction, stratified, seed)
    rest, test, notes = _split_off_test(samples, test_fraction, stratified, seed)
    train, validation, more = _split_off(rest, fraction, samples, stratified, seed + 1, "validation.fraction")
    return Splits(train.split, validation.split, test, notes + more)


def predefined_split(samples: Samples, test_fraction: float, stratified: bool, seed: int) -> Splits:
    """Uses the validation split that comes with the data. Raises PresetError if there is none."""
    validation = _own_validation(samples, "predefined")
    train, test, notes = _split_off_test(samples, test_fraction, stratified, seed)
    return Splits(train.split, validation, test, notes)


def no_validation(samples: Samples, test_fraction: float, stratified: bool, seed: int) -> Splits:
    """Trains on all samples except the test split."""
    train, test, notes = _split_off_test(samples, test_fraction, stratified, seed)
    return Splits(train.split, None, test, notes)


def k_fold(samples: Samples, folds: int, fold: int, test_fraction: float, stratified: bool, seed: int) -> Splits:
    """Leaves one of several folds of equal size out of the training samples, for validation; folds count from 0.

    Raises PresetError where there are more folds than samples, or than a class has samples if stratified, and for
    one long text.
    """
    from sklearn.model_selection import KFold, StratifiedKFold

    _check_not_one_text(samples, "k_fold")
    rest, test, notes = _split_off_test(samples, test_fraction, stratified, seed)
    if folds > len(rest.split):
        raise PresetError(
            f"validation.folds = {folds}, but there are only {len(rest.split)} samples to divide; choose at most that "
            "many"
        )
    targets = rest.strata(samples, stratified)
    if rest.groups is not None:
        train, left_out = group_fold(rest.groups, targets, samples.task, folds, fold, seed + 1)
        notes += tuple(deviation_note(len(left_out), len(rest.split), 1 / folds, f"validation.folds = {folds}"))
        return Splits(rest.split.subset(_indices(train)), rest.split.subset(_indices(left_out)), test, notes)
    if targets is not None:
        _check_folds(targets, samples, folds)
    divide = KFold if targets is None else StratifiedKFold
    divided = divide(folds, shuffle=True, random_state=seed + 1).split(np.zeros(len(rest.split)), targets)
    train, left_out = next(itertools.islice(divided, fold, None))
    return Splits(rest.split.subset(_indices(train)), rest.split.subset(_indices(left_out)), test, notes)


def leave_one_out(
    samples: Samples, fold: int, test_fraction: float, stratified: bool, seed: int, most: int | None
) -> Splits:
    """Leaves one training sample out, for validation: that of number `fold`, from 0.

    most: most samples that there may be; None for any number. Raises PresetError where there are more, or none of
    that number, where samples have groups, and for one long text.
    """
    _check_not_one_text(samples, "leave_one_out")
    rest, test, notes = _split_off_test(samples, test_fraction, stratified, seed)
    if rest.groups is not None:
        groups = len(rest.groups.unique())
        advice = 'use validation.method = "k_fold"'
        if groups > 1:
            advice += f": with validation.folds = {groups} it leaves out one group at a time"
        raise PresetError(
            'validation.method = "leave_one_out" leaves out one sample, but others of its group (speaker or recording) '
            f"would be trained on; {advice}"
        )
    count = len(rest.split)
    if most is not None and count > most:
        raise PresetError(
            f'validation.method = "leave_one_out" trains a model for each of {count:,} samples, and one epoch of all '
            f'of them reads {count * (count - 1):,} samples; use "k_fold", which trains a few models, or allow that '
            "with validation.allow_large = true"
        )
    if count < 2:
        raise DataError(f'validation.method = "leave_one_out" needs at least 2 samples besides the test split: {count}')
    if fold >= count:
        raise PresetError(f"validation.fold = {fold}, but there are only {count:,} samples, numbered from 0")
    indices = torch.arange(count)
    train, left_out = indices[indices != fold], indices[fold : fold + 1]
    return Splits(rest.split.subset(train), rest.split.subset(left_out), test, notes)


@dataclass(frozen=True)
class _Part:
    """Some of the training samples, with their groups."""

    split: Split
    groups: Tensor | None

    def subset(self, indices: Tensor) -> _Part:
        return _Part(self.split.subset(indices), None if self.groups is None else self.groups[indices])

    def strata(self, samples: Samples, stratified: bool) -> Tensor | None:
        """The classes whose fractions a split keeps; None for none."""
        return self.split.targets if stratified and samples.task.kind == "classification" else None


def _split_off_test(
    samples: Samples, test_fraction: float, stratified: bool, seed: int
) -> tuple[_Part, Split | None, tuple[str, ...]]:
    """Returns the rest, the test split and notes: the one that comes with the data, or a fraction; None if neither.

    One long text has the test part that comes with it, or none.
    """
    whole = _Part(samples.train, samples.groups)
    if samples.test is not None or samples.is_one_text or test_fraction == 0:
        return whole, samples.test, ()
    rest, test, notes = _split_off(whole, test_fraction, samples, stratified, seed, "validation.test_fraction")
    return rest, test.split, notes


def _own_validation(samples: Samples, method: str) -> Split:
    """The validation split that comes with the data. Raises PresetError if there is none."""
    if samples.validation is not None:
        return samples.validation
    if samples.is_one_text:
        raise PresetError(
            f'validation.method = "{method}", but no part of the text is for validation (data.validation_fraction = 0);'
            ' choose a fraction such as 0.1, or validation.method = "none"'
        )
    raise PresetError(
        f'validation.method = "{method}", but this data comes without a validation split; use "holdout" or "none"'
    )


def _check_not_one_text(samples: Samples, method: str) -> None:
    if samples.is_one_text:
        raise PresetError(
            f'validation.method = "{method}" draws samples at random, but those of one long text stand beside training '
            'windows of the same sentence; choose "predefined", which takes a part near the end of the text'
        )


def _split_off(
    part: _Part, fraction: float, samples: Samples, stratified: bool, seed: int, setting: str
) -> tuple[_Part, _Part, tuple[str, ...]]:
    """Returns the rest, the samples that are split off, and notes."""
    from sklearn.model_selection import train_test_split

    count = len(part.split)
    size = round(count * fraction)
    if size < 1 or size >= count:
        raise DataError(f"{setting} = {fraction:g} of {count} samples leaves a split empty; there is too little data")
    targets = part.strata(samples, stratified)
    if part.groups is not None:
        rest, split_off = split_off_groups(part.groups, targets, samples.task, fraction, seed, setting)
        notes = deviation_note(len(split_off), count, fraction, setting)
        return part.subset(_indices(rest)), part.subset(_indices(split_off)), tuple(notes)
    if targets is not None:
        _check_strata(targets, samples, min(size, count - size), setting)
    rest, split_off = train_test_split(
        np.arange(count), test_size=size, random_state=seed, stratify=None if targets is None else targets.numpy()
    )
    return part.subset(_indices(rest)), part.subset(_indices(split_off)), ()


def _check_strata(targets: Tensor, samples: Samples, smaller: int, setting: str) -> None:
    counts = torch.bincount(targets, minlength=samples.task.outputs).tolist()
    names = samples.task.classes or tuple(map(str, range(len(counts))))
    for name, count in zip(names, counts, strict=False):
        if count == 1:
            raise DataError(
                f"class {name!r} has 1 sample when {setting} is split off, too few to be in two splits; "
                "add samples, leave the class out, or set validation.stratified = false"
            )
    present = sum(count > 0 for count in counts)
    if smaller < present:
        raise DataError(
            f"{setting} gives a split of {smaller} samples for {present} classes, too few to contain each; "
            "choose another fraction, or set validation.stratified = false"
        )


def _check_folds(targets: Tensor, samples: Samples, folds: int) -> None:
    counts = torch.bincount(targets, minlength=samples.task.outputs)
    smallest = int(torch.where(counts > 0, counts, len(targets) + 1).argmin())
    count = int(counts[smallest])
    if count >= folds:
        return
    names = samples.task.classes
    fewer = f"choose at most {count} folds, " if count > 1 else ""
    raise PresetError(
        f"validation.folds = {folds}, but class {names[smallest] if names else smallest!r} has only {count} "
        f"{'sample' if count == 1 else 'samples'} to divide; {fewer}add samples, or set validation.stratified = false"
    )


def _indices(chosen: np.ndarray) -> Tensor:
    # Sorted: the trainer shuffles anyway, and neighbours in memory are read faster.
    return torch.from_numpy(np.sort(chosen).astype(np.int64))

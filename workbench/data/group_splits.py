"""Splits that keep each group of samples, such as those of one speaker, on one side."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.data.samples import Task
from workbench.errors import DataError, PresetError

MOST_PARTS, PART_COST = 20, 0.004
"""The samples are divided into at most this many equal parts, some of which are split off. Each part costs this much
closeness to the fraction: in few parts, of several groups each, every class can have its fraction."""

MOST_DIVIDED = 500
"""More groups than this are first bundled at random: scikit-learn weighs one after another, which takes seconds."""

Indices = NDArray[np.int64]


def split_off_groups(
    groups: Tensor, targets: Tensor | None, task: Task, fraction: float, seed: int, setting: str
) -> tuple[Indices, Indices]:
    """Returns the indices of the rest, and of whole groups with about this fraction of the samples, in order.

    groups: int64 (samples,). targets: classes, int64 (samples,), which both sides then have in about the same
    fractions; None for any. setting: the key path of the fraction, for messages. Raises DataError if there is a single
    group, or a class would have none left to train on.
    """
    count = len(groups.unique())
    if count < 2:
        raise DataError(
            f"{setting} = {fraction:g} cannot be split off: all samples are of one group (speaker or recording), which "
            "a split does not divide; add others, or set it to 0"
        )
    if targets is not None:
        _check_classes(groups, targets, task)
    parts, taken = _parts(fraction, count)
    folds = [left_out for _, left_out in _divided(groups, targets, parts, seed)][:taken]
    split_off = np.sort(np.concatenate(folds))
    rest = np.setdiff1d(np.arange(len(groups)), split_off)
    if targets is not None:
        _check_trained(targets, rest, task, f"{setting} = {fraction:g}")
    return rest, split_off


def _parts(fraction: float, groups: int) -> tuple[int, int]:
    """Into how many parts the groups are divided, and how many of these are split off."""
    most = min(MOST_PARTS, groups)

    def cost(choice: tuple[int, int]) -> float:
        parts, taken = choice
        sizes = groups // parts, -(-groups // parts)
        return max(abs(taken * size / groups - fraction) for size in sizes) + PART_COST * parts

    return min(((parts, min(max(round(fraction * parts), 1), parts - 1)) for parts in range(2, most + 1)), key=cost)


def group_fold(
    groups: Tensor, targets: Tensor | None, task: Task, folds: int, fold: int, seed: int
) -> tuple[Indices, Indices]:
    """Returns the indices of the samples to train on, and of those of the fold that is left out: whole groups.

    groups, targets: as above. Raises PresetError if there are more folds than groups, DataError as above.
    """
    count = len(groups.unique())
    if folds > count:
        raise PresetError(
            f"validation.folds = {folds}, but the samples are of only {count} groups (speakers or recordings), which a "
            "fold does not divide; choose at most that many"
        )
    if targets is not None:
        _check_classes(groups, targets, task)
    train, left_out = list(_divided(groups, targets, folds, seed))[fold]
    if targets is not None:
        _check_trained(targets, train, task, f"fold {fold} of {folds}")
    return np.sort(train), np.sort(left_out)


def _divided(groups: Tensor, targets: Tensor | None, folds: int, seed: int) -> Iterator[tuple[Indices, Indices]]:
    from sklearn.model_selection import StratifiedGroupKFold

    classes = np.zeros(len(groups), dtype=np.int64) if targets is None else targets.numpy()
    shuffled = _shuffled(groups.numpy(), max(MOST_DIVIDED, folds), seed)
    with warnings.catch_warnings():
        # It warns of classes with fewer samples than folds: some folds are then without them, which is no harm.
        warnings.simplefilter("ignore", UserWarning)
        yield from StratifiedGroupKFold(folds).split(np.zeros(len(groups)), classes, shuffled)


def _shuffled(groups: Indices, most: int, seed: int) -> Indices:
    """Numbers the groups at random, of which scikit-learn takes equal ones in this order; more than `most` are bundled.

    Its own `shuffle` gives other folds in other versions, and before 1.8 ones without strata (scikit-learn#32478).
    """
    names, numbers = np.unique(groups, return_inverse=True)
    order: Indices = np.random.default_rng(seed).permutation(len(names)) % most
    return order[numbers]


def _check_classes(groups: Tensor, targets: Tensor, task: Task) -> None:
    """Raises DataError for a class whose samples are all of one group: it could be on one side only."""
    for number in targets.unique().tolist():
        own = groups[targets == number].unique()
        if len(own) == 1:
            raise DataError(
                f"all samples of class {_name(task, number)!r} are of one group (speaker or recording), which a split "
                "does not divide; add others, leave the class out, or set validation.stratified = false"
            )


def _check_trained(targets: Tensor, train: Indices, task: Task, where: str) -> None:
    missing = set(targets.unique().tolist()) - set(targets[torch.from_numpy(train)].unique().tolist())
    if missing:
        raise DataError(
            f"{where} leaves no sample of class {_name(task, min(missing))!r} to train on, because groups (speakers or "
            "recordings) stay on one side; choose another fraction, fewer folds or another validation.seed, or set "
            "validation.stratified = false"
        )


def _name(task: Task, number: int) -> str:
    return task.classes[number] if number < len(task.classes) else str(number)

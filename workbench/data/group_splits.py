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

CLASS_WEIGHT = 0.5
"""How much the fractions of classes count beside that of all samples: less, so that these are never too few or many
only because each group is of one class."""

MOST_PASSES = 10
"""The choice of groups is improved at most this often; two or three passes are usual."""

MOST_WEIGHED = 20_000
"""Of so many numbers of samples, by group and class, the best group to swap is chosen; more take seconds."""

LARGE_DEVIATION, LARGE_RELATIVE = 0.1, 0.5
"""A note says if the fraction that came out differs by more than this, or by this part of what was asked for."""

MOST_DIVIDED = 500
"""More groups than this are first bundled at random: to weigh one after another would take seconds."""

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
    shuffled = _shuffled(groups.numpy(), MOST_DIVIDED, seed)
    classes = np.zeros(len(groups), dtype=np.int64) if targets is None else targets.numpy()
    chosen = _best_fit(_class_counts(shuffled, classes), fraction)[shuffled]
    rest, split_off = np.flatnonzero(~chosen), np.flatnonzero(chosen)
    if targets is not None:
        _check_trained(targets, rest, task, f"{setting} = {fraction:g}")
    return rest, split_off


def deviation_note(split_off: int, samples: int, fraction: float, setting: str) -> list[str]:
    """Returns a note if `split_off` of `samples` samples are far from the fraction that was asked for.

    setting: what asked for it, for the note.
    """
    found = split_off / samples
    if abs(found - fraction) <= min(LARGE_DEVIATION, LARGE_RELATIVE * fraction):
        return []
    return [
        f"{setting} asks for {fraction:.0%} of {samples:,} samples, but {split_off:,} ({found:.0%}) are split off, "
        "because groups (speakers or recordings) are not divided"
    ]


def _class_counts(groups: Indices, classes: Indices) -> NDArray[np.float64]:
    """How many samples of each class each group has: (groups, classes that there are)."""
    _, numbers = np.unique(classes, return_inverse=True)
    counts = np.zeros((int(groups.max()) + 1, int(numbers.max()) + 1))
    np.add.at(counts, (groups, numbers), 1)
    return counts


def _best_fit(counts: NDArray[np.float64], fraction: float) -> NDArray[np.bool_]:
    """Chooses groups, (groups,), whose samples come as close to the fraction as can be: of all, and of each class.

    counts: (groups, classes). Takes groups in their order as long as they improve the fit, and then takes in, gives
    back or swaps single ones. At least one group is chosen, and at least one is not.
    """
    wanted = fraction * counts.sum(0)

    def cost(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        off = sums - wanted
        fit: NDArray[np.float64] = np.abs(off.sum(-1)) + CLASS_WEIGHT * np.abs(off).sum(-1)
        return fit

    chosen = np.zeros(len(counts), dtype=np.bool_)
    sums, least = np.zeros(counts.shape[1]), 1e-9 * counts.sum()
    for group in range(len(counts) - 1):
        if cost(sums + counts[group]) < cost(sums) - least:
            chosen[group], sums = True, sums + counts[group]
    if not chosen.any():
        chosen[int(cost(counts).argmin())] = True
    for _ in range(MOST_PASSES):
        before = chosen.copy()
        for group in range(len(counts)):
            # Moves this group to the other side, and perhaps one of the other side to this one.
            moved = counts[chosen].sum(0) + (-counts[group] if chosen[group] else counts[group])
            others = np.flatnonzero(chosen != chosen[group])[: max(MOST_WEIGHED // counts.shape[1], 10)]
            swapped = moved + (counts[others] if chosen[group] else -counts[others])
            alone = int((chosen == chosen[group]).sum()) == 1
            costs = np.concatenate([[np.inf if alone else float(cost(moved))], cost(swapped)])
            best = int(costs.argmin())
            if costs[best] < float(cost(counts[chosen].sum(0))) - least:
                chosen[group] = not chosen[group]
                if best:
                    chosen[others[best - 1]] = not chosen[others[best - 1]]
        if (chosen == before).all():
            break
    return chosen


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
        most = int(targets.bincount().max())
        if folds > most:
            raise PresetError(
                f"validation.folds = {folds}, but no class has more than {most} samples to divide; choose at most "
                f"{most} folds, add samples, or set validation.stratified = false"
            )
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

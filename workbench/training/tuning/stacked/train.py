"""Trains candidates together, epoch by epoch, and drops those that are not kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workbench.data.progress import Progress
from workbench.processes.together import group
from workbench.settings.preset import Preset
from workbench.training.prepared_data import PreparedData, prepare
from workbench.training.tuning.stacked.course import Course
from workbench.training.tuning.stacked.errors import CannotStackError
from workbench.training.tuning.stacked.stack import Stack

Keep = Callable[[int, list[float | None]], Sequence[int] | None]
"""(epoch from 1, the monitored metric of each candidate, None for those that have ended or were not validated) -> the
numbers of those that are trained further; None for all."""


def prepare_all(
    presets: Sequence[Preset], report: Callable[[Progress], None], known: Sequence[PreparedData] = ()
) -> list[PreparedData]:
    """The data of each preset, read once for those that share it.

    known: has been read before. Raises what `prepare` raises.
    """
    made: list[PreparedData] = []
    for preset in presets:
        shared = next((data for data in (*reversed(made), *known) if data.serves(preset)), None)
        made.append(shared or prepare(preset, report))
    return made


def stacks_of(data: Sequence[PreparedData], presets: Sequence[Preset]) -> list[Stack]:
    """Stacks of candidates whose splits have equal sizes. Raises CannotStackError with the reason.

    data: of each preset, the same object where it is shared.
    """
    groups = group(presets)
    if groups and groups[0].why_alone:
        raise CannotStackError(groups[0].why_alone)
    if len(groups) > 1:
        raise CannotStackError("they differ in more than numbers")
    by_size: dict[tuple[int | None, ...], list[int]] = {}
    for number, each in enumerate(data):
        splits = (each.splits.train, each.splits.validation, each.splits.test)
        by_size.setdefault(tuple(None if split is None else len(split) for split in splits), []).append(number)
    return [
        Stack([data[number] for number in numbers], [presets[number] for number in numbers], numbers)
        for numbers in by_size.values()
    ]


def train_stacked(data: Sequence[PreparedData], presets: Sequence[Preset], on_epoch: Keep) -> list[Course]:
    """Trains all presets, and returns what became of each, in their order.

    data: of each preset, the same object where it is shared, see `prepare_all`. Raises CannotStackError where they are
    to be trained one by one; what `assemble` raises.
    """
    return train_stacks(stacks_of(data, presets), len(presets), on_epoch)


def train_stacks(stacks: Sequence[Stack], count: int, on_epoch: Keep) -> list[Course]:
    """The same for stacks that are made; count: of all candidates. Raises CannotStackError."""
    courses = sorted((course for stack in stacks for course in stack.running), key=lambda course: course.number)
    epoch = 0
    while any(stack.running for stack in stacks):
        epoch += 1
        trained = [course.number for stack in stacks for course in stack.running]
        for stack in stacks:
            if stack.running:
                stack.train_epoch()
        values: list[float | None] = [None] * count
        for course in courses:
            if course.number in trained and course.status != "failed":
                values[course.number] = course.value
        kept = on_epoch(epoch, values)
        if kept is not None:
            for stack in stacks:
                stack.keep(kept)
    return courses

"""Summarises the data of a preset: what there is to predict, how much, of which shape, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workbench.data.inputs import RAW_TEXT, describe
from workbench.data.progress import Report
from workbench.data.samples import Split
from workbench.data.task import Task
from workbench.processes import data as messages
from workbench.settings.preset import Preset
from workbench.settings.validation import CrossValidation, ValidationChoice
from workbench.training.describing.choosing import choose
from workbench.training.describing.lengths import lengths_of
from workbench.training.describing.pictures import pictures_of, rounded
from workbench.training.describing.source import Source, read_source

MOST_CLASSES = 20
"""Of more, the largest are listed."""
MOST_TARGETS = 8
"""Of a regression, as many are described."""
MOST_CHARACTERS = 200
"""Of a name."""
PERCENTS = (5, 25, 50, 75, 95)


def summarize(preset: Preset, samples: int, seed: int, report: Report) -> messages.DataSummary:
    """Reads the data of a preset, and describes `samples` samples of its training split.

    report: hears of downloads and long reads. Raises what `prepare` raises.
    """
    return describe_source(preset, read_source(preset, report), samples, seed)


def describe_source(preset: Preset, source: Source, samples: int, seed: int) -> messages.DataSummary:
    """Describes data that was read by a preset. samples, seed: how many to show, and which."""
    task, splits = source.data.task, _splits(source)
    classes = _classes(task, splits)
    numbers = _numbers(task, source.raw.targets)
    return messages.DataSummary(
        data=preset.data.label(),
        task=task.kind,
        learns=source.data.learns,
        outputs=task.outputs,
        splits=[messages.SplitSize(name, len(split)) for name, split in splits.items()],
        classes=classes,
        more_classes=task.outputs - len(classes) if classes else 0,
        numbers=numbers,
        more_numbers=task.outputs - len(numbers) if numbers else 0,
        raw=_shapes(source.data.raw),
        model_input=_shapes(describe(source.data.example)),
        encoding=str(source.data.encoding.name),
        vocabulary=source.data.encoding.vocabulary_size,
        lengths=lengths_of(source),
        samples=[_sample(number, source) for number in choose(source.raw, task, samples, seed)],
        notes=[*source.data.notes, *_fold_notes(preset.validation, source)],
    )


def _splits(source: Source) -> dict[str, Split]:
    found = {"train": source.raw, "validation": source.splits.validation, "test": source.splits.test}
    return {name: split for name, split in found.items() if split is not None}


def _classes(task: Task, splits: Mapping[str, Split]) -> list[messages.ClassCount]:
    """The classes with their counts, where each sample has one class; of many the largest."""
    if task.kind != "classification":
        return []
    counts = {
        name: torch.bincount(split.targets, minlength=task.outputs)
        for name, split in splits.items()
        if split.targets is not None
    }
    listed = list(range(task.outputs))
    if task.outputs > MOST_CLASSES:
        total = sum(counts.values(), torch.zeros(task.outputs, dtype=torch.int64))
        listed = total.argsort(descending=True, stable=True)[:MOST_CLASSES].tolist()
    return [
        messages.ClassCount(class_name(task, number), {name: int(each[number]) for name, each in counts.items()})
        for number in listed
    ]


def class_name(task: Task, number: int) -> str:
    """The name of a class, or its number where classes have no names."""
    return short(task.classes[number]) if task.classes else str(number)


def short(name: str) -> str:
    """A name of the data, which may be of any length."""
    return name if len(name) <= MOST_CHARACTERS else f"{name[: MOST_CHARACTERS - 1]}…"


def _numbers(task: Task, targets: Tensor | None) -> list[messages.Numbers]:
    if task.kind != "regression" or targets is None:
        return []
    columns = targets.reshape(len(targets), -1)[:, :MOST_TARGETS].double().numpy()
    return [
        _column(column, short(task.targets[place]) if task.targets else "") for place, column in enumerate(columns.T)
    ]


def _column(values: Any, name: str) -> messages.Numbers:
    quantiles = np.percentile(values, PERCENTS)
    return messages.Numbers(
        name=name,
        lowest=float(values.min()),
        highest=float(values.max()),
        mean=float(values.mean()),
        deviation=float(values.std()),
        quantiles={str(percent): float(value) for percent, value in zip(PERCENTS, quantiles, strict=True)},
    )


def _shapes(described: Mapping[str, Any]) -> list[messages.TensorShape]:
    if described == RAW_TEXT:
        return [messages.TensorShape("", [], str(described["type"]))]
    if isinstance(described.get("shape"), list):
        return [messages.TensorShape("", list(described["shape"]), str(described["type"]))]
    return [replace(each, name=name) for name, inner in described.items() for each in _shapes(inner)]


def _sample(number: int, source: Source) -> messages.Sample:
    raw, target = source.raw[number]
    return messages.Sample(number, _target_in_words(target, source.data.task), **pictures_of(raw, source))


def _fold_notes(validation: ValidationChoice, source: Source) -> list[str]:
    if not isinstance(validation, CrossValidation):
        return []
    others = f", and {_other_folds(validation, source)}" if validation.is_all else ""
    return [f"the validation split is fold {validation.number}{others}"]


def _other_folds(validation: CrossValidation, source: Source) -> str:
    """How large the folds are that are not shown: the first, which is shown, is the largest where none has groups."""
    if source.samples.groups is not None:
        return "the sizes of the other folds may differ, because groups stay in one fold"
    left_out = source.splits.validation
    samples = len(source.raw) + (0 if left_out is None else len(left_out))
    or_less = " or one sample less" if samples % validation.models(samples) else ""
    return f"the other folds have as many{or_less}"


def _target_in_words(target: Tensor, task: Task) -> str:
    if task.kind == "classification":
        return class_name(task, int(target))
    if task.predicts_tokens:
        return "the next token, at each place"
    values = [rounded(value) for value in target.reshape(-1)[:MOST_TARGETS].tolist()]
    words = ["nan" if value is None else f"{value:g}" for value in values]
    if len(task.targets) == task.outputs > 1:
        words = [f"{short(name)} {value}" for name, value in zip(task.targets, words, strict=False)]
    return ", ".join(words) + (", …" if task.outputs > MOST_TARGETS else "")

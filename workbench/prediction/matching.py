"""Gives samples the classes of a model that is trained: the same class by its name, whatever number the data gives it.

A class that the model has never seen is refused: counted as mistakes its samples would say nothing of the model, and
left out they would flatter it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from workbench.data.inputs import map_inputs
from workbench.data.label_encoder import LabelEncoder
from workbench.data.samples import Lazy, Samples, SampleSequence, Split, Texts
from workbench.data.words import few
from workbench.errors import DataError
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.units import counted

KINDS = {"classification": "classes", "regression": "numbers", "language_modeling": "tokens"}


def matched(samples: Samples, trained: TrainedModel) -> Samples:
    """The samples in the classes of the model. Raises DataError where they are not such as the model was trained on."""
    outputs = int(trained.description["outputs"])
    task = samples.task
    if task.kind != trained.task:
        raise DataError(
            f"the data has {KINDS[task.kind]} to predict, but the model predicts {KINDS[trained.task]}"
            + (f" ({task.doubt})" if task.doubt else "")
        )
    if task.kind == "regression" and task.outputs != outputs:
        raise DataError(f"the data has {counted(task.outputs, 'target')}, but the model predicts {outputs}")
    check_inputs(samples, trained)
    notes = list(samples.notes)
    if task.kind == "regression" and task.targets and trained.targets and task.targets != trained.targets:
        notes.append(f"the data's targets are {few(task.targets)}, but the model predicts {few(trained.targets)}")
    if task.kind == "classification":
        samples = samples.map(_numbered_as(_names(task.classes, task.outputs), _names(trained.classes, outputs)))
    task = replace(task, outputs=outputs, classes=trained.classes, targets=task.targets or trained.targets)
    return replace(samples, task=task, notes=tuple(notes))


def check_inputs(samples: Samples, trained: TrainedModel) -> None:
    """Raises DataError where a sample has another shape or type than those that the model was trained on."""
    for split in (samples.train, samples.validation, samples.test):
        if split is not None and len(split):
            trained(_batch_of_one(split, samples))


def _batch_of_one(split: Split, samples: Samples) -> Any:
    inputs, target = split[0]
    if isinstance(split, Texts):
        return [inputs]
    if samples.collate is not None and isinstance(split, Lazy):
        return samples.collate([(inputs, target)])[0]
    return map_inputs(inputs, lambda tensor: tensor.unsqueeze(0))


def _names(classes: Sequence[str], outputs: int) -> tuple[str, ...]:
    """The names of classes; their numbers where they have none."""
    return tuple(classes) or tuple(map(str, range(outputs)))


@dataclass(frozen=True)
class _NumberedAs:
    """Changes class numbers to those of the model; picklable for a DataLoader's workers."""

    encoder: LabelEncoder

    def __call__(self, split: Split) -> Split:
        targets = None if split.targets is None else self.encoder(split.targets, "the data")
        if isinstance(split, Lazy):
            return Lazy(_Numbered(split.dataset, self.encoder), targets, split.indices)
        return replace(split, targets=targets)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Numbered:
    """Samples that are read one by one, with the class numbers of the model."""

    dataset: SampleSequence
    encoder: LabelEncoder

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        inputs, target = self.dataset[index]
        return inputs, self.encoder(target, f"sample {index}")


def _numbered_as(own: Sequence[str], known: Sequence[str]) -> Any:
    """What changes the class numbers of a split; nothing where the classes are the same."""
    if tuple(own) == tuple(known):
        return lambda split: split
    places = class_numbers(own, known)
    if unknown := [name for name, place in places.items() if place is None]:
        raise DataError(
            f"the data has {'a class' if len(unknown) == 1 else 'classes'} that the model does not know: "
            f"{few(unknown)}; it knows {few(known)}. Leave these samples out, or rename the class"
        )
    return _NumberedAs(LabelEncoder(torch.arange(len(own)), torch.tensor(list(places.values()), dtype=torch.int64)))


def class_numbers(names: Sequence[str], known: Sequence[str]) -> dict[str, int | None]:
    """The number of each class in the model, by name; None for one that it does not know. known: the model's names."""
    exact = {name: number for number, name in enumerate(known)}
    return {name: exact[name] if name in exact else _place(name, known) for name in names}


def _place(name: str, known: Sequence[str]) -> int | None:
    """The number of a class that is written otherwise: 1.0 for 1, yes for Yes; None if it is unknown."""
    with suppress(ValueError):
        value = float(name)
        for place, other in enumerate(known):
            with suppress(ValueError):
                if float(other) == value:
                    return place
    alike = [place for place, other in enumerate(known) if other.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else None

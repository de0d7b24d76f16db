"""Encodes the labels of the data as class numbers, which count from 0 without gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from workbench.errors import UserCodeError

SHOWN = 3
"""Of many labels, the first ones that are shown, before the last."""


@dataclass(frozen=True)
class LabelEncoder:
    """Maps labels to class numbers, as scikit-learn's LabelEncoder does."""

    labels: Tensor
    """Sorted, int64."""
    classes: Tensor
    """The class number of each label, int64."""

    @classmethod
    def consecutive(cls, count: int) -> LabelEncoder:
        """Labels that are the class numbers, 0 to count - 1."""
        return cls(torch.arange(count), torch.arange(count))

    @classmethod
    def fit(cls, targets: Tensor) -> LabelEncoder:
        """The labels that occur in the targets, in ascending order."""
        labels = targets.unique()
        return cls(labels, torch.arange(len(labels)))

    @classmethod
    def by_name(cls, own: Sequence[str], names: Sequence[str]) -> LabelEncoder:
        """Labels are indices of names in `own`, classes those of the same names in `names`, which has them all."""
        number = {name: index for index, name in enumerate(names)}
        return cls(torch.arange(len(own)), torch.tensor([number[name] for name in own], dtype=torch.int64))

    def __call__(self, targets: Tensor, where: str) -> Tensor:
        """Maps int64 labels of any shape to classes.

        Raises UserCodeError for an unknown label: on a GPU, an invalid class would abort the process.
        """
        if targets.dim() == 0 and (number := self._class_of.get(int(targets))) is not None:
            return torch.tensor(number)  # for a single label, a dictionary is four times as fast
        place = torch.searchsorted(self.labels, targets).clamp(max=len(self.labels) - 1)
        wrong = self.labels[place] != targets
        if bool(wrong.any()):
            label = int(targets.reshape(-1)[wrong.reshape(-1)][0])
            raise UserCodeError(
                f"{where}: class {label} is not one of the {len(self.labels)} classes, {self.describe()}"
            )
        return self.classes[place]

    @cached_property
    def _class_of(self) -> dict[int, int]:
        return dict(zip(self.labels.tolist(), self.classes.tolist(), strict=True))

    @property
    def is_consecutive(self) -> bool:
        """Whether the labels are 0, 1, 2 and so on."""
        return int(self.labels[0]) == 0 and int(self.labels[-1]) == len(self.labels) - 1

    def describe(self) -> str:
        """Lists the labels, for messages."""
        labels = [str(label) for label in self.labels.tolist()]
        if self.is_consecutive:
            return f"0 to {labels[-1]}"
        if len(labels) <= SHOWN + 2:
            return ", ".join(labels)
        return f"{', '.join(labels[:SHOWN])}, … {labels[-1]}"

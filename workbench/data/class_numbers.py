"""From the labels that data has to the numbers of classes, which count from 0 without gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from workbench.errors import UserCodeError

SHOWN = 3
"""Of many labels, this many of the first are shown, and the last."""


@dataclass(frozen=True)
class ClassNumbers:
    """Which class a label is."""

    labels: Tensor
    """Sorted, int64."""
    classes: Tensor
    """The number of each one's class, int64."""

    @classmethod
    def counted(cls, count: int) -> ClassNumbers:
        """Labels that are the numbers of the classes."""
        return cls(torch.arange(count), torch.arange(count))

    @classmethod
    def found(cls, targets: Tensor) -> ClassNumbers:
        """The labels that occur in targets, in their order."""
        labels = targets.unique()
        return cls(labels, torch.arange(len(labels)))

    @classmethod
    def by_name(cls, own: Sequence[str], names: Sequence[str]) -> ClassNumbers:
        """Labels that count the names in `own`, for classes that count those in `names`, which has them all."""
        number = {name: index for index, name in enumerate(names)}
        return cls(torch.arange(len(own)), torch.tensor([number[name] for name in own], dtype=torch.int64))

    def __call__(self, targets: Tensor, where: str) -> Tensor:
        """Classes of labels, int64 of any shape. Raises UserCodeError at a label that is none: on a GPU a class that
        there is not would end the process without a word."""
        if targets.dim() == 0 and (number := self._class_of.get(int(targets))) is not None:
            return torch.tensor(number)  # one by one, a dictionary is four times as fast
        place = torch.searchsorted(self.labels, targets).clamp(max=len(self.labels) - 1)
        wrong = self.labels[place] != targets
        if bool(wrong.any()):
            label = int(targets.reshape(-1)[wrong.reshape(-1)][0])
            raise UserCodeError(f"{where}: class {label} is not one of the {len(self.labels)} classes, {self.words()}")
        return self.classes[place]

    @cached_property
    def _class_of(self) -> dict[int, int]:
        return dict(zip(self.labels.tolist(), self.classes.tolist(), strict=True))

    @property
    def are_counted(self) -> bool:
        """Whether the labels are 0, 1, 2 and so on."""
        return int(self.labels[0]) == 0 and int(self.labels[-1]) == len(self.labels) - 1

    def words(self) -> str:
        """The labels, for messages."""
        labels = [str(label) for label in self.labels.tolist()]
        if self.are_counted:
            return f"0 to {labels[-1]}"
        if len(labels) <= SHOWN + 2:
            return ", ".join(labels)
        return f"{', '.join(labels[:SHOWN])}, … {labels[-1]}"

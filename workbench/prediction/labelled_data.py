"""Reads samples with targets for a model that is trained: in its encoding, its classes and its units.

The run's own data are cut as its preset says. Other data are taken as they come: their test split, or all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from workbench.data.progress import Progress, Report
from workbench.data.samples import Lazy, Samples, Split
from workbench.data.splits import Splits
from workbench.errors import DataError
from workbench.prediction.matching import matched
from workbench.prediction.reading import read_samples
from workbench.processes.evaluation import SplitChoice
from workbench.settings.preset import Preset
from workbench.settings.validation import NoValidation
from workbench.training.checkpointing.course import Digests, digests_when_asked
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.prepared_data import Fitted, PreparedData, prepare

NAMES = ("train", "validation", "test")
ALL = "all"


@dataclass(frozen=True)
class Part:
    """The samples of one split, ready for the model."""

    name: str
    """train, validation or test; all for other data that brings no splits."""
    split: Split
    raw: Split
    """The same samples as the source gives them."""
    data: PreparedData
    """What the split is one of."""
    origin: Callable[[int], str]
    """Where a sample of the split comes from; empty where that is not known."""
    samples: Samples
    """All that the source gives."""

    def target_values(self, number: int) -> list[float]:
        """The numbers to predict of a sample as the source gives them, not as they are between two scalings."""
        target = self.raw[number][1] if self.raw.targets is None else self.raw.targets[number]
        values: list[float] = target.double().reshape(-1).tolist()
        return values


def place_of(number: int, parts: Sequence[Part]) -> tuple[Part, int]:
    """The part that has a sample, and its number there. number: counted over all parts."""
    for part in parts[:-1]:
        if number < len(part.split):
            return part, number
        number -= len(part.split)
    return parts[-1], number


@dataclass(frozen=True)
class LabelledData:
    """What a model is evaluated on."""

    split: str
    """train, validation, test or all."""
    parts: list[Part]
    notes: tuple[str, ...]
    """What the user should know of how they were read."""
    class_counts: list[int] | None
    """How often each class occurs in the training split; None where that is not known, or there are no classes."""
    digests: Callable[[], Digests]
    """What all samples of the source are, before they were matched with the model."""


def own_data(trained: TrainedModel, preset: Preset, choice: SplitChoice, report: Report) -> LabelledData:
    """The data of the run that has trained the model, cut as it was. preset: the run's.

    Raises DataError or PresetError, also where there is no such split.
    """
    reading = _Reading(trained, is_own=True)
    raw: list[Splits] = []
    data = prepare(preset, report, lambda _, splits: raw.append(splits), trains=False, fitted=reading.fitted)
    found = {name: split for name in NAMES if (split := getattr(data.splits, name)) is not None}
    wanted = _wanted(choice, tuple(found), default="test", advice=" (validation.test_fraction = 0)")
    numbers = preset.validation.build(_numbered(reading.samples))
    parts = [
        Part(
            name,
            found[name],
            getattr(raw[0], name),
            data,
            _origin(reading.samples, getattr(numbers, name)),
            reading.samples,
        )
        for name in wanted
    ]
    counts = None if data.class_counts is None else data.class_counts.tolist()
    split = ALL if len(parts) > 1 else parts[0].name
    return LabelledData(split, parts, reading.samples.notes, counts, reading.digests)


def other_data(trained: TrainedModel, preset: Preset, choice: SplitChoice, report: Report) -> LabelledData:
    """Data that the model was not trained on: the test split that they bring, or all samples where they bring none.

    preset: the run's, with these data in place of its own. Raises as `own_data`.
    """
    whole = preset.model_copy(update={"validation": NoValidation(test_fraction=0.0)})
    reading = _Reading(trained, is_own=False)
    samples = reading.read(whole, report)
    found = {name: split for name in NAMES if (split := getattr(samples, name)) is not None}
    if len(found) == 1 and choice in ("auto", ALL):
        found = {ALL: samples.train}
    wanted = _wanted(choice, tuple(found), default="test" if "test" in found else ALL, advice=" of its own")
    numbers = _numbered(samples)
    parts = []
    for name in wanted:
        alone = replace(samples, train=found[name], validation=None, test=None, groups=None)
        data = prepare(whole, report, trains=False, fitted=replace(reading.fitted, read=lambda *_, of=alone: of))
        of_source = getattr(numbers, "train" if name == ALL else name)
        parts.append(Part(name, data.splits.train, found[name], data, _origin(samples, of_source), samples))
    split = ALL if len(parts) > 1 else parts[0].name
    return LabelledData(split, parts, samples.notes, None, reading.digests)


def _wanted(choice: SplitChoice, found: tuple[str, ...], default: str, advice: str) -> tuple[str, ...]:
    """The names of the splits to evaluate. Raises DataError where there is no such split."""
    name = default if choice == "auto" else choice
    if name == ALL:
        return found
    if name not in found:
        others = ", ".join(each for each in (*found, ALL) if each != name)
        raise DataError(
            f"the data has no {name} split{advice * (name == 'test')}; --split takes one of these: {others}"
        )
    return (name,)


@dataclass
class _Reading:
    """Reads samples as the run has, and keeps what is needed of them."""

    trained: TrainedModel
    is_own: bool
    _samples: Samples | None = None
    _digests: Callable[[], Digests] = field(default=dict)

    @property
    def fitted(self) -> Fitted:
        return Fitted(self.read, self.trained.encoding, self.trained.target_scale)

    @property
    def samples(self) -> Samples:
        """What was read."""
        assert self._samples is not None
        return self._samples

    @property
    def digests(self) -> Callable[[], Digests]:
        return self._digests

    def read(self, preset: Preset, report: Callable[[Progress], None]) -> Samples:
        samples = read_samples(preset.data, self.trained, report, is_own=self.is_own)
        self._digests = digests_when_asked(samples)
        self._samples = matched(samples, self.trained)
        return self._samples


@dataclass(frozen=True)
class _Numbers:
    """Stands for the samples of a split, so that cutting it shows which of them are in each part."""

    split: str
    samples: int

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> tuple[Any, Tensor]:
        raise NotImplementedError("only numbers are cut")


def _numbered(samples: Samples) -> Samples:
    """The same samples without their inputs, which are not needed to cut them."""

    def numbers(name: str, split: Split) -> Lazy:
        return Lazy(_Numbers(name, len(split)), split.targets)

    return replace(
        samples,
        train=numbers("train", samples.train),
        validation=None if samples.validation is None else numbers("validation", samples.validation),
        test=None if samples.test is None else numbers("test", samples.test),
    )


def _origin(samples: Samples, numbers: Split) -> Callable[[int], str]:
    """Where the samples of a part come from. numbers: the part, of what `_numbered` gives."""
    assert isinstance(numbers, Lazy)
    assert isinstance(numbers.dataset, _Numbers)
    known, indices = samples.origins.get(numbers.dataset.split), numbers.indices
    if known is None:
        return lambda number: ""
    return lambda number: known(number if indices is None else int(indices[number]))

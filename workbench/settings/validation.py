"""Validation: which samples select the best epoch, and which are held out for one test at the end.

Cross-validation trains several models. Each is a run of its own, whose `fold` says which samples it leaves out; a
preset whose `fold` is "all" stands for all of these runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, WithJsonSchema, model_validator

from workbench.errors import PresetError
from workbench.settings.base import Choice, Conditions, Family, members, setting

if TYPE_CHECKING:
    from workbench.data.samples import Samples
    from workbench.data.splits import Splits


MOST_FOLDS = 2000
"""Of a cross-validation that nobody has explicitly allowed to train more models."""

AllFolds = Annotated[Literal["all"], WithJsonSchema({"enum": ["all"], "type": "string"})]

DRAWN: Conditions = {"data.is_one_text": (False,)}
"""Samples are drawn at random, but from one long text."""


class ValidationChoice(Choice):
    """A validation method."""

    tag: ClassVar[str] = "method"

    test_fraction: float = setting(
        0.15,
        "fraction held out as the test split, if the data comes without one",
        empty="no test",
        only_if={"data.brings_test": (False,)},
        ge=0,
        lt=1,
    )
    stratified: bool = setting(
        True,
        "the same fraction of each class in every split",
        only_if=DRAWN | {"data.predicts": ("classification",)},
    )
    seed: int = setting(0, "seed of the split; independent of training.seed", only_if=DRAWN, ge=0, le=2**31 - 1)

    def build(self, samples: Samples) -> Splits:
        """Splits samples into training, validation and test. Raises DataError or PresetError if it cannot."""
        raise NotImplementedError


class HoldOut(ValidationChoice):
    """Holds out a fraction of the training samples."""

    method: Literal["holdout"] = "holdout"
    fraction: float = setting(0.15, "fraction of the training samples that is held out", only_if=DRAWN, gt=0, lt=1)

    def build(self, samples: Samples) -> Splits:
        from workbench.data.splits import hold_out

        return hold_out(samples, self.fraction, self.test_fraction, self.stratified, self.seed)


class PredefinedSplit(ValidationChoice):
    """Uses the validation split that comes with the data."""

    method: Literal["predefined"] = "predefined"

    def build(self, samples: Samples) -> Splits:
        from workbench.data.splits import predefined_split

        return predefined_split(samples, self.test_fraction, self.stratified, self.seed)


class NoValidation(ValidationChoice):
    """No validation: all samples are used for training; nothing shows overfitting."""

    method: Literal["none"] = "none"

    def build(self, samples: Samples) -> Splits:
        from workbench.data.splits import no_validation

        return no_validation(samples, self.test_fraction, self.stratified, self.seed)


class CrossValidation(ValidationChoice):
    """Leaves each sample out once, from the training of one of several models, and judges all answers together."""

    chooses_epoch: ClassVar[bool] = True
    """Whether what is left out is enough to choose the best epoch by; otherwise the last one counts as best."""

    fold: AllFolds | Annotated[int, Field(ge=0)] = setting(
        "all", "the fold that a run leaves out, from 0; all: a run for each"
    )

    @property
    def is_all(self) -> bool:
        """Whether this stands for the runs of all folds."""
        return self.fold == "all"

    @property
    def number(self) -> int:
        """The fold that is left out; the first, where this stands for all."""
        return 0 if isinstance(self.fold, str) else self.fold

    def models(self, samples: int) -> int:
        """How many models all folds take. samples: that there are besides the test split."""
        raise NotImplementedError

    def at(self, fold: int) -> Self:
        """The same, for the run that leaves this fold out."""
        return self.model_copy(update={"fold": fold})


class KFold(CrossValidation):
    """Divides the samples into folds of equal size and trains a model without each of them."""

    method: Literal["k_fold"] = "k_fold"
    folds: int = setting(5, "how many folds, and so how many models", unit="folds", ge=2, le=MOST_FOLDS)

    def models(self, samples: int) -> int:
        return self.folds

    @model_validator(mode="after")
    def _has_the_fold(self) -> Self:
        if self.number >= self.folds:
            raise ValueError(f"fold {self.fold} is not one of {self.folds} folds, which are 0 to {self.folds - 1}")
        return self

    def build(self, samples: Samples) -> Splits:
        from workbench.data.splits import k_fold

        return k_fold(samples, self.folds, self.number, self.test_fraction, self.stratified, self.seed)


class LeaveOneOut(CrossValidation):
    """Trains a model without each single sample: for few samples only."""

    chooses_epoch: ClassVar[bool] = False
    method: Literal["leave_one_out"] = "leave_one_out"
    allow_large: bool = setting(False, f"also with more than {MOST_FOLDS:,} samples, a training each")

    def models(self, samples: int) -> int:
        return samples

    def build(self, samples: Samples) -> Splits:
        from workbench.data.splits import leave_one_out

        most = None if self.allow_large or not self.is_all else MOST_FOLDS
        return leave_one_out(samples, self.number, self.test_fraction, self.stratified, self.seed, most)


Validation = Annotated[HoldOut | PredefinedSplit | NoValidation | KFold | LeaveOneOut, Field(discriminator="method")]


def check_is_one_run(validation: ValidationChoice) -> None:
    """Raises PresetError where this stands for several runs, and a trainer or a trial is one."""
    if isinstance(validation, CrossValidation) and validation.is_all:
        raise PresetError(
            f'validation.method = "{validation.label()}" with validation.fold = "all" stands for several runs '
            "where one is needed: choose what it leaves out, such as validation.fold = 0; or train them all with "
            "`workbench --preset`"
        )


VALIDATIONS = Family("validation", members(Validation), HoldOut)

"""Validation: which samples select the best epoch, and which are held out for one test at the end.

K-fold and leave-one-out can be added as further choices, with a `fold` setting for the fold that a run leaves out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from workbench.settings.base import Choice, Family, members, setting

if TYPE_CHECKING:
    from workbench.data.samples import Samples
    from workbench.data.splits import Splits


class ValidationChoice(Choice):
    """A validation method."""

    tag: ClassVar[str] = "method"

    test_fraction: float = setting(
        0.15, "fraction held out as the test split, if the data comes without one", ge=0, lt=1
    )
    stratified: bool = setting(True, "the same fraction of each class in every split")
    seed: int = setting(0, "seed of the split; independent of training.seed", ge=0, le=2**31 - 1)

    def build(self, samples: Samples) -> Splits:
        """Splits samples into training, validation and test. Raises DataError or PresetError if it cannot."""
        raise NotImplementedError


class HoldOut(ValidationChoice):
    """Holds out a fraction of the training samples."""

    method: Literal["holdout"] = "holdout"
    fraction: float = setting(0.15, "fraction of the training samples that is held out", gt=0, lt=1)

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


Validation = Annotated[HoldOut | PredefinedSplit | NoValidation, Field(discriminator="method")]

VALIDATIONS = Family("validation", members(Validation), HoldOut)

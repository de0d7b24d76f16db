"""Learning-rate schedules: the factor on the learning rate over the course of training.

A schedule is a pure function of the position in training, in epochs with fractions. So it needs no state in a
checkpoint, can be drawn before training, and stays valid when the learning rate changes during a run. Only *reduce on
plateau* depends on results and therefore has a state.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.settings.base import ANY, Choice, Family, members, setting


class Schedule:
    """A schedule in use: `factor` for any position, `observe` after each validation."""

    def __init__(self, choice: ScheduleChoice, epochs: int) -> None:
        self.choice = choice
        self.warmup = min(choice.warmup_epochs, float(epochs))
        self.epochs = max(epochs - self.warmup, 1e-9)

    def factor(self, epoch: float) -> float:
        """Returns the factor on the learning rate, `epoch` epochs (with fractions) after the start."""
        if epoch < self.warmup:
            start = self.choice.warmup_start
            return start + (1 - start) * epoch / self.warmup
        return self.choice.curve(min(epoch - self.warmup, self.epochs), self.epochs)

    def observe(self, loss: float) -> None:
        """Receives a validation loss (the training loss if there is no validation)."""

    def state_dict(self) -> dict[str, Any]:
        """Returns the state for a checkpoint."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores a state that `state_dict` returned."""


class ScheduleChoice(Choice):
    """A learning-rate schedule."""

    warmup_epochs: float = setting(
        0.0, "linear warm-up of the learning rate at the start", unit="epochs", step=1, empty="off", ge=0
    )
    warmup_start: float = setting(
        0.01, "factor at which the warm-up starts", step="ladder", only_if={"warmup_epochs": ANY}, ge=0, le=1
    )

    def curve(self, epoch: float, epochs: float) -> float:
        """Returns the factor, 0 to 1, at `epoch` of `epochs`, both counted from the end of the warm-up."""
        raise NotImplementedError

    def build(self, epochs: int) -> Schedule:
        """Builds the schedule for `epochs` epochs of training."""
        return Schedule(self, epochs)


class Constant(ScheduleChoice):
    """The same learning rate throughout."""

    name: Literal["constant"] = "constant"

    def curve(self, epoch: float, epochs: float) -> float:
        return 1.0


class Step(ScheduleChoice):
    """Multiplies the learning rate by a factor every few epochs."""

    name: Literal["step"] = "step"
    step_size: int = setting(10, "epochs between two reductions", unit="epochs", ge=1)
    gamma: float = setting(0.1, "factor of each reduction", step="ladder", gt=0, le=1)

    def curve(self, epoch: float, epochs: float) -> float:
        return self.gamma ** math.floor(epoch / self.step_size)


class Exponential(ScheduleChoice):
    """Multiplies the learning rate by the same factor every epoch."""

    name: Literal["exponential"] = "exponential"
    gamma: float = setting(0.95, "factor per epoch", step=0.01, gt=0, le=1)

    def curve(self, epoch: float, epochs: float) -> float:
        return self.gamma ** math.floor(epoch)


class Cosine(ScheduleChoice):
    """Decays along half a cosine from the learning rate to a small one, at every step."""

    name: Literal["cosine"] = "cosine"
    minimum: float = setting(0.0, "factor at the end", step="ladder", ge=0, le=1)

    def curve(self, epoch: float, epochs: float) -> float:
        return _cosine(1.0, self.minimum, epoch / epochs)


class OneCycle(ScheduleChoice):
    """Rises to the learning rate, then decays far below the start: fast training (Smith, 2018)."""

    name: Literal["one_cycle"] = "one_cycle"
    pct_start: float = setting(0.3, "fraction of training after which the learning rate is highest", gt=0, lt=1)
    start: float = setting(0.04, "factor at the start", step="ladder", gt=0, le=1)
    end: float = setting(0.000004, "factor at the end", step="ladder", ge=0, le=1)

    def curve(self, epoch: float, epochs: float) -> float:
        fraction = epoch / epochs
        if fraction < self.pct_start:
            return _cosine(self.start, 1.0, fraction / self.pct_start)
        return _cosine(1.0, self.end, (fraction - self.pct_start) / (1 - self.pct_start))


class Plateau(ScheduleChoice):
    """Multiplies the learning rate by a factor when the validation loss stops improving."""

    name: Literal["plateau"] = "plateau"
    gamma: float = setting(0.1, "factor of each reduction", step="ladder", gt=0, lt=1)
    patience: int = setting(5, "validations without a better loss before a reduction", ge=0)
    threshold: float = setting(
        0.0001, "relative improvement of the loss that counts as better", step="ladder", ge=0, lt=1
    )
    minimum: float = setting(0.0, "the smallest factor", step="ladder", ge=0, le=1)

    def curve(self, epoch: float, epochs: float) -> float:
        return 1.0

    def build(self, epochs: int) -> Schedule:
        return PlateauSchedule(self, epochs)


class PlateauSchedule(Schedule):
    """Reduce on plateau, like torch.optim.lr_scheduler.ReduceLROnPlateau with relative threshold and no cooldown."""

    def __init__(self, choice: Plateau, epochs: int) -> None:
        super().__init__(choice, epochs)
        self.plateau = choice
        self.reduction = 1.0
        self.best = math.inf
        self.bad_validations = 0

    def factor(self, epoch: float) -> float:
        return super().factor(epoch) * self.reduction

    def observe(self, loss: float) -> None:
        if loss < self.best * (1 - self.plateau.threshold):
            self.best = loss
            self.bad_validations = 0
            return
        self.bad_validations += 1
        if self.bad_validations > self.plateau.patience:
            self.reduction = max(self.reduction * self.plateau.gamma, self.plateau.minimum)
            self.bad_validations = 0

    def state_dict(self) -> dict[str, Any]:
        return {"reduction": self.reduction, "best": self.best, "bad_validations": self.bad_validations}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.reduction, self.best = float(state["reduction"]), float(state["best"])
        self.bad_validations = int(state["bad_validations"])


def _cosine(start: float, end: float, fraction: float) -> float:
    """Interpolates from `start` to `end` along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2


AnySchedule = Annotated[Constant | Step | Exponential | Cosine | OneCycle | Plateau, Field(discriminator="name")]

SCHEDULES = Family("schedule", members(AnySchedule), Constant)

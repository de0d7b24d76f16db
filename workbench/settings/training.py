"""Training: how long to train, the seed, and what to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from workbench.metrics import monitor_names
from workbench.settings.base import Conditions, Settings, setting

if TYPE_CHECKING:
    Monitor = str
else:
    Monitor = Literal["auto", *monitor_names()]

COMPARES_EPOCHS: Conditions = {"validation.chooses_epoch": (True,)}


class Training(Settings):
    """How long to train, the seed, and what to keep."""

    sense: ClassVar[str] = "how long, seed"

    epochs: int = setting(10, "passes over the training samples", unit="epochs", step="ladder", ge=1, le=1_000_000)
    seed: int = setting(0, "initial weights, order of the samples, dropout, augmentation", ge=0, le=2**31 - 1)
    validate_every: int = setting(1, "epochs between two validations", unit="epochs", ge=1)
    monitor: Monitor = setting(
        "auto",
        "the validation metric that decides which epoch is best: auto is accuracy for classes, else loss",
        only_if=COMPARES_EPOCHS,
    )
    early_stopping_patience: int = setting(
        0,
        "validations without a better result before training stops; 0 never stops",
        empty="never",
        only_if=COMPARES_EPOCHS,
        ge=0,
    )
    early_stopping_min_delta: float = setting(
        0.0, "minimum improvement that counts as better", only_if=COMPARES_EPOCHS, ge=0
    )
    gradient_clip_norm: float = setting(
        0.0, "maximum norm of the gradient (clipping); 0 turns it off", step=0.5, empty="off", ge=0
    )
    gradient_accumulation: int = setting(
        1, "batches whose gradients are accumulated for one step", unit="batches", step="double", ge=1
    )
    keep_best: bool = setting(True, "keep the weights of the best epoch, and test with them")
    checkpoint_seconds: float = setting(
        30.0, "minimum time between checkpoints; one is always written at the end", unit="s", step=5, ge=0
    )

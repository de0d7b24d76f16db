"""What all sources of data have in common: batches, normalisation, and for images random variation."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from workbench.files import user_folder
from workbench.settings.base import Choice, setting

if TYPE_CHECKING:
    from torch import Tensor

    from workbench.data.progress import Progress
    from workbench.data.samples import Samples
    from workbench.metrics import TaskKind

    Report = Callable[[Progress], None]


TaskName = Literal["auto", "classification", "regression"]

MISSING_VALUES = (
    *("", "NA", "Na", "na", "N/A", "n/a", "#N/A", "#n/a", "<NA>", "<na>", "NaN", "Nan", "NAN", "nan"),
    *("-NaN", "-nan", "NULL", "Null", "null", "None", "NONE", "none", "?"),
)
"""Texts that stand for a missing value by default."""


IN_MEMORY_FRACTION = 0.25
"""Images and sounds that need more than this fraction of the free memory when decoded are read lazily."""


def memory_limit_bytes() -> int:
    """The memory that samples may take."""
    from workbench.devices.host import HostMonitor

    return int(IN_MEMORY_FRACTION * HostMonitor(os.getpid()).read().available_bytes)


def default_data_folder() -> Path:
    """The folder of downloaded data sets if a preset sets none. Raises StorageError without a home folder."""
    chosen = os.environ.get("WORKBENCH_DATA")
    return Path(chosen) if chosen else user_folder("cache") / "data"


class DataChoice(Choice):
    """A source of samples."""

    batch_size: int = setting(64, "samples per batch", unit="samples", step="double", ge=1, le=10_000_000)
    drop_last: bool = setting(False, "leave out the last batch of an epoch if it is smaller")

    @property
    def predicts(self) -> TaskKind | None:
        """Whether classes or numbers are to be predicted; None where only the samples say it."""
        return "classification"

    @property
    def brings_test(self) -> bool | None:
        """Whether it comes with a test split; None where only the samples say it."""
        return None

    @property
    def is_one_text(self) -> bool:
        """Whether it is one long text, whose parts are the splits."""
        return False

    @property
    def cuts_padding(self) -> bool:
        """Whether batches are of texts of similar length, from which padding is cut."""
        return False

    @property
    def named_columns(self) -> dict[str, list[str]]:
        """The columns of its table that settings name, by their key paths; empty for what is not a table."""
        named = {}
        for key, field in type(self).model_fields.items():
            value = getattr(self, key)
            if (
                isinstance(field.json_schema_extra, dict)
                and field.json_schema_extra.get("names") == "columns"
                and value
            ):
                named[f"data.{key}"] = [value] if isinstance(value, str) else list(value)
        return named

    def build(self, report: Report) -> Samples:
        """Reads the samples; `report` hears of downloads and long reads.

        Raises DataError where the data is missing or broken, PresetError where the settings do not fit it.
        """
        raise NotImplementedError

    def raw_augmentation(self) -> Callable[[Tensor], Tensor] | None:
        """What varies a batch of samples at random while training, before it is encoded; None where nothing does."""
        return None

    def check_variation(self, sample: tuple[int, ...]) -> None:
        """Raises PresetError where random variation would leave little of samples. sample: the shape of a raw one."""
        return

    def augmentation(self) -> Callable[[Tensor], Tensor] | None:
        """What varies a batch of encoded samples at random while training; None where nothing does."""
        return None


class LabelledData(DataChoice):
    """A source of samples with classes or numbers to predict."""

    normalize_target: bool = setting(
        True,
        "targets to mean 0 and deviation 1 while training; metrics stay in the data's own unit",
        only_if={"data.predicts": ("regression",)},
    )


Normalize = Literal["standard", "none"]


def normalize(none: str) -> Normalize:
    """How inputs are scaled. none: what they are without it."""
    how: Normalize = setting(
        "standard", f"standard: inputs to mean 0 and deviation 1, as measured on the training split; none: {none}"
    )
    return how


class NumberData(LabelledData):
    """A source of samples that are numbers: tables, images, sounds."""

    normalize: Normalize = normalize("as they are")


class Augmented(NumberData):
    """Images, which can be varied at random while training, on the device, a whole batch at once."""

    normalize: Normalize = normalize("pixels from 0 to 1")
    flip: bool = setting(False, "mirror half of the images, left to right")
    shift: int = setting(0, "shift each image by up to this many pixels", unit="pixels", empty="off", ge=0, le=1024)
    cutout: int = setting(0, "side of a square blanked in each image", unit="pixels", empty="off", ge=0, le=1024)

    def augmentation(self) -> Callable[[Tensor], Tensor] | None:
        """Varies images (n, channels, height, width)."""
        if not (self.flip or self.shift or self.cutout):
            return None
        from workbench.data.augment import augment

        return partial(augment, flip=self.flip, shift=self.shift, cutout=self.cutout)

"""The data to describe: as the source gives it, and as it is prepared for training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from workbench.data.inputs import Inputs
from workbench.data.progress import Report
from workbench.data.samples import Samples, Split
from workbench.data.splits import Splits
from workbench.settings.preset import Preset
from workbench.training.prepared_data import PreparedData, prepare


@dataclass(frozen=True)
class Source:
    """Data that has been read, with its raw samples."""

    data: PreparedData
    samples: Samples
    """As the source gives them; so are the splits. Targets are not scaled."""
    splits: Splits

    @property
    def raw(self) -> Split:
        """The training split, as the source gives it."""
        return self.splits.train

    @property
    def sample_rate(self) -> int:
        """Of sounds, in Hz."""
        return int(getattr(self.data.preset.data, "sample_rate", 0)) or 1

    def encoded(self, raw: Tensor) -> Inputs:
        """What the model gets of one raw sample, without the dimension of the batch."""
        made = self.data.encoding(raw.unsqueeze(0))
        return made[0] if isinstance(made, Tensor) else {name: each[0] for name, each in made.items()}


def read_source(preset: Preset, report: Report) -> Source:
    """Reads the data of a preset on the host, whatever device and batch size it is trained with.

    Raises what `prepare` raises.
    """
    kept: list[Any] = []
    to_look = preset.override(["data.batch_size=1", "runtime.device=cpu", "runtime.precision=float32"])
    data = prepare(to_look, report, lambda samples, splits: kept.extend((samples, splits)), trains=False)
    samples, splits = kept
    return Source(data, samples, splits)

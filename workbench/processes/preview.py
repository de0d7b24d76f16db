"""The request to the process that previews what settings would train, and its answer, which comes in parts.

The process stays: it has imported PyTorch, keeps the data that it read last, and answers within a fraction of a second.
It computes on the processor alone, so that it holds no memory of a GPU.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from workbench.processes.data import DataSummary
from workbench.processes.measuring import ANSWER, MeasuringProcess, Progress
from workbench.processes.plan import Plan
from workbench.settings.preset import Preset

SAMPLES = 10
DATA: Final = "data"
MODEL: Final = "model"
PLAN: Final = "plan"


@dataclass(frozen=True)
class Request:
    """A preview of a preset."""

    preset: str
    """As TOML."""
    samples: int = SAMPLES
    """Samples of the training split to show."""
    shows_data: bool = True
    """Whether to describe the data: who has seen it need not read its pictures again."""

    @classmethod
    def of(cls, preset: Preset, *, shows_data: bool = True) -> Request:
        """The request for a preset."""
        return cls(preset.with_absolute_paths().to_toml(), shows_data=shows_data)


@dataclass(frozen=True)
class Layer:
    """A module of the network."""

    name: str
    """Its path, such as features.0."""
    kind: str
    """The name of its class."""
    shape: list[int]
    """Of its output for one sample; empty where it returns no tensor or did not run."""
    parameters: int
    """Trained numbers in it and in what it contains."""
    kernel: list[int] = field(default_factory=list)
    """Of a convolution or a pooling: the sides of its window."""
    is_group: bool = False
    """Whether it contains layers, which follow it."""

    @property
    def depth(self) -> int:
        """How many modules contain it, besides the network."""
        return self.name.count(".")


@dataclass(frozen=True)
class Model:
    """The network of a preset."""

    layers: list[Layer]
    """All modules in the network, in its own order."""
    parameters: int
    """Trained numbers."""
    input_shape: list[int]
    """Of one sample; empty for inputs by name."""
    note: str = ""
    """Why shapes are missing."""


@dataclass(frozen=True)
class Previewed:
    """The end of the answer."""

    uses_gpu: bool
    """Whether the settings train on a GPU: then memory and time of a step are not known here, and no plan came."""
    step_ms: float | None = None
    """Measured on the processor; None where it was not measured."""


KINDS: dict[str, type] = {DATA: DataSummary, MODEL: Model, PLAN: Plan, ANSWER: Previewed}
Part = Progress | DataSummary | Model | Plan | Previewed


async def preview(process: MeasuringProcess, request: Request) -> AsyncIterator[Part]:
    """Asks a process of `Module.PREVIEW`; yields the parts as they come, `Previewed` last. Raises WorkbenchError."""
    async for message in process.ask(request, KINDS):
        yield message

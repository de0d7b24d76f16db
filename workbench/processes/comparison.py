"""The request to a process that measures a change of settings, and its answers.

The first line of its standard input is a `Request`. The process prepares both settings on throw-away models, measures
once a second line comes (at once where no run was paused for it), and writes a `Progress` for each step of this work;
its last line is a `Comparison` or a `ComparisonFailure`. It writes nothing else anywhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, get_args

from workbench.errors import WorkbenchError
from workbench.processes.messages import Failure, decode, parse_object
from workbench.settings.preset import Preset

Measure = Literal["speed", "memory", "validation_loss", "f1", "dead_units", "saturated_units"]
"""The measure by which a comparison of settings decides whether a change helps:

samples a second; the peak memory of the device; the lowest validation loss; F1 on validation samples, averaged over the
classes; the fraction of dead units, or of saturated values, in the worst layer.
"""
Which = Literal["", "present", "changed"]
"""One of the two settings; empty for both."""

MOST_SECONDS = 180.0
"""A comparison of learning that would train for longer is refused: a run may be paused meanwhile."""


@dataclass(frozen=True)
class Request:
    """A change of settings to measure."""

    preset: str
    """The present settings, as TOML."""
    change: list[str]
    """Assignments, as `--set` takes them."""
    measure: Measure = "speed"
    steps: int | None = None
    """Optimizer steps of the present settings that both must train; None: as many as needed."""
    most_seconds: float = MOST_SECONDS
    run: str | None = None
    """Path of a run that was paused for the comparison: if the asking process dies, this one lets that run continue."""

    @classmethod
    def from_json(cls, line: str) -> Request:
        """Reads a request. Raises ValueError for anything else."""
        values = json.loads(line)
        if isinstance(values, dict) and values.get("measure", "speed") not in get_args(Measure):
            raise ValueError(f"unknown measure {values['measure']!r}")
        return decode(cls, values)

    def presets(self) -> tuple[Preset, Preset]:
        """The present settings and the changed ones. Raises PresetError."""
        present = Preset.from_toml(self.preset, "the preset")
        return present, present.override(self.change)


@dataclass(frozen=True)
class Progress:
    """A step of the work for a comparison."""

    doing: str
    round: int = 0
    """From 1; 0 before the first."""
    rounds: int = 0
    seconds_left: float | None = None
    """Estimated from the rounds so far; None before the first."""


@dataclass(frozen=True)
class ProgressLine:
    """A progress as it is written: its key distinguishes it from an answer."""

    progress: Progress


@dataclass(frozen=True)
class Measured:
    """The measurements of one of the two settings."""

    engine: str
    """The engine that executed the steps."""
    steps: int
    samples_per_second: float
    peak_bytes: int | None
    """None where the device does not report it."""
    lowest_loss: float | None = None
    """Of all rounds, on validation samples; None if it was never finite, or not measured."""
    lowest_after: int | None = None
    """The number of samples trained on by then."""
    loss: float | None = None
    """After the last round; None if it is not finite."""
    f1: float | None = None
    fraction: float | None = None
    """Of dead units, or of saturated values, in the worst layer; None where that could not be measured."""


@dataclass(frozen=True)
class Comparison:
    """The measurements of the present settings and of the changed ones."""

    measure: Measure
    """The measure that decides whether the change helps."""
    present: Measured
    changed: Measured
    ratio: float
    """Of their samples a second, changed over present, and its range in the middle half of the rounds."""
    ratio_low: float
    ratio_high: float
    rounds: int
    samples: int
    """The number that each has trained on."""
    epochs: float
    validation_samples: int
    """The number that the losses were measured on; 0: they were measured on training samples."""
    same_loss: bool
    """Whether both losses have one scale, so that they can be compared."""
    difference_low: float | None = None
    """The 95 % interval of the difference of the lowest losses, changed minus present."""
    difference_high: float | None = None


@dataclass(frozen=True)
class ComparisonFailure(Failure):
    """Why there is no comparison."""

    which: Which = ""
    """The settings that failed."""
    refused: bool = False
    """Whether the comparison could not answer the question, though neither of the settings is wrong."""

    def as_error(self) -> WorkbenchError:
        """The failure as an exception, in words for the user."""
        if self.refused:
            return RefusedError(self.error)
        about = {
            "present": "already with the present settings, on a model of its own: ",
            "changed": "with the change: ",
            "": "",
        }
        return WorkbenchError(f"{about[self.which]}{self.error}")


class RefusedError(WorkbenchError):
    """A comparison could not answer the question; the text says why, and what to do instead."""


def read_message(line: bytes) -> Progress | Comparison | ComparisonFailure | None:
    """Reads a line of the process; None for anything that a library may have printed."""
    values = parse_object(line)
    if values is None:
        return None
    try:
        if "progress" in values:
            return decode(ProgressLine, values).progress
        return decode(ComparisonFailure, values) if "error" in values else decode(Comparison, values)
    except ValueError:
        return None

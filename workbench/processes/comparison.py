"""What a change of settings would bring, measured by a process: what it is asked and what it answers.

The first line of its standard input is a `Request`. It prepares both trainings on throw-away models, measures once a
second line comes (at once where no run was paused for it), and writes a `Progress` for each thing it does; its last
line is a `Comparison` or a `ComparisonFailure`. Nothing else is written anywhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal, get_args

from workbench.errors import WorkbenchError
from workbench.processes.messages import Failure, decode, parse_object
from workbench.settings.preset import Preset

Measure = Literal["speed", "memory", "validation_loss", "f1", "dead_units", "saturated_units"]
"""By what a comparison of settings decides whether a change helps:

samples a second; the most memory that the device held; the lowest validation loss; F1 on validation samples, all
classes counting alike; the fraction of dead units, or of saturated values, in the worst layer.
"""
Which = Literal["", "present", "changed"]
"""Which of the two settings something is about; empty: neither alone."""

MOST_SECONDS = 180.0
"""A comparison of what is learned that would train for longer is refused: a run may be paused meanwhile."""


@dataclass(frozen=True)
class Request:
    """What is to be measured."""

    preset: str
    """The present settings, as TOML."""
    change: list[str]
    """Assignments, as `--set` takes them."""
    measure: Measure = "speed"
    steps: int | None = None
    """Optimizer steps of the present settings that both must train; None: as many as needed."""
    most_seconds: float = MOST_SECONDS
    run: str | None = None
    """Path of a run that was paused for the comparison: if whoever asked dies, the process lets that run continue."""

    @classmethod
    def from_json(cls, line: str) -> Request:
        """Raises ValueError for what is no request."""
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
    """What is being done for a comparison."""

    doing: str
    round: int = 0
    """From 1; 0 before the first."""
    rounds: int = 0
    seconds_left: float | None = None
    """As far as it is known, from how long the rounds took so far."""


@dataclass(frozen=True)
class ProgressLine:
    """A progress, as it is written: the key tells it from an answer."""

    progress: Progress


@dataclass(frozen=True)
class Measured:
    """What was measured of one of the two."""

    engine: str
    """Which engine executed the steps."""
    steps: int
    samples_per_second: float
    peak_bytes: int | None
    """None where the device does not say."""
    lowest_loss: float | None = None
    """Of all rounds, on validation samples; None if it never was a finite number, or was not measured."""
    lowest_after: int | None = None
    """How many samples it had been trained on then."""
    loss: float | None = None
    """After the last round; None if it is no finite number then."""
    f1: float | None = None
    fraction: float | None = None
    """Of dead units, or of saturated values, in the worst layer; None where that could not be looked at."""


@dataclass(frozen=True)
class Comparison:
    """The present settings and the changed ones."""

    measure: Measure
    """By what it is decided whether the change helps."""
    present: Measured
    changed: Measured
    ratio: float
    """Of their samples a second, changed over present, and its range in the middle half of the rounds."""
    ratio_low: float
    ratio_high: float
    rounds: int
    samples: int
    """How many each has trained on."""
    epochs: float
    validation_samples: int
    """How many the losses were measured on; 0: they are those of training samples."""
    same_loss: bool
    """Whether the two losses mean the same."""
    difference_low: float | None = None
    """The 95 % interval of the difference of the lowest losses, changed less present."""
    difference_high: float | None = None


@dataclass(frozen=True)
class ComparisonFailure(Failure):
    """Why there is no comparison."""

    which: Which = ""
    """Which of the two settings failed."""
    refused: bool = False
    """Whether nothing is wrong with either setting: the comparison could not answer what is asked."""

    def as_error(self) -> WorkbenchError:
        """The same, to be raised, in words for the user."""
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
    """What a line of the process says; None for what a library may have printed."""
    values = parse_object(line)
    if values is None:
        return None
    try:
        if "progress" in values:
            return decode(ProgressLine, values).progress
        return decode(ComparisonFailure, values) if "error" in values else decode(Comparison, values)
    except ValueError:
        return None

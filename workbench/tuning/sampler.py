"""Samplers: they suggest the settings of the next trial from what earlier ones have given.

A suggestion depends on the seed, the trial's number and the trials that are known, and on nothing else. So a study that
was killed, whose sampler is filled again by `add_trial`, continues with the suggestions that it would have had.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from zlib import crc32

from workbench.errors import PresetError
from workbench.settings.preset import Preset
from workbench.settings.toml_text import toml
from workbench.tuning.space import SearchSpace

State = Literal["running", "completed", "failed", "cut_short"]


@dataclass(frozen=True)
class Suggestion:
    """Settings to try."""

    values: dict[str, Any]
    """By path, those that are active."""
    origin: str
    """Where they come from: preset, near the preset, near trial 7, or the name of the sampler."""


@dataclass(frozen=True)
class Trial:
    """What a sampler knows of a trial."""

    values: dict[str, Any]
    state: State = "running"
    value: float = math.nan
    """NaN while it runs, and where it failed."""
    epoch: int = 0
    """After which the value was measured, of a trial that was cut short."""


class Sampler(Protocol):
    """Suggests what to try."""

    def ask(self, number: int) -> Suggestion | None:
        """The settings of a trial, which then counts as running; None where everything has been tried.

        number: of the trial, from 0; 0 is the preset itself.
        """

    def tell(self, number: int, value: float | None, epoch: int | None = None) -> None:
        """Says what a trial has given.

        value: of the metric; None, NaN or infinity where it failed. epoch: after which it was measured, where the
        trial was not trained to its end.
        """

    def add_trial(self, number: int, values: Mapping[str, Any]) -> None:
        """Adds a trial of an earlier life of the study, as if it had been asked for; `tell` says what it has given.

        values: by path; what they leave out is as in the preset, what is not searched is ignored.
        """


class RememberingSampler(ABC):
    """What all samplers share: the preset first, then what `suggest` says, and no settings twice."""

    def __init__(self, space: SearchSpace, preset: Preset, seed: int, maximize: bool) -> None:
        self.space = space
        self.preset = preset
        self.seed = seed
        self.maximize = maximize
        self.trials: dict[int, Trial] = {}

    @abstractmethod
    def suggest(self, number: int) -> Suggestion | None:
        """Settings to try, from what is known; None where everything has been tried."""

    def ask(self, number: int) -> Suggestion | None:
        if number == 0:
            suggestion: Suggestion | None = Suggestion(self.space.own_values(self.preset), "preset")
        else:
            suggestion = self.suggest(number)
        if suggestion is not None:
            self.trials[number] = Trial(suggestion.values)
        return suggestion

    def tell(self, number: int, value: float | None, epoch: int | None = None) -> None:
        values = self.trials[number].values
        if value is None or not math.isfinite(value):
            self.trials[number] = Trial(values, "failed")
        else:
            self.trials[number] = Trial(values, "completed" if epoch is None else "cut_short", value, epoch or 0)

    def add_trial(self, number: int, values: Mapping[str, Any]) -> None:
        self.trials[number] = Trial(self.space.completed(values, self.preset))

    def known(self) -> list[tuple[int, Trial]]:
        """The trials in order of their numbers."""
        return sorted(self.trials.items())

    def best(self) -> int | None:
        """The number of the best trial; of one that was cut short only where none was completed."""
        ended = [(number, trial) for number, trial in self.known() if not math.isnan(trial.value)]
        sign = 1 if self.maximize else -1
        return max(
            ended, key=lambda pair: (pair[1].state == "completed", sign * pair[1].value, -pair[0]), default=(None,)
        )[0]

    def seed_of(self, number: int, attempt: int = 0) -> int:
        """The seed of one suggestion, 32 bits."""
        return crc32(f"{self.seed}/{number}/{attempt}".encode())

    def was_tried(self, values: Mapping[str, Any]) -> bool:
        """Whether a trial has these very settings."""
        return fingerprint(values) in {fingerprint(trial.values) for trial in self.trials.values()}

    def is_possible(self, values: Mapping[str, Any]) -> bool:
        """Whether these settings fit together: Nesterov needs momentum."""
        try:
            self.space.apply(self.preset, values)
        except PresetError:
            return False
        return True


def fingerprint(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The same for the same settings: to Python 1, 1.0 and True are one and the same."""
    return tuple(f"{path} {toml(value)}" for path, value in sorted(values.items()))

"""What a way to tune answers when it is asked what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from workbench.errors import EXIT_FAILED
from workbench.tuning.view import StudyView, TrialView

BY_HAND = "discarded by hand"
"""Why a trial does not continue that somebody has discarded: that says nothing about the others."""


@dataclass(frozen=True)
class NewTrial:
    """Train these settings."""

    settings: Mapping[str, Any]
    origin: str = ""
    repeats: int | None = None
    until_epoch: int | None = None


@dataclass(frozen=True)
class Continue:
    """Train a paused trial to its end, or to another epoch."""

    trial: int
    until_epoch: int | None = None


@dataclass(frozen=True)
class Discard:
    """Do not train a trial any further."""

    trial: int
    reason: str
    epoch: int | None = None
    """What it has given after this epoch does not count; None: all counts."""


@dataclass(frozen=True)
class Wait:
    """Nothing can be decided until a trial that runs has ended."""


@dataclass(frozen=True)
class Done:
    """The study is over."""

    reason: str = ""
    failed: bool = False
    exit_code: int = EXIT_FAILED
    """Where it has failed."""


Step = NewTrial | Continue | Discard | Wait | Done


class Way(Protocol):
    """A way to tune. What it answers depends on the view alone, so that a killed study continues as it would have."""

    def next(self, view: StudyView) -> Step:
        """What to do while a place is free. It is asked again at once, unless it says that it waits or is done."""

    def gives_up(self, view: StudyView) -> Done | None:
        """Whether so much has failed that the study ends, whatever still waits."""

    def begins_again(self, view: StudyView) -> Sequence[int]:
        """Trials that begin again when a study that has ended is resumed."""

    def is_over(self, view: StudyView, seconds: float) -> str:
        """Why the trials that run are to be ended, such as a budget that is used up; else an empty text.

        seconds: that the study has taken.
        """

    @property
    def most_weights(self) -> int | None:
        """How many trials have weights at the same time, at most; None if that is not known."""

    @property
    def at_once(self) -> int:
        """How many trials may be asked for before any of them has given a value, so that they are trained together."""

    @property
    def decided_after(self) -> Sequence[int]:
        """The epochs after which trials that are trained together wait for `discards_among`."""

    @property
    def needs_scores(self) -> bool:
        """Whether the answers for the validation split are kept of trials that are trained together."""

    def discards_among(self, view: StudyView, trials: Sequence[int], epoch: int) -> list[Discard]:
        """Which of the trials that are trained together are discarded; asked after each epoch."""

    def thresholds(self, view: StudyView, trial: TrialView, until_epoch: int) -> dict[int, float | None]:
        """Epochs after which a trial pauses, unless its best value so far is better: then it trains on without a pause.

        until_epoch: the first of them. The value None: it pauses there in any case.
        """

    def discards(self, view: StudyView, trial: TrialView) -> Discard | None:
        """Whether a trial that is being trained, or has just ended, is to be discarded."""

    def keeps_weights(self, view: StudyView, trial: TrialView) -> bool:
        """Whether the checkpoints of a trial that has ended are kept."""

    def result(self, view: StudyView) -> dict[str, Any]:
        """The result, as JSON holds it."""

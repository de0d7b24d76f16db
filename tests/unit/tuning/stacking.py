"""Trials together without training: a place whose process says what a function of the settings says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.unit.tuning.scripted import Accuracy, FailsError, KilledError, ScriptedPlace, best_near_a_hundredth
from workbench.errors import TrainerLostError, WorkbenchError
from workbench.processes.stacked import Ended, Ending, Message, Steer, Values, Way
from workbench.settings.preset import Preset


@dataclass
class ScriptedStack:
    """Trains an epoch at a read that finds nothing said; what it is asked is done between epochs."""

    accuracy: Accuracy = best_near_a_hundredth
    way: Way = field(default_factory=lambda: Way(True, "it is faster"))
    asked: list[list[Preset]] = field(default_factory=list)
    """The presets of each request."""
    if_faster: bool | None = None
    steered: list[Steer] = field(default_factory=list)
    is_closed: bool = False
    is_paused: bool = False
    _said: list[Message] = field(default_factory=list)
    _decide_after: Sequence[int] = ()
    _epoch: int = 0
    _running: dict[int, list[float]] = field(default_factory=dict)
    _waits: bool = False
    _is_due: bool = False

    def train(
        self,
        presets: Sequence[Preset],
        decide_after: Sequence[int] = (),
        *,
        if_faster: bool = True,
        scores: Sequence[Path] = (),
        judged: Path | None = None,
        environment: Path | None = None,
    ) -> None:
        assert not self.is_closed
        self.asked.append(list(presets))
        self.if_faster, self._decide_after, self._epoch = if_faster, decide_after, 0
        self._said.append(self.way)
        self._running = {number: [] for number in range(len(presets))} if self.way.together else {}

    def read(self, timeout: float = 0.0) -> Message | None:
        if self.is_closed:
            raise TrainerLostError("it was killed")
        self._is_due = not self._said and not self._is_due  # so that an epoch comes at every other read
        if self._is_due and self._running and not self._waits and not self.is_paused:
            self._train_epoch()
            return None
        return self._said.pop(0) if self._said else None

    def steer(self, steer: Steer) -> None:
        self.steered.append(steer)
        self.is_paused = self.is_paused if steer.paused is None else steer.paused
        gone = set(steer.drop)
        if steer.keep is not None:
            assert self._waits, "nobody asked"
            self._waits = False
            gone |= self._running.keys() - set(steer.keep)
        for number in sorted(gone & self._running.keys()):
            self._end(number, "discarded")
        self._conclude()

    def close(self) -> None:
        self.is_closed = True

    def _train_epoch(self) -> None:
        self._epoch += 1
        presets, values = self.asked[-1], [None] * len(self.asked[-1])  # type: list[Preset], list[float | None]
        for number in self._running:
            try:
                value = self.accuracy(presets[number], self._epoch)
            except KilledError:
                self.is_closed = True
                return
            except FailsError as failure:
                raise_as_said(failure)
            self._running[number].append(value)
            values[number] = value
        self._waits = self._epoch in self._decide_after
        self._said.append(Values(self._epoch, "accuracy", values, self._waits))
        for number in list(self._running):
            if values[number] == -1:
                self._end(number, "failed", "it diverged")
            elif self._epoch >= presets[number].training.epochs:
                self._end(number, "completed")
        self._conclude()

    def _end(self, number: int, status: str, reason: str = "") -> None:
        own = self._running.pop(number)
        metrics = {"accuracy": max(own), "confusion": [[1]]} if status == "completed" else None
        self._said.append(Ended(number, status, reason, max(own), 1, len(own), metrics, metrics))

    def _conclude(self) -> None:
        if not self._running and self._epoch and not isinstance(self._said[-1] if self._said else None, Ending):
            self._said.append(Ending(1.0))


def raise_as_said(failure: FailsError) -> None:
    """A failure of the process, with the error's kind."""
    error = WorkbenchError(f"a failure: {failure}")
    error.kind = str(failure)
    raise error


@dataclass
class StackingPlace(ScriptedPlace):
    """Trains by a script, together too."""

    way: Way = field(default_factory=lambda: Way(True, "it is faster"))
    stacks: list[ScriptedStack] = field(default_factory=list)
    """Each process that was launched."""

    @property
    def trains_together(self) -> bool:
        return True

    def stacked(self) -> ScriptedStack:
        if not self.stacks or self.stacks[-1].is_closed:
            self.stacks.append(ScriptedStack(self.accuracy, self.way))
        return self.stacks[-1]

    @property
    def asked(self) -> list[int]:
        """How many trials each request had."""
        return [len(presets) for stack in self.stacks for presets in stack.asked]

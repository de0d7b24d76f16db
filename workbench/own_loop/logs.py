"""What a loop logs at its steps, on its way to events: losses, which may have gaps, and further metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from workbench.own_loop.learning_rate import StepRates
from workbench.own_loop.values import ValueReader, detached
from workbench.runs.event_lines import float32_text_value
from workbench.runs.events import Event, Logged, Steps


class Logs:
    """Takes values at each step, which costs next to nothing, and writes those that have arrived when it is polled."""

    def __init__(self, write: Callable[[Event], object], rates: StepRates, step: int) -> None:
        """write: hands over an event; rates: of the steps; step: how many are done already."""
        self._write = write
        self._rates = rates
        self._losses: list[tuple[int, Any]] = []
        """Of steps that were logged since the last poll."""
        self._metrics: dict[str, tuple[int, Any]] = {}
        """Further values: the latest of each since the last poll."""
        self._loss_reader: ValueReader[int] = ValueReader()
        self._metric_reader: ValueReader[tuple[int, str]] = ValueReader()
        self._reported_step = step
        """The last step that a Steps event was about."""
        self._loss_step = step
        """The last step whose loss was in one."""

    def take(self, step: int, values: Mapping[str, Any]) -> None:
        """Takes the values of a step; waits for nothing."""
        for name, value in values.items():
            if name == "loss":
                self._losses.append((step, detached(value)))
            elif value is not None:
                self._metrics[name] = (step, detached(value))

    @property
    def last_step(self) -> int:
        """The last step whose loss was taken since the last poll; 0 for none."""
        return self._losses[-1][0] if self._losses else 0

    @property
    def refused(self) -> set[str]:
        """What could not be read, in words."""
        return self._loss_reader.refused | self._metric_reader.refused

    def arrived(self, *, wait: bool) -> list[tuple[int, float]]:
        """Steps and their losses that have arrived from the device since the last call. wait: all of them."""
        logged, self._losses = self._losses, []
        return self._loss_reader.read(logged, wait=wait)

    def write(
        self, losses: Sequence[tuple[int, float]], step: int, position: Callable[[int], float], seconds: float
    ) -> None:
        """Writes losses that have arrived, an event for each sequence of steps without a gap.

        Without any, how far the loop has come. step: the last one that is done; position: where a step is, in epochs;
        seconds: training time so far.
        """
        for first, values in self._sequences(dict(losses)):  # of several losses of one step the last counts
            self._loss_step = first + len(values) - 1
            self._write_steps(first, values, self._loss_step, position, seconds)
        if not self._loss_reader.is_waiting and self._reported_step < step:
            self._write_steps(self._reported_step + 1, [], step, position, seconds)

    def _write_steps(
        self, first: int, losses: list[float], end: int, position: Callable[[int], float], seconds: float
    ) -> None:
        """end: the step of the last loss; without losses, the last step that is done."""
        # A loss may come when its step is over, and reported without it.
        last = self._reported_step = max(end, self._reported_step)
        self._write(
            Steps(
                first_step=first,
                epoch=round(position(last), 6),
                losses=losses,
                learning_rate=self._rates.at(last),
                seconds=round(seconds, 4),
                last_step=last if last != first + len(losses) - 1 else None,
            )
        )

    def _sequences(self, losses: Mapping[int, float]) -> list[tuple[int, list[float]]]:
        """New losses by the first step of each sequence without a gap."""
        found: list[tuple[int, list[float]]] = []
        for step in sorted(step for step in losses if step > self._loss_step):
            if not found or step != found[-1][0] + len(found[-1][1]):
                found.append((step, []))
            found[-1][1].append(float32_text_value(losses[step]))
        return found

    def write_metrics(self, *, wait: bool) -> None:
        """Writes further metrics that have arrived, an event for each step."""
        further, self._metrics = self._metrics, {}
        keyed = [((step, name), value) for name, (step, value) in further.items()]
        by_step: dict[int, dict[str, float]] = {}
        for (step, name), value in self._metric_reader.read(keyed, wait=wait):
            by_step.setdefault(step, {})[name] = float32_text_value(value)
        for step, values in by_step.items():
            self._write(Logged(step=step, metrics=values))

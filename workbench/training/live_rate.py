"""The learning rate of a run, which others may set while it trains: saved in preset.toml, replayed, and reported.

A change is saved before any step is trained with it, so that a killed run, and any other run of that preset, changes
the rate at the same step.
"""

from __future__ import annotations

from pydantic import ValidationError

from workbench.errors import StorageError
from workbench.runs.directory import RunDirectory
from workbench.runs.events import RequestHandled
from workbench.runs.writer import EventWriter
from workbench.settings.changes import MOST_CHANGES, Change
from workbench.settings.optimizer_choice import LEARNING_RATE_BOUNDS
from workbench.settings.preset import Preset
from workbench.training.base_rate import BaseRate


class LiveRate:
    """The rate of any step before the schedule's factor: the preset's, and what it was set to since."""

    def __init__(self, preset: Preset, run: RunDirectory, events: EventWriter) -> None:
        self._preset = preset
        self._run = run
        self._events = events
        self._rate = BaseRate(preset.optimizer.learning_rate, preset.changes)
        self._reported_step = 0
        """Changes at steps up to this one have been written as events."""

    def at(self, step: int) -> float:
        """The rate of optimizer step `step`, counted from 1."""
        return self._rate.at(step)

    def set(self, step: int, value: float | None) -> str | None:
        """Sets the rate of all steps after `step`; returns why it was refused, or None."""
        try:
            change = Change(step=step, learning_rate=value)  # type: ignore[arg-type]
        except ValidationError:
            return "set_learning_rate needs a value above {gt} and at most {le}".format(**LEARNING_RATE_BOUNDS)
        changes = self._rate.changed(change)
        if len(changes) > MOST_CHANGES:
            return f"the learning rate has been changed {MOST_CHANGES:,} times, and preset.toml holds no more changes"
        self.report(step)
        try:
            self._save(changes)
        except StorageError as error:
            return f"it could not be saved, and a resumed run would not know of it: {error}"
        self._reported_step = step
        return None

    def report(self, step: int) -> None:
        """Writes an event for each change in the preset that took effect with the steps up to `step`."""
        if step <= self._reported_step:
            return
        for change in self._rate.changes:
            if self._reported_step < change.step <= step:
                rate = change.learning_rate
                self._events.write(
                    RequestHandled(
                        command="set_learning_rate", step=change.step, detail=f"{rate:g}", value=rate, replayed=True
                    )
                )
        self._reported_step = step

    def resume(self, step: int, rate: float) -> str:
        """Continues after `step`, whose rate is `rate` in the checkpoint; returns what the user should know, or "".

        If preset.toml says another rate, the checkpoint's holds: so it is in runs of older versions, and where changes
        were removed from the file by hand. Raises StorageError.
        """
        self._reported_step = step
        if rate == self._rate.at(step):
            return ""
        from_preset = self._rate.at(step + 1)
        self._save(self._rate.changed(Change(step=step, learning_rate=rate)))
        if from_preset == rate:
            return ""
        return f"the learning rate stays {rate:g}, as in the checkpoint; by preset.toml it would be {from_preset:g}"

    def _save(self, changes: tuple[Change, ...]) -> None:
        """Replaces the changes, in preset.toml first. Raises StorageError."""
        if self._run.path.is_dir():  # else the run has been deleted, and must not come back
            self._preset.model_copy(update={"changes": changes}).save(self._run.preset)
        self._rate.changes = changes

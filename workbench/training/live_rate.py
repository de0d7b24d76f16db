"""The learning rate of a run, which others may set while it goes on: kept in preset.toml, replayed, and told.

A change is written down before any step is trained at it: a killed run, and whoever trains that preset again, changes
the rate at the very same step.
"""

from __future__ import annotations

from pydantic import ValidationError

from workbench.errors import StorageError
from workbench.runs.directory import RunDirectory
from workbench.runs.events import RequestHandled
from workbench.runs.writer import EventWriter
from workbench.settings.changes import MOST_CHANGES, Change
from workbench.settings.optimizer import LEARNING_RATE_BOUNDS
from workbench.settings.preset import Preset
from workbench.training.base_rate import BaseRate


class LiveRate:
    """The rate of any step before the schedule's factor, as the preset says and as it is set."""

    def __init__(self, preset: Preset, run: RunDirectory, events: EventWriter) -> None:
        self._preset = preset
        self._run = run
        self._events = events
        self._rate = BaseRate(preset.optimizer.learning_rate, preset.changes)
        self._told_until = 0
        """Changes at steps up to this one have been told in events."""

    def at(self, step: int) -> float:
        """The rate of optimizer step `step`, counted from 1."""
        return self._rate.at(step)

    def set(self, step: int, value: float | None) -> str | None:
        """Sets the rate of all steps after `step`; returns why not, or None."""
        try:
            change = Change(step=step, learning_rate=value)  # type: ignore[arg-type]
        except ValidationError:
            return "set_learning_rate needs a value above {gt} and at most {le}".format(**LEARNING_RATE_BOUNDS)
        changes = self._rate.changed(change)
        if len(changes) > MOST_CHANGES:
            return f"the learning rate has been changed {MOST_CHANGES:,} times, and preset.toml holds no more changes"
        self.tell(step)
        try:
            self._keep(changes)
        except StorageError as error:
            return f"it could not be written down, and a resumed run would not know of it: {error}"
        self._told_until = step
        return None

    def tell(self, step: int) -> None:
        """Tells of the changes that the preset holds, and that have come to be with the steps up to `step`."""
        if step <= self._told_until:
            return
        for change in self._rate.changes:
            if self._told_until < change.step <= step:
                rate = change.learning_rate
                self._events.write(
                    RequestHandled(
                        command="set_learning_rate", step=change.step, detail=f"{rate:g}", value=rate, replayed=True
                    )
                )
        self._told_until = step

    def resume(self, step: int, rate: float) -> str:
        """Goes on after `step`, whose rate was `rate` by the checkpoint; what the user should know of it, or "".

        Where preset.toml does not know of that rate, it is the one that goes on: so it is in runs of older versions,
        and where changes were taken out of the file by hand. Raises StorageError.
        """
        self._told_until = step
        if rate == self._rate.at(step):
            return ""
        said = self._rate.at(step + 1)
        self._keep(self._rate.changed(Change(step=step, learning_rate=rate)))
        if said == rate:
            return ""
        return f"the learning rate stays {rate:g}, as in the checkpoint; by preset.toml it would be {said:g}"

    def _keep(self, changes: tuple[Change, ...]) -> None:
        """Takes other changes, written down before anything is trained by them. Raises StorageError."""
        if self._run.path.is_dir():  # else the run has been deleted, and must not come back
            self._preset.model_copy(update={"changes": changes}).save(self._run.preset)
        self._rate.changes = changes

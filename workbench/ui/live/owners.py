"""The processes of workbench, told apart from others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Owners:
    """The app, and the trainer of the run that it watches."""

    app: int
    """A process id, as is the next."""
    trainer: int | None = None
    """None without a run in progress on this machine."""

    @property
    def process_ids(self) -> set[int]:
        """Both."""
        return {self.app} if self.trainer is None else {self.app, self.trainer}

    def whose(self, process_id: int, ancestors: Collection[int] = ()) -> str:
        """What a process is to the user, in words; empty for processes of others.

        ancestors: ids of the processes above it.
        """
        if process_id == self.trainer:
            return "this run"
        if self.trainer in ancestors:
            return "reads samples for this run"
        if process_id == self.app:
            return "this app"
        return "started by this app" if self.app in ancestors else ""

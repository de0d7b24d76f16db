"""What the callbacks for the trainers of other libraries share: the run that they record."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from workbench.own_loop.open_run import open_loop
from workbench.own_loop.watch import WatchedRun


class WatchedTraining:
    """Records one training as a run."""

    made_by: ClassVar[str]
    """A key of `workbench.runs.own_loop.LOOPS`, and the name of the run where it gets no other."""

    def __init__(
        self,
        name: str | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
        monitor: str | None = None,
        runs_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        """name: of the run. settings: beside those of the trainer; for Lightning, of the module's `hparams`.

        The others are as for `workbench.watch`.
        """
        super().__init__()
        self._name = self.made_by if name is None else name
        self._settings = dict(settings or {})
        self._monitor = monitor
        self._runs_dir = runs_dir
        self._run: WatchedRun | None = None

    @property
    def directory(self) -> Path | None:
        """The run's directory; None before training, and on all ranks but the first."""
        return None if self._run is None else self._run.directory

    def _open(self, settings: Mapping[str, Any], *, epochs: int | None, step: int, epoch: int, **of_loop: Any) -> None:
        """Begins the run. settings: the trainer's own; step, epoch: how many are done already; of_loop: as `open_loop`.

        Raises UsageError.
        """
        loop, directory = open_loop(
            self._name,
            epochs=epochs,
            settings=dict(settings) | self._settings,
            monitor=self._monitor,
            runs_folder=None if self._runs_dir is None else Path(self._runs_dir),
            measure=True,
            made_by=self.made_by,
            step=step,
            epoch=epoch,
            **of_loop,
        )
        self._run = WatchedRun(loop, directory)

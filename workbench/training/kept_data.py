"""Data that stays prepared between the trials that one process trains: reading it takes longer than many a trial."""

from __future__ import annotations

from collections.abc import Callable

from workbench.data.progress import Progress
from workbench.settings.preset import Preset
from workbench.training.prepared_data import PreparedData, prepare


class KeptData:
    """The data of the last trial, which most often is that of the next one too."""

    def __init__(self) -> None:
        self._data: PreparedData | None = None

    def prepare(self, preset: Preset, report: Callable[[Progress], None]) -> PreparedData:
        """As `prepared_data.prepare`; reads nothing where the same settings have read it before."""
        if self._data is None or not self._data.serves(preset):
            self._data = None  # its memory is free before the other data is read
            self._data = prepare(preset, report)
        return self._data

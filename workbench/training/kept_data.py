"""Data that stays prepared in a process, for the next preset that reads the same: to read it takes longer than a trial.

PyTorch is imported when the first data is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.data.progress import Progress
    from workbench.settings.preset import Preset
    from workbench.training.prepared_data import PreparedData


class KeptData:
    """The data that was prepared last."""

    def __init__(self) -> None:
        self._data: PreparedData | None = None

    def prepare(self, preset: Preset, report: Callable[[Progress], None]) -> PreparedData:
        """As `prepared_data.prepare`, but reads nothing where the same settings have read it before."""
        from workbench.training.prepared_data import prepare

        if self._data is None or not self._data.serves(preset):
            self._data = None  # its memory is free before the other data is read
            self._data = prepare(preset, report)
        return self._data

"""What the last range test and the last batch scan have measured, and for which settings that still holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.settings.preset import Preset

if TYPE_CHECKING:
    from workbench.processes.batch_scan import BatchScan
    from workbench.processes.range_test import RangeTest

OF_A_STEP = ("data", "model", "activation", "loss", "optimizer", "training.gradient_accumulation")
"""Tables and settings that change a step, and so both answers."""
OF_THE_LOSS = (*OF_A_STEP, "training.gradient_clip_norm", "runtime.precision")
"""Those that change how the loss moves at a learning rate."""
OF_THE_PACE = (*OF_A_STEP, "runtime")
"""Those that change how long a step takes."""
LEARNING_RATE, BATCH_SIZE = "optimizer.learning_rate", "data.batch_size"


class Tuned:
    """The answers of this session, one of each kind.

    Neither depends on the schedule, the epochs or the seed: a range test raises the rate by itself, as a warm-up does.
    """

    def __init__(self) -> None:
        self._range_test: tuple[Preset, RangeTest] | None = None
        self._batch_scan: tuple[Preset, BatchScan] | None = None

    def keep_range_test(self, preset: Preset, answer: RangeTest) -> None:
        """Keeps the answer of a range test instead of the one before."""
        self._range_test = (preset, answer)

    def keep_batch_scan(self, preset: Preset, answer: BatchScan) -> None:
        """Keeps the answer of a batch scan instead of the one before."""
        self._batch_scan = (preset, answer)

    @property
    def has_range_test(self) -> bool:
        """Whether there was one, of whichever settings."""
        return self._range_test is not None

    def range_test(self, preset: Preset) -> RangeTest | None:
        """The range test that holds for a preset, whatever its learning rate is."""
        if self._range_test is None or not _same(preset, self._range_test[0], OF_THE_LOSS, LEARNING_RATE):
            return None
        return self._range_test[1]

    def batch_scan(self, preset: Preset) -> BatchScan | None:
        """The batch scan that holds for a preset, whatever its batch size and its learning rate are."""
        if self._batch_scan is None or not _same(preset, self._batch_scan[0], OF_THE_PACE, LEARNING_RATE, BATCH_SIZE):
            return None
        return self._batch_scan[1]


def _same(preset: Preset, measured: Preset, which: tuple[str, ...], *but: str) -> bool:
    """Whether none of those tables and settings differs; but: settings that may."""
    differences = preset.with_absolute_paths().differences(measured.with_absolute_paths())
    return not any((path in which or path.split(".")[0] in which) and path not in but for path in differences)

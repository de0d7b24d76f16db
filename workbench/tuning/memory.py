"""A trial that ran out of memory is trained once more with smaller batches, and the same samples for each update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.settings.preset import Preset

BATCH_SIZE = "data.batch_size"
ACCUMULATION = "training.gradient_accumulation"


def half_the_batch(preset: Preset) -> Mapping[str, Any] | None:
    """The settings that halve a batch and accumulate twice as many; None where a batch cannot be halved."""
    if preset.data.batch_size < 2:
        return None
    return {BATCH_SIZE: preset.data.batch_size // 2, ACCUMULATION: 2 * preset.training.gradient_accumulation}

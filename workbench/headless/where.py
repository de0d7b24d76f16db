"""Where the trials of a study are to run, as the command line says it."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.headless.options import Options
from workbench.settings.preset import Preset
from workbench.tuning.places import check_workers
from workbench.tuning.ray_places import check_on


def check_where(options: Options, presets: Sequence[Preset]) -> None:
    """Checks it before there is a study. Raises UsageError, or WorkbenchError if no Ray cluster answers.

    presets: that are to be trained.
    """
    if not options.on:
        check_workers(options.workers, on_cpu=all(preset.runtime.device == "cpu" for preset in presets))
    check_on(options.on)

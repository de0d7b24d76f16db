"""Where the trials of a study are to run, as the command line says it."""

from __future__ import annotations

from workbench.headless.options import Options
from workbench.tuning.places import check_workers
from workbench.tuning.ray_places import check_on


def check_where(options: Options) -> None:
    """Checks it before there is a study. Raises UsageError, or WorkbenchError if no Ray cluster answers."""
    check_workers(options.workers, options.on)
    check_on(options.on)

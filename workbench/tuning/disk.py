"""The disk of a study: how much is left of it, and which weights are kept."""

from __future__ import annotations

import shutil
from pathlib import Path

from workbench.runs.directory import RunDirectory
from workbench.units import size

LEAST_FREE_BYTES = 2**30
"""With less, a study stops: what has been found must still be written."""


def shortage(folder: Path) -> str:
    """Why a study cannot continue on this disk; empty where enough is free, or nothing is known."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    if free >= LEAST_FREE_BYTES:
        return ""
    return (
        f"only {size(free)} are free on the disk of {folder}, and a study stops below {size(LEAST_FREE_BYTES)}: "
        "free some space, then continue it"
    )


def delete_weights(run: RunDirectory) -> None:
    """Deletes the checkpoints of a run; its events and its summary stay."""
    shutil.rmtree(run.checkpoints, ignore_errors=True)

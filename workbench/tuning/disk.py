"""The disk of a study: how much is left of it, and which weights are kept."""

from __future__ import annotations

import math
import shutil
import time
from pathlib import Path

from workbench.runs.directory import RunDirectory
from workbench.units import size

LEAST_FREE_BYTES = 2**30
"""With less, a study stops: what has been found must still be written."""


DISK_SECONDS = 1.0
"""Time between two looks at how much of the disk is free."""


def free_bytes(folder: Path) -> int | None:
    """How much is free on the disk of a folder; None where it is not known."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def shortage(folder: Path, then: str = "continue it") -> str:
    """Why a study cannot continue on this disk; empty where enough is free, or nothing is known.

    then: what to do once there is space.
    """
    free = free_bytes(folder)
    if free is None or free >= LEAST_FREE_BYTES:
        return ""
    return (
        f"only {size(free)} are free on the disk of {folder}, and a study stops below {size(LEAST_FREE_BYTES)}: "
        f"free some space, then {then}"
    )


class DiskWatch:
    """Looks about once a second at how much of a disk is free."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = -math.inf

    def look(self) -> str:
        """What `shortage` says, where it was looked; else an empty text."""
        if time.monotonic() - self._seen < DISK_SECONDS:
            return ""
        self._seen = time.monotonic()
        return shortage(self._folder)


def need(folder: Path, trial_bytes: int, trials: int | None) -> str:
    """How much disk a study takes, in words; empty where it is not known.

    trial_bytes: of the weights of one trial. trials: that have weights at the same time, at most.
    """
    if not trial_bytes or trials is None:
        return ""
    free = free_bytes(folder)
    if free is None:
        return ""
    text = f"disk: weights take up to {size(trials * trial_bytes)} ({trials} trials at most), {size(free)} are free"
    if trials * trial_bytes > free - LEAST_FREE_BYTES:
        text += f"; the study stops when {size(LEAST_FREE_BYTES)} are left"
    return text


def delete_weights(run: RunDirectory) -> None:
    """Deletes the checkpoints of a run; its events and its summary stay."""
    shutil.rmtree(run.checkpoints, ignore_errors=True)

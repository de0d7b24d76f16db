"""How a process stays in the background: it takes what nobody else wants of the processor, and downloads nothing."""

from __future__ import annotations

import os


def stay_in_background() -> None:
    """Gives this process the lowest priority and one thread, and forbids downloads. Call it before PyTorch is there."""
    os.nice(19)
    os.environ["OMP_NUM_THREADS"] = "1"  # read when PyTorch is imported
    from workbench.data.download import OFFLINE_VARIABLE

    os.environ[OFFLINE_VARIABLE] = "1"

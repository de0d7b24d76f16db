"""How a process stays in the background: it takes what nobody else wants of the processor, and downloads nothing."""

from __future__ import annotations

import os


def stay_in_background(*, all_threads: bool = False) -> None:
    """Gives this process the lowest priority and one thread, and forbids downloads. Call it before PyTorch is there.

    all_threads: PyTorch has as many as it would take itself; the caller sees to when it uses them.
    """
    os.nice(19)
    if not all_threads:
        os.environ["OMP_NUM_THREADS"] = "1"  # read when PyTorch is imported
    from workbench.data.download import OFFLINE_VARIABLE

    os.environ[OFFLINE_VARIABLE] = "1"

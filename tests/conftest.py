"""For all tests: two processes that each use every core would wait for one another, so each test uses one."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator

import pytest

# Before anything imports torch; the trainers that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The alerts that the user has set are not for tests.
os.environ["WORKBENCH_ALERTS"] = ""
# Each of the dozens of processes that tests start would compile all of PyTorch's Python anew: half of its time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(autouse=True)
def torch_as_before() -> Iterator[None]:
    """A test that builds a job in this process leaves no trace in it.

    Flushing denormals is a state of the whole thread, and Hypothesis refuses to draw floats where it is on.
    """
    yield
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_flush_denormal(False)
        torch.set_float32_matmul_precision("highest")
    gc.unfreeze()  # or triton prints, at the end of all tests, what it takes for leaks

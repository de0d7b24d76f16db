"""The imports of a process that trains: seconds, before anything else happens."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collector() -> Iterator[None]:
    """Python's garbage collector does not run: in imports it finds nothing, and takes a quarter of their time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def import_pytorch() -> None:
    """Imports PyTorch, and what an optimizer, once there is one, imports of it: as much again."""
    with without_collector():
        import torch

        torch.optim.SGD([torch.empty(0)], lr=1.0)

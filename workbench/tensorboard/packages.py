"""The package that makes TensorBoard's messages, without the PyTorch that it would import where there is one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from workbench.errors import UsageError

MISSING = "needs packages that are not installed: pip install 'tuning-workbench[tensorboard]'"


def check_packages(what: str) -> None:
    """Raises UsageError where the extra is not installed. what: that needs it, as the user wrote it."""
    if find_spec("tensorboardX") is None:
        raise UsageError(f"{what} {MISSING}")


@contextmanager
def without_pytorch() -> Iterator[None]:
    """Inside the `with` an import of PyTorch fails, unless it was imported before: it takes seconds, and 200 MB.

    tensorboardX needs it to convert tensors, of which there are none here.
    """
    if "torch" in sys.modules:
        yield
        return
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["torch"]

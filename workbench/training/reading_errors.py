"""Errors while a DataLoader reads samples, in words for the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from workbench.errors import DataError, WorkbenchError


@contextmanager
def raising_data_errors() -> Iterator[None]:
    """Turns every error of reading into a DataError of one line; a WorkbenchError keeps its class."""
    try:
        yield
    except WorkbenchError as error:
        raise _without_worker_traceback(error) from error
    except RuntimeError as error:
        if "stack expects each tensor to be equal size" in str(error):
            shapes = str(error).strip().splitlines()[-1].rpartition("RuntimeError: ")[2]
            raise DataError(f"the samples are not all of one shape: {shapes}") from error
        raise DataError(f"reading the samples failed: {_reason(error)}") from error
    except MemoryError:
        raise
    except Exception as error:
        raise DataError(f"reading the samples failed: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The error in one line; a loader's worker puts its traceback before it."""
    last_line = (str(error).strip().splitlines() or [""])[-1]
    return last_line if "Original Traceback" in str(error) else f"{type(error).__name__}: {last_line}"


def _without_worker_traceback(error: WorkbenchError) -> WorkbenchError:
    """The error with its message alone, before which a loader's worker puts its traceback."""
    message = str(error)
    if "Original Traceback" not in message:
        return error
    own = message.rpartition(f"{type(error).__name__}: ")[2].strip()
    return type(error)(own)

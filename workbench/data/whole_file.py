"""Reads a whole file of text or of a table as bytes, unless it would not fit into memory."""

from __future__ import annotations

import os
from pathlib import Path

from workbench.devices.host import HostMonitor
from workbench.errors import DataError
from workbench.files import open_regular
from workbench.units import size

MEMORY_PER_BYTE = 6
"""Bytes of memory per byte of the file that reading takes at least: the bytes, the text, and what is made of it."""


def free_bytes() -> int:
    """The memory that is free."""
    return HostMonitor(os.getpid()).read().available_bytes


def most_bytes(free: int) -> int:
    """How large a file, or what it decompresses to, may be with this much free memory."""
    return free // MEMORY_PER_BYTE


def read_whole(file: Path, free: int, *, expected: str, otherwise: str) -> bytes:
    """Reads a file. Raises DataError where it cannot be read, or would not fit into the free memory.

    expected: what must be there, such as "data.file must name a text file"; otherwise: what to do about a large file.
    """
    try:
        with open_regular(file) as opened:
            there = os.fstat(opened.fileno()).st_size
            if there > most_bytes(free):
                raise DataError(
                    f"{file} has {size(there)}, and reading it would take at least {size(there * MEMORY_PER_BYTE)} of "
                    f"memory, but {size(free)} are free; {otherwise}"
                )
            return opened.read()
    except FileNotFoundError as error:
        raise DataError(f"{file} does not exist; {expected}") from error
    except IsADirectoryError as error:
        raise DataError(f"{file} is a folder; {expected}") from error
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}") from error

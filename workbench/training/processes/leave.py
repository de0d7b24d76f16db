"""How a process that has imported PyTorch ends: without taking apart what it has imported, which takes a second."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from typing import NoReturn


def leave(exit_code: int) -> NoReturn:
    """Ends the process as Python does, but frees nothing: no `__del__` is called of what still exists.

    Threads are waited for, what is registered with `atexit` is called, what was printed is written.
    """
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or nobody reads it any more
            stream.flush()
    os._exit(exit_code)

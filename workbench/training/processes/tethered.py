"""A trainer that dies with whoever started it: `python -m workbench.training.processes.tethered RUN_DIR`.

`workbench.processes.tethered` starts it. Standard input tells whether the other still lives: it ends when that dies.
"""

from __future__ import annotations

import os
import signal
import sys
from threading import Thread

from workbench.training.processes import worker
from workbench.training.processes.leave import leave


def main(arguments: list[str]) -> int:
    """Trains the run in the directory that is the one argument; returns the exit code."""
    tether = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    Thread(target=_die_with, args=(tether,), name="tether", daemon=True).start()
    return worker.main(arguments)


def _die_with(tether: int) -> None:
    """Waits for the end of input, then ends this process at once, as a lost machine would: no summary is written."""
    while os.read(tether, 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))

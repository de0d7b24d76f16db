"""Which modules of the trainer are started by `python -m`: the only place that names them."""

from __future__ import annotations

import sys
from enum import StrEnum

PACKAGE = "workbench.training.processes"


class Module(StrEnum):
    """A module that can be started; its `main` is what runs."""

    WORKER = f"{PACKAGE}.worker"
    """Trains one run: its argument is the run directory."""
    STANDBY = f"{PACKAGE}.standby"
    """Imports PyTorch, then trains the runs that come on its standard input."""
    PLAN = f"{PACKAGE}.plan"
    """Says what the preset on its standard input would train."""
    COMPARISON = f"{PACKAGE}.comparison"
    """Measures a change of settings, as the request on its standard input says."""


def command_line(module: Module, *arguments: str) -> tuple[str, ...]:
    """The command line that starts a module with this Python."""
    # -P: a sklearn.py in the working folder must not be imported in place of the library.
    return (sys.executable, "-P", "-m", module.value, *arguments)

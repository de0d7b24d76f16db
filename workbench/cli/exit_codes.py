"""Ends a command with an exit code: an error is printed on stderr, never as a traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import typer

from workbench import output
from workbench.errors import EXIT_DONE, WorkbenchError
from workbench.launch import complain

EXIT_CODES = (
    "Exit codes: 0 done; 2 the preset or the command line is wrong; 3 training failed (diverged, out of memory, "
    "data broken, disk full, trainer killed), or what was asked for could not be written to stdout; 130 interrupted."
)
"""The last lines of every `--help`."""


def end_with(action: Callable[[], int]) -> NoReturn:
    """Ends the command with the exit code that `action` returns, or with that of its WorkbenchError."""
    try:
        code = action()
    except WorkbenchError as error:
        complain(error)
        code = error.exit_code
    except BrokenPipeError:
        output.abandon()  # as `head` ends what it reads from; typer would make a failure of it
        code = EXIT_DONE
    raise typer.Exit(code)

"""`workbench runs note`: sets the note of a run, or prints it."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.exit_codes import end_with


def note(
    run: parameters.RunPattern,
    text: Annotated[
        str | None,
        typer.Argument(metavar="[TEXT]", help="One line; without it, the note is printed, and '' removes it."),
    ] = None,
    every: parameters.EveryRun = False,
    json_output: parameters.JsonRows = False,
    runs_dir: parameters.RunsDir = None,
) -> None:
    """Set the note of a run, or print it."""

    def change() -> int:
        from workbench.headless.run_changes import note
        from workbench.runs.directory import default_runs_folder

        return note(runs_dir or default_runs_folder(), run, text, every=every, json_output=json_output)

    end_with(change)

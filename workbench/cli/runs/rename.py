"""`workbench runs rename`: renames a run that has ended."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.exit_codes import end_with


def rename(
    run: parameters.RunName,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name: letters, digits, _ . + -")],
    json_output: parameters.JsonRows = False,
    runs_dir: parameters.RunsDir = None,
) -> None:
    """Rename a run that has ended: its directory gets the new name."""

    def change() -> int:
        from workbench.headless.run_changes import rename
        from workbench.runs.directory import default_runs_folder

        return rename(runs_dir or default_runs_folder(), run, name, json_output=json_output)

    end_with(change)

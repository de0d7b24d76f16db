"""`workbench runs delete`: deletes runs that have ended."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.completion import complete_runs
from workbench.cli.exit_codes import end_with


def delete(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="The runs: a name, part of a name, a path, or a pattern such as '*-fast-*'.",
            autocompletion=complete_runs,
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
    every: parameters.EveryRun = False,
    json_output: parameters.JsonRows = False,
    runs_dir: parameters.RunsDir = None,
) -> None:
    """Delete runs that have ended, with curves, checkpoints and log, after asking."""

    def change() -> int:
        from workbench.headless.run_changes import delete
        from workbench.runs.directory import default_runs_folder

        return delete(runs_dir or default_runs_folder(), words, every=every, yes=yes, json_output=json_output)

    end_with(change)

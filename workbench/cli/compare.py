"""`workbench compare A B ...`: how runs or studies differ, and whether chance alone explains it."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.completion import complete_runs_and_studies
from workbench.cli.exit_codes import end_with


def compare(
    sides: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|STUDY",
            help="Runs or studies, each by its name, part of its name, or its path. Each is compared with the first.",
            autocompletion=complete_runs_and_studies,
        ),
    ],
    json_output: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only what can be concluded.")] = False,
    runs_dir: parameters.RunsDir = None,
    studies_dir: parameters.StudiesDir = None,
) -> None:
    """Compare runs or studies: settings, environment, step time, and metrics, with what can be concluded."""

    def print_comparison() -> int:
        from workbench.headless.compare import compare
        from workbench.runs.directory import default_runs_folder
        from workbench.tuning.directory import default_studies_folder

        return compare(
            sides,
            runs_dir or default_runs_folder(),
            studies_dir or default_studies_folder(),
            json_output=json_output,
            quiet=quiet,
        )

    end_with(print_comparison)

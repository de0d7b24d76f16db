"""`workbench export`: takes what a run has trained, or what it tells, to other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.completion import complete_export_kinds, complete_runs
from workbench.cli.exit_codes import end_with
from workbench.export_kinds import table


def export(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="The run: its name, part of its name, or its path. Several for exports that compare runs.",
            autocompletion=complete_runs,
        ),
    ],
    to: Annotated[str, typer.Option("--to", metavar="KIND", help=table(), autocompletion=complete_export_kinds)],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="PATH", help="File or folder to write. Default: named after the run."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Overwrite what exists.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and the path.")] = False,
    trust_code: parameters.TrustCode = False,
    runs_dir: parameters.RunsDir = None,
) -> None:
    """Export a trained model, its training as a script, or a report of the run."""

    def run() -> int:
        from workbench.headless.export import Request, export
        from workbench.headless.options import Options

        options = Options(json_output=json_output, quiet=quiet, trust_code=trust_code, runs_dir=runs_dir)
        return export(Request(tuple(runs), to, out, overwrite), options)

    end_with(run)

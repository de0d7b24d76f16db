"""`workbench tune queue`: trains several presets one after another, or one a GPU."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.completion import complete_presets
from workbench.cli.exit_codes import end_with


def queue(
    presets: Annotated[
        list[str],
        typer.Argument(metavar="PRESET", help="The presets, by name or path.", autocompletion=complete_presets),
    ],
    overrides: parameters.Overrides = None,
    each: Annotated[
        list[str] | None,
        typer.Option(
            "--each",
            metavar="'KEY=VALUE ...'",
            help="Train each preset once with these changes; repeat for several trainings.",
        ),
    ] = None,
    workers: parameters.Workers = 0,
    on: parameters.On = "",
    json_output: parameters.JsonOutput = False,
    quiet: parameters.Quiet = False,
    studies_dir: parameters.StudiesDir = None,
    trust_code: parameters.TrustCode = False,
) -> None:
    """Train several presets, or one with several lists of changes: one after another, or one a GPU."""

    def run() -> int:
        from workbench.headless.options import Options
        from workbench.headless.tune_queue import queue

        options = Options(
            json_output=json_output,
            quiet=quiet,
            trust_code=trust_code,
            workers=workers,
            on=on,
            studies_dir=studies_dir,
        )
        return queue(presets, tuple(overrides or ()), tuple(each or ()), options)

    end_with(run)

"""`workbench tune repeat`: trains a preset with several seeds."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.exit_codes import end_with


def repeat(
    preset: parameters.Tuned,
    overrides: parameters.Overrides = None,
    seeds: Annotated[int, typer.Option("--seeds", min=2, max=1000, help="How many seeds.")] = 5,
    together: parameters.Together = None,
    workers: parameters.Workers = 0,
    on: parameters.On = "",
    json_output: parameters.JsonOutput = False,
    quiet: parameters.Quiet = False,
    studies_dir: parameters.StudiesDir = None,
    trust_code: parameters.TrustCode = False,
) -> None:
    """Train a preset with several seeds: the mean, and how far chance alone moves it."""

    def run() -> int:
        from workbench.headless.options import Options
        from workbench.headless.tune import repeat

        options = Options(
            json_output=json_output,
            quiet=quiet,
            trust_code=trust_code,
            together=together,
            workers=workers,
            on=on,
            studies_dir=studies_dir,
        )
        return repeat(preset, tuple(overrides or ()), seeds, options)

    end_with(run)

"""`workbench tune batch`: finds a batch size."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.exit_codes import end_with


def batch(
    preset: parameters.Tuned,
    overrides: parameters.Overrides = None,
    up_to: Annotated[int | None, typer.Option("--up-to", min=1, help="The largest batch size to try.")] = None,
    json_output: parameters.JsonOutput = False,
    quiet: parameters.QuietNumber = False,
    save_as: parameters.SaveFound = None,
    trust_code: parameters.TrustCode = False,
) -> None:
    """Find a batch size: throughput, time of a step and memory, up to the memory limit or the training split."""

    def run() -> int:
        from workbench.headless.options import Options
        from workbench.headless.tune_batch import tune_batch

        options = Options(json_output=json_output, quiet=quiet, save_as=save_as, trust_code=trust_code)
        return tune_batch(preset, tuple(overrides or ()), options, up_to=up_to)

    end_with(run)

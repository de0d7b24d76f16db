"""`workbench tune lr`: finds a learning rate by a range test."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.exit_codes import end_with


def lr(
    preset: parameters.Tuned,
    overrides: parameters.Overrides = None,
    low: Annotated[float | None, typer.Option("--low", help="The lowest learning rate to try.")] = None,
    high: Annotated[float | None, typer.Option("--high", help="The highest learning rate to try.")] = None,
    steps: Annotated[int, typer.Option("--steps", help="Steps from the lowest to the highest.")] = 100,
    seeds: Annotated[int, typer.Option("--seeds", help="Trainings, each with its own seed.")] = 5,
    json_output: parameters.JsonOutput = False,
    quiet: parameters.QuietNumber = False,
    save_as: parameters.SaveFound = None,
    trust_code: parameters.TrustCode = False,
) -> None:
    """Find a learning rate: the loss while the rate rises from step to step, over several seeds."""

    def run() -> int:
        from workbench.headless.options import Options
        from workbench.headless.tune_lr import tune_lr

        options = Options(json_output=json_output, quiet=quiet, save_as=save_as, trust_code=trust_code)
        return tune_lr(preset, tuple(overrides or ()), options, low=low, high=high, steps=steps, seeds=seeds)

    end_with(run)

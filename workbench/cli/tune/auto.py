"""`workbench tune auto`: batch size, learning rate, and a search around them."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.exit_codes import end_with


def auto(
    preset: parameters.Tuned,
    overrides: parameters.Overrides = None,
    time: Annotated[str, typer.Option("--time", metavar="10m", help="About how long: 30s, 10m, 2h.")] = "10m",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the sampler.")] = 0,
    json_output: parameters.JsonOutput = False,
    quiet: parameters.Quiet = False,
    save_as: parameters.SaveFound = None,
    studies_dir: parameters.StudiesDir = None,
    trust_code: parameters.TrustCode = False,
) -> None:
    """Find batch size, learning rate and what goes with them, and check the best with fresh seeds."""

    def run() -> int:
        from workbench.headless.options import Options
        from workbench.headless.tune import Budget
        from workbench.headless.tune_auto import tune_auto

        options = Options(
            json_output=json_output, quiet=quiet, save_as=save_as, studies_dir=studies_dir, trust_code=trust_code
        )
        return tune_auto(
            preset,
            tuple(overrides or ()),
            options,
            seconds=Budget.parse(0, time, "").seconds,
            seed=seed,
        )

    end_with(run)

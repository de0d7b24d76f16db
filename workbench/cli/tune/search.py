"""`workbench tune search`: searches for the best settings."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.exit_codes import end_with


def search(
    preset: parameters.Tuned,
    overrides: parameters.Overrides = None,
    searched: Annotated[
        list[str] | None,
        typer.Option(
            "--search",
            metavar="KEY=RANGE",
            help="Search a setting: optimizer.learning_rate=1e-4..1e-1, activation.name=relu|gelu. Else the preset's "
            "[search] table, else the settings that matter most.",
        ),
    ] = None,
    sampler: Annotated[str, typer.Option("--sampler", help="tpe, random, grid, cmaes or qmc.")] = "tpe",
    discard: Annotated[
        str,
        typer.Option(
            "--discard", metavar="RULE", help="asha (thirds continue from epoch 1, 3, 9), keep:K@E, median or none."
        ),
    ] = "asha",
    trials: Annotated[int, typer.Option("--trials", min=0, help="Try this many settings.")] = 0,
    time: Annotated[str, typer.Option("--time", metavar="10m", help="Search for this long: 15s, 10m, 2h.")] = "",
    until: Annotated[
        str, typer.Option("--until", metavar="METRIC>=VALUE", help="Stop at this value, e.g. accuracy>=0.98.")
    ] = "",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the sampler.")] = 0,
    fresh_seeds: Annotated[
        int,
        typer.Option("--seeds", min=0, max=100, help="Train the best three again with this many fresh seeds."),
    ] = 3,
    save_as: Annotated[
        str | None, typer.Option("--save-as", metavar="NAME", help="Save the best settings as a preset.")
    ] = None,
    together: parameters.Together = None,
    workers: parameters.Workers = 0,
    on: parameters.On = "",
    json_output: parameters.JsonOutput = False,
    quiet: parameters.Quiet = False,
    studies_dir: parameters.StudiesDir = None,
    trust_code: parameters.TrustCode = False,
) -> None:
    """Search for the best values of any settings."""

    def run() -> int:
        from workbench.headless.options import Options
        from workbench.headless.tune import Budget, search

        options = Options(
            json_output=json_output,
            quiet=quiet,
            trust_code=trust_code,
            save_as=save_as,
            together=together,
            workers=workers,
            on=on,
            studies_dir=studies_dir,
        )
        return search(
            preset,
            tuple(overrides or ()),
            tuple(searched or ()),
            Budget.parse(trials, time, until),
            sampler=sampler,
            discard=discard,
            seed=seed,
            fresh_seeds=fresh_seeds,
            options=options,
        )

    end_with(run)

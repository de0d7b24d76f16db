"""`workbench data`: what the data of a preset holds, and what its samples look like."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.completion import complete_presets
from workbench.cli.exit_codes import end_with


def data(
    preset: Annotated[
        str,
        typer.Option(
            "--preset",
            "-p",
            metavar="NAME|PATH",
            help="The preset whose data to read: a path, or a name in ./presets, your folder, or the presets shipped.",
            autocompletion=complete_presets,
        ),
    ],
    overrides: parameters.Overrides = None,
    samples: Annotated[int, typer.Option("--samples", help="Samples to show, one of each class first.")] = 6,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the samples shown.")] = 0,
    json_output: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only what is predicted, and the number of samples.")
    ] = False,
    trust_code: parameters.TrustCode = False,
) -> None:
    """Show the data of a preset without training: classes, counts, shapes, lengths, and a few samples."""

    def run() -> int:
        from workbench.headless.data import show_data
        from workbench.headless.options import Options

        options = Options(json_output=json_output, quiet=quiet, trust_code=trust_code)
        return show_data(preset, tuple(overrides or ()), options, samples=samples, seed=seed)

    end_with(run)

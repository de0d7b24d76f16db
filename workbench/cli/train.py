"""`workbench train PRESET`: trains a preset without the app."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.command_line import CommandLine
from workbench.cli.completion import complete_presets
from workbench.cli.exit_codes import end_with
from workbench.cli.hand_over import hand_over


def train(
    preset: Annotated[
        str,
        typer.Argument(
            metavar="PRESET",
            help="A path, or a name in ./presets, your folder, or the presets shipped.",
            autocompletion=complete_presets,
        ),
    ],
    overrides: parameters.Overrides = None,
    dry_run: parameters.DryRun = False,
    json_output: parameters.JsonOutputOrPlan = False,
    quiet: parameters.Quiet = False,
    runs_dir: parameters.RunsDir = None,
    studies_dir: parameters.StudiesDir = None,
    save_as: parameters.SaveAs = None,
    trust_code: parameters.TrustCode = False,
    profile: parameters.Profile = None,
    tensorboard: parameters.TensorBoard = None,
    together: parameters.Together = None,
) -> None:
    """Train a preset without the app; the same as `workbench --preset PRESET`."""
    end_with(
        lambda: hand_over(
            CommandLine(
                preset=preset,
                overrides=tuple(overrides or ()),
                dry_run=dry_run,
                json_output=json_output,
                quiet=quiet,
                runs_dir=runs_dir,
                studies_dir=studies_dir,
                save_as=save_as,
                trust_code=trust_code,
                profile=profile,
                tensorboard=tensorboard,
                together=together,
            )
        )
    )

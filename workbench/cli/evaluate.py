"""`workbench evaluate RUN`: how good a trained model is, on its own data or on others."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.completion import complete_presets
from workbench.cli.exit_codes import end_with


def evaluate(
    run: parameters.RunName,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="PRESET|FILE|FOLDER",
            help="Other data: a preset's, or a file or folder like the run's own. Default: the run's own data.",
            autocompletion=complete_presets,
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            "--split",
            metavar="test|validation|train|all",
            help="Which samples. Default: the test split; of other data without one, all samples.",
        ),
    ] = "auto",
    worst: Annotated[int, typer.Option("--worst", metavar="N", help="How many of the worst samples to list.")] = 10,
    device: Annotated[
        str | None, typer.Option("--device", metavar="auto|cpu|cuda|cuda:N|mps", help="Device. Default: the run's.")
    ] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only the metric that the best epoch was chosen by.")
    ] = False,
    trust_code: parameters.TrustCode = False,
    runs_dir: parameters.RunsDir = None,
    studies_dir: parameters.StudiesDir = None,
) -> None:
    """Evaluate a trained model: metrics, confusion, calibration, the worst samples. The run stays as it is."""

    def evaluate_it() -> int:
        from workbench.headless.evaluate import EvaluateCommand, evaluate_run
        from workbench.headless.options import Options

        options = Options(
            json_output=json_output, quiet=quiet, trust_code=trust_code, runs_dir=runs_dir, studies_dir=studies_dir
        )
        return evaluate_run(EvaluateCommand(run, data, split, worst, device), options)

    end_with(evaluate_it)

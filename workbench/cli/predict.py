"""`workbench predict`: what a trained model says of new inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.completion import complete_runs
from workbench.cli.exit_codes import end_with


def predict(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN|FILE",
            help="The run: its name, part of its name, or its path; or a checkpoint (best.pt), or a .safetensors file.",
            autocompletion=complete_runs,
        ),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            help="Inputs, of the kind that the model was trained on: a table (CSV, TSV, JSON lines), files or "
            "folders of images, texts or sounds, .npz or .npy arrays; - for standard input: a table, or a text a line.",
        ),
    ] = None,
    texts: Annotated[
        list[str] | None, typer.Option("--text", metavar="TEXT", help="A text to predict; may be repeated.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="train|validation|test",
            help="Predict samples of the run's own data instead, as the run measured them.",
        ),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Write CSV with a header instead of JSON lines.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="File to write, whole or not at all. Default: stdout."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Overwrite the file if it exists.")] = False,
    all_classes: Annotated[
        bool, typer.Option("--probabilities", help="The probability of every class, even with more than 20.")
    ] = False,
    skip_broken: Annotated[
        bool,
        typer.Option(
            "--skip-broken",
            help="Give an input that cannot be read an error in its line, instead of stopping at the first.",
        ),
    ] = False,
    batch_size: Annotated[
        int | None,
        typer.Option(
            "--batch-size",
            help="Samples at a time; else as many as the run evaluated at a time. It halves itself where memory runs "
            "out.",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", metavar="auto|cpu|cuda|cuda:N|mps", help="Where to compute.")
    ] = "auto",
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="For a language model: data.sample_tokens, data.temperature or data.top_k, instead of the preset's.",
        ),
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="With --out: what was predicted, as one JSON object on stdout.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only predictions and errors.")] = False,
    trust_code: parameters.TrustCode = False,
    runs_dir: parameters.RunsDir = None,
) -> None:
    """Predict new inputs with a trained model: one line per sample, in order, in the data's own units."""

    def run() -> int:
        from workbench.headless.options import Options
        from workbench.headless.predict import Destination, predict
        from workbench.processes.predict import Request

        request = Request(
            model="",
            inputs=list(inputs or ()),
            texts=list(texts or ()),
            split=split,
            device=device,
            batch_size=batch_size,
            format="csv" if csv else "jsonl",
            all_classes=all_classes,
            skip_broken=skip_broken,
            overrides=list(overrides or ()),
            trust_code=trust_code,
        )
        options = Options(json_output=json_output, quiet=quiet, runs_dir=runs_dir)
        return predict(model, request, Destination(out, overwrite), options)

    end_with(run)

"""The options that several commands share, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.completion import complete_assignments, complete_presets, complete_runs, complete_runs_and_studies

Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a setting, e.g. optimizer.learning_rate=0.003.",
        autocompletion=complete_assignments,
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Build and check everything, show what it needs, without training.")
]
EVENTS_AS_JSON = "Events as JSON lines on stdout, narration on stderr."
JsonOutput = Annotated[bool, typer.Option("--json", help=EVENTS_AS_JSON)]
JsonOutputOrPlan = Annotated[bool, typer.Option("--json", help=f"{EVENTS_AS_JSON} With --dry-run, the plan.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and where the run is stored.")]
RunsDir = Annotated[
    Path | None, typer.Option("--runs-dir", help="Folder of runs. Default: WORKBENCH_RUNS, else ./runs.")
]
StudiesDir = Annotated[
    Path | None, typer.Option("--studies-dir", help="Folder of studies. Default: WORKBENCH_STUDIES, else ./studies.")
]
On = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="ray|ray://HOST:PORT",
        help="Train the trials on a Ray cluster: the one that this machine belongs to, or the one at that address. The "
        "studies folder must be on a disk that all its machines see.",
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        "--workers",
        min=0,
        help="Train this many trials at once on the CPU; they share its cores, which a small network leaves idle. "
        "Default: one, so that the same seed tries the same settings.",
    ),
]
Together = Annotated[
    bool | None,
    typer.Option(
        "--together/--one-by-one",
        help="Train what differs only in numbers together in one process, which leaves no runs, or each alone, as "
        "a run. Default: the faster way.",
    ),
]
Tuned = Annotated[
    str,
    typer.Option(
        "--preset",
        "-p",
        metavar="NAME|PATH",
        help="The preset to tune: a path, or a name in ./presets, your folder, or the presets shipped.",
        autocompletion=complete_presets,
    ),
]
SaveAs = Annotated[
    str | None, typer.Option("--save-as", metavar="NAME", help="Save the choice as a preset, without training it.")
]
SaveFound = Annotated[
    str | None, typer.Option("--save-as", metavar="NAME", help="Save the preset with what was found under this name.")
]
QuietNumber = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and the number that was found.")]
TrustCode = Annotated[
    bool,
    typer.Option(
        "--trust-code", help="Trust and run the user code that the preset names; needed once per content of its files."
    ),
]
Profile = Annotated[
    int | None,
    typer.Option(
        "--profile",
        metavar="N",
        help="Profile N steps once the first are over: a trace for Perfetto, and the most expensive operators.",
    ),
]
TensorBoard = Annotated[
    Path | None,
    typer.Option(
        "--tensorboard",
        metavar="DIR",
        help="Write the run for TensorBoard while it trains, to its own folder in DIR.",
    ),
]
RunOrStudy = Annotated[
    str,
    typer.Argument(
        metavar="RUN|STUDY",
        help="The run or the study: its name, part of its name, or its path.",
        autocompletion=complete_runs_and_studies,
    ),
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="The run: its name, part of its name, or its path.", autocompletion=complete_runs
    ),
]
RunPattern = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The run: its name, part of its name, its path, or a pattern such as '*-fast-*'.",
        autocompletion=complete_runs,
    ),
]
EveryRun = Annotated[bool, typer.Option("--all", help="All runs with RUN in their name.")]
JsonRows = Annotated[
    bool, typer.Option("--json", help="One JSON object per run, as `workbench runs --json` prints it.")
]

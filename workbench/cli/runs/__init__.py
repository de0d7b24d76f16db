"""`workbench runs`: lists runs, the newest first. Its subcommands tag, note, rename and delete are files beside it."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli import parameters
from workbench.cli.completion import complete_presets
from workbench.cli.exit_codes import end_with


def runs(
    statuses: Annotated[
        list[str] | None,
        typer.Option(
            "--status", metavar="STATUS", help="Only completed, stopped, failed, lost, running, new or broken runs."
        ),
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="Only runs with this tag, or one like 'v1*'.")
    ] = None,
    presets: Annotated[
        list[str] | None,
        typer.Option(
            "--preset",
            "-p",
            metavar="NAME",
            help="Only runs of this preset, or of those like 'mnist*'.",
            autocompletion=complete_presets,
        ),
    ] = None,
    study: Annotated[
        str, typer.Option("--study", metavar="STUDY", help="Only the trials of this study: its name, or part of it.")
    ] = "",
    conditions: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="FILTER",
            help="Only runs with e.g. optimizer.name=adam, 'acc>97%' (validation, at the best epoch), 'test.loss<0.1', "
            "'duration>5min', 'started>=2026-11-27', or 'lr<0.01 and not (tag:night or status:failed)'.",
        ),
    ] = None,
    sort: Annotated[
        str,
        typer.Option(
            "--sort", metavar="KEY", help="started, best, name, preset, status, duration, epoch, a metric or a setting."
        ),
    ] = "started",
    reverse: Annotated[bool, typer.Option("--reverse", help="Sort the other way round.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="List at most N runs.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object per run, with exact values.")] = False,
    runs_dir: parameters.RunsDir = None,
    studies_dir: parameters.StudiesDir = None,
) -> None:
    """List runs, newest first: status, name, epochs, best value of the monitored metric, age, directory, study."""

    def print_runs() -> int:
        from workbench.headless.run_list import list_runs
        from workbench.headless.run_query import RunQuery
        from workbench.runs.directory import default_runs_folder

        query = RunQuery(
            statuses=tuple(statuses or ()),
            tags=tuple(tags or ()),
            presets=tuple(presets or ()),
            where=tuple(conditions or ()),
            sort=sort,
            reverse=reverse,
            limit=limit,
        )
        return list_runs(
            runs_dir or default_runs_folder(),
            query,
            study=study,
            studies_folder=studies_dir,
            json_output=json_output,
        )

    end_with(print_runs)

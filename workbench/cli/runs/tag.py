"""`workbench runs tag`: adds tags to runs, and removes some."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from workbench.cli import parameters
from workbench.cli.command import Command
from workbench.cli.completion import complete_runs
from workbench.cli.exit_codes import end_with


class TagCommand(Command):
    """Takes -TAG as a tag to remove, not as options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        end = args.index("--") if "--" in args else len(args)
        before, after = args[:end], args[end + 1 :]
        removed = [word for word in before if word[:1] == "-" and word[:2] != "--" and word != "-h"]
        dashes = ["--"] if removed or after else []
        return super().parse_args(ctx, [*(word for word in before if word not in removed), *dashes, *removed, *after])


COMMAND_CLASS = TagCommand


def tag(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|+TAG|-TAG",
            help="The runs, and what to add and remove. A run: its name, part of its name, its path, or a pattern "
            "such as '*-fast-*'. Without tags, those of the runs are printed.",
            autocompletion=complete_runs,
        ),
    ],
    every: parameters.EveryRun = False,
    json_output: parameters.JsonRows = False,
    runs_dir: parameters.RunsDir = None,
) -> None:
    """Add tags to runs, and remove some: workbench runs tag RUN +good -old."""

    def change() -> int:
        from workbench.headless.run_changes import tag
        from workbench.runs.directory import default_runs_folder

        return tag(runs_dir or default_runs_folder(), words, every=every, json_output=json_output)

    end_with(change)

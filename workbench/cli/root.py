"""`workbench` itself: opens the app, trains or answers a question, or hands over to the command of the first word."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from types import ModuleType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from workbench import __version__, output
from workbench.cli import parameters
from workbench.cli.command import Command, CommandOfGroup
from workbench.cli.command_line import CommandLine, misspelt_command
from workbench.cli.completion import complete_first_word, complete_presets, complete_runs
from workbench.cli.exit_codes import EXIT_CODES, end_with
from workbench.cli.names import COMMANDS, LISTING, SUBCOMMANDS
from workbench.errors import EXIT_USAGE, UsageError
from workbench.launch import complain

ROOT = "workbench"
"""The hidden command whose options are those of `workbench` without a command."""
CONTEXT = {"help_option_names": ["-h", "--help"]}


class _Group(TyperGroup):
    """All commands; without the name of one, the root command takes the whole command line."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in COMMANDS:
            if not ctx.resilient_parsing and (problem := problem_of_two_words(args)):
                complain(UsageError(problem))
                raise typer.Exit(EXIT_USAGE)
            args = [ROOT, *(args if ctx.resilient_parsing else arguments_with_attach(args))]
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        """None: whatever stands on the command line is the command's. (typer imports pydantic to parse an option.)"""
        return []

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; its file is imported only now."""
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        if cmd_name in LISTING:
            return _Listing(name=cmd_name, help=help_of(cmd_name), context_settings=CONTEXT)
        if cmd_name in SUBCOMMANDS:
            return _Subcommands(
                name=cmd_name,
                help=help_of(cmd_name),
                epilog=EXIT_CODES,
                no_args_is_help=True,
                context_settings=CONTEXT,
            )
        return _command_of(cmd_name)


class _Subcommands(TyperGroup):
    """A command with subcommands; the file of each is imported only when it is needed."""

    def list_commands(self, ctx: Any) -> list[str]:
        assert self.name is not None
        return list(SUBCOMMANDS[self.name])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _command_of(f"{self.name}.{cmd_name}") if cmd_name in self.list_commands(ctx) else None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        with output.styled():
            super().format_help(ctx, formatter)


class _Listing(_Subcommands):
    """A command with subcommands that lists something without one. A subcommand comes first, before any option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if (args[:1] and args[0] in self.list_commands(ctx)) or (ctx.resilient_parsing and not args):
            return super().parse_args(ctx, args)
        return super().parse_args(ctx, [str(self.name), *args])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _command_of(cmd_name) if cmd_name == self.name else super().get_command(ctx, cmd_name)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Completes the subcommands, and the options of the list."""
        if not incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        listing = self.get_command(ctx, str(self.name))
        return listing.shell_complete(
            listing.make_context(self.name, [], parent=ctx, resilient_parsing=True), incomplete
        )


class _List(CommandOfGroup):
    """The list of such a command."""

    def commands(self) -> Iterable[tuple[str, str | None]]:
        return [(name, help_of(f"{self.name}.{name}")) for name in SUBCOMMANDS[str(self.name)]]


def _command_of(command: str) -> Any:
    alone = typer.Typer(add_completion=False, context_settings=CONTEXT)
    kind = _List if command in LISTING else getattr(_module_of(command), "COMMAND_CLASS", Command)
    alone.command(command.rpartition(".")[2], cls=kind, epilog=EXIT_CODES)(function_of(command))
    return typer.main.get_command(alone)


class _Root(CommandOfGroup):
    """The root command. Its options are the program's: to install completion, and in `--help` the commands too."""

    def get_params(self, ctx: Any) -> list[Any]:
        completion = [] if ctx.parent is None else ctx.parent.command.params
        *own, help = super().get_params(ctx)
        return [*own, *completion, help]

    def commands(self) -> Iterable[tuple[str, str | None]]:
        return [(name, help_of(name)) for name in COMMANDS]


app = typer.Typer(cls=_Group, pretty_exceptions_enable=False, context_settings=CONTEXT)


@app.callback()
def _commands() -> None:
    """Makes typer treat the one function below as a command of a group. It does nothing itself."""


def _print_version(asked: bool) -> None:
    if asked:
        print(f"workbench {__version__}")
        raise typer.Exit


@app.command(ROOT, cls=_Root, hidden=True, epilog=EXIT_CODES)
def workbench(
    opened: Annotated[
        str | None,
        typer.Argument(
            metavar="PRESET",
            help="Open the app with this preset; by default the last one. A preset named like a command is "
            "opened by its path.",
            autocompletion=complete_first_word,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            "-p",
            metavar="NAME|PATH",
            help="Train this preset without the app: a path, or a name in ./presets, your folder, or those shipped.",
            autocompletion=complete_presets,
        ),
    ] = None,
    overrides: parameters.Overrides = None,
    dry_run: parameters.DryRun = False,
    json_output: parameters.JsonOutputOrPlan = False,
    quiet: parameters.Quiet = False,
    runs_dir: parameters.RunsDir = None,
    studies_dir: parameters.StudiesDir = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="RUN",
            help="Resume a run from its last checkpoint.",
            autocompletion=complete_runs,
        ),
    ] = None,
    save_as: parameters.SaveAs = None,
    trust_code: parameters.TrustCode = False,
    list_what: Annotated[
        str | None,
        typer.Option("--list", metavar="WHAT", help="List optimizers, losses, activations, models, data, presets, ..."),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="PATH", help="Explain every setting of e.g. optimizer.adam or training."),
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schema of presets, for editors that check them.")
    ] = False,
    attach: Annotated[
        str | None,
        typer.Option(
            "--attach",
            metavar="[RUN]",
            help="Open the app on a run in progress; without RUN, the latest. RUN may be a log folder of TensorBoard, "
            "Lightning (CSV) or W&B.",
            autocompletion=complete_runs,
        ),
    ] = None,
    ascii_only: Annotated[
        bool | None,
        typer.Option(
            "--ascii/--unicode",
            help="The app in plain ASCII, or not. Default: ASCII on the Linux console, and where the locale "
            "is not UTF-8.",
        ),
    ] = None,
    low_bandwidth: Annotated[
        bool, typer.Option("--low-bandwidth", help="Update the app half as often: for slow connections.")
    ] = False,
    profile: parameters.Profile = None,
    tensorboard: parameters.TensorBoard = None,
    together: parameters.Together = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Tune, train and profile PyTorch models from one terminal."""
    from workbench.cli.hand_over import hand_over

    end_with(
        lambda: hand_over(
            CommandLine(
                opened=opened,
                preset=preset,
                overrides=tuple(overrides or ()),
                dry_run=dry_run,
                json_output=json_output,
                quiet=quiet,
                runs_dir=runs_dir,
                studies_dir=studies_dir,
                resume=resume,
                save_as=save_as,
                trust_code=trust_code,
                list_what=list_what,
                explain=explain,
                schema=schema,
                attach=attach,
                ascii_only=ascii_only,
                low_bandwidth=low_bandwidth,
                profile=profile,
                tensorboard=tensorboard,
                together=together,
            )
        )
    )


def function_of(command: str) -> Callable[..., None]:
    """The function of a command, such as `train` or `tune.search`: of the same name as its file."""
    function: Callable[..., None] = getattr(_module_of(command), command.rpartition(".")[2])
    return function


def _module_of(command: str) -> ModuleType:
    return import_module(f"workbench.cli.{command}")


def help_of(command: str) -> str | None:
    """The help text of a command, with or without subcommands."""
    if command in SUBCOMMANDS and command not in LISTING:
        return (_module_of(command).__doc__ or "").partition("\n\n")[0]
    return function_of(command).__doc__


def problem_of_two_words(arguments: list[str]) -> str:
    """Why a line that begins with two words is wrong, as `workbench` itself takes one; empty if that is not known."""
    words = arguments[:2]
    if len(words) < 2 or any(word.startswith("-") for word in words):
        return ""
    return misspelt_command(words[0])


def arguments_with_attach(arguments: list[str]) -> list[str]:
    """Adds an empty run to a bare `--attach`, whose run may be left out."""
    completed = []
    for argument, following in zip(arguments, [*arguments[1:], "--"], strict=True):
        completed.append(f"{argument}=" if argument == "--attach" and following.startswith("-") else argument)
    return completed

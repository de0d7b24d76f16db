"""The command line: parse, then hand over. stdout is data, stderr is narration, exit codes are an interface."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from workbench import __version__, launch, output
from workbench.errors import EXIT_DONE, UsageError, WorkbenchError
from workbench.launch import complain

EXIT_CODES = (
    "Exit codes: 0 done; 2 the preset or the command line is wrong; 3 training failed (diverged, out of memory, "
    "data broken, disk full, trainer killed), or what was asked for could not be written to stdout; 130 interrupted."
)


class _Command(TyperCommand):
    """Its help is in our own words: the colours may pass."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        with output.styled():
            super().format_help(ctx, formatter)


app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"workbench {__version__}")
        raise typer.Exit


@app.command(epilog=EXIT_CODES, cls=_Command)
def workbench(
    opened: Annotated[
        str | None,
        typer.Argument(metavar="[PRESET]", help="Open the app with this preset; without one, with the last."),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            "-p",
            metavar="NAME|PATH",
            help="Train this preset without the app: a path, or a name in ./presets, your folder, or those shipped.",
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, e.g. optimizer.learning_rate=0.003."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Build and check everything, show what it takes, train nothing.")
    ] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Events (or the plan) as JSON lines on stdout, narration on stderr.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only errors and where the run is stored.")
    ] = False,
    runs_dir: Annotated[
        Path | None, typer.Option("--runs-dir", help="Folder of runs; else WORKBENCH_RUNS, else ./runs.")
    ] = None,
    resume: Annotated[
        str | None, typer.Option("--resume", metavar="RUN", help="Resume a run from its last checkpoint.")
    ] = None,
    save_as: Annotated[
        str | None, typer.Option("--save-as", metavar="NAME", help="Save the choice as a preset, without training it.")
    ] = None,
    trust_code: Annotated[
        bool, typer.Option("--trust-code", help="Run the user code that the preset names; asked once per content.")
    ] = False,
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
        typer.Option("--attach", metavar="[RUN]", help="Open the app on a run that is going; without RUN, the latest."),
    ] = None,
    ascii_only: Annotated[
        bool, typer.Option("--ascii", help="The app in plain ASCII, for terminals without the glyphs.")
    ] = False,
    low_bandwidth: Annotated[
        bool, typer.Option("--low-bandwidth", help="The app looks half as often: for slow connections.")
    ] = False,
    profile: Annotated[
        int | None,
        typer.Option(
            "--profile",
            metavar="N",
            help="Profile N steps once the first are over: a trace for Perfetto, and the most expensive operators.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Tune, train and profile PyTorch models from one terminal."""
    try:
        code = _dispatch(
            opened, preset, overrides or [], dry_run, json_output, quiet, runs_dir, resume, save_as, trust_code,
            list_what, explain, schema, attach, ascii_only, low_bandwidth, profile,
        )  # fmt: skip
    except WorkbenchError as error:
        complain(error)
        code = error.exit_code
    except BrokenPipeError:
        output.abandon()  # as `head` ends what it reads from; typer would make a failure of it
        code = EXIT_DONE
    raise typer.Exit(code)


def _dispatch(
    opened: str | None,
    preset_name: str | None,
    overrides: list[str],
    dry_run: bool,
    json_output: bool,
    quiet: bool,
    runs_dir: Path | None,
    resume: str | None,
    save_as: str | None,
    trust_code: bool,
    list_what: str | None,
    explain_path: str | None,
    schema: bool,
    attach: str | None,
    ascii_only: bool,
    low_bandwidth: bool,
    profile: int | None,
) -> int:
    """Hands over to what the options ask for; returns the exit code. Raises WorkbenchError."""
    # Imported where they are needed, so that --help and --list answer at once.
    from workbench import reference

    if list_what is not None:
        return reference.print_list(list_what)
    if explain_path is not None:
        return reference.print_explanation(explain_path)
    if schema:
        return reference.print_schema()
    if preset_name is None and resume is None:
        if dry_run or json_output or save_as or quiet or profile is not None:
            raise UsageError("which preset? Give one with --preset; `workbench --list presets` shows them")
        return launch.open_app(opened, overrides, runs_dir, attach, ascii=ascii_only, low_bandwidth=low_bandwidth)
    from workbench.headless import train as headless
    from workbench.runs.control import MOST_PROFILE_STEPS
    from workbench.runs.directory import default_runs_folder
    from workbench.settings import library

    options = headless.Options(
        runs_folder=runs_dir or default_runs_folder(),
        json_output=json_output,
        quiet=quiet,
        trust_code=trust_code,
        profile_steps=profile,
    )
    if profile is not None and not 1 <= profile <= MOST_PROFILE_STEPS:
        raise UsageError(f"--profile takes a number of steps, from 1 to {MOST_PROFILE_STEPS}")
    if profile is not None and (dry_run or save_as):
        raise UsageError("--profile needs a training: it does not go with --dry-run or --save-as")
    if resume is not None:
        if preset_name or overrides or dry_run or save_as:
            raise UsageError("--resume continues a run as it was; it takes no --preset, --set, --dry-run, --save-as")
        return headless.resume(resume, options)
    assert preset_name is not None
    if opened is not None or attach is not None:
        raise UsageError("--preset trains without the app; to open the app, give the preset's name alone")
    preset = library.load(preset_name).override(overrides)
    if save_as is not None:
        return headless.save_preset(preset, save_as)
    if dry_run:
        return headless.dry_run(preset, options)
    return headless.train(preset, options)


def arguments_with_attach(arguments: list[str]) -> list[str]:
    """The command line with an empty run after a bare `--attach`: which run it is may be left out."""
    completed = []
    for argument, following in zip(arguments, [*arguments[1:], "--"], strict=True):
        completed.append(f"{argument}=" if argument == "--attach" and following.startswith("-") else argument)
    return completed

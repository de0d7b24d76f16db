"""Calls the code that does what a command line asks for."""

from __future__ import annotations

from workbench.cli.command_line import CommandLine
from workbench.cli.names import COMMANDS
from workbench.errors import UsageError


def hand_over(asked: CommandLine) -> int:
    """Does what was asked for; returns the exit code. Raises WorkbenchError."""
    # Imported where they are needed, so that --help and --list answer at once.
    if asked.is_question:
        return _answer(asked)
    if asked.opens_app:
        from workbench import launch

        return launch.open_app(
            asked.opened,
            list(asked.overrides),
            asked.runs_dir,
            asked.attach,
            ascii=asked.ascii_only,
            low_bandwidth=asked.low_bandwidth,
            commands=COMMANDS,
        )
    return _train(asked)


def _answer(asked: CommandLine) -> int:
    from workbench import reference

    if asked.list_what is not None:
        return reference.print_list(asked.list_what)
    return reference.print_schema() if asked.explain is None else reference.print_explanation(asked.explain)


def _train(asked: CommandLine) -> int:
    from workbench.headless import train as headless
    from workbench.headless.options import Options
    from workbench.settings import library
    from workbench.settings.validation import CrossValidation

    if asked.tensorboard is not None:
        from workbench.tensorboard.packages import check_packages

        check_packages("--tensorboard")
    options = Options(
        runs_dir=asked.runs_dir,
        studies_dir=asked.studies_dir,
        json_output=asked.json_output,
        quiet=asked.quiet,
        trust_code=asked.trust_code,
        profile_steps=asked.profile,
        tensorboard=asked.tensorboard,
        together=asked.together,
    )
    if asked.resume is not None:
        return headless.resume(asked.resume, options)
    assert asked.preset is not None
    preset = library.load(asked.preset).override(asked.overrides)
    if asked.save_as is not None:
        return headless.save_preset(preset, asked.save_as)
    if asked.dry_run:
        return headless.dry_run(preset, options)
    if isinstance(preset.validation, CrossValidation) and preset.validation.is_all:
        from workbench.headless.folds import cross_validate

        return cross_validate(preset, options)
    if asked.together is not None:
        raise UsageError(
            "--together and --one-by-one are for the folds of a cross-validation; this preset is trained once"
        )
    return headless.train(preset, options)

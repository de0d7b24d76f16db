"""Training a preset to the end without the app: starts the trainer, reads its events, reports.

The trainer is a process of its own; this one only reads its run directory, as every other viewer does.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys

from workbench import output
from workbench.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    StorageError,
    TrainerLostError,
    UntrustedCodeError,
    UsageError,
    WorkbenchError,
)
from workbench.files import open_regular
from workbench.headless import report
from workbench.headless.beside import Beside
from workbench.headless.display import Display, JsonDisplay, LineDisplay, LiveDisplay, QuietDisplay
from workbench.headless.interrupts import Interrupts, kill_group
from workbench.headless.options import Options
from workbench.processes.messages import encode
from workbench.processes.plan import make_plan
from workbench.processes.worker import EXIT_BUSY, EXIT_STORAGE, start_trainer
from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory, create_run, find_run
from workbench.runs.follow import Follower, Written
from workbench.runs.history import RunHistory
from workbench.runs.lock import process_id
from workbench.runs.status import read_summary, status
from workbench.settings import code, library
from workbench.settings.preset import Preset
from workbench.units import count

LOG_BYTES = 2**16
"""Bytes at the end of a trainer's log that are searched for its last line."""


def train(preset: Preset, options: Options) -> int:
    """Trains a preset in a new run; returns the exit code. Raises WorkbenchError."""
    preset = preset.with_absolute_paths()
    check_trust(preset, options.trust_code)
    run = create_run(options.runs_folder, preset.name, preset.to_toml())
    return _follow(run, options)


def resume(name_or_path: str, options: Options) -> int:
    """Resumes a run; returns the exit code. Raises UsageError if it is running or complete."""
    run = find_run(options.runs_folder, name_or_path)
    preset = Preset.of_run(run.preset)  # first: a run of the user's own loop has none, whatever its status
    match status(run):
        case "running":
            number = process_id(run)
            raise UsageError(f"the run {run.name} is still running{f' (process {number})' * (number is not None)}")
        case "completed":
            raise UsageError(
                f"the run {run.name} has completed. To train longer, start a new run: "
                f"workbench --preset {report.typed_path(run.preset)} --set training.epochs=N"
            )
    check_trust(preset, options.trust_code)
    return _follow(run, options)


def save_preset(preset: Preset, name: str) -> int:
    """Saves a preset under a name in the user's folder. Raises UsageError if there is one already."""
    path = library.add_preset(preset, name)
    print(f"saved {path}\ntrain it with: workbench --preset {path.stem}")
    return EXIT_DONE


def dry_run(preset: Preset, options: Options) -> int:
    """Shows what a preset would train; returns the exit code. Raises WorkbenchError."""
    preset = preset.with_absolute_paths()
    check_trust(preset, options.trust_code)
    plan = make_plan(preset)
    if options.json_output:
        print(encode(plan))
    else:
        report.print_plan(preset, plan)
    return EXIT_DONE


def check_trust(preset: Preset, trust_code: bool) -> None:
    """Asks for trust in the user code of a preset, or takes it as given. Raises UntrustedCodeError."""
    for reference, arguments in preset.code_calls():
        if trust_code:
            code.trust(reference)
        elif not code.is_trusted(reference):
            raise UntrustedCodeError(code.question(reference, arguments))


def _follow(run: RunDirectory, options: Options) -> int:
    """Starts the trainer of a run, shows it until it ends, and reports; returns the exit code."""
    follower = Follower(run, from_now=True)
    history, display, beside = RunHistory(), _display(options), Beside(run)
    with Interrupts() as interrupts:
        trainer = start_trainer(run, shlex.join(sys.argv))
        try:
            with display:
                display.start(run)
                beside.start(display.narrate, options.tensorboard)
                if options.profile_steps:
                    _ask_for_profile(run, options.profile_steps, display)
                for written in follower.until_ended(trainer):
                    _show(written, history, display)
                    if not interrupts.count:  # whoever stops a run need not hear that it has stopped
                        beside.read([event for _, event in written], is_alive=follower.is_alive)
                    if interrupts.handle(lambda: _ask_to_stop(run, trainer), lambda: kill_group(trainer.pid)):
                        prepared = history.view.prepared is not None
                        what = "after this step, all is saved" if prepared else "as soon as the preparation allows"
                        display.narrate(f"stopping {what}; interrupt again to end it at once")
        except BrokenPipeError:
            # Whoever read our output is gone; the run continues, as when a terminal is lost.
            output.abandon()
            print(f"the output is no longer read; the run continues in {run.path}", file=sys.stderr)
            return EXIT_DONE
    beside.end()
    return _conclude(run, history, trainer, options, interrupts.count)


def _show(written: Written, history: RunHistory, display: Display) -> None:
    for line, event in written:
        history.take(event)
        display.show(line, event, history.view)
    display.refresh(history.view)


def _display(options: Options) -> Display:
    if options.json_output:
        return JsonDisplay()
    if options.quiet:
        return QuietDisplay()
    return LiveDisplay() if sys.stdout.isatty() else LineDisplay()


def _ask_to_stop(run: RunDirectory, trainer: subprocess.Popen[bytes]) -> None:
    try:
        ask(run, "stop")
    except StorageError:
        trainer.terminate()  # a full disk must not keep a run from being stopped


def _ask_for_profile(run: RunDirectory, steps: int, display: Display) -> None:
    try:
        ask(run, "profile", steps)
    except StorageError as error:
        display.narrate(f"there will be no profile: {error}")


def _conclude(
    run: RunDirectory, history: RunHistory, trainer: subprocess.Popen[bytes], options: Options, interrupts: int
) -> int:
    """Reports how the run ended; returns the exit code. Raises WorkbenchError if it did not end well."""
    exit_code, view = trainer.returncode, history.view
    how_to_resume = f"resume it with: workbench --resume {report.typed_path(run.path)}"
    if interrupts > 1 and view.finished is None:
        raise _interrupted(f"killed at step {count(view.step)}; {how_to_resume}")
    if exit_code == EXIT_BUSY:
        raise UsageError(f"the run {run.name} is in use by another process")
    if exit_code == EXIT_STORAGE:
        gone = next((path for path in (run.path, run.events) if not path.exists()), None)
        if gone is not None:
            raise StorageError(
                f"{gone} was deleted or moved during the run, so training ended. What is left can be "
                "resumed where it is now"
            )
        free = shutil.disk_usage(run.path).free
        raise StorageError(
            f"the run directory {run.path} can no longer be written ({free / 2**20:.0f} MiB are free on that "
            f"disk). What was written is whole; free some space, then {how_to_resume}"
        )
    summary = read_summary(run)
    if view.finished is None or summary is None:
        cause = f"killed by signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
        if exit_code == -signal.SIGKILL:
            cause += ", as the system does when memory runs out"
        raise TrainerLostError(
            f"the trainer died without an error message ({cause}) at step {count(view.step)}; {_last_log_line(run)}"
            f"{how_to_resume}"
        )
    exit_code = summary.exit_code
    try:
        if not options.quiet and (summary.step or summary.status == "stopped"):
            report.print_report(run, summary, history, to_stderr=options.json_output)
        if options.quiet and not options.json_output:
            print(run.path)
        if not options.json_output and (reason := output.take_loss()):
            # The results are in the run's directory: the message says so, where the general one would not.
            print(f"error: the output could not be written: {reason}; the run is in {run.path}", file=sys.stderr)
            exit_code = EXIT_FAILED if exit_code == EXIT_DONE else exit_code
    except BrokenPipeError:
        output.abandon()  # the exit code says how the run ended all the same
    if summary.status == "failed":
        failure = WorkbenchError(summary.reason)
        failure.exit_code = summary.exit_code
        raise failure
    return exit_code


def _interrupted(message: str) -> WorkbenchError:
    error = WorkbenchError(message)
    error.exit_code = EXIT_INTERRUPTED
    return error


def _last_log_line(run: RunDirectory) -> str:
    try:
        with open_regular(run.worker_log) as file:
            file.seek(max(file.seek(0, os.SEEK_END) - LOG_BYTES, 0))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return f"its log ends with: {lines[-1]}; " if lines else ""

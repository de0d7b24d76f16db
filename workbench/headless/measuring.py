"""What commands that ask a process share: a preset that may run, the process, what it does meanwhile, how they end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from workbench import output
from workbench.errors import EXIT_INTERRUPTED, WorkbenchError
from workbench.headless.options import Options
from workbench.headless.tuned_preset import load_tuned
from workbench.processes.export_command import NARRATION_VARIABLE
from workbench.processes.measuring import MeasuringProcess, Progress, typed_line
from workbench.processes.modules import Module
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.tuning.saving import description_with

Result = TypeVar("Result")


def load_preset(name_or_path: str, overrides: tuple[str, ...], options: Options) -> Preset:
    """The preset to measure, with the user's yes to its code. Raises PresetError, UntrustedCodeError, UsageError."""
    preset = load_tuned(name_or_path, overrides, options.trust_code)
    if options.save_as is not None:
        library.new_preset_file(options.save_as)  # refused now rather than after the measurement
    return preset


def run(measuring: Coroutine[None, None, Result]) -> Result:
    """Runs a measurement to its end. Ctrl-C and SIGTERM end it together with its process.

    Raises WorkbenchError, with the exit code of an interruption where it was interrupted.
    """
    before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        return asyncio.run(measuring)
    except KeyboardInterrupt:
        error = WorkbenchError("interrupted; nothing was changed")
        error.exit_code = EXIT_INTERRUPTED
        raise error from None
    finally:
        signal.signal(signal.SIGTERM, before)


class Narration:
    """Shows what the process does: a line that is overwritten on a terminal, a line each for the app, else nothing."""

    def __init__(self, options: Options) -> None:
        self._said = ""
        self._is_for_app = NARRATION_VARIABLE in os.environ
        self._shown = not options.quiet and not options.json_output and sys.stderr.isatty()
        self._console = output.console(stderr=True) if self._shown else None
        self._width = 0

    def show(self, progress: Progress) -> None:
        """Shows what is being done now."""
        if self._is_for_app and progress.doing != self._said:
            self._said = progress.doing
            print(progress.doing, file=sys.stderr, flush=True)
        if self._console is None:
            return
        percent = f" {100 * progress.done / progress.total:.0f} %" if progress.total else ""
        text = f"{progress.doing}{percent}"
        self._write(f"\r{text:<{self._width}}\r{text}")
        self._width = len(text)

    def clear(self) -> None:
        """Clears the line."""
        if self._width:
            self._write(f"\r{'':<{self._width}}\r")
            self._width = 0

    def _write(self, text: str) -> None:
        assert self._console is not None
        self._console.file.write(text)
        self._console.file.flush()


async def measure(
    module: Module,
    ask: Callable[[MeasuringProcess], AsyncIterator[Any]],
    answer_type: type[Result],
    parts: tuple[str, type] | None,
    options: Options,
) -> Result:
    """Asks a process of `module`, and narrates; returns the answer. Raises WorkbenchError.

    parts: name and type of the messages that come before the answer, if any do; with `--json` they are printed as they
    come.
    """
    narration = Narration(options)
    answer: Result | None = None
    async with MeasuringProcess.launched(module) as process:
        narration.show(Progress("importing PyTorch"))
        async for message in ask(process):
            if isinstance(message, Progress):
                narration.show(message)
            elif isinstance(message, answer_type):
                answer = message
            elif parts is not None and isinstance(message, parts[1]) and options.json_output and not options.quiet:
                print(typed_line(parts[0], message), flush=True)
    narration.clear()
    assert answer is not None, "the answer is the last message"
    return answer


def save_found(preset: Preset, change: Sequence[str], evidence: str, options: Options) -> None:
    """Saves the preset with what was found, under the name asked for, if one was, and says so.

    change: assignments; evidence: a sentence for its description. Raises StorageError, UsageError.
    """
    if options.save_as is None:
        return
    described = preset.override(change).model_copy(update={"description": description_with(evidence, preset)})
    path = library.add_preset(described, options.save_as)
    print(f"saved {path}", file=sys.stderr if options.json_output or options.quiet else sys.stdout)

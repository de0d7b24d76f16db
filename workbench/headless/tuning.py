"""What the commands under `tune` share: a preset that may run, the process that measures, and how they end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TypeVar

from workbench import output
from workbench.errors import EXIT_INTERRUPTED, WorkbenchError
from workbench.headless.train import check_trust
from workbench.processes.measuring import Progress
from workbench.settings import library
from workbench.settings.preset import Preset

Result = TypeVar("Result")


@dataclass(frozen=True)
class Options:
    """Options that are not part of the preset."""

    json_output: bool = False
    quiet: bool = False
    save_as: str | None = None
    """The name of the preset to save."""
    trust_code: bool = False


def load_preset(name_or_path: str, overrides: tuple[str, ...], options: Options) -> Preset:
    """The preset to measure, with the user's yes to its code. Raises PresetError, UntrustedCodeError, UsageError."""
    preset = library.load(name_or_path).override(overrides).with_absolute_paths()
    check_trust(preset, trust_code=options.trust_code)
    if options.save_as is not None:
        library.new_file(options.save_as)  # refused now rather than after the measurement
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
    """Shows what the process does: a line that is overwritten on a terminal, nothing elsewhere."""

    def __init__(self, options: Options) -> None:
        self._shown = not options.quiet and not options.json_output and sys.stderr.isatty()
        self._console = output.console(stderr=True) if self._shown else None
        self._width = 0

    def show(self, progress: Progress) -> None:
        """Shows what is being done now."""
        if self._console is None:
            return
        share = f" {100 * progress.done / progress.total:.0f} %" if progress.total else ""
        text = f"{progress.doing}{share}"
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


def say_saved(preset: Preset, options: Options) -> None:
    """Saves a preset under the name asked for, if one was, and says so. Raises StorageError, UsageError."""
    if options.save_as is None:
        return
    path = library.save_new(preset, options.save_as)
    print(f"saved {path}", file=sys.stderr if options.json_output or options.quiet else sys.stdout)

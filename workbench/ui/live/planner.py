"""Plans a run of the settings being edited: a process beside the app estimates what it would take.

The process has low priority. It starts when nothing has been edited for a while and no run would be disturbed, and is
ended when the settings change again or a run starts. It exits after its answer, which frees the GPU that it used.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from typing import IO

from workbench.errors import USERS_KINDS, WorkbenchError
from workbench.newest import keep_newest
from workbench.processes.messages import Failure
from workbench.processes.modules import Module, command_line
from workbench.processes.plan import BACKGROUND, Plan, read_answer
from workbench.settings import code
from workbench.settings.preset import Preset

EDIT_SECONDS = 1.5
"""A plan is made once nothing has been edited for this long."""
MOST_KEPT = 32
COMMAND = command_line(Module.PLAN, BACKGROUND)


@dataclass(frozen=True)
class Expectation:
    """The result of a plan; for a preset that cannot be planned, the reason."""

    parameters: int | None = None
    learns: str = field(default="", kw_only=True)
    """What the model would predict, in words."""
    kinds: dict[str, int] = field(default_factory=dict)
    """Bytes by kind, as in a run's footprint."""
    peak_bytes: int | None = None
    reason: str = ""
    steps_per_epoch: int | None = field(default=None, kw_only=True)
    step_ms: float | None = field(default=None, kw_only=True)
    """About how long a step takes; None where that was not measured."""
    is_wrong: bool = False
    """Whether there is no plan because these settings cannot be trained with this data."""

    @classmethod
    def from_answer(cls, answer: Plan | Failure) -> Expectation:
        """From what the planning process answers."""
        if isinstance(answer, Failure):
            return cls(reason=answer.error, is_wrong=answer.kind in USERS_KINDS)
        reason = "" if answer.peak_bytes is not None else "\n".join(answer.notes[-1:])
        return cls(
            answer.parameters,
            answer.memory_kinds,
            answer.peak_bytes,
            reason,
            learns=answer.learns,
            steps_per_epoch=answer.steps_per_epoch,
            step_ms=answer.step_ms,
        )


class Planner:
    """Keeps the expectation for the preset being edited up to date, with one process at a time."""

    def __init__(self, command: tuple[str, ...] = COMMAND) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._preset: Preset | None = None
        self._wanted = ""
        """The preset as TOML, without its name; empty where nothing is to be planned."""
        self._since = 0.0
        self._known: dict[str, Expectation] = {}

    @property
    def expectation(self) -> Expectation | None:
        """The expectation for the preset last given to `look`; None while it is unknown."""
        return self._known.get(self._wanted)

    def take_fault(self, preset: Preset) -> str:
        """The fault that a plan of these settings has found; empty if none is known.

        A fault is reported once, then the settings are planned again: the user may have mended the file meanwhile.
        """
        known = self._known.get(content := content_of(preset))
        if known is None or not known.is_wrong:
            return ""
        del self._known[content]
        return known.reason

    def look(self, preset: Preset | None, *, may_run: bool = True) -> bool:
        """Starts, reads or ends the process, whichever is due; True if the expectation has changed.

        preset: what is being edited; None while it cannot be planned. may_run: whether a process may run; if not, only
        known expectations are given.
        """
        before = self.expectation
        if preset is not self._preset:
            self._preset = preset
            self._want("" if preset is None else content_of(preset))
        elif not may_run:
            self.close()
        elif self._process is not None and self._process.poll() is not None:
            self._keep(self._read())
        elif self._process is None and self._wanted and self.expectation is None:
            self._start_if_due(preset)
        return self.expectation is not before

    def take(self, content: str, expectation: Expectation) -> None:
        """Takes what another process has found for a preset's content."""
        if content == self._wanted:
            self.close()
        self._remember(content, expectation)

    def close(self) -> None:
        """Ends the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._output is not None:
            self._output.close()
            self._output = None

    def _want(self, content: str) -> None:
        if content == self._wanted:
            return
        self.close()
        self._wanted, self._since = content, time.monotonic()
        if (known := self.expectation) is not None and known.peak_bytes is None:
            del self._known[content]  # the reason may be gone: the data is there now, or the code is trusted

    def _start_if_due(self, preset: Preset | None) -> None:
        if preset is None or time.monotonic() - self._since < EDIT_SECONDS:
            return
        try:
            if (reason := untrusted(preset)) is not None:
                self._keep(Expectation(reason=reason))
                return
            self._output = tempfile.TemporaryFile()  # noqa: SIM115 - open until the process has ended
            with tempfile.TemporaryFile() as request:  # the app would wait for a pipe shorter than a preset
                request.write(self._wanted.encode())
                request.seek(0)
                self._process = subprocess.Popen(
                    self._command,
                    stdin=request,
                    stdout=self._output,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
        except (WorkbenchError, OSError) as error:
            self.close()
            self._keep(Expectation(reason=str(error)))

    def _read(self) -> Expectation:
        assert self._output is not None
        try:
            self._output.seek(0)
            return Expectation.from_answer(read_answer(self._output.read()))
        except (OSError, ValueError):
            return Expectation(reason="planning failed; `workbench --dry-run` says why")

    def _keep(self, expectation: Expectation) -> None:
        self.close()
        self._remember(self._wanted, expectation)

    def _remember(self, content: str, expectation: Expectation) -> None:
        keep_newest(self._known, content, expectation, MOST_KEPT)


def content_of(preset: Preset) -> str:
    """The settings that training depends on: a preset that differs only by name needs no plan of its own."""
    return preset.with_absolute_paths().model_copy(update={"name": "draft", "description": ""}).to_toml()


def untrusted(preset: Preset) -> str | None:
    """Why the preset's own code may not run for a plan; None if it has no code, or the user trusts it.

    Raises WorkbenchError where the code is not found.
    """
    for reference in preset.code_references():
        if not code.is_trusted(reference):
            return f"{reference} is not trusted yet; starting a run asks"
    return None

"""Plans several presets in one process, while the caller does something else."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence

from workbench.errors import TrainerLostError
from workbench.processes.messages import Failure, decode, last_object
from workbench.processes.modules import Module, command_line
from workbench.processes.plan import SEVERAL, Plan
from workbench.processes.worker import not_started
from workbench.settings.preset import Preset


class Planning:
    """The process; its answer comes some seconds later."""

    def __init__(self, presets: Sequence[Preset]) -> None:
        """Raises TrainerLostError where no process can be started."""
        with tempfile.TemporaryFile() as question:
            question.write(json.dumps([preset.to_toml() for preset in presets]).encode())
            question.seek(0)
            # Files, because a process that fills a pipe waits for its reader.
            self._answer, self._errors = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
            try:
                self._process = subprocess.Popen(
                    command_line(Module.PLAN, SEVERAL),
                    stdin=question,
                    stdout=self._answer,
                    stderr=self._errors,
                    env=os.environ | {"OMP_NUM_THREADS": "1"},
                )
            except OSError as error:
                raise not_started(error) from error

    def poll(self) -> list[Plan | Failure] | None:
        """The plans, in the order of the presets; None while it works. Raises TrainerLostError if it has died."""
        return None if self._process.poll() is None else self.wait()

    def wait(self) -> list[Plan | Failure]:
        """The same, once it is there."""
        self._process.wait()
        self._answer.seek(0)
        try:
            plans = last_object(self._answer.read())["plans"]
            return [decode(Failure, values) if "error" in values else decode(Plan, values) for values in plans]
        except (ValueError, KeyError, TypeError):
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip()[-2000:]
            raise TrainerLostError(f"planning failed: {said}") from None
        finally:
            self.close()

    def close(self) -> None:
        """Ends the process."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._answer.close()
        self._errors.close()

"""The options of a command line that are not part of the preset: in one place for all commands without the app."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workbench.runs.directory import default_runs_folder
from workbench.tuning.directory import default_studies_folder


@dataclass(frozen=True)
class Options:
    """What is said besides the preset. A command has some of them; the others keep their defaults."""

    json_output: bool = False
    quiet: bool = False
    trust_code: bool = False
    """Whether the user code that the preset names may run."""
    save_as: str | None = None
    """The name of the preset to save what was found as."""
    on: str = ""
    """Where the trials of a study run, as `Question.on`."""
    workers: int = 0
    """How many trials of a study run at once on a CPU, as `Question.workers`."""
    together: bool | None = None
    """Whether trials that differ only in numbers are trained together, or one by one; None: the faster way."""
    runs_dir: Path | None = None
    studies_dir: Path | None = None
    tensorboard: Path | None = None
    """The log folder of TensorBoard, which gets what the run tells while it is trained."""
    profile_steps: int | None = None
    """The number of steps to profile, after the first steps of the process."""

    @property
    def runs_folder(self) -> Path:
        """The folder of runs."""
        return self.runs_dir or default_runs_folder()

    @property
    def studies_folder(self) -> Path:
        """The folder of studies."""
        return self.studies_dir or default_studies_folder()

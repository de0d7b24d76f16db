"""All that runs have recorded, or those of a study, as a log folder that TensorBoard shows; a folder a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from workbench.atomic_files import put_in_place, staged
from workbench.errors import UsageError
from workbench.files import short_path
from workbench.headless.export import Exported
from workbench.headless.options import Options
from workbench.runs.directory import RunDirectory
from workbench.tensorboard.packages import check_packages
from workbench.tuning.directory import StudyDirectory, trials_of
from workbench.units import counted


def export(runs: Sequence[RunDirectory] | Sequence[StudyDirectory], path: Path, options: Options) -> Exported:
    """Writes all runs, or nothing. Raises UsageError, StorageError."""
    check_packages("--to tensorboard")
    from workbench.tensorboard.log_folder import write_runs

    runs = _runs_of(runs)
    twice = {run.name for run in runs if sum(other.name == run.name for other in runs) > 1}
    if twice:
        raise UsageError(f"two runs have the name {min(twice)}: name each once")
    if path.is_file():
        raise UsageError(f"{path} is a file: choose another --out, for a folder")
    with staged(path, _put) as folder:
        folder.mkdir()
        write_runs(runs, folder)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    lines = (f"{counted(len(runs), 'run')} written; show with: tensorboard --logdir {short_path(path)}",)
    return Exported(str(path), size, {"runs": [run.name for run in runs]}, lines)


def _runs_of(runs: Sequence[RunDirectory] | Sequence[StudyDirectory]) -> Sequence[RunDirectory]:
    """The runs, or those of the study's trials that have begun. Raises UsageError where there are none."""
    study = runs[0]
    if not isinstance(study, StudyDirectory):
        return cast("Sequence[RunDirectory]", runs)
    trials = [trial for trial in trials_of(study) if trial.events.exists()]
    if not trials:
        raise UsageError(f"the study {study.name} has no runs: trials that are trained together leave none")
    return trials


def _put(written: Path, path: Path) -> None:
    """Puts what was written in its place; in a folder that is there, replaces these runs and nothing else."""
    if not path.exists():
        put_in_place(written, path)
        return
    for folder in sorted(written.iterdir()):
        put_in_place(folder, path / folder.name)

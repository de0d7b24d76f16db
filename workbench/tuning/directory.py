"""The files of a study, and how a new study gets its directory."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.atomic_files import write_text_atomically
from workbench.errors import StorageError, UsageError
from workbench.files import expanded, is_file, make_folder, read_small, short_path
from workbench.runs.directory import RunDirectory, list_runs, nearest_name, new_directory
from workbench.runs.owned import OwnedDirectory
from workbench.settings.preset import Preset
from workbench.tuning.disk import shortage
from workbench.tuning.measured import Measured
from workbench.tuning.question import Question


@dataclass(frozen=True)
class StudyDirectory(OwnedDirectory):
    """The directory of a study, and the files in it."""

    @property
    def question(self) -> Path:
        """What was asked, as TOML; written once."""
        return self.path / "study.toml"

    @property
    def measured(self) -> Path:
        """What was measured before the search, as JSON; absent where nothing was."""
        return self.path / "measured.json"

    @property
    def report(self) -> Path:
        """The page of `tune auto`, when its controller last ended; absent before, and for other studies."""
        return self.path / "report.md"

    @property
    def trials(self) -> Path:
        """The folder of the trials' run directories."""
        return self.path / "trials"

    @property
    def environment(self) -> Path:
        """What trials that were trained together ran on, as the environment.json of a run; absent without such."""
        return self.path / "environment.json"

    @property
    def scores(self) -> Path:
        """The folder of what the models of folds that were trained together answer for the samples they left out."""
        return self.path / "scores"

    @property
    def log(self) -> Path:
        """Whatever the controller's process printed, tracebacks included."""
        return self.path / "controller.log"

    @property
    def is_taken(self) -> str:
        """What to say to a second controller."""
        return f"the study {self.name} is being run by another process"

    @property
    def judged(self) -> Path:
        """How good the folds are together, as the process that trained all of them has said; absent without such."""
        return self.scores / "judged.json"

    def run(self, name: str) -> RunDirectory:
        """The run directory of a trial."""
        return RunDirectory(self.trials / name)

    def scores_of(self, trial: int, run: str = "") -> Path:
        """What the model of a fold answers for the samples that it left out. run: empty where there is none."""
        return self.run(run).validation_scores if run else self.scores / f"{trial}.npz"


def default_studies_folder() -> Path:
    """The folder of studies: WORKBENCH_STUDIES, else ./studies."""
    return Path(os.environ.get("WORKBENCH_STUDIES") or "studies")


def create_study(
    folder: Path, preset: Preset, question: Question, *, measured: Measured | None = None
) -> StudyDirectory:
    """Creates a study's directory with what is asked in it.

    Raises StorageError where it cannot be written, or where so little of the disk is free that no trial would begin.

    measured: what the question was made from, where that was measured.
    """
    if problem := shortage(_existing(folder), "start it again"):
        raise StorageError(problem)
    study = StudyDirectory(new_directory(folder, preset.name, "the studies folder"))
    try:
        make_folder(study.trials)
        text = preset.to_toml()
        write_text_atomically(study.preset, text, parents=False)
        if measured is not None:
            write_text_atomically(study.measured, measured.to_json(), parents=False)
        # A directory is a study once its question is there, so that comes last.
        complete = replace(question, preset_digest=digest(text))
        write_text_atomically(study.question, complete.to_toml(), parents=False)
    except StorageError:
        shutil.rmtree(study.path, ignore_errors=True)
        raise
    return study


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one around it that exists."""
    folder = folder.absolute()
    return next((each for each in (folder, *folder.parents) if os.access(each, os.F_OK)), folder)


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def preset_of(study: StudyDirectory, question: Question) -> Preset:
    """The preset that trials change. Raises UsageError where it was edited after the study began, PresetError."""
    preset = Preset.of_run(study.preset)
    if question.preset_digest and digest(read_small(study.preset)) != question.preset_digest:
        commands = {"folds": "--preset", "queue": "tune queue"}
        command = commands.get(question.way, f"tune {question.way} -p")
        raise UsageError(
            f"{study.preset} was edited after the study began, so that new trials would not compare with those that "
            f"there are: undo the change, or start a study of it with: workbench {command} "
            f"{shlex.quote(short_path(study.preset))}"
        )
    return preset


def is_study(path: Path) -> bool:
    """Whether a directory is a study's."""
    return is_file(StudyDirectory(path).question)


def matching(name_or_path: str, runs_folder: Path, studies_folder: Path) -> list[RunDirectory | StudyDirectory]:
    """The runs and studies of that path or name, else all that have it as a part of their names."""
    path = expanded(name_or_path)
    if is_study(path):
        return [StudyDirectory(path.absolute())]
    if is_file(RunDirectory(path).preset):
        return [RunDirectory(path.absolute())]
    found: list[RunDirectory | StudyDirectory] = [*list_runs(runs_folder), *list_studies(studies_folder)]
    matches = [each for each in found if name_or_path and name_or_path in each.name]
    return [each for each in matches if each.name == name_or_path] or matches


def find_run_or_study(name_or_path: str, runs_folder: Path, studies_folder: Path) -> RunDirectory | StudyDirectory:
    """Finds a run or a study by its path or name; a part of the name that only one has is enough. Raises UsageError."""
    matches = matching(name_or_path, runs_folder, studies_folder)
    if len(matches) == 1:
        return matches[0]
    if not matches:
        known = [run.name for run in list_runs(runs_folder)] + [study.name for study in list_studies(studies_folder)]
        raise UsageError(
            f"there is no run {name_or_path!r} in {runs_folder.absolute()}, and no study of that name in "
            f"{studies_folder.absolute()}{nearest_name(name_or_path, known)}"
        )
    raise UsageError(f"{name_or_path!r} could be {', '.join(each.name for each in matches)}: write more of the name")


def list_studies(folder: Path) -> list[StudyDirectory]:
    """All studies in a folder, the oldest first."""
    if not folder.is_dir():
        return []
    return [StudyDirectory(path.absolute()) for path in sorted(folder.iterdir()) if is_study(path)]


def trials_of(study: StudyDirectory) -> list[RunDirectory]:
    """The runs of a study's trials, the oldest first."""
    return list_runs(study.trials)

"""Computes what mattered in a study: `python -m workbench.tuning.importance_process STUDY_DIR` prints it as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory
from workbench.tuning.importance import importances
from workbench.tuning.question import read_question
from workbench.tuning.space import SearchSpace
from workbench.tuning.view import read_study_view

NICE = 10
"""Trials may be running on the same cores."""


def start_importance(study: StudyDirectory) -> subprocess.Popen[str]:
    """Starts the process, whose output is the fractions by path of the setting. Raises OSError."""
    return subprocess.Popen(
        (sys.executable, "-P", "-m", "workbench.tuning.importance_process", str(study.path)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        text=True,
    )


def main(arguments: list[str]) -> int:
    """Prints what mattered in the study in the directory that is the one argument; returns the exit code."""
    os.nice(NICE)
    study = StudyDirectory(Path(arguments[0]).absolute())
    try:
        question, preset = read_question(study.question), Preset.of_run(study.preset)
        space = SearchSpace.parse(question.search, preset)
    except WorkbenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps(importances(read_study_view(study), space, preset)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

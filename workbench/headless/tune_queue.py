"""A queue of trainings from the command line."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from workbench.errors import UsageError
from workbench.headless.study import Output, follow_study
from workbench.headless.tune_results import show_queue
from workbench.headless.tuned_preset import load_tuned
from workbench.tuning.directory import create_study, default_studies_folder
from workbench.tuning.question import Question
from workbench.tuning.queue import queue_changes
from workbench.tuning.ray_places import check_on


def queue(
    names: Sequence[str],
    overrides: tuple[str, ...],
    each: Sequence[str],
    *,
    on: str = "",
    json_output: bool,
    quiet: bool,
    studies_dir: Path | None,
    trust_code: bool,
) -> int:
    """Trains them; returns the exit code. Raises WorkbenchError before anything is trained where one is wrong."""
    check_on(on)
    presets = [
        load_tuned(name, (*overrides, *assignments), trust_code)
        for name in names
        for assignments in ([_assignments(text) for text in each] or [[]])
    ]
    question = Question(way="queue", changes=queue_changes(presets), on=on)
    study = create_study(studies_dir or default_studies_folder(), presets[0], question)
    return follow_study(study, Output(json_output, quiet), show_queue)


def _assignments(text: str) -> list[str]:
    """The assignments of one `--each`. Raises UsageError."""
    try:
        found = shlex.split(text)
    except ValueError:
        found = []
    if not found:
        raise UsageError(f"--each {text}: write settings as in --set, with blanks between them, such as "
                         "'optimizer.learning_rate=0.01 training.seed=1'")  # fmt: skip
    return found

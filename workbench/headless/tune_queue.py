"""A queue of trainings from the command line."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from workbench.errors import UsageError
from workbench.headless.options import Options
from workbench.headless.study import follow_study
from workbench.headless.tune_results import show_queue
from workbench.headless.tuned_preset import load_tuned
from workbench.headless.where import check_where
from workbench.tuning.directory import create_study
from workbench.tuning.question import Question
from workbench.tuning.queue import origin_of, queue_changes


def queue(
    names: Sequence[str],
    overrides: tuple[str, ...],
    each: Sequence[str],
    options: Options,
) -> int:
    """Trains them; returns the exit code. Raises WorkbenchError before anything is trained where one is wrong."""
    presets, origins = [], []
    for name in names:
        for assignments in [_assignments(text) for text in each] or [[]]:
            presets.append(load_tuned(name, overrides, options.trust_code, each=assignments))
            origins.append(origin_of(presets[-1], [text.partition("=")[0].strip() for text in assignments]))
    check_where(options, presets)
    question = Question(
        way="queue", changes=queue_changes(presets), origins=tuple(origins), workers=options.workers, on=options.on
    )
    study = create_study(options.studies_folder, presets[0], question)
    return follow_study(study, options, show_queue)


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

"""Trainers in this process, whose epochs can take turns: neighbours are compared, however the machine drifts.

Nothing of workbench.training is imported before it is asked for: `graphs.watch` must come first.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.runs.directory import create_run
from workbench.runs.writer import EventWriter
from workbench.settings.library import load

if TYPE_CHECKING:
    from workbench.training.trainer import Trainer

ENDLESS = 1_000_000
"""Epochs: the trainers here never come to their last."""


def new_trainer(scratch: Path, preset: str, *assignments: str) -> Trainer:
    """A trainer of a shipped preset without a validation split, whose epochs do nothing but train.

    Raises WorkbenchError where the settings do not fit one another or this machine.
    """
    from workbench.training.inbox import Inbox
    from workbench.training.job import build_job
    from workbench.training.trainer import Trainer

    chosen = load(preset).override(
        ["validation.method=none", f"training.epochs={ENDLESS}", "training.keep_best=false", *assignments]
    )
    run = create_run(scratch, chosen.name, chosen.to_toml())
    return Trainer(build_job(chosen, lambda _: None), run, EventWriter(run.events), Inbox(run))


def epoch_seconds(trainer: Trainer) -> float:
    """Trains an epoch; its seconds."""
    trainer.train_epoch()
    assert trainer.last_epoch is not None
    return trainer.last_epoch.train_seconds


def close(trainer: Trainer) -> None:
    """Lets go of what a trainer holds."""
    with suppress(Exception):
        trainer.reporter.close()

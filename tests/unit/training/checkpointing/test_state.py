"""The trainer's state in a checkpoint."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from workbench.training.checkpointing.state import TrainingState

STATE = TrainingState(
    base_learning_rate=0.00123456789, step=7, epoch=1, samples_done=3, correct=2, loss_sum=1.5, loss_samples=3,
    best_value=0.9, best_epoch=1, best_validation={"accuracy": 0.9}, validations_since_best=2,
    seconds_before_epoch=1.25, seconds={"train": 1.5},
)  # fmt: skip


def test_a_state_is_read_as_it_was_written() -> None:
    assert TrainingState.read(asdict(STATE)) == STATE


def test_a_checkpoint_of_an_older_version_is_read() -> None:
    old = {
        "learning_rate": 0.00123456789, "step": 7, "epoch": 1, "samples_done": 3, "loss_sum": 1.5, "loss_samples": 3,
        "best_value": 0.9, "best_epoch": 1, "best_validation": {"accuracy": 0.9}, "bad_validations": 2,
        "epoch_began": 1.25, "seconds": {"train": 1.5},
    }  # fmt: skip
    assert TrainingState.read({"correct": 2} | old) == STATE


@pytest.mark.parametrize("values", [None, [1, 2], {"step": 3}, {"base_learning_rate": "fast"}])
def test_values_of_a_wrong_type_are_refused(values: object) -> None:
    with pytest.raises(TypeError):
        TrainingState.read(values)  # type: ignore[arg-type]

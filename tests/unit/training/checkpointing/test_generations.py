"""Damaged and missing checkpoints: the generation before is taken and the run ends as if nothing had been (R1, R12)."""

from __future__ import annotations

import errno
import os
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.training.checkpointing.test_resume import (
    EPOCHS,
    STEPS_PER_EPOCH,
    assert_same,
    interrupted,
    outcome,
    train,
)
from tests.unit.training.scripted import (
    CHECKPOINT,
    Killed,
    build_trainer,
    killed_at,
    new_trainer,
    of_type,
)
from workbench.errors import DamagedCheckpointError, StorageError, UserCodeError
from workbench.runs.checkpoints import best_checkpoint, can_be_resumed, previous_best_checkpoint, previous_checkpoint
from workbench.runs.directory import RunDirectory
from workbench.runs.events import TestResult, WarningRaised
from workbench.training.checkpointing import files as checkpoints
from workbench.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("polling_after_every_step")

CPU = torch.device("cpu")
MID_EPOCH = STEPS_PER_EPOCH + 3
CHOSEN = [EPOCHS, "model.dropout=0.2"]


def flip_a_bit(path: Path, chance: random.Random | None = None) -> None:
    """In the middle of the largest tensor of a checkpoint."""
    with zipfile.ZipFile(path) as archive:
        member = max(archive.infolist(), key=lambda member: member.file_size)
        with archive.open(member):
            header = 30 + len(member.filename.encode())
    content = bytearray(path.read_bytes())
    extra = int.from_bytes(content[member.header_offset + 28 : member.header_offset + 30], "little")
    start = member.header_offset + header + extra
    where = start + (member.file_size // 2 if chance is None else chance.randrange(member.file_size))
    content[where] ^= 1 << (0 if chance is None else chance.randrange(8))
    path.write_bytes(content)


def resumed(run: RunDirectory) -> tuple[Trainer, list[str]]:
    """The next life of a run, and what it says of its checkpoints."""
    trainer = build_trainer(run)
    notes = trainer.restore()
    train(trainer)
    return trainer, notes


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, Any]:
    trainer = new_trainer(tmp_path, CHOSEN)
    train(trainer)
    return outcome(trainer)


def killed_with_two_generations(folder: Path, first: int, second: int) -> Trainer:
    """Killed a step after its second checkpoint."""
    return interrupted(folder, killed_at(second + 1, (first, CHECKPOINT), (second, CHECKPOINT)), *CHOSEN)


@pytest.mark.parametrize("seed", range(8))
def test_a_flipped_bit_is_found_wherever_it_is(tmp_path: Path, seed: int) -> None:
    trainer = interrupted(tmp_path, killed_at(4, (3, CHECKPOINT)))
    flip_a_bit(trainer.run.last_checkpoint, random.Random(seed))
    with pytest.raises(DamagedCheckpointError, match="has changed since it was written"):
        checkpoints.load(trainer.run.last_checkpoint, CPU)


def changed(**values: Any) -> Callable[[Path], None]:
    """Another value, in a checkpoint whose checksums are right."""

    def change(path: Path) -> None:
        checkpoints.save(path, {**checkpoints.load(path, CPU), **values})

    return change


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a flipped bit": flip_a_bit,
    "half of it": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": Path.unlink,
}
SENSELESS: dict[str, Callable[[Path], object]] = {
    "a step in words": changed(position={"learning_rate": 0.1, "step": "ten"}),
    "an epoch before the first": changed(position={"learning_rate": 0.1, "epoch": -2}),
    "more samples than there are": changed(position={"learning_rate": 0.1, "samples_done": 10**6}),
    "no groups": changed(optimizer={}),
    "random numbers of nowhere": changed(random=[1, 2]),
}


@pytest.mark.parametrize(
    ("damage", "first", "second"),
    [
        *(("a flipped bit", *steps) for steps in ((2, 4), (4, MID_EPOCH), (MID_EPOCH, STEPS_PER_EPOCH + MID_EPOCH))),
        *((damage, 4, MID_EPOCH) for damage in [*DAMAGE, *SENSELESS][1:]),
    ],
)
def test_where_the_last_is_damaged_the_one_before_is_taken_and_said(
    tmp_path: Path, expected: dict[str, Any], damage: str, first: int, second: int
) -> None:
    """R1: to the bit as a run that was never killed, its best epoch included."""
    trainer = killed_with_two_generations(tmp_path, first, second)
    (DAMAGE | SENSELESS)[damage](trainer.run.last_checkpoint)
    again, notes = resumed(trainer.run)
    assert len(notes) == 1
    assert f"continues at step {first}" in notes[0]
    assert_same(outcome(again), expected)


def test_a_run_that_went_back_can_be_killed_before_its_next_checkpoint(
    tmp_path: Path, expected: dict[str, Any]
) -> None:
    trainer = killed_with_two_generations(tmp_path, 3, 6)
    flip_a_bit(trainer.run.last_checkpoint)
    again = build_trainer(trainer.run, killed_at(5))
    again.restore()
    with pytest.raises(Killed):
        again.train()
    once_more, notes = resumed(trainer.run)
    assert notes == []
    assert_same(outcome(once_more), expected)


def test_where_both_are_damaged_it_is_reported_and_nothing_is_overwritten(tmp_path: Path) -> None:
    trainer = killed_with_two_generations(tmp_path, 3, 6)
    for path in (trainer.run.last_checkpoint, previous_checkpoint(trainer.run)):
        flip_a_bit(path)
    before = {path: path.read_bytes() for path in trainer.run.checkpoints.iterdir()}
    with pytest.raises(DamagedCheckpointError, match=r"last\.pt.*workbench --preset"):
        build_trainer(trainer.run).restore()
    assert {path: path.read_bytes() for path in trainer.run.checkpoints.iterdir()} == before


@pytest.mark.slow
@pytest.mark.parametrize("hard_links", [True, False])
def test_a_kill_between_any_two_steps_of_saving_leaves_a_run_that_ends_the_same(
    tmp_path: Path, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch, hard_links: bool
) -> None:
    """Every rename and link of a checkpoint is a moment to be killed at."""
    if not hard_links:
        monkeypatch.setattr(os, "link", refuse_links)
    moments = 0
    for moment in range(40):
        left = [moment]

        def counted(act: Callable[..., Any], left: list[int] = left) -> Callable[..., Any]:
            def acted(*arguments: Any, **named: Any) -> Any:
                if left[0] == 0:
                    raise Killed
                left[0] -= 1
                return act(*arguments, **named)

            return acted

        trainer = new_trainer(tmp_path, CHOSEN, asked_for_checkpoints)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", counted(Path.replace))
            if hard_links:
                patch.setattr(os, "link", counted(os.link))
            try:
                trainer.train()
            except Killed:
                moments += 1
            else:
                break
        if not can_be_resumed(trainer.run):
            continue
        again, _ = resumed(trainer.run)
        assert_same(outcome(again), expected)
    assert moments > 10


def asked_for_checkpoints(trainer: Trainer) -> Any:
    return [CHECKPOINT] if trainer.state.step in (3, STEPS_PER_EPOCH + 2, STEPS_PER_EPOCH + 4) else ()


def refuse_links(*_: object) -> None:
    raise OSError(errno.EPERM, "Operation not permitted")


def test_on_a_full_disk_the_generation_before_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = killed_with_two_generations(tmp_path, 3, 6)
    again = build_trainer(trainer.run)
    again.restore()
    save = torch.save

    def full(state: object, file: Any) -> None:
        if previous_checkpoint(trainer.run).exists():
            raise RuntimeError("unexpected pos 64 vs 0")
        save(state, file)

    monkeypatch.setattr(torch, "save", full)
    again.checkpoint()
    assert trainer.run.last_checkpoint.exists()
    assert not previous_checkpoint(trainer.run).exists()


# The best weights.


def stopped_after_two_epochs(folder: Path) -> RunDirectory:
    return interrupted(folder, killed_at(2 * STEPS_PER_EPOCH + 2, (2 * STEPS_PER_EPOCH + 1, CHECKPOINT)), *CHOSEN).run


@pytest.mark.parametrize("damage", DAMAGE)
def test_best_weights_that_are_lost_do_not_end_the_run(tmp_path: Path, damage: str) -> None:
    """R12: no later epoch is better, so the last epoch's weights are tested, and both is said."""
    run = stopped_after_two_epochs(tmp_path)
    state = checkpoints.load(run.last_checkpoint, CPU)
    state["position"]["best_value"] = 2.0  # no accuracy is better
    del state["version"]
    checkpoints.save(run.last_checkpoint, state)
    DAMAGE[damage](best_checkpoint(run))
    trainer, notes = resumed(run)
    assert len(notes) == 1
    assert "best epoch" in notes[0]
    assert "best.pt" in notes[0]
    assert trainer.test_metrics is not None
    [tested] = of_type(trainer, TestResult)
    assert tested.weights == "last epoch 3"
    [warned] = of_type(trainer, WarningRaised)
    assert "best.pt" in warned.message


def test_best_weights_that_vanish_while_training_do_not_end_the_run(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, CHOSEN)
    trainer._saver._files.settle_best = lambda *, has_new: (  # type: ignore[method-assign]
        trainer._saver._files.pending.unlink() if has_new else None
    )
    train(trainer)
    assert trainer.test_metrics is not None


def test_the_best_weights_before_are_kept_only_where_they_are_others(tmp_path: Path) -> None:
    run = stopped_after_two_epochs(tmp_path)
    trainer = build_trainer(run)
    trainer.restore()
    trainer.checkpoint()
    assert best_checkpoint(run).exists()
    assert not previous_best_checkpoint(run).exists()


def test_checkpoints_that_were_removed_while_training_are_written_again(
    tmp_path: Path, expected: dict[str, Any]
) -> None:
    """R5: `checkpoints/` deleted under a trainer."""

    def script(trainer: Trainer) -> Any:
        if trainer.state.step == STEPS_PER_EPOCH + 2:
            shutil.rmtree(trainer.run.checkpoints, ignore_errors=True)
        return [CHECKPOINT] if trainer.state.step in (3, STEPS_PER_EPOCH + 1) else ()

    trainer = new_trainer(tmp_path, CHOSEN, script)
    train(trainer)
    assert trainer.run.last_checkpoint.exists()
    assert outcome(trainer)["losses"] == expected["losses"]


def test_a_run_that_was_deleted_or_moved_does_not_come_back(tmp_path: Path) -> None:
    """R5: the trainer ends, and leaves nothing at the old place."""
    for how in ("deleted", "moved"):

        def script(trainer: Trainer, how: str = how) -> Any:
            if trainer.state.step == 4 and trainer.run.path.exists():
                if how == "deleted":
                    shutil.rmtree(trainer.run.path)
                else:
                    trainer.run.path.rename(tmp_path / "elsewhere")
                return [CHECKPOINT]
            return ()

        trainer = new_trainer(tmp_path, CHOSEN, script)
        with pytest.raises(StorageError):
            train(trainer)
        assert not trainer.run.path.exists()


def test_checkpoints_that_are_a_link_are_refused(tmp_path: Path) -> None:
    """S4."""
    trainer = new_trainer(tmp_path, CHOSEN)
    (tmp_path / "theirs").mkdir()
    trainer.run.checkpoints.symlink_to(tmp_path / "theirs")
    with pytest.raises(StorageError, match="is a link"):
        trainer.checkpoint()
    assert list((tmp_path / "theirs").iterdir()) == []


class Odd:
    """No plain value."""


def keeping(trainer: Trainer, kept: Any) -> Trainer:
    """Makes the trainer's model keep something beside its weights, as a model of the user's own may."""

    class Keeping(type(trainer.job.model)):  # type: ignore[misc]
        def get_extra_state(self) -> Any:
            return self.kept

        def set_extra_state(self, state: Any) -> None:
            self.kept = state

    trainer.job.model.__class__ = Keeping
    vars(trainer.job.model)["kept"] = kept
    return trainer


def test_what_a_model_keeps_beside_its_weights_is_in_both_checkpoints(tmp_path: Path) -> None:
    trainer = keeping(new_trainer(tmp_path, CHOSEN), {"seen": [1, 2]})
    train(trainer)
    for path in (trainer.run.last_checkpoint, best_checkpoint(trainer.run)):
        assert checkpoints.load(path, CPU)["model"]["_extra_state"] == {"seen": [1, 2]}


def test_what_could_not_be_read_again_does_not_take_the_place_of_the_last_checkpoint(tmp_path: Path) -> None:
    trainer = keeping(new_trainer(tmp_path, CHOSEN), 3)
    train(trainer)
    before = trainer.run.last_checkpoint.read_bytes()
    vars(trainer.job.model)["kept"] = Odd()
    with pytest.raises(UserCodeError, match="get_extra_state of Keeping gives a Odd that cannot be read as data"):
        trainer._saver.save(trainer.state)
    assert trainer.run.last_checkpoint.read_bytes() == before

"""A run that is stopped or killed and resumed ends as one that never stopped: the same to the bit."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.training.scripted import (
    CHECKPOINT,
    PAUSE,
    RESUME,
    STOP,
    Killed,
    Script,
    asked_at,
    asked_while,
    at_the_test,
    at_validation,
    build_trainer,
    killed_at,
    logged_losses,
    new_trainer,
    nothing,
    of_type,
)
from workbench.errors import StorageError, WorkbenchError
from workbench.runs import events
from workbench.runs.checkpoints import best_checkpoint
from workbench.runs.control import Request
from workbench.settings.optimizer import OPTIMIZERS
from workbench.settings.schedule import SCHEDULES
from workbench.training.checkpointing import files as checkpoints
from workbench.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("all_imported", "polling_after_every_step")

CPU = torch.device("cpu")
EPOCHS = "training.epochs=3"
STEPS_PER_EPOCH = 7  # iris: 109 training samples in batches of 16
MID_EPOCH = STEPS_PER_EPOCH + 3


def outcome(trainer: Trainer) -> dict[str, Any]:
    """All that a run leaves, but how long it took."""
    state = checkpoints.load(trainer.run.last_checkpoint, CPU)
    for clock in ("seconds", "seconds_before_epoch"):
        del state["position"][clock]
    del state["settings"]  # how often checkpoints are written is one of them
    best = checkpoints.load(best_checkpoint(trainer.run), CPU) if best_checkpoint(trainer.run).exists() else None
    for checkpoint in (state, best):
        if checkpoint is not None:
            del checkpoint["description"]["preset"]  # that setting again
    epochs = {
        end.epoch: (end.step, end.learning_rate, end.train, end.validation, end.best)
        for end in of_type(trainer, events.EpochEnd)
    }
    tests = [(test.step, test.weights, test.metrics) for test in of_type(trainer, events.TestResult)]
    return {
        "last": state,
        "best": best,
        "losses": logged_losses(trainer),
        "epochs": epochs,
        "tests": tests,
    }


def assert_same(found: Any, expected: Any, where: str = "outcome") -> None:
    """Equal to the bit, tensors in nested containers too."""
    assert type(found) is type(expected), where
    if isinstance(expected, torch.Tensor):
        assert found.dtype == expected.dtype, where
        assert torch.equal(found, expected), where
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key in expected:
            assert_same(found[key], expected[key], f"{where}.{key}")
    elif isinstance(expected, (list, tuple)):
        assert len(found) == len(expected), where
        for index, pair in enumerate(zip(found, expected, strict=True)):
            assert_same(*pair, f"{where}[{index}]")
    else:
        assert found == expected, where


def train(trainer: Trainer) -> None:
    try:
        trainer.train()
    finally:
        trainer.job.close()


def uninterrupted(folder: Path, *assignments: str) -> dict[str, Any]:
    trainer = new_trainer(folder, assignments)
    train(trainer)
    return outcome(trainer)


def interrupted(folder: Path, script: Script, *assignments: str) -> Trainer:
    """The first life of a run, ended by its script."""
    trainer = new_trainer(folder, assignments, script)
    try:
        train(trainer)
    except Killed:
        return trainer
    assert trainer.stopping
    return trainer


def resumed(trainer: Trainer, script: Script = nothing) -> Trainer:
    """The next life of a run: nothing of the one before but its directory."""
    again = build_trainer(trainer.run, script)
    if trainer.run.last_checkpoint.exists():
        again.restore()
    train(again)
    return again


def in_mid_epoch(trainer: Trainer) -> bool:
    return trainer.state.step == trainer.job.steps_per_epoch + 3


def check_resume(folder: Path, *assignments: str) -> None:
    """Stops in the middle of the second epoch, resumes, and compares."""
    chosen = [EPOCHS, *assignments]
    expected = uninterrupted(folder, *chosen)
    first = interrupted(folder, asked_while(in_mid_epoch, [STOP]), *chosen)
    assert 0 < first.state.samples_done < first.job.samples_per_epoch
    second = resumed(first)
    assert_same(outcome(second), expected)
    assert sorted(expected["losses"]) == list(range(1, second.state.step + 1))
    assert second.state.epoch == 3


@pytest.mark.parametrize("optimizer", OPTIMIZERS.labels)
def test_every_optimizer_goes_on_in_mid_epoch_to_the_bit(tmp_path: Path, optimizer: str) -> None:
    check_resume(tmp_path, f"optimizer.name={optimizer}")


@pytest.mark.parametrize("schedule", SCHEDULES.labels)
def test_every_schedule_goes_on_in_mid_epoch_to_the_bit(tmp_path: Path, schedule: str) -> None:
    check_resume(tmp_path, f"schedule.name={schedule}", "schedule.warmup_epochs=1.5")


SETTINGS = {
    "dropout": ["model.dropout=0.5"],
    "batch norm": ["model.batch_norm=true"],
    "gradient_accumulation": ["training.gradient_accumulation=3", "data.batch_size=4"],
    "gradient clipping": ["training.gradient_clip_norm=0.1"],
    "a plateau that is reached": [
        "schedule.name=plateau",
        "schedule.patience=0",
        "schedule.threshold=0.5",
        "optimizer.learning_rate=0.001",
    ],
    "validation every other epoch": ["training.validate_every=2", "training.monitor=loss"],
    "no validation": ["validation.method=none"],
    "no best weights": ["training.keep_best=false"],
    "bf16": ["runtime.precision=bf16"],
    "fp16 with its loss scale": ["runtime.precision=fp16"],
    "a loader": ["runtime.data_loading=dataloader", "runtime.num_workers=0", "model.dropout=0.3"],
    "a loader with workers": ["runtime.data_loading=dataloader", "runtime.num_workers=2", "model.dropout=0.3"],
    "regression": ["data.name=diabetes", "loss.name=mse", "data.batch_size=48"],
    "a short last batch left out": ["data.drop_last=true"],
    "nothing measured": ["runtime.measure=false"],
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_every_part_of_training_goes_on_in_mid_epoch_to_the_bit(tmp_path: Path, settings: list[str]) -> None:
    check_resume(tmp_path, *settings)


@pytest.mark.parametrize("model", [["model.name=cnn", "model.channels=[4]", "model.hidden=4"], ["model.hidden=[8]"]])
def test_dropout_and_augmentation_go_on_with_the_same_random_numbers(tmp_path: Path, model: list[str]) -> None:
    augmentation = ["data.flip=true", "data.shift=1", "data.cutout=2"]
    check_resume(tmp_path, "data.name=digits", "data.batch_size=200", *model, "model.dropout=0.3", *augmentation)


@pytest.mark.parametrize(
    "loading", [[], ["runtime.data_loading=dataloader", "runtime.num_workers=0"]], ids=["on the device", "a loader"]
)
def test_sounds_and_their_spectrograms_vary_with_the_same_random_numbers(
    tmp_path: Path, sound_preset: list[str], loading: list[str]
) -> None:
    waves = ["data.time_shift_ms=20", "data.gain_db=6", "data.noise_db=15"]
    check_resume(tmp_path, *sound_preset, *loading, *waves, "data.time_masks=2", "data.frequency_masks=1")


# The moments at which a life can end.

MOMENTS: dict[str, Script] = {
    "stopped after the first step": asked_at(1, [STOP]),
    "stopped after an epoch's last step": asked_at(STEPS_PER_EPOCH, [STOP]),
    "stopped after the very last step": asked_at(3 * STEPS_PER_EPOCH, [STOP]),
    "stopped while validating": asked_while(at_validation, [STOP]),
    "stopped while testing": asked_while(at_the_test, [STOP]),
    "stopped while paused": asked_at(MID_EPOCH, [PAUSE], [], [STOP]),
    "a checkpoint while validating, then stopped": asked_while(at_validation, [CHECKPOINT], [STOP]),
    "killed before any checkpoint": killed_at(5),
    "killed three steps after a checkpoint": killed_at(MID_EPOCH + 3, (MID_EPOCH, CHECKPOINT)),
    "killed an epoch after a checkpoint": killed_at(2 * STEPS_PER_EPOCH + 2, (3, CHECKPOINT)),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_whenever_a_life_ends_the_next_goes_on_to_the_bit(tmp_path: Path, moment: str) -> None:
    chosen = [EPOCHS, "model.dropout=0.2", "schedule.name=one_cycle"]
    expected = uninterrupted(tmp_path, *chosen)
    assert_same(outcome(resumed(interrupted(tmp_path, MOMENTS[moment], *chosen))), expected)


def test_a_run_can_be_stopped_again_and_again(tmp_path: Path) -> None:
    chosen = [EPOCHS, "model.dropout=0.2", "schedule.name=plateau"]
    expected = uninterrupted(tmp_path, *chosen)
    life = interrupted(tmp_path, asked_at(1, [STOP]), *chosen)
    for step in range(2, 3 * STEPS_PER_EPOCH):
        life = resumed(life, asked_at(step, [STOP]))
        assert life.state.step == step
    assert_same(outcome(resumed(life)), expected)


def test_checkpoints_and_pauses_change_nothing(tmp_path: Path) -> None:
    chosen = [EPOCHS, "model.dropout=0.2"]
    script = asked_at(4, [CHECKPOINT], [PAUSE], [], [RESUME], [CHECKPOINT])
    trainer = new_trainer(tmp_path, [*chosen, "training.checkpoint_seconds=0"], script)
    trainer.train()
    assert_same(outcome(trainer), uninterrupted(tmp_path, *chosen))


def test_a_learning_rate_that_was_set_outlives_the_process(tmp_path: Path) -> None:
    chosen = [EPOCHS, "schedule.name=cosine"]
    new_rate = Request("set_learning_rate", 0.05)
    stays = new_trainer(tmp_path, chosen, asked_at(4, [new_rate]))
    stays.train()
    goes_on = resumed(interrupted(tmp_path, asked_at(4, [new_rate, STOP]), *chosen))
    assert goes_on.base_learning_rate == 0.05
    assert_same(outcome(goes_on), outcome(stays))


def test_patience_is_counted_over_all_lives(tmp_path: Path) -> None:
    """With a learning rate of next to nothing no validation is better than the first."""
    chosen = [
        "training.epochs=9",
        "training.early_stopping_patience=3",
        "training.early_stopping_min_delta=0.5",
        "optimizer.learning_rate=1e-9",
    ]
    expected = uninterrupted(tmp_path, *chosen)
    assert sorted(expected["epochs"]) == [1, 2, 3, 4]
    first = interrupted(tmp_path, asked_at(2 * STEPS_PER_EPOCH + 2, [STOP]), *chosen)
    assert_same(outcome(resumed(first)), expected)


def test_the_best_epoch_of_an_earlier_life_is_the_one_that_is_tested(tmp_path: Path) -> None:
    """Training that gets worse from a known step on: the best weights are those from before the stop."""
    ruin = Request("set_learning_rate", 100.0)
    first = interrupted(tmp_path, asked_at(2 * STEPS_PER_EPOCH + 1, [ruin, STOP]), EPOCHS, "optimizer.name=sgd")
    best = first.state.best_epoch
    assert best in (1, 2)
    second = resumed(first)
    [tested] = of_type(second, events.TestResult)
    assert tested.weights == f"best epoch {best}"


def test_the_same_preset_and_seed_give_the_same_losses_to_the_bit(tmp_path: Path) -> None:
    for settings in (["model.dropout=0.3"], ["data.name=digits", "data.batch_size=300", "data.shift=1"]):
        assert_same(uninterrupted(tmp_path, *settings), uninterrupted(tmp_path, *settings))


def test_another_seed_gives_other_losses(tmp_path: Path) -> None:
    one, other = (uninterrupted(tmp_path, f"training.seed={seed}")["losses"] for seed in (1, 2))
    assert one.keys() == other.keys()
    assert all(one[step] != other[step] for step in one)


def test_another_split_gives_other_losses(tmp_path: Path) -> None:
    one, other = (uninterrupted(tmp_path, f"validation.seed={seed}")["losses"] for seed in (1, 2))
    assert one != other


def test_the_order_of_the_samples_is_another_in_each_epoch(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, ["training.epochs=2"])
    orders: list[list[int]] = []
    start = trainer.engine.start_epoch

    def start_epoch(order: torch.Tensor) -> None:
        orders.append(order.tolist())
        start(order)

    trainer.engine.start_epoch = start_epoch  # type: ignore[method-assign]
    trainer.train()
    samples = list(range(len(trainer.job.train)))
    assert [sorted(order) for order in orders] == [samples, samples]
    assert orders[0] != orders[1]


# Checkpoints that are no good.


def refusal(trainer: Trainer) -> str:
    """The error with which a resume from the last checkpoint is refused: one line in our own words."""
    with pytest.raises(WorkbenchError) as refused:
        build_trainer(trainer.run).restore()
    message = str(refused.value)
    assert str(trainer.run.last_checkpoint) in message
    for advice_of_torch in ("weights_only", "torch.load", "\n", "\x1b"):
        assert advice_of_torch not in message
    return message


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 torn"], ids=["empty", "nonsense", "torn"])
def test_a_checkpoint_that_cannot_be_read_is_reported_in_words(tmp_path: Path, content: bytes) -> None:
    trainer = interrupted(tmp_path, asked_at(2, [STOP]))
    trainer.run.last_checkpoint.write_bytes(content)
    refusal(trainer)


def test_half_a_checkpoint_is_reported_in_words(tmp_path: Path) -> None:
    trainer = interrupted(tmp_path, asked_at(2, [STOP]))
    path = trainer.run.last_checkpoint
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refusal(trainer)


@pytest.mark.parametrize("content", [{"version": 99}, {}, [1, 2], torch.zeros(3)], ids=str)
def test_a_file_that_is_no_checkpoint_of_this_version_is_reported_in_words(tmp_path: Path, content: object) -> None:
    trainer = interrupted(tmp_path, asked_at(2, [STOP]))
    torch.save(content, trainer.run.last_checkpoint)
    assert "version" in refusal(trainer)


def test_a_checkpoint_of_another_model_is_reported_in_words(tmp_path: Path) -> None:
    trainer = interrupted(tmp_path, asked_at(2, [STOP]))
    other = interrupted(tmp_path, asked_at(2, [STOP]), "model.hidden=[9, 3]")
    trainer.run.last_checkpoint.write_bytes(other.run.last_checkpoint.read_bytes())
    refusal(trainer)


class Code:
    """What a checkpoint must never hold."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("ran"),))


def test_a_checkpoint_is_never_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trainer = interrupted(tmp_path, asked_at(2, [STOP]))
    torch.save({"version": 1, "position": Code()}, trainer.run.last_checkpoint)
    refusal(trainer)
    assert not Path("ran").exists()


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = interrupted(tmp_path, asked_at(2, [STOP]))
    before = trainer.run.last_checkpoint.read_bytes()

    def full(state: object, file: Any) -> None:
        file.write(b"half of it")
        raise RuntimeError("unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(StorageError, match=r"last\.pt: unexpected pos 64 vs 0"):
        trainer.checkpoint()  # the disk has room: the cause is another, and PyTorch's words are all that is known
    assert trainer.run.last_checkpoint.read_bytes() == before

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match=r"last\.pt: No space left on device\. Free some space"):
        trainer.checkpoint()
    assert trainer.run.last_checkpoint.read_bytes() == before
    assert [path.name for path in trainer.run.checkpoints.iterdir() if path.name.startswith(".")] == []

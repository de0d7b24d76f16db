"""A learning rate that was set by hand (reliability R3, screen #13): no kill forgets it, and its preset repeats it.

Everything is compared to the bit with a run in which the rate was set at the same step and nothing else happened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
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
    at_validation,
    build_trainer,
    killed_at,
    logged_losses,
    new_trainer,
    nothing,
    of_type,
    poll_after_every_step,
)
from workbench.errors import StorageError
from workbench.runs.control import Request
from workbench.runs.directory import create_run
from workbench.runs.events import EpochEnd, RequestHandled, Steps
from workbench.runs.writer import EventWriter
from workbench.settings.changes import MOST_CHANGES, Change
from workbench.settings.preset import Preset
from workbench.training.checkpointing import files as checkpoints
from workbench.training.live_rate import LiveRate
from workbench.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("all_imported", "polling_after_every_step")

STEPS_PER_EPOCH = 7
CHOSEN = ["training.epochs=3", "schedule.name=cosine"]
ENGINES = ["eager", "traced"]


def rate(value: float) -> Request:
    return Request("set_learning_rate", value)


def weights(trainer: Trainer) -> list[torch.Tensor]:
    """Of the last step: a trainer that has tested holds those of the best epoch."""
    state: dict[str, Any] = checkpoints.load(trainer.run.last_checkpoint, torch.device("cpu"))
    return list(state["model"].values())


def rates(trainer: Trainer) -> dict[int, float]:
    """Of each step, the schedule's factor included; the latest life counts."""
    return {event.first_step + len(event.losses) - 1: event.learning_rate or 0.0 for event in of_type(trainer, Steps)}


def assert_same_training(found: Trainer, expected: Trainer) -> None:
    assert logged_losses(found) == logged_losses(expected)
    assert rates(found) == rates(expected)
    ends = [
        {end.epoch: (end.learning_rate, end.train, end.validation) for end in of_type(trainer, EpochEnd)}
        for trainer in (found, expected)
    ]
    assert ends[0] == ends[1]
    assert all(torch.equal(*pair) for pair in zip(weights(found), weights(expected), strict=True))


def trained(folder: Path, script: Script, *assignments: str) -> Trainer:
    trainer = new_trainer(folder, [*CHOSEN, *assignments], script)
    trainer.train()
    return trainer


def killed(folder: Path, script: Script, *assignments: str) -> Trainer:
    trainer = new_trainer(folder, [*CHOSEN, *assignments], script)
    with pytest.raises(Killed):
        trainer.train()
    return trainer


def next_life(trainer: Trainer, script: Script = nothing) -> Trainer:
    again = build_trainer(trainer.run, script)
    if trainer.run.last_checkpoint.exists():
        assert again.restore() == [], "nothing to be warned of"
    again.train()
    return again


def repeated(trainer: Trainer, folder: Path) -> Trainer:
    """Another run of the preset.toml that a run has left."""
    preset = Preset.load(trainer.run.preset)
    again = build_trainer(create_run(folder, preset.name, preset.to_toml()))
    again.train()
    return again


def together(*scripts: Script) -> Script:
    def script(trainer: Trainer) -> Iterable[Request]:
        return [request for each in scripts for request in each(trainer)]

    return script


@pytest.mark.parametrize("engine", ENGINES)
def test_a_change_after_the_last_checkpoint_survives_a_kill(tmp_path: Path, engine: str) -> None:
    chosen = f"runtime.engine={engine}"
    expected = trained(tmp_path, asked_at(9, [rate(0.05)]), chosen)
    dead = killed(tmp_path, killed_at(12, (5, CHECKPOINT), (9, rate(0.05))), chosen)
    again = next_life(dead)
    assert_same_training(again, expected)
    replayed = [(event.step, event.value) for event in of_type(again, RequestHandled) if event.replayed]
    assert replayed == [(9, 0.05)], "its second life reports it at the same step"


def test_a_change_survives_a_kill_before_any_checkpoint(tmp_path: Path) -> None:
    expected = trained(tmp_path, asked_at(4, [rate(0.05)]))
    assert_same_training(next_life(killed(tmp_path, killed_at(6, (4, rate(0.05))))), expected)


def test_a_kill_between_writing_a_change_and_its_answer_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worst moment there is: the file knows of the change, and no event tells of it."""
    expected = trained(tmp_path, asked_at(9, [rate(0.05)]))
    write = EventWriter.write

    def dies(self: EventWriter, event: Any) -> None:
        if isinstance(event, RequestHandled):
            raise Killed
        write(self, event)

    with monkeypatch.context() as patch:
        patch.setattr(EventWriter, "write", dies)
        dead = killed(tmp_path, asked_at(9, [rate(0.05)]))
    assert not of_type(dead, RequestHandled)
    assert_same_training(next_life(dead), expected)


def test_a_torn_last_line_of_the_events_takes_no_change_away(tmp_path: Path) -> None:
    expected = trained(tmp_path, asked_at(9, [rate(0.05)]))
    dead = killed(tmp_path, together(asked_at(9, [rate(0.05)]), killed_at(10)))
    os.truncate(dead.run.events, dead.run.events.stat().st_size - 40)
    assert_same_training(next_life(dead), expected)


def test_a_change_while_paused_after_a_checkpoint_of_the_same_step_survives_a_kill(tmp_path: Path) -> None:
    expected = trained(tmp_path, asked_at(9, [rate(0.05)]))
    looks: list[list[Request]] = [[PAUSE, CHECKPOINT], [rate(0.02)], [CHECKPOINT], [rate(0.05)]]

    def script(trainer: Trainer) -> Iterable[Request]:
        if trainer.state.step < 9:
            return ()
        if not looks:
            raise Killed
        return looks.pop(0)

    again = next_life(killed(tmp_path, script))
    assert_same_training(again, expected)


def test_a_change_while_validating_holds_from_the_next_epoch_on_and_survives_a_kill(tmp_path: Path) -> None:
    ask = asked_while(at_validation, [rate(0.05)])
    expected = trained(tmp_path, ask)
    assert Preset.load(expected.run.preset).changes == (Change(step=STEPS_PER_EPOCH, learning_rate=0.05),)
    first, *_ = of_type(expected, EpochEnd)
    assert first.learning_rate == rates(expected)[STEPS_PER_EPOCH], "the epoch's last step had the rate of before"
    dead = killed(tmp_path, together(asked_while(at_validation, [rate(0.05)]), killed_at(STEPS_PER_EPOCH + 2)))
    assert_same_training(next_life(dead), expected)


def test_several_changes_and_several_deaths(tmp_path: Path) -> None:
    asked = {3: rate(0.01), 8: rate(0.0003), 9: rate(0.02), 15: rate(0.001)}

    def script(trainer: Trainer) -> Iterable[Request]:
        request = asked.get(trainer.state.step)
        return () if request is None else (request,)

    expected = trained(tmp_path, script)
    run = killed(tmp_path, killed_at(10, (3, asked[3]), (5, CHECKPOINT), (8, asked[8]), (9, asked[9])))
    for kill in (7, 9, 12):
        again = build_trainer(run.run, killed_at(kill))
        again.restore()
        with pytest.raises(Killed):
            again.train()
    last = next_life(run, asked_at(15, [asked[15]]))
    assert_same_training(last, expected)
    assert [change.step for change in Preset.load(last.run.preset).changes] == [3, 8, 9, 15]


def test_a_change_between_two_checkpoints_is_made_again_where_the_second_is_damaged(tmp_path: Path) -> None:
    expected = trained(tmp_path, asked_at(9, [rate(0.05)]))
    dead = killed(tmp_path, killed_at(14, (5, CHECKPOINT), (9, rate(0.05)), (12, CHECKPOINT)))
    os.truncate(dead.run.last_checkpoint, dead.run.last_checkpoint.stat().st_size // 2)
    again = build_trainer(dead.run)
    [note] = again.restore()
    assert "training continues at step 5" in note
    again.train()
    assert_same_training(again, expected)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("schedule", ["constant", "plateau"])
def test_the_preset_of_a_run_repeats_it_with_its_changes(tmp_path: Path, engine: str, schedule: str) -> None:
    chosen = [f"runtime.engine={engine}", f"schedule.name={schedule}", "model.dropout=0.2"]
    asked = together(asked_at(0, [rate(0.002)]), asked_at(4, [rate(0.05)]), asked_at(17, [rate(0.007)]))
    first = trained(tmp_path, asked, *chosen)
    assert Preset.load(first.run.preset).changes == tuple(
        Change(step=step, learning_rate=value) for step, value in ((1, 0.002), (4, 0.05), (17, 0.007))
    )
    second = repeated(first, tmp_path)
    assert_same_training(second, first)
    handled = [(event.step, event.value, event.replayed) for event in of_type(second, RequestHandled)]
    assert handled == [(1, 0.002, True), (4, 0.05, True), (17, 0.007, True)]


def test_the_preset_of_a_killed_run_repeats_it_too(tmp_path: Path) -> None:
    dead = killed(tmp_path, killed_at(12, (9, rate(0.05))))
    assert_same_training(repeated(dead, tmp_path), trained(tmp_path, asked_at(9, [rate(0.05)])))


def test_setting_a_rate_by_hand_ends_the_changes_that_were_to_come(tmp_path: Path) -> None:
    changes = "changes=[{step=4, learning_rate=0.05}, {step=12, learning_rate=0.5}]"
    trainer = trained(tmp_path, asked_at(9, [rate(0.001)]), changes)
    assert [(event.step, event.value) for event in of_type(trainer, RequestHandled)] == [(4, 0.05), (9, 0.001)]
    assert [change.step for change in Preset.load(trainer.run.preset).changes] == [4, 9]
    expected = trained(tmp_path, together(asked_at(4, [rate(0.05)]), asked_at(9, [rate(0.001)])))
    assert_same_training(trainer, expected)


def test_the_rate_that_was_is_no_change(tmp_path: Path) -> None:
    trainer = trained(tmp_path, asked_at(5, [rate(0.5), rate(0.001)]))
    assert Preset.load(trainer.run.preset).changes == ()
    assert_same_training(trainer, trained(tmp_path, nothing))


def test_a_change_that_cannot_be_written_down_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Preset, path: Path) -> None:
        raise StorageError("cannot write preset.toml: No space left on device.")

    monkeypatch.setattr(Preset, "save", full)
    trainer = trained(tmp_path, asked_at(5, [rate(0.5)]))
    [answer] = of_type(trainer, RequestHandled)
    assert not answer.accepted
    assert "No space left" in answer.detail
    monkeypatch.undo()
    poll_after_every_step(monkeypatch)
    assert_same_training(trainer, trained(tmp_path, nothing))


@pytest.mark.parametrize("value", [1000.5, 1e30])
def test_a_request_is_held_to_the_bounds_of_the_setting(tmp_path: Path, value: float) -> None:
    """screen #12: control.jsonl may say anything."""
    trainer = trained(tmp_path, asked_at(5, [rate(value)]))
    [answer] = of_type(trainer, RequestHandled)
    assert (answer.accepted, answer.value) == (False, value)
    assert answer.detail == "set_learning_rate needs a value above 0 and at most 1000"
    assert Preset.load(trainer.run.preset).changes == ()


def test_a_checkpoint_of_an_older_version_keeps_its_rate(tmp_path: Path) -> None:
    """Its preset.toml never heard of the change."""
    expected = trained(tmp_path, asked_at(9, [rate(0.05)]))
    first = new_trainer(tmp_path, CHOSEN, asked_at(9, [rate(0.05), STOP]))
    first.train()
    Preset.load(first.run.preset).model_copy(update={"changes": ()}).save(first.run.preset)
    state = checkpoints.load(first.run.last_checkpoint, torch.device("cpu"))
    state["position"]["learning_rate"] = 0.05  # older versions kept the rate of the next step here
    checkpoints.save(first.run.last_checkpoint, state)
    again = build_trainer(first.run)
    [note] = again.restore()
    assert note == "the learning rate stays 0.05, as in the checkpoint; by preset.toml it would be 0.001"
    again.train()
    assert_same_training(again, expected)
    assert_same_training(repeated(again, tmp_path), expected)


def test_a_deleted_run_is_not_brought_back_by_a_change(tmp_path: Path) -> None:
    import shutil

    trainer = new_trainer(tmp_path, CHOSEN)
    shutil.rmtree(trainer.run.path)
    assert trainer._base_rate.set(1, 0.5) is None
    assert not trainer.run.path.exists()


def test_an_answer_carries_the_number_that_holds_to_the_last_bit(tmp_path: Path) -> None:
    exact = 0.00123456789
    trainer = trained(tmp_path, asked_at(3, [rate(exact)], [PAUSE], [RESUME]))
    assert [event.value for event in of_type(trainer, RequestHandled)] == [exact, None, None]
    assert trainer.base_learning_rate == exact


def test_a_run_whose_rate_is_set_all_the_time_can_be_read_again(tmp_path: Path) -> None:
    """A program that steers a run through control.jsonl may do so at every step: its preset.toml has an end."""
    steered = tuple(
        Change(step=1_000_000_000 + step, learning_rate=1.2345678901234567e-05 * (1 + step % 2))
        for step in range(MOST_CHANGES - 1)
    )
    preset = Preset().model_copy(update={"changes": steered})
    run = create_run(tmp_path, "steered", preset.to_toml())
    live = LiveRate(preset, run, EventWriter(run.events))
    assert live.set(2_000_000_000, 0.5) is None
    refusal = live.set(2_000_000_001, 0.25)
    assert refusal is not None
    assert "10,000 times" in refusal
    assert Preset.load(run.preset).changes == (*steered, Change(step=2_000_000_000, learning_rate=0.5))
    assert live.at(2_000_000_002) == 0.5

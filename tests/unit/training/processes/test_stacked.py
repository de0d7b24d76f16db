"""The process that trains candidates together, from outside."""

from __future__ import annotations

import queue
from collections.abc import Iterator

import pytest

from workbench.errors import PresetError, TrainerLostError
from workbench.processes.measuring import Progress, read_typed
from workbench.processes.stacked import KINDS, WAY, Ended, Ending, Message, Request, StackedProcess, Steer, Values, Way
from workbench.settings.preset import Preset
from workbench.training.processes.stacked import train

LONGEST_SECONDS = 120


def preset(*settings: str) -> Preset:
    small = ["data.name=iris", "data.batch_size=16", "model.hidden=[8]", "training.epochs=3", "runtime.device=cpu"]
    return Preset().override([*small, *settings])


def messages(process: StackedProcess) -> Iterator[Message]:
    while True:
        message = process.read(LONGEST_SECONDS)
        assert message is not None
        if not isinstance(message, Progress):
            yield message
        if isinstance(message, Ending) or (isinstance(message, Way) and not message.together):
            return


def test_the_losers_are_dropped_as_the_launching_process_says() -> None:
    presets = [preset(f"optimizer.learning_rate={rate}") for rate in (1e-6, 0.01, 0.02)]
    process = StackedProcess.launch()
    process.train(presets, decide_after=[1], if_faster=False)
    try:
        found = []
        for message in messages(process):
            found.append(message)
            if isinstance(message, Values) and message.waits:
                process.steer(Steer(keep=[1, 2]))
    finally:
        process.close()
    assert found[0] == Way(True, "as asked for")
    values = [message for message in found if isinstance(message, Values)]
    assert [(each.epoch, each.metric, each.waits) for each in values] == [
        (1, "accuracy", True),
        (2, "accuracy", False),
        (3, "accuracy", False),
    ]
    assert [[value is not None for value in each.values] for each in values] == [
        [True, True, True],
        [False, True, True],
        [False, True, True],
    ]
    ended = {message.candidate: message for message in found if isinstance(message, Ended)}
    assert {number: (each.status, each.epochs) for number, each in ended.items()} == {
        0: ("discarded", 1),
        1: ("completed", 3),
        2: ("completed", 3),
    }
    assert ended[0].validation is None
    for number in (1, 2):
        own = [each.values[number] for each in values]
        assert ended[number].value == max(value for value in own if value is not None)
        assert (ended[number].validation or {})["accuracy"] == ended[number].value
        assert ended[number].test is not None


def test_it_says_why_candidates_are_to_be_trained_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    asked = Request([each.to_toml() for each in (preset(), preset("model.hidden=[9]"))])
    train(asked, queue.SimpleQueue())
    kind, way = read_typed(capsys.readouterr().out.splitlines()[-1].encode(), KINDS) or ("", None)
    assert kind == WAY
    assert way == Way(False, "they differ in more than numbers")


def test_a_preset_that_does_not_fit_its_data_is_refused() -> None:
    asked = Request([preset("data.batch_size=5000").to_toml()] * 2)
    with pytest.raises(PresetError, match=r"data\.batch_size = 5000, but the training split has only"):
        train(asked, queue.SimpleQueue())


def test_a_process_that_was_killed() -> None:
    process = StackedProcess.launch()
    process.train([preset()])
    process.close()
    with pytest.raises(TrainerLostError, match="has ended, as when it is killed"):
        process.read(10)

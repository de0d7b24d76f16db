"""The process that trains candidates together, from outside."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from workbench.errors import PresetError, TrainerLostError
from workbench.processes.measuring import Progress, read_typed, typed_line
from workbench.processes.out_of_fold import read_judged
from workbench.processes.stacked import (
    KINDS,
    STEER,
    WAY,
    Ended,
    Ending,
    Message,
    Request,
    StackedProcess,
    Steer,
    Values,
    Way,
)
from workbench.settings.preset import Preset
from workbench.training.processes.out_of_fold import judge
from workbench.training.processes.stacked import _steered, train
from workbench.training.validation_scores import ValidationScores

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


def test_the_losers_are_dropped_as_the_launching_process_says(tmp_path: Path) -> None:
    presets = [preset(f"optimizer.learning_rate={rate}") for rate in (1e-6, 0.01, 0.02)]
    process = StackedProcess.launch()
    scores, environment = [tmp_path / f"{number}.npz" for number in range(3)], tmp_path / "environment.json"
    process.train(presets, decide_after=[1], if_faster=False, scores=scores, environment=environment)
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
        kept = ValidationScores.read(scores[number])
        assert kept.metrics == ended[number].validation
        right = kept.scores.argmax(1) == kept.targets
        assert right.float().mean().item() == pytest.approx(ended[number].value)
    assert not scores[0].exists()
    assert json.loads(environment.read_text())["torch"] == torch.__version__


def test_one_process_answers_several_requests_and_is_steered_meanwhile() -> None:
    process = StackedProcess.launch()
    try:
        for seed in (0, 5):
            process.steer(Steer(drop=[0, 1]))  # for nobody: nothing is trained
            process.train([preset(f"training.seed={seed + more}") for more in range(3)], if_faster=False)
            process.steer(Steer(drop=[1]))
            found = [message for message in messages(process) if isinstance(message, Ended)]
            assert {each.candidate: (each.status, each.epochs) for each in found} == {
                0: ("completed", 3),
                1: ("discarded", 1),
                2: ("completed", 3),
            }
            assert process.is_alive
    finally:
        process.close()


def test_a_paused_process_trains_nothing_before_it_is_said() -> None:
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    for steer in (Steer(paused=True), Steer(drop=[2]), Steer(paused=False)):
        lines.put(typed_line(STEER, steer).encode())
    lines.put(typed_line(STEER, Steer(drop=[0])).encode())
    assert _steered(lines, [0, 1, 2], waits=False) == [1]
    assert _steered(lines, [0, 1, 2], waits=False) is None
    for steer in (Steer(paused=True), Steer(keep=[1, 2]), Steer(paused=False, drop=[2])):
        lines.put(typed_line(STEER, steer).encode())
    assert _steered(lines, [0, 1, 2], waits=True) == [1], "it waits for both"


def test_folds_that_are_all_trained_are_judged_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folds = [preset("validation.method=k_fold", f"validation.fold={fold}", "validation.folds=3") for fold in range(3)]
    scores, judged = [tmp_path / f"{fold}.npz" for fold in range(3)], tmp_path / "judged.json"
    text = folds[0].to_toml()
    asked = Request([each.to_toml() for each in folds], [], False, [str(path) for path in scores], str(judged))
    train(asked, queue.SimpleQueue())
    (tmp_path / "preset.toml").write_text(text)
    assert read_judged(judged, 3) == judge(tmp_path / "preset.toml", scores)
    assert read_judged(judged, 4) is None, "a part of the folds"
    judged.unlink()
    assert read_judged(judged, 3) is None
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    lines.put(typed_line(STEER, Steer(drop=[1])).encode())
    train(asked, lines)
    assert not judged.exists()


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

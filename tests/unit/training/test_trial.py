"""A trial: both settings are measured in turns on small data, and whatever cannot be measured is told."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.training.conftest import SMALL
from workbench.runs.directory import RunDirectory, create_run
from workbench.settings.preset import Preset
from workbench.training import trial
from workbench.training.trainer import Trainer
from workbench.training.trial_side import Side


@pytest.fixture(autouse=True)
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "TURN_SECONDS", 0.02)


def request_line(*change: str, present: tuple[str, ...] = (), **more: Any) -> str:
    preset = Preset().override([*SMALL, *present])
    return json.dumps({"preset": preset.to_toml(), "change": list(change), "seconds": 0.06} | more) + "\n"


def answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str) -> tuple[int, Any]:
    """Exit code and answer of the trial's process for a line on standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(line))
    exit_code = trial.main()
    [told] = capsys.readouterr().out.splitlines()
    return exit_code, json.loads(told)


def test_both_are_measured_and_their_paces_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    exit_code, found = answer(monkeypatch, capsys, request_line("data.batch_size=32"))
    assert exit_code == 0
    for side in (found["present"], found["changed"]):
        assert set(side) == {"engine", "steps", "step_ms", "samples_per_second", "loss", "peak_bytes"}
        assert side["engine"] == "traced"
        assert side["steps"] >= trial.LEAST_TURNS
        assert side["step_ms"] > 0
        assert side["samples_per_second"] > 0
        assert 0 < side["loss"] < 2
        assert side["peak_bytes"] is None, "the CPU does not tell"
    assert 0 < found["ratio_low"] <= found["ratio"] <= found["ratio_high"]
    assert found["turns"] >= trial.LEAST_TURNS
    assert found["loss_samples"] > 0
    assert found["same_loss"]
    assert list(tmp_path.iterdir()) == [], "nothing is written"


@pytest.mark.parametrize(
    ("line", "exit_code", "which", "words"),
    [
        (request_line("data.batch_size=5000"), 2, "changed", "5000"),
        (request_line("data.batch_sise=32"), 2, "", "batch_size"),
        (request_line("data.batch_size=32", present=("data.name=diabetes",)), 2, "present", "does not fit data"),
        ("nonsense\n", 3, "", "JSONDecodeError"),
        ("", 3, "", "JSONDecodeError"),
    ],
    ids=["changed", "misspelt", "present", "nonsense", "nothing"],
)
def test_what_cannot_be_measured_is_told_with_the_side_that_fails(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
    exit_code: int,
    which: str,
    words: str,
) -> None:
    found_code, found = answer(monkeypatch, capsys, line)
    assert (found_code, found["exit_code"]) == (exit_code, exit_code)
    assert found["which"] == which
    assert words in found["error"]
    assert "Traceback" not in found["error"]


def test_running_out_of_memory_is_told_of_the_side_that_did(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def turn(side: Side, seconds: float) -> float:
        if side.samples_per_step == 32:
            raise MemoryError
        return 1.0

    monkeypatch.setattr(Side, "turn", turn)
    exit_code, found = answer(monkeypatch, capsys, request_line("data.batch_size=32"))
    assert (exit_code, found["which"]) == (3, "changed")
    assert "ran out of memory at batch size 32" in found["error"]


def test_losses_are_compared_only_where_they_mean_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = answer(monkeypatch, capsys, request_line("loss.label_smoothing=0.1"))
    assert not found["same_loss"]


def test_a_loss_that_is_not_finite_is_null(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    change = ("optimizer.name=sgd", "optimizer.learning_rate=1000", "loss.name=mse")
    line = request_line(*change, present=("data.name=diabetes", "loss.name=mse"))
    exit_code, found = answer(monkeypatch, capsys, line)
    assert exit_code == 0
    assert found["changed"]["loss"] is None
    assert found["present"]["loss"] is not None


def test_the_same_settings_give_the_same_losses_after_the_same_samples() -> None:
    """So that a difference between two losses comes from the change alone."""
    request = trial.Request.from_json(request_line("runtime.loader_workers=0"))
    found = trial.compare(request, at_once())
    assert found["present"]["loss"] == found["changed"]["loss"]


def test_a_side_trains_as_the_trainer_does(make_trainer: Callable[..., Trainer]) -> None:
    trainer = make_trainer("training.epochs=3", "schedule.name=cosine")
    trainer.train()
    side = Side(trainer.job.preset)
    samples = 3 * trainer.job.samples_per_epoch
    while side.samples_trained < samples:
        side.turn(0.0)
    assert trainer.last_epoch is not None
    trained = trainer.last_epoch.train["loss"]
    assert side.loss_after(samples, trainer.job.samples_per_epoch) == pytest.approx(trained, rel=1e-9)


@pytest.mark.parametrize("engine", ["auto", "eager", "traced"])
def test_a_side_has_the_engine_that_the_trainer_has(make_trainer: Callable[..., Trainer], engine: str) -> None:
    trainer = make_trainer(f"runtime.engine={engine}")
    assert Side(trainer.job.preset).engine == trainer.engine.name


def test_an_engine_that_does_not_fit_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exit_code, found = answer(monkeypatch, capsys, request_line("runtime.engine=graph"))
    assert (exit_code, found["which"]) == (2, "changed")
    assert 'runtime.engine = "graph", but' in found["error"]


def test_a_turn_has_the_steps_that_its_seconds_hold() -> None:
    side = Side(Preset().override(SMALL))
    side._steps_per_second = 50.0
    side.turn(0.2)
    assert side.steps == 10
    side.turn(0.0)
    assert side.steps == 11, "one at least"


def test_steps_that_a_loader_has_read_ahead_are_left_out() -> None:
    side = Side(Preset().override([*SMALL, "runtime.feed=loader", "runtime.loader_workers=0"]))
    assert side.feed == "loader"
    assert side._steps_left_out == 1
    side.preset = side.preset.override(["runtime.loader_workers=3"])
    assert side._steps_left_out == 7


def test_a_global_setting_of_one_side_does_not_reach_the_other() -> None:
    present, changed = (Side(Preset().override([*SMALL, *change])) for change in ((), ("runtime.num_threads=3",)))
    before, seen = torch.get_num_threads(), []
    for side in (present, changed, present):
        side._configure()
        seen.append(torch.get_num_threads())
    torch.set_num_threads(before)
    assert seen == [before, 3, before]


def at_once() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def test_a_run_that_was_paused_for_it_goes_on_when_the_launcher_has_died(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run: RunDirectory = create_run(tmp_path, "small", "")
    ended = threading.Event()
    monkeypatch.setattr(sys, "stdin", io.StringIO("go\n"))
    monkeypatch.setattr("os._exit", lambda code: ended.set())
    go = trial._listen(run)
    assert go.wait(10)
    assert ended.wait(10)
    assert json.loads(run.control.read_text())["command"] == "resume"

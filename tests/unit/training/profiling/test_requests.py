"""Profiles and memory snapshots on request: when they are taken, what they show, and that training stays the same."""

from __future__ import annotations

import errno
import gzip
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.training.scripted import (
    PAUSE,
    RESUME,
    STOP,
    Script,
    asked_at,
    asked_while,
    at_validation,
    logged_losses,
    new_trainer,
    of_type,
    poll_after_every_step,
)
from workbench.runs.control import Request
from workbench.runs.events import EpochEnd, RequestHandled, WarningRaised
from workbench.runs.measurements import MemorySnapshot, Profiled, Timing
from workbench.training.memory import snapshot_summary as memory_summary
from workbench.training.profiling import profiler as profiler_module
from workbench.training.profiling.operators import BETWEEN_OPERATORS, MOST_OPERATORS
from workbench.training.trainer import Trainer

DIGITS = ["data.name=digits", "data.batch_size=64", "model.dropout=0.1"]
"""21 steps an epoch, two epochs."""
MEMORY = Request("memory_snapshot")
REALLY_EXIT: Any = torch.autograd.profiler.profile.__exit__


def profile(steps: float | None = None) -> Request:
    return Request("profile", steps)


@pytest.fixture(autouse=True)
def _poll(monkeypatch: pytest.MonkeyPatch) -> None:
    poll_after_every_step(monkeypatch)


def asked_after(requests: dict[int, Request]) -> Script:
    """Asks once for each after the step that it stands under."""
    left = dict(requests)
    return lambda trainer: [left.pop(trainer.state.step)] if trainer.state.step in left else []


def trained(folder: Path, script: Script, *assignments: str) -> Trainer:
    trainer = new_trainer(folder, [*DIGITS, *assignments], script)
    trainer.train()
    return trainer


def the_profile(trainer: Trainer) -> Profiled:
    [event] = of_type(trainer, Profiled)
    return event


def trace(trainer: Trainer) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(gzip.decompress((trainer.run.path / the_profile(trainer).file).read_bytes()))
    return content


def step_marks(trainer: Trainer) -> list[str]:
    """The steps that the trace names, in order."""
    events = [event for event in trace(trainer)["traceEvents"] if event.get("name", "").startswith("ProfilerStep#")]
    return [event["name"].partition("#")[2] for event in sorted(events, key=lambda event: event["ts"])]


def test_the_asked_steps_are_in_the_trace_and_no_others(tmp_path: Path) -> None:
    trainer = trained(tmp_path, asked_at(12, [profile(3)]))
    event = the_profile(trainer)
    assert (event.first_step, event.steps, event.step, event.device) == (13, 3, 15, "cpu")
    assert event.file == "profiles/step-13-15.json.gz"
    assert event.bytes == (trainer.run.path / event.file).stat().st_size
    assert step_marks(trainer) == ["13", "14", "15"]
    assert [path.name for path in trainer.run.profiles.iterdir()] == ["step-13-15.json.gz"]
    assert [(handled.command, handled.accepted, handled.detail) for handled in of_type(trainer, RequestHandled)] == [
        ("profile", True, "3")
    ]


def test_operators_are_sorted_by_self_time_and_their_fractions_add_up(tmp_path: Path) -> None:
    operators = the_profile(trained(tmp_path, asked_at(12, [profile(4)]))).operators
    assert 0 < len(operators) <= MOST_OPERATORS
    names = {row["name"]: row for row in operators}
    assert BETWEEN_OPERATORS in names
    assert names["aten::addmm"]["calls"] == 8, "two layers, four steps"
    assert [row["self_ms"] for row in operators] == sorted((row["self_ms"] for row in operators), reverse=True)
    assert all(0 < row["share"] < 1 and row["self_ms"] <= row["total_ms"] + 1e-3 for row in operators)
    assert 0.5 < sum(row["share"] for row in operators) <= 1.001


@pytest.mark.parametrize("settings", [[], ["training.gradient_accumulation=2"], ["runtime.measure=false"]], ids=str)
def test_training_is_the_same_to_the_bit_with_and_without(tmp_path: Path, settings: list[str]) -> None:
    requests = {11: profile(2), 14: MEMORY, 16: profile(500)}
    plain = trained(tmp_path / "plain", asked_at(0), *settings)
    looked_at = trained(tmp_path / "looked-at", asked_after(requests), *settings)
    assert len(of_type(looked_at, Profiled)) == 2
    assert len(of_type(looked_at, MemorySnapshot)) == 1
    assert logged_losses(plain) == logged_losses(looked_at)
    assert [e.validation for e in of_type(plain, EpochEnd)] == [e.validation for e in of_type(looked_at, EpochEnd)]


def test_profiled_steps_are_neither_timed_nor_training_time(tmp_path: Path) -> None:
    trainer = trained(tmp_path, asked_at(12, [profile(5)]))
    assert sum(timing.steps for timing in of_type(trainer, Timing)) == 42 - 5
    assert sum(timing.timed_steps for timing in of_type(trainer, Timing)) == 42 - 5
    booked = trainer.times.seconds
    assert booked["profile"] >= the_profile(trainer).seconds - 0.001 > 0
    measured = trainer.clock.total_phases
    assert measured.seconds == pytest.approx(trainer.clock.training_seconds)
    assert sum(measured.phase_seconds.values()) <= measured.seconds + 1e-3


def test_the_first_steps_are_not_profiled(tmp_path: Path) -> None:
    assert the_profile(trained(tmp_path, asked_at(0, [profile(3)]))).first_step == 11


def test_a_profile_waits_for_the_next_epoch_where_this_one_has_too_few_steps_left(tmp_path: Path) -> None:
    event = the_profile(trained(tmp_path, asked_at(12, [profile(15)])))
    assert (event.first_step, event.steps) == (22, 15)


@pytest.mark.parametrize(("asked", "first", "steps"), [(12, 22, 21), (30, 31, 12)])
def test_the_end_of_an_epoch_cuts_a_profile_that_no_epoch_has_room_for(
    tmp_path: Path, asked: int, first: int, steps: int
) -> None:
    event = the_profile(trained(tmp_path, asked_at(asked, [profile(100)])))
    assert (event.first_step, event.steps) == (first, steps)


def test_a_profile_that_was_asked_for_during_validation_is_of_the_next_epoch(tmp_path: Path) -> None:
    event = the_profile(trained(tmp_path, asked_while(at_validation, [profile(4)])))
    assert (event.first_step, event.steps) == (22, 4)


@pytest.mark.parametrize("cut", [[[STOP]], [[PAUSE], [RESUME]]], ids=["stop", "pause"])
def test_what_there_is_is_written_when_a_stop_or_a_pause_comes_first(tmp_path: Path, cut: list[list[Request]]) -> None:
    trainer = trained(tmp_path, asked_at(12, [profile(9)], [], *cut))
    event = the_profile(trainer)
    assert (event.first_step, event.steps) == (13, 2)
    assert step_marks(trainer) == ["13", "14"]


def test_a_profile_that_finds_no_step_is_a_warning(tmp_path: Path) -> None:
    trainer = trained(tmp_path, asked_at(8, [profile()], [STOP]))
    assert of_type(trainer, Profiled) == []
    [warned] = of_type(trainer, WarningRaised)
    assert warned.message == "there is no profile: no step was left for it after step 9"
    assert warned.command == "profile"


def test_a_profile_is_written_also_when_training_diverges(tmp_path: Path) -> None:
    ask = asked_after({12: profile(9)})

    def script(trainer: Trainer) -> Iterable[Request]:
        if trainer.state.step == 14:
            next(iter(trainer.job.model.parameters())).data.fill_(math.nan)
        return ask(trainer)

    trainer = new_trainer(tmp_path, [*DIGITS, "optimizer.name=sgd", "optimizer.learning_rate=0.01"], script)
    with pytest.raises(Exception, match="diverged"):
        trainer.train()
    assert the_profile(trainer).first_step == 13


@pytest.mark.parametrize("steps", [0, -1, 1.5, 1001, float("nan"), float("inf")])
def test_a_number_of_steps_that_makes_no_sense_is_refused(tmp_path: Path, steps: float) -> None:
    trainer = trained(tmp_path, asked_at(12, [profile(steps)], [STOP]))
    [refused, _] = of_type(trainer, RequestHandled)
    assert not refused.accepted
    assert "from 1 to 1000" in refused.detail


def test_a_second_profile_is_refused_while_the_first_is_under_way(tmp_path: Path) -> None:
    trainer = trained(tmp_path, asked_at(12, [profile(3)], [profile(2)]))
    assert [handled.accepted for handled in of_type(trainer, RequestHandled)] == [True, False]
    assert the_profile(trainer).steps == 3


def full_disk(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def cut_short(self: Any, path: str) -> None:
    """What the profiler's library leaves on a full disk."""
    Path(path).write_text('{"traceEvents": [{"ph": "X"')


def failing(self: Any) -> None:
    raise RuntimeError("the profiler is in use")


def failing_at_the_end(self: Any, *_: Any) -> None:
    REALLY_EXIT(self, None, None, None)  # PyTorch has one profiler a process: the next test needs it
    raise RuntimeError("the profiler is in use")


def failing_to_count(averages: Any, *, on_gpu: bool) -> None:
    raise KeyError("aten::mm")


@pytest.mark.parametrize(
    ("where", "what", "reason"),
    [
        ("_compress", full_disk, "No space left on device"),
        ("profile.export_chrome_trace", cut_short, "cut short"),
        ("profile.__enter__", failing, "in use"),
        ("profile.__exit__", failing_at_the_end, "in use"),
        ("top_operators", failing_to_count, "KeyError"),
    ],
)
def test_a_full_disk_or_a_failing_profiler_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, what: Callable[..., None], reason: str
) -> None:
    monkeypatch.setattr(f"{profiler_module.__name__}.{where}", what)
    trainer = new_trainer(tmp_path, DIGITS, asked_at(12, [profile(3)]))
    trainer.train()
    assert of_type(trainer, Profiled) == []
    [warned] = of_type(trainer, WarningRaised)
    assert "there is no profile" in warned.message
    assert reason in warned.message
    assert len(logged_losses(trainer)) == 42
    assert sum(timing.steps for timing in of_type(trainer, Timing)) == 42 - (0 if where == "profile.__enter__" else 3)
    written = list(trainer.run.profiles.iterdir()) if trainer.run.profiles.exists() else []
    assert len(written) == (1 if where == "top_operators" else 0)


def test_a_file_where_the_folder_should_be_is_a_warning(tmp_path: Path) -> None:
    trainer = new_trainer(tmp_path, DIGITS, asked_after({12: profile(3), 18: MEMORY}))
    trainer.run.profiles.write_text("in the way")
    trainer.train()
    assert [warned.command for warned in of_type(trainer, WarningRaised)] == ["profile", "memory_snapshot"]
    assert len(logged_losses(trainer)) == 42


def test_a_snapshot_of_the_hosts_memory_lists_what_the_job_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This process holds what other tests have left, which may be larger than all of the job's.
    monkeypatch.setattr(memory_summary, "MOST_ROWS", 100_000)
    trainer = trained(tmp_path, asked_at(12, [MEMORY]))
    [event] = of_type(trainer, MemorySnapshot)
    assert (event.step, event.steps, event.file, event.pickle) == (12, 0, "profiles/memory-12.txt", "")
    text = (trainer.run.path / event.file).read_text()
    kinds = {line.split("  ")[-1] for line in text.splitlines() if " % " in line}
    assert {"samples", "parameters", "optimizer state"} <= kinds
    assert "samples: inputs of the train split" in text
    assert max(map(len, text.splitlines())) <= 76
    assert "profile" in trainer.times.seconds


def test_a_snapshot_is_written_while_paused_too(tmp_path: Path) -> None:
    trainer = trained(tmp_path, asked_at(12, [PAUSE], [MEMORY], [RESUME]))
    assert len(of_type(trainer, MemorySnapshot)) == 1

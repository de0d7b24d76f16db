"""The small curve of a run: the values of its monitored metric, read from its events."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from workbench.runs import epoch_values
from workbench.runs.directory import RunDirectory
from workbench.runs.epoch_values import MOST_DECODED, read_epoch_values
from workbench.runs.event_lines import encode
from workbench.runs.events import EpochEnd, Event, Steps


def epoch(number: int, loss: float, *, validation: bool = True) -> EpochEnd:
    metrics = {"loss": loss}
    return EpochEnd(epoch=number, step=number, train=metrics, validation=metrics if validation else None, best=False)


def write(tmp_path: Path, *events: Event) -> RunDirectory:
    run = RunDirectory(tmp_path)
    run.events.write_text("".join(f"{encode(event)}\n" for event in events) + '{"type":"epoch","ep')
    return run


def test_the_values_come_in_order_without_what_is_not_finite(tmp_path: Path) -> None:
    steps = Steps(first_step=1, epoch=1.0, losses=[1.0], learning_rate=0.1, seconds=1.0)
    run = write(tmp_path, epoch(1, 0.5), steps, epoch(2, math.nan), epoch(3, 0.25))
    assert read_epoch_values(run, "loss") == [0.5, 0.25]
    assert read_epoch_values(run, "accuracy") == []


def test_without_validation_they_are_those_of_training(tmp_path: Path) -> None:
    assert read_epoch_values(write(tmp_path, epoch(1, 0.5, validation=False)), "loss") == [0.5]


def test_an_epoch_that_was_trained_again_counts_once(tmp_path: Path) -> None:
    assert read_epoch_values(write(tmp_path, epoch(1, 0.5), epoch(2, 0.4), epoch(2, 0.3)), "loss") == [0.5, 0.3]


def test_of_many_epochs_some_are_read_with_the_first_and_the_last(tmp_path: Path) -> None:
    values = read_epoch_values(write(tmp_path, *(epoch(number, number) for number in range(1, 1001))), "loss")
    assert len(values) == MOST_DECODED
    assert (values[0], values[-1]) == (1, 1000)
    assert values == sorted(values)


def test_of_a_long_file_some_blocks_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch_values, "MOST_BYTES", 4000)
    monkeypatch.setattr(epoch_values, "BLOCK_BYTES", 1000)
    run = write(tmp_path, *(epoch(number, number) for number in range(1, 1001)))
    assert run.events.stat().st_size > 40_000
    values = read_epoch_values(run, "loss")
    assert 10 < len(values) < 100
    assert values[0] == 1
    assert values[-1] == 1000


def test_a_run_without_events_has_no_curve(tmp_path: Path) -> None:
    assert read_epoch_values(RunDirectory(tmp_path / "none"), "loss") == []

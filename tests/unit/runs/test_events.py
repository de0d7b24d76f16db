"""Events survive writing and reading; torn lines, unknown types and a second writer do no harm."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import StorageError
from workbench.runs.event_lines import decode, encode
from workbench.runs.event_lines import float32_text_value as short
from workbench.runs.events import EpochEnd, Finished, Prepared, Started, State, Steps
from workbench.runs.measurements import Timing
from workbench.runs.tail import EventTail, LineTail
from workbench.runs.view import RunView
from workbench.runs.writer import EventWriter


def steps(first: int, losses: list[float], epoch: float = 0.5) -> Steps:
    return Steps(first_step=first, epoch=epoch, losses=losses, learning_rate=0.1, seconds=1.0)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_every_float32_loss_survives_bit_for_bit(losses: list[float]) -> None:
    event = steps(1, [short(loss) for loss in losses])
    read = decode(encode(event))
    assert isinstance(read, Steps)
    assert [struct_bits(loss) for loss in read.losses] == [struct_bits(loss) for loss in losses]


def struct_bits(value: float) -> bytes:
    import struct

    return struct.pack("f", value)


def test_a_name_that_is_not_utf_8_can_be_written_and_read(tmp_path: Path) -> None:
    """A folder of images with such a name is a class."""
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.write(State(state="training", step=1, detail=os.fsdecode(b"caf\xe9 and caf\xe8")))
    writer.close()
    [(_, event)] = EventTail(tmp_path / "events.jsonl").read()
    assert isinstance(event, State)
    assert event.detail == "caf\\udce9 and caf\\udce8"


def test_lines_are_strict_json_even_with_nan() -> None:
    line = encode(steps(1, [1.0, math.nan, math.inf]))
    parsed = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert parsed["losses"] == [1.0, None, None]
    read = decode(line)
    assert isinstance(read, Steps)
    assert math.isnan(read.losses[1])


def test_an_unavailable_reading_is_left_out() -> None:
    line = encode(EpochEnd(epoch=1, step=2, learning_rate=0.1, train={}, validation=None, best=False,
                           train_seconds=1.0, validation_seconds=0.0))  # fmt: skip
    assert 'validation":' not in line.replace("validation_seconds", "")
    read = decode(line)
    assert isinstance(read, EpochEnd)
    assert read.validation is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b'{"type":"st',
        b"[1]",
        b'{"type":"from_the_future"}',
        b"\xff",
        b'{"type":[]}',
        b'{"type":"steps","losses":5}',
        b"[" * 100_000,
    ],
)
def test_lines_that_are_not_events_are_skipped(line: bytes) -> None:
    assert decode(line) is None


def test_fields_of_a_newer_version_are_ignored() -> None:
    assert decode('{"type":"state","state":"training","step":3,"colour":"red"}') == State(state="training", step=3)


def test_a_reader_gets_each_event_once_and_waits_for_an_incomplete_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    assert tail.read() == []
    line = encode(State(state="training", step=1))
    path.write_text(f"{line}\n{line[:10]}")
    assert len(tail.read()) == 1
    assert tail.read() == []
    with path.open("a") as file:
        file.write(f"{line[10:]}\n")
    assert len(tail.read()) == 1


def test_a_line_longer_than_one_read_is_returned_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.runs.tail.READ_BYTES", 8)
    path = tmp_path / "lines"
    path.write_bytes(b"a" * 50 + b"\nb\n")
    tail = LineTail(path)
    assert [*tail.read(), *tail.read()] == [b"a" * 50, b"b"]


def test_a_writer_after_a_kill_starts_a_new_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"type":"sta')
    writer = EventWriter(path)
    writer.write(State(state="training", step=7))
    writer.close()
    [(_, event)] = EventTail(path).read()
    assert isinstance(event, State)
    assert event.step == 7


def test_an_unwritable_folder_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        EventWriter(tmp_path / "missing" / "events.jsonl")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.close()
    writer._descriptor = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(StorageError, match="No space left"):
        writer.write(State(state="training", step=1))


def test_a_view_follows_steps_and_goes_back_when_a_run_is_resumed() -> None:
    view = RunView()
    view.take(Prepared(device="cpu", device_name="CPU", engine="eager", engine_reason="", data_loading="on_device",
                       parameters=1, task="classification", classes=[], train_samples=10, validation_samples=None,
                       test_samples=None, batch_size=1, steps_per_epoch=10, epochs=2, monitor="loss",
                       seconds=0.1))  # fmt: skip
    view.take(steps(1, [3.0, 2.0, 1.0], epoch=0.5))
    assert (view.step, view.loss, view.fraction_done) == (3, 1.0, 0.25)
    assert view.seconds_left == pytest.approx(3.0)
    view.take(Finished(status="failed", step=3))
    view.take(Started(process_id=1, resumed=True, step=1, epoch=0))
    assert (view.step, view.finished) == (1, None)
    view.take(Timing(step=1, steps=1, timed_steps=1, phase_ms={}, step_ms={}, steps_per_second=1.0,
                     samples_per_second=2.0))  # fmt: skip
    assert view.timing is not None

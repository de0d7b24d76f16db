"""Files with any content: no reader raises, and the other runs are shown."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.made import append, epoch_end, events, profiled, write_memory_snapshot, write_run
from workbench.advice.facts import Facts
from workbench.advice.rules import RULES
from workbench.errors import UsageError
from workbench.runs import tail
from workbench.runs.catalogue import Catalogue, list_running
from workbench.runs.directory import RunDirectory
from workbench.runs.event_lines import decode, encode
from workbench.runs.events import Event, Progress, State
from workbench.runs.history import read_history
from workbench.runs.lock import is_running, process_id
from workbench.runs.measurements import Health
from workbench.runs.status import Summary, read_summary, status
from workbench.runs.tail import LineTail
from workbench.ui.live.watch import Watch
from workbench.ui.start import _run_to_attach

NUMBERS = [-1, 0, 1, 10**400, -(10**18), 1e308, -0.5]
VALUES: list[Any] = [None, "x", "", True, *NUMBERS, [], [1], ["x"], [None], [[]], {}, {"x": 1}]
"""Wrong values of a field."""

HEALTH = Health(
    step=5, epoch=1, samples=10, seconds=0.1,
    layers=[{"name": "0", "kind": "relu", "units": 8, "dead_share": 0.9}],
    tensors=[{"name": "w", "gradient_mean": 1e-9, "gradient_norm": 1.0, "weight_norm": 1.0, "zero_share": 0.0,
              "non_finite_share": 0.0}],
    gradient_norm=2.0, weight_norm=1.0,
)  # fmt: skip


def each_kind(run: RunDirectory) -> list[Event]:
    """An event of each type that the app reads."""
    seen = {event.type: event for event in events(700)}
    seen |= {event.type: event for event in (profiled(600), write_memory_snapshot(run, 600), HEALTH)}
    seen |= {"progress": Progress(what="reading", done=1, total=2), "state": State(state="training", step=1)}
    return list(seen.values())


def mutated(event: Event, chance: random.Random) -> str:
    """The event with one value, anywhere in it, replaced."""
    values = json.loads(encode(event))
    place, key = values, chance.choice([name for name in values if name != "type"])
    while isinstance(place[key], (dict, list)) and place[key] and chance.random() < 0.7:
        place = place[key]
        key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
    place[key] = chance.choice(VALUES)
    return json.dumps(values)


def test_no_event_with_a_wrong_value_raises_in_any_reader(tmp_path: Path) -> None:
    """Readers are the history, the app's watch and log, and the advice."""
    run, chance = write_run(tmp_path, steps=1300), random.Random(0)
    kinds = each_kind(run)
    with run.events.open("a") as file:
        file.writelines(f"{mutated(event, chance)}\n" for _ in range(60) for event in kinds)
    watch = Watch(run)
    watch.read_all()
    facts = Facts.of(watch.history, watch.preset)
    for rule in RULES:
        if all(getattr(facts, name) is not None for name in rule.needs):
            rule.decide(facts)
    read_history(run)
    [row] = Catalogue(tmp_path).rows()
    assert not row.broken


@pytest.mark.parametrize(
    "line",
    [
        '{"type":"checkpoint","step":1,"file":null,"bytes":1,"seconds":1}',
        '{"type":"state","state":"training","step":1,"time":"x"}',
        '{"type":"state","state":"training","step":1,"time":1e300}',
        '{"type":"state","state":"training"}',
        '{"type":"state","state":"training","step":true}',
        '{"type":"state","state":"training","step":1' + "0" * 30 + "}",
        '{"type":"steps","first_step":1,"epoch":0.5,"losses":["x"],"learning_rate":1,"seconds":1}',
        '{"type":"steps","first_step":1,"epoch":1e999,"losses":[1],"learning_rate":1,"seconds":1}',
        '{"type":"steps","first_step":1,"epoch":0.5,"losses":[1],"learning_rate":1,"seconds":1e308}',
        '{"type":"steps","first_step":1,"epoch":null,"losses":[1],"learning_rate":1,"seconds":1}',
        '{"type":"test","step":1,"weights":"w","metrics":{"support":3}}',
        '{"type":"test","step":1,"weights":"w","metrics":{"accuracy":[1]}}',
        '{"type":"test","step":1,"weights":"w","metrics":{"loss":"low"}}',
        '{"type":"test","step":1,"weights":"w","metrics":{"f1":[1,2],"confusion":[[1]]}}',
        '{"type":"finished","status":["completed"],"step":1}',
    ],
)
def test_an_event_with_a_wrong_value_is_ignored(line: str) -> None:
    assert decode(line) is None


def all_events(tmp_path: Path) -> Iterator[Event]:
    run = write_run(tmp_path)
    yield from each_kind(run)
    yield from events(300, device="cuda:0")
    yield epoch_end(3, 1.0)


def test_all_events_of_a_trainer_are_read_unchanged(tmp_path: Path) -> None:
    for event in all_events(tmp_path):
        assert decode(encode(event)) == event


def test_a_number_that_is_not_finite_is_read_as_nan() -> None:
    unknown = Health(**{**HEALTH.__dict__, "gradient_norm": math.inf, "weight_norm": math.nan})
    read = decode(encode(unknown))
    assert isinstance(read, Health)
    assert read.gradient_norm is None
    assert read.weight_norm is None


ODD = {
    "empty": "",
    "deep": "[" * 100_000,
    "deep tables": '{"a":' * 100_000,
    "infinite": '{"process_id": Infinity, "start_time": 1, "step": Infinity}',
    "negative": '{"process_id": -1, "start_time": 1}',
    "huge": '{"process_id": 1' + "0" * 400 + ', "start_time": 1e999}',
    "no object": "3",
    "another's": '{"status": "completed", "step": "many", "seconds": {"train": "long"}}',
    "not text": "\udcff",
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
@pytest.mark.parametrize("name", ["process.json", "summary.json", "control.jsonl", "preset.toml", "events.jsonl"])
def test_one_invalid_file_breaks_neither_its_run_nor_the_others(tmp_path: Path, name: str, content: str) -> None:
    write_run(tmp_path, "20261124T120000Z-fast-0001", ending="completed")
    odd = write_run(tmp_path, "20261124T130000Z-fast-0002", steps=300)
    (odd.path / name).write_bytes(content.encode(errors="surrogateescape"))
    assert not is_running(odd)
    assert process_id(odd) is None
    assert status(odd) == "lost"
    assert [row.run.name[-4:] for row in Catalogue(tmp_path).rows()] == ["0002", "0001"]
    assert list_running(tmp_path) == []


def test_invalid_files_of_one_run_do_not_hide_the_run_in_progress(tmp_path: Path) -> None:
    """`--attach` without a run's name reads all of them."""
    odd = write_run(tmp_path, "20261124T120000Z-fast-0001", steps=100)
    odd.process.write_text('{"process_id": -1, "start_time": Infinity}')
    with pytest.raises(UsageError, match="no run is in progress"):
        _run_to_attach("", tmp_path)
    going = write_run(tmp_path, "20261124T130000Z-fast-0002", steps=100, alive=True)
    assert _run_to_attach("", tmp_path) == going


def test_a_summary_of_a_newer_version_is_read(tmp_path: Path) -> None:
    run = write_run(tmp_path, ending="completed")
    run.summary.write_text(json.dumps(json.loads(run.summary.read_text()) | {"from_the_future": 1}))
    found = read_summary(run)
    assert isinstance(found, Summary)
    assert found.status == "completed"


def test_a_summary_of_a_run_that_diverged_is_read(tmp_path: Path) -> None:
    run = write_run(tmp_path, ending="failed")
    values = json.loads(run.summary.read_text())
    values["train"]["loss"] = math.nan
    run.summary.write_text(json.dumps(values))
    assert status(run) == "failed"


# Lines without an end.


class Counted:
    """A file that counts the bytes that are read."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.read_bytes = 0

    def read(self, most: int) -> bytes:
        block = self._file.read(most)
        self.read_bytes += len(block)
        return block

    def seek(self, offset: int) -> int:
        return self._file.seek(offset)

    def __enter__(self) -> Counted:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def test_a_line_without_an_end_is_searched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the same read nor in the next one."""
    opened: list[Counted] = []

    def open_counted(path: Path) -> Counted:
        opened.append(Counted(path))
        return opened[-1]

    monkeypatch.setattr(tail, "READ_BYTES", 100)
    monkeypatch.setattr(tail, "open_regular", open_counted)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"x" * 10_000)
    lines = LineTail(path)
    assert [lines.read() for _ in range(3)] == [[], [], []]
    assert sum(file.read_bytes for file in opened) == 10_000
    with path.open("ab") as file:
        file.write(b"y\nz\n")
    assert lines.read() == [b"x" * 10_000 + b"y", b"z"]
    assert lines.offset == 10_004
    assert sum(file.read_bytes for file in opened) <= 20_100


def test_a_line_longer_than_any_valid_one_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "READ_BYTES", 100)
    monkeypatch.setattr(tail, "LONGEST_LINE", 1000)
    path = tmp_path / "lines"
    path.write_bytes(b"x" * 5000 + b"\n" + b"y" * 300 + b"\nz\n")
    lines, found = LineTail(path), []
    while some := lines.read():
        found += some
    assert found == [b"y" * 300, b"z"]
    assert lines.offset == path.stat().st_size


def test_incomplete_files_of_a_killed_trainer_do_no_harm(tmp_path: Path) -> None:
    run = write_run(tmp_path, steps=100)
    with run.events.open("a") as file:
        file.write('{"type":"st')
    append(run, State(state="training", step=100))
    assert read_history(run).view.step == 100

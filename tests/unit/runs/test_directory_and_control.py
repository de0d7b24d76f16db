"""Run directories are found by name, requests reach the right trainer, and status comes from facts."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from workbench.errors import StorageError, UsageError
from workbench.runs.control import ControlReader, Request, ask
from workbench.runs.directory import RunDirectory, create_run, find_run, list_runs
from workbench.runs.lock import claim, is_running, process_id
from workbench.runs.status import Summary, read_summary, status


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return create_run(tmp_path, "fast", 'name = "fast"\n')


def test_two_runs_in_one_second_get_their_own_directories(tmp_path: Path) -> None:
    runs = [create_run(tmp_path, "fast", "") for _ in range(20)]
    assert len({run.path for run in runs}) == 20
    assert [run.path for run in list_runs(tmp_path)] == sorted(run.path for run in runs)


def test_a_run_is_found_by_path_by_name_and_by_a_part_of_it(run: RunDirectory, tmp_path: Path) -> None:
    for name in (str(run.path), run.name, run.name[-4:], "fast"):
        assert find_run(tmp_path, name) == run
    with pytest.raises(UsageError, match="no run 'slow'"):
        find_run(tmp_path, "slow")
    create_run(tmp_path, "fast", "")
    with pytest.raises(UsageError, match="several runs"):
        find_run(tmp_path, "fast")
    renamed = run.path.rename(tmp_path / "fast")
    assert find_run(tmp_path, "fast").path == renamed, "a whole name is that run's, though others contain it"


def test_a_runs_folder_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((StorageError, UsageError)):
        create_run(tmp_path / "file", "fast", "")


def test_requests_from_before_the_launch_are_ignored(run: RunDirectory) -> None:
    ask(run, "stop")
    began = time.time()
    time.sleep(0.01)
    ask(run, "pause")
    reader = ControlReader(run.control, began)
    assert [request.command for request in reader.read()] == ["pause"]
    ask(run, "set_learning_rate", 0.5)
    [request] = reader.read()
    assert (request.command, request.value) == ("set_learning_rate", 0.5)
    assert reader.read() == []


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        "{}",
        "3",
        '{"command": 3}',
        '{"command": "stop", "value": "x"}',
        '{"command": "stop", "value": 1' + "0" * 400 + "}",
        "[" * 100_000,
    ],
)
def test_a_hand_written_line_is_read_or_handed_on_to_be_refused(run: RunDirectory, line: str) -> None:
    reader = ControlReader(run.control, time.time())
    run.control.write_text(f"{line}\n")
    [request] = reader.read()
    assert isinstance(request, Request)
    assert request.value is None


def test_status_follows_the_facts(run: RunDirectory) -> None:
    assert status(run) == "new"
    with claim(run):
        assert status(run) == "running"
        assert process_id(run) == os.getpid()
    assert not is_running(run)
    run.events.write_text("")
    assert status(run) == "lost"
    Summary("completed", "", 0, 1, 1, None, "loss", None, None, None).save(run)
    assert status(run) == "completed"
    assert read_summary(run) == Summary("completed", "", 0, 1, 1, None, "loss", None, None, None)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"status": 1}'])
def test_a_broken_summary_is_none(run: RunDirectory, text: str) -> None:
    run.summary.write_text(text)
    assert read_summary(run) is None


def test_nothing_is_asked_of_a_run_whose_folder_is_gone(run: RunDirectory) -> None:
    run.path.rename(run.path.with_name("elsewhere"))
    with pytest.raises(StorageError, match="has been deleted or moved"):
        ask(run, "stop")

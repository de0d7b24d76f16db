"""The table of runs, read from their files in any state."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.ui.made import HELD, epoch_end, events, write_run
from workbench.errors import StorageError
from workbench.runs import catalogue
from workbench.runs.catalogue import Catalogue, list_running
from workbench.runs.event_lines import encode
from workbench.runs.events import Steps


def test_each_run_is_a_row_with_its_result(tmp_path: Path) -> None:
    write_run(tmp_path, "20261124T120000Z-fast-0001", steps=2000, ending="completed")
    write_run(tmp_path, "20261124T130000Z-slow-0002", steps=700, diverges=True, ending="failed")
    write_run(tmp_path, "20261124T140000Z-lost-0003", steps=1300)
    write_run(tmp_path, "20261124T150000Z-live-0004", steps=450, alive=True)
    live, lost, failed, completed = Catalogue(tmp_path).rows()
    assert [row.status for row in (live, lost, failed, completed)] == ["running", "lost", "failed", "completed"]
    assert (completed.epoch, completed.epochs, completed.best) == (10, 10, 0.957)
    assert completed.test is not None
    assert completed.test["accuracy"] == 0.9641
    assert "not a finite number" in failed.reason
    assert (lost.epoch, lost.preset_name) == (6, "lost")
    assert lost.best is not None
    assert live.epoch == 2
    assert completed.settings["optimizer.learning_rate"] == 0.01
    assert completed.started is not None
    assert completed.started.hour == 12


def test_a_row_names_the_device(tmp_path: Path) -> None:
    write_run(tmp_path, "20261124T120000Z-fast-0001", steps=100, ending="completed")
    write_run(tmp_path, "20261124T130000Z-fast-0002", steps=100, ending="completed", device="cuda:0")
    write_run(tmp_path, "20261124T140000Z-fast-0003", steps=100, device="cuda:0")
    assert [row.device for row in Catalogue(tmp_path).rows()] == ["NVIDIA H100 80GB HBM3"] * 2 + ["cpu"]


def test_a_run_whose_files_are_broken_is_a_row_that_says_so(tmp_path: Path) -> None:
    run = write_run(tmp_path, steps=100, ending="stopped")
    run.preset.write_text("= no toml")
    run.summary.write_text("{")
    [row] = Catalogue(tmp_path).rows()
    assert "cannot be read" in row.reason


def test_incomplete_events_are_skipped(tmp_path: Path) -> None:
    run = write_run(tmp_path, steps=1300)
    with run.events.open("ab") as file:
        file.write(b'{"type":"epoch","epoch":7,"st')
    [row] = Catalogue(tmp_path).rows()
    assert row.epoch == 6


def test_a_row_is_read_again_only_when_its_files_have_changed(tmp_path: Path) -> None:
    run = write_run(tmp_path, steps=600)
    catalogue = Catalogue(tmp_path)
    [before] = catalogue.rows()
    assert catalogue.rows()[0] is before
    write_run(tmp_path, "20261124T160000Z-more-0005", steps=100)
    assert catalogue.rows()[1] is before
    run.preset.write_text(run.preset.read_text().replace("batch_size = 64", "batch_size = 32"))
    assert catalogue.rows()[1].settings["data.batch_size"] == 32


def test_no_folder_is_no_runs(tmp_path: Path) -> None:
    assert Catalogue(tmp_path / "none").rows() == []


DAMAGE: dict[str, dict[str, Any]] = {
    "a list": {"seconds": [], "validation": 3, "test": 5},
    "a text": {"epoch": "x", "seconds": {"train": "long"}, "reason": 5},
    "nothing": {"seconds": None, "monitor": None, "validation": None, "train": None},
    "no number": {"monitor": ["x"], "test": {"accuracy": "high"}, "status": ["x"]},
}


@pytest.mark.parametrize("values", DAMAGE.values(), ids=DAMAGE.keys())
def test_values_of_a_wrong_type_are_unknown(tmp_path: Path, values: dict[str, Any]) -> None:
    run = write_run(tmp_path, ending="stopped")
    run.summary.write_text(json.dumps(json.loads(run.summary.read_text()) | values))
    [row] = Catalogue(tmp_path).rows()
    assert row.settings["data.batch_size"] == 64
    assert isinstance(row.epoch, int)
    assert row.best is None or isinstance(row.best, float)
    assert row.seconds is None or isinstance(row.seconds, float)


@pytest.mark.parametrize(
    "process",
    ["[" * 100_000, '{"process_id": -5, "start_time": 1}', '{"process_id": 1e400, "start_time": 1}', "Infinity", ""],
    ids=["deep", "negative", "infinite", "a number", "empty"],
)
def test_a_run_without_a_held_lock_has_ended_whatever_process_json_contains(tmp_path: Path, process: str) -> None:
    write_run(tmp_path, "20261124T120000Z-fast-0001", ending="completed").process.write_text(process)
    assert [row.status for row in Catalogue(tmp_path).rows()] == ["completed"]
    assert list_running(tmp_path) == []


def test_a_damaged_summary_is_reported_and_the_events_are_used(tmp_path: Path) -> None:
    run = write_run(tmp_path, steps=1300, ending="stopped")
    run.summary.write_text("{")
    [row] = Catalogue(tmp_path).rows()
    assert (row.status, row.epoch) == ("lost", 6)
    assert "summary.json" in row.reason


def test_the_best_epoch_is_found_before_many_steps(tmp_path: Path) -> None:
    run = write_run(tmp_path, steps=400)
    late = [
        Steps(first_step=step, epoch=2.5, losses=[0.123456789] * 100, learning_rate=0.01, seconds=1.0)
        for step in range(401, 40_000, 100)
    ]
    with run.events.open("a") as file:
        file.writelines(f"{encode(event)}\n" for event in late)
    [row] = Catalogue(tmp_path).rows()
    best = [event for event in events(400) if event.type == "epoch"][-1]
    assert row.epoch == 2
    assert row.best == best.validation["accuracy"]  # type: ignore[attr-defined]


def test_a_best_epoch_far_back_is_searched_for_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "TAIL_BYTES", (2**10, 2**12))
    run = write_run(tmp_path, steps=400)
    runs = Catalogue(tmp_path)
    best = [event for event in events(400) if event.type == "epoch"][-1].validation["accuracy"]  # type: ignore[attr-defined]

    def goes_on(first: int) -> None:
        with run.events.open("a") as file:
            for step in range(first, first + 10_000, 100):
                late = Steps(first_step=step, epoch=2.5, losses=[0.1234] * 100, learning_rate=0.01, seconds=1.0)
                file.write(f"{encode(late)}\n")

    goes_on(401)
    assert [row.best for row in runs.rows()] == [best]
    monkeypatch.setattr(catalogue, "_best_farther_back", lambda _: pytest.fail("read again"))
    goes_on(10_401)
    assert [row.best for row in runs.rows()] == [best]


def test_a_run_in_progress_is_read_again_and_its_kill_is_noticed(tmp_path: Path) -> None:
    run = write_run(tmp_path, steps=400, alive=True)
    catalogue = Catalogue(tmp_path)
    assert [(row.status, row.epoch) for row in catalogue.rows()] == [("running", 2)]
    with run.events.open("a") as file:
        file.write(f"{encode(epoch_end(3, 1.0))}\n")
    assert [(row.status, row.epoch) for row in catalogue.rows()] == [("running", 3)]
    HELD[run.path].close()
    assert [row.status for row in catalogue.rows()] == ["lost"]


def test_only_runs_in_progress_are_listed_on_request(tmp_path: Path) -> None:
    write_run(tmp_path, "20261124T120000Z-fast-0001", ending="completed")
    write_run(tmp_path, "20261124T130000Z-live-0002", steps=400, alive=True)
    write_run(tmp_path, "20261124T140000Z-fast-0003")
    assert [(row.preset_name, row.epoch) for row in list_running(tmp_path)] == [("live", 2)]


def test_the_start_of_a_renamed_run_is_that_of_its_preset(tmp_path: Path) -> None:
    run = write_run(tmp_path, "my-best", ending="completed")
    os.utime(run.preset, (1_795_521_600, 1_795_521_600))
    [row] = Catalogue(tmp_path).rows()
    assert row.started is not None
    assert row.started.hour == 12


def test_an_unreadable_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr("workbench.runs.catalogue.list_runs", refuse)
    with pytest.raises(StorageError, match="Permission denied"):
        Catalogue(tmp_path).rows()

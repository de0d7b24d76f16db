"""The table of runs: read from their files, whatever state those are in."""

from __future__ import annotations

from pathlib import Path

from tests.ui.made import write_run
from workbench.runs.catalogue import Catalogue, list_rows


def test_each_run_is_a_row_with_what_came_of_it(tmp_path: Path) -> None:
    write_run(tmp_path, "20261124T120000Z-fast-0001", steps=2000, ending="completed")
    write_run(tmp_path, "20261124T130000Z-slow-0002", steps=700, diverges=True, ending="failed")
    write_run(tmp_path, "20261124T140000Z-lost-0003", steps=1300)
    write_run(tmp_path, "20261124T150000Z-live-0004", steps=450, alive=True)
    live, lost, failed, completed = list_rows(tmp_path)
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


def test_a_run_whose_files_are_broken_is_a_row_that_says_so(tmp_path: Path) -> None:
    run = write_run(tmp_path, steps=100, ending="stopped")
    run.preset.write_text("= no toml")
    run.summary.write_text("{")
    [row] = list_rows(tmp_path)
    assert "cannot be read" in row.reason


def test_events_cut_in_the_middle_are_read_past(tmp_path: Path) -> None:
    run = write_run(tmp_path, steps=1300)
    with run.events.open("ab") as file:
        file.write(b'{"type":"epoch","epoch":7,"st')
    [row] = list_rows(tmp_path)
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
    assert list_rows(tmp_path / "none") == []

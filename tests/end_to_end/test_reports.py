"""Reports, charts and tables of real runs, by the real command: of one in progress and of one that has ended."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import LONG, Workbench, events_of, steps_logged, wait_for
from tests.unit.report_page.made import Page
from workbench.runs.directory import list_runs


@pytest.mark.slow
def test_a_run_in_progress(workbench: Workbench, tmp_path: Path) -> None:
    workbench.start("train", "fast", *LONG)
    run = workbench.the_run()
    wait_for(lambda: events_of(run, "epoch"))
    report = workbench.run("export", run.name, "--to", "report", "-o", "live.html")
    assert report.returncode == 0, report.stderr
    assert "in progress after " in Page((tmp_path / "live.html").read_text()).text


def test_a_run_that_has_ended(workbench: Workbench, tmp_path: Path) -> None:
    trained = workbench.run("train", "iris", "--set", "training.epochs=3", "-q")
    assert trained.returncode == 0, trained.stderr
    [run] = list_runs(tmp_path / "runs")
    said = json.loads(workbench.run("export", run.name, "--to", "report", "--json").stdout)
    page = Page(Path(said["path"]).read_text())
    assert "completed after 3 epochs" in page.text
    assert page.has_row("data", "name", "iris")
    labels = [attributes.get("aria-label") for tag, attributes in page.tags if tag == "svg"]
    assert {"loss", "accuracy %", "time of a step by phase, ms", "memory, MiB"} <= set(labels)
    assert workbench.run("export", run.name, "--to", "csv", "-o", "tables").returncode == 0
    with (tmp_path / "tables" / "steps.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 1 + steps_logged(run)

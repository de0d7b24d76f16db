"""The last run of a preset: the latest that has ended and has trained."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.ui.made import write_run
from workbench.ui.live import last_run as module
from workbench.ui.live.last_run import LastRun, read_last_run


def made(runs: Path, name: str, at: int, **how: object) -> None:
    """A run whose trainer wrote last at that moment."""
    run = write_run(runs, f"20261124T12000{at}Z-{name}-0a1b", **({"ending": "completed"} | how))  # type: ignore[arg-type]
    os.utime(run.events, (at, at))


def step_of(runs: Path, name: str) -> int | None:
    found = read_last_run(runs, name)
    assert found.preset_name == name
    return None if found.history is None else found.history.view.step


def test_the_latest_of_the_preset_that_has_ended_is_read(tmp_path: Path) -> None:
    made(tmp_path, "fast", 1, steps=400)
    made(tmp_path, "fast", 2, steps=600)
    made(tmp_path, "slow", 3, steps=800)
    made(tmp_path, "fast", 4, steps=1000, ending="", alive=True)
    assert step_of(tmp_path, "fast") == 600
    assert step_of(tmp_path, "slow") == 800
    assert step_of(tmp_path, "none") is None


def test_a_run_that_ended_before_its_first_step_is_passed_over(tmp_path: Path) -> None:
    made(tmp_path, "fast", 1, steps=400)
    made(tmp_path, "fast", 2, steps=0, ending="failed")
    assert step_of(tmp_path, "fast") == 400


def test_a_run_that_is_too_long_to_be_read_in_passing_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, "fast", 1, steps=400)
    monkeypatch.setattr(module, "MOST_BYTES", 100)
    assert read_last_run(tmp_path, "fast") == LastRun("fast", None)


def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    assert read_last_run(tmp_path / "runs", "fast") == LastRun("fast", None)

"""Run directories that change during a run, or between two lives: an error in words, and the right exit code."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.end_to_end.conftest import LONG, Workbench, events_of, wait_for
from workbench.errors import EXIT_FAILED, EXIT_USAGE
from workbench.runs.control import ask
from workbench.runs.lock import is_running
from workbench.settings.preset import Preset


@pytest.mark.slow
def test_a_going_run_whose_events_vanish_ends_in_words(workbench: Workbench) -> None:
    reader = workbench.start("--preset", "iris", *LONG)
    run = workbench.training_run()
    run.events.unlink()
    _, stderr = reader.communicate()
    assert reader.returncode == EXIT_FAILED
    assert "events.jsonl was deleted or moved" in stderr


@pytest.mark.parametrize("how", ["deleted", pytest.param("moved", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_a_going_run_whose_directory_vanishes_ends_in_words(workbench: Workbench, how: str) -> None:
    """Reliability R5: no traceback, and the old path does not come back."""
    reader = workbench.start("--preset", "iris", *LONG)
    run = workbench.training_run()
    wait_for(lambda: events_of(run, "checkpoint"))
    elsewhere = workbench.folder / "elsewhere"
    if how == "deleted":
        shutil.rmtree(run.path, ignore_errors=True)
        shutil.rmtree(run.path, ignore_errors=True)  # the trainer may have been writing
    else:
        run.path.rename(elsewhere)
    _, stderr = reader.communicate()
    assert reader.returncode == EXIT_FAILED
    assert "Traceback" not in stderr
    assert "was deleted or moved" in stderr
    assert not run.path.exists()
    if how == "moved":
        assert (elsewhere / "checkpoints" / "last.pt").exists()


@pytest.mark.slow
def test_a_run_that_changed_between_two_lives(workbench: Workbench) -> None:
    """Reliability R11, R12, R13, through the command."""
    reader = workbench.start("--preset", "iris", *LONG)
    run = workbench.training_run()
    wait_for(lambda: len(events_of(run, "checkpoint")) > 2)
    run.process.unlink()
    busy = workbench.run("--resume", run.name)
    assert busy.returncode == EXIT_USAGE
    assert "is still running" in busy.stderr
    assert is_running(run)
    ask(run, "stop")
    reader.communicate()

    preset = Preset.load(run.preset)
    preset.override(["optimizer.learning_rate=0.7"]).save(run.preset)
    refused = workbench.run("--resume", run.name)
    assert refused.returncode == EXIT_USAGE
    assert "optimizer.learning_rate was" in refused.stderr
    assert f"workbench --preset {run.preset}" in refused.stderr

    step = events_of(run, "steps")[-1]["first_step"]
    preset.override([f"training.epochs={1 + step // 7}"]).save(run.preset)  # nearly where it is
    for path in run.checkpoints.glob("*.pt"):
        path.unlink()
    again = workbench.run("--resume", run.name)
    assert again.returncode == 0, again.stderr
    assert "training starts again at step 0" in again.stdout + again.stderr
    assert "training starts again at step 0" in events_of(run, "warning")[-1]["message"]
    assert json.loads(run.summary.read_text())["status"] == "completed"

"""What the app knows of a run from its directory: what it is doing, and what is still to be obeyed."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.ui.made import NOON, preset, write_run
from workbench.runs.directory import create_run
from workbench.runs.events import Finished, State, encode
from workbench.ui.watch import Watch


def test_what_was_asked_of_a_run_that_has_ended_is_no_longer_awaited(tmp_path: Path) -> None:
    run = write_run(tmp_path, alive=True)
    watch = Watch(run)
    watch.read_all()
    watch.ask("pause")
    assert watch.pending == "pause"
    with run.events.open("a") as file:
        file.write(f"{encode(Finished(status='stopped', step=1400, reason='', time=NOON + 9))}\n")
    watch.look()
    assert watch.state == "stopped"
    assert watch.pending is None


def test_a_run_whose_trainer_is_yet_to_come_is_new_and_not_lost(tmp_path: Path) -> None:
    run = create_run(tmp_path, "fast", preset().to_toml())
    watch = Watch(run)
    watch.read_all()
    assert (watch.state, watch.reason) == ("new", "")
    run.events.write_text(f"{encode(State(state='preparing', step=0, time=NOON))}\n")
    watch.look()
    assert watch.state == "lost", "it has been there, and is not now"
    assert "without a word" in watch.reason


def test_a_run_that_has_been_deleted_is_called_that(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    watch = Watch(run)
    watch.read_all()
    shutil.rmtree(run.path)
    assert watch.state == "lost"
    assert "has been deleted" in watch.reason

"""What the app knows of a run from its directory: its state, and requests that are not handled yet."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.ui.made import NOON, preset, write_run
from workbench.advice.facts import Facts
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.event_lines import encode
from workbench.runs.events import Event, Finished, RequestHandled, Started, State
from workbench.settings.changes import Change
from workbench.ui.live.watch import Watch


def test_requests_to_a_run_that_has_ended_are_no_longer_awaited(tmp_path: Path) -> None:
    run = write_run(tmp_path, alive=True)
    watch = Watch(run)
    watch.read_all()
    watch.ask("pause")
    assert watch.pending == "pause"
    with run.events.open("a") as file:
        file.write(f"{encode(Finished(status='stopped', step=1400, reason='', time=NOON + 9))}\n")
    watch.poll()
    assert watch.state == "stopped"
    assert watch.pending is None


def test_a_run_whose_trainer_is_yet_to_come_is_new_and_not_lost(tmp_path: Path) -> None:
    run = create_run(tmp_path, "fast", preset().to_toml())
    watch = Watch(run)
    watch.read_all()
    assert (watch.state, watch.reason) == ("new", "")
    run.events.write_text(f"{encode(State(state='preparing', step=0, time=NOON))}\n")
    watch.poll()
    assert watch.state == "lost", "it has been there, and is not now"
    assert "died without an error message" in watch.reason


def test_a_run_that_has_been_deleted_is_called_that(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    watch = Watch(run)
    watch.read_all()
    shutil.rmtree(run.path)
    assert watch.state == "lost"
    assert "has been deleted" in watch.reason


def append(run: RunDirectory, *written: Event) -> None:
    with run.events.open("a") as file:
        file.writelines(f"{encode(event)}\n" for event in written)


def rates_everywhere(watch: Watch) -> tuple[float | None, float | None, float]:
    """What `[` steps from, what advice starts from, what a comparison measures at."""
    facts = Facts.of(watch.history, watch.preset)
    assert watch.settings is not None
    return watch.learning_rate, facts.learning_rate, watch.settings.optimizer.learning_rate


def test_a_resumed_run_has_the_rate_of_its_checkpoint_everywhere(tmp_path: Path) -> None:
    """screen #1, #6: set at step 600, gone on with from step 400; to the last digit."""
    exact = 0.00123456789
    run = create_run(tmp_path, "fast", preset().to_toml())
    append(run, Started(process_id=1, learning_rate=0.01))
    watch = Watch(run)
    watch.read_all()
    assert rates_everywhere(watch) == (0.01, 0.01, 0.01)
    append(run, RequestHandled(command="set_learning_rate", step=600, detail="0.00123457", value=exact))
    watch.poll()
    assert rates_everywhere(watch) == (exact, exact, exact)
    append(run, RequestHandled(command="set_learning_rate", step=601, detail="refused", value=5000.0, accepted=False))
    watch.poll()
    assert watch.learning_rate == exact
    append(run, Started(process_id=2, resumed=True, step=400, learning_rate=0.01))
    watch.poll()
    assert rates_everywhere(watch) == (0.01, 0.01, 0.01)


def test_two_hundred_pauses_do_not_make_the_rate_forgotten(tmp_path: Path) -> None:
    run = create_run(tmp_path, "fast", preset().to_toml())
    pauses = [RequestHandled(command="pause", step=601)] * 300
    change = RequestHandled(command="set_learning_rate", step=600, detail="0.002", value=0.002)
    append(run, Started(process_id=1, learning_rate=0.01), change, *pauses)
    watch = Watch(run)
    watch.read_all()
    assert rates_everywhere(watch) == (0.002, 0.002, 0.002)


def test_a_run_of_an_older_version_claims_no_rate(tmp_path: Path) -> None:
    run = create_run(tmp_path, "fast", preset().to_toml())
    append(run, Started(process_id=1), RequestHandled(command="set_learning_rate", step=600, detail="0.002"))
    watch = Watch(run)
    watch.read_all()
    assert rates_everywhere(watch) == (None, None, 0.01)
    assert watch.history.marks[-1].text == "learning rate 0.002"


def test_the_settings_that_a_run_has_now_hold_no_change_that_is_still_to_come(tmp_path: Path) -> None:
    changes = (Change(step=600, learning_rate=0.02), Change(step=900, learning_rate=0.05))
    run = create_run(tmp_path, "fast", preset().model_copy(update={"changes": changes}).to_toml())
    replayed = RequestHandled(command="set_learning_rate", step=600, detail="0.02", value=0.02, replayed=True)
    append(run, Started(process_id=1, learning_rate=0.01), replayed)
    watch = Watch(run)
    watch.read_all()
    assert watch.settings == preset().at_learning_rate(0.02)


def test_undo_asks_for_the_rate_of_before(tmp_path: Path) -> None:
    """screen #12"""
    run = write_run(tmp_path, alive=True)
    watch = Watch(run)
    watch.read_all()
    watch.ask("set_learning_rate", 0.5)
    assert [watch.undo_learning_rate(), watch.undo_learning_rate(), watch.undo_learning_rate()] == [0.005, 0.01, None]
    asked = [json.loads(line)["value"] for line in run.control.read_text().splitlines()]
    assert asked == [0.5, 0.005, 0.01]

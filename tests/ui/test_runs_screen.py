"""The table of runs, by keys."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text, settled
from tests.ui.made import NOON, epoch_end, write_run
from workbench.runs.event_lines import encode
from workbench.settings.changes import Change
from workbench.settings.preset import Preset
from workbench.ui.app import WorkbenchApp
from workbench.ui.dialogs.changes import written
from workbench.ui.dialogs.compare import CompareDialog
from workbench.ui.live.watch import Watch
from workbench.ui.panels.runs_table import RunsTable
from workbench.ui.screens.runs import RunsScreen
from workbench.ui.screens.runs_reading import REFRESH_SECONDS


def app_with_runs(tmp_path: Path) -> WorkbenchApp:
    runs = tmp_path / "runs"
    write_run(runs, "20261124T120000Z-alpha-0001", steps=2000, ending="completed")
    write_run(runs, "20261124T130000Z-beta-0002", steps=2000, ending="completed", slope=0.6)
    write_run(runs, "20261124T140000Z-gamma-0003", steps=700, diverges=True, ending="failed")
    return make_app(runs, page="charts")


async def open_runs(pilot: Pilot[None]) -> None:
    await pilot.press("r")
    for _ in range(20):
        await pilot.pause(0.1)
        if "alpha" in screen_text(pilot.app):  # type: ignore[arg-type]
            return


def test_the_latest_run_comes_first_and_each_says_how_it_ended(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        text = screen_text(app)
        assert text.index("gamma") < text.index("beta") < text.index("alpha")
        assert "failed" in text
        assert "accuracy %" in text
        assert "95.70" in text
        assert "test %" in text
        assert "96.41" in text

    drive(app, steps)


def test_an_empty_folder_says_how_to_begin(tmp_path: Path) -> None:
    app = make_app(tmp_path / "none")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("r")
        await pilot.pause(0.5)
        text = screen_text(app)
        assert "No runs yet" in text
        assert "space to start one" in text

    drive(app, steps)


def test_words_narrow_the_table(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("slash", *"beta", "enter")
        await pilot.pause()
        assert "alpha" not in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "alpha" in screen_text(app)

    drive(app, steps)


def test_the_charts_overlay_marked_runs_with_their_letters(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("down", "space", "down", "space", "o")
        await pilot.pause(0.5)
        text = screen_text(app)
        assert "loss  A  B" in text

    drive(app, steps)


def test_two_marked_runs_are_compared_by_what_differs(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("space", "down", "space", "v")
        await pilot.pause()
        text = screen_text(app)
        assert "compare" in text
        assert "test accuracy" in text
        assert "96.41 %" in text

    drive(app, steps)


def compared(app: WorkbenchApp) -> list[str]:
    """The lines of a dialog, each with single blanks."""
    assert isinstance(app.screen, CompareDialog)
    copied = app.screen.copyable()
    assert copied is not None
    return [" ".join(line.split()) for line in copied.text.splitlines()]


@pytest.mark.parametrize("keys", [("down",), ("down", "space", "down")], ids=["under the cursor", "marked"])
def test_one_run_is_compared_with_the_next_run(tmp_path: Path, keys: tuple[str, ...]) -> None:
    app = app_with_runs(tmp_path)
    app.draft.take(app.draft.preset.with_values({"optimizer.learning_rate": 0.02}, "the test"))

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press(*keys, "v")
        await pilot.pause()
        lines = compared(app)
        assert lines[:2] == ["beta next run", "preset beta fast"]
        same = lines.index("the same in both")
        assert "optimizer.learning_rate 0.01 0.02" in lines[:same]
        assert "best accuracy 95.70 %" in lines[:same]
        assert "optimizer.name adam adam" in lines[same:]
        assert not any(line.startswith("optimizer.learning_rate") for line in lines[same:])
        await pilot.press("escape", "v", "escape")
        await pilot.pause()
        assert isinstance(app.screen, RunsScreen)

    drive(app, steps, (120, 110))


def test_the_settings_that_are_the_same_are_scrolled_to_in_a_small_terminal(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("v")
        await pilot.pause(0.3)
        lines = compared(app)
        assert lines[0] == "gamma next run"
        assert lines[-1] != "", "no blank lines below"
        assert "esc close" in screen_text(app).splitlines()[app.screen.query_one("#box").region.bottom - 1]
        assert "runtime.tensorboard" not in screen_text(app)
        await pilot.press("end")
        await pilot.pause(0.5)
        assert "runtime.tensorboard off off" in compared(app)

    drive(app, steps, (80, 24))


def test_of_a_group_no_single_run_is_compared(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        app.screen.query_one(RunsTable).group("preset")
        await pilot.press("home", "v")
        await pilot.pause()
        assert "mark two runs or more with space" in screen_text(app)

    drive(app, steps)


def test_rates_that_were_set_by_hand_are_compared_in_words() -> None:
    """screen #13"""
    assert written([{"step": 600, "learning_rate": 0.02}]) == "0.02 at step 600"
    many = [{"step": step, "learning_rate": step / 1000} for step in range(600, 605)]
    assert written(many) == "0.604 at step 604 (the last of 5 changes)"


def test_a_finished_run_is_opened(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("down", "down", "enter")
        await pilot.pause(0.8)
        assert "completed" in screen_text(app)
        assert app.session.watch is not None
        assert app.session.watch.run.name.endswith("alpha-0001")

    drive(app, steps)


def test_a_runs_settings_are_taken_for_the_next_run(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("down", "down", "t")
        await pilot.pause()
        assert app.draft.preset.name == "alpha"
        assert app.draft.opened.name == "fast"
        assert app.draft.is_changed

    drive(app, steps)


def test_taking_a_runs_settings_asks_about_what_was_edited_by_hand_and_only_about_that(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"batch size", "enter", "right")
        await pilot.pause()
        edited = app.draft.preset
        for answer in ("escape", "X"):
            await open_runs(pilot)
            await pilot.press("down", "down", "t")
            await pilot.pause(0.2)
            assert "are not saved" in screen_text(app)
            assert app.draft.preset == edited
            await pilot.press(answer)
            await pilot.pause(0.2)
        assert app.draft.preset.name == "alpha"
        await open_runs(pilot)
        await pilot.press("down", "t")
        await pilot.pause(0.2)
        assert app.draft.preset.name == "beta", "settings taken from a run are in that run"

    drive(app, steps)


def test_a_run_is_deleted_only_after_a_yes(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)
    doomed = tmp_path / "runs" / "20261124T140000Z-gamma-0003"

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("delete")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert doomed.exists(), "keeping it is the default"
        await pilot.press("delete")
        await pilot.pause()
        await pilot.press("delete")
        await pilot.pause(0.5)
        assert not doomed.exists()
        assert "gamma" not in screen_text(app)

    drive(app, steps)


def test_a_delete_key_that_is_held_down_deletes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.ui.dialogs.question.HELD_SECONDS", 60.0)
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press(*["delete"] * 6)
        await pilot.pause(0.3)
        assert "for good" in screen_text(app)
        await pilot.press("escape")
        assert len(list((tmp_path / "runs").glob("*-000?"))) == 3

    drive(app, steps)


def test_a_run_in_progress_cannot_be_deleted(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", "20261124T120000Z-alpha-0001", alive=True)
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.pause(0.5)
        await pilot.press("escape")
        await open_runs(pilot)
        await pilot.press("delete")
        await pilot.pause()
        assert "stop it first" in screen_text(app)
        with run.events.open("a") as file:  # the table is read anew while a run continues
            file.write(f"{encode(epoch_end(8, NOON + 9))}\n")
        app.screen._read()  # type: ignore[attr-defined]
        await pilot.pause(0.3)
        assert "stop it first" in screen_text(app)
        await pilot.press("down")
        await pilot.pause()
        assert "stop it first" not in screen_text(app)

    drive(app, steps)
    assert run.path.exists()


def test_a_narrow_screen_keeps_what_matters(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        text = screen_text(app)
        assert "completed" in text
        assert "accuracy %" in text
        assert "95.70" in text
        assert "11-24 12:00" in text

    drive(app, steps, (80, 24))


def order(app: WorkbenchApp) -> list[str]:
    """The presets of the runs, as they stand one under the other."""
    names = ("alpha", "beta", "gamma", "delta")
    lines = [line for line in screen_text(app).splitlines() if line.startswith("│")]
    return [name for line in lines for name in names if f" {name} " in line]


def marks(app: WorkbenchApp) -> dict[str, str]:
    """Which letter stands before which preset."""
    lines = [line.split() for line in screen_text(app).splitlines() if line.startswith("│")]
    return {words[4]: words[1] for words in lines if words[1] in ("A", "B", "C", "D")}


def titles(app: WorkbenchApp) -> str:
    """The titles of the columns, the arrow close behind its title."""
    return screen_text(app).splitlines()[1].replace(" ▾", "▾").replace(" ▴", "▴")


def test_it_is_sorted_by_each_column_in_turn_the_best_first_and_the_other_way_round(tmp_path: Path) -> None:
    write_run(tmp_path / "runs", "20261124T150000Z-delta-0004", steps=1300, slope=2.0)
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        assert order(app) == ["delta", "gamma", "beta", "alpha"]
        await pilot.press("s")
        await pilot.pause()
        assert "accuracy %▾" in titles(app), "by the monitored metric first"
        assert order(app)[0] == "delta"
        await pilot.press("exclamation_mark")
        await pilot.pause()
        assert "accuracy %▴" in titles(app)
        assert order(app)[0] != "delta"
        await pilot.press("s", "s")
        await pilot.pause()
        assert order(app) == ["alpha", "beta", "delta", "gamma"], "by preset, after the state"
        await pilot.press("exclamation_mark")
        await pilot.pause()
        assert order(app) == ["gamma", "delta", "beta", "alpha"]
        await pilot.press("s", "exclamation_mark")
        await pilot.pause()
        assert order(app)[2:] == ["delta", "gamma"], "what has no test result comes last, either way round"
        await pilot.press("s", "s", "s")
        await pilot.pause()
        assert "started▾" in titles(app), "by the start last: after the test, the epochs and the time"
        await pilot.press("s")
        await pilot.pause()
        assert "accuracy %▾" in titles(app)

    drive(app, steps)


def test_a_run_that_appears_leaves_the_cursor_and_the_marks_on_their_runs(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("down", "space")
        write_run(tmp_path / "runs", "20261124T150000Z-delta-0004", steps=300)
        for _ in range(60):
            await pilot.pause(0.1)
            if "delta" in order(app):
                break
        assert order(app) == ["delta", "gamma", "beta", "alpha"]
        assert marks(app) == {"beta": "A"}
        await pilot.press("t")
        await pilot.pause()
        assert app.draft.preset.name == "beta"

    drive(app, steps)


def test_any_number_of_runs_is_marked_each_with_its_own_letter(tmp_path: Path) -> None:
    for number in range(30):
        write_run(tmp_path / "runs", f"20261124T1000{number:02}Z-alpha-{number:04}", steps=100)
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press(*["space", "down"] * 30)
        await pilot.pause()
        text = screen_text(app)
        letters = [line.split()[1] for line in text.splitlines() if "lost" in line]
        assert letters == [*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "A2", "B2", "C2", "D2"]
        await pilot.press("percent_sign")
        await pilot.pause()
        assert "marked" not in screen_text(app), "all were marked"

    drive(app, steps, (120, 44))


def test_a_lost_run_is_resumed_and_a_completed_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_run(tmp_path / "runs", "20261124T150000Z-delta-0004", steps=1300)
    app = app_with_runs(tmp_path)
    resumed: list[str] = []
    monkeypatch.setattr(app.session, "resume", lambda run, command: resumed.append(run.name))

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("end", "R")
        await pilot.pause()
        assert "nothing to resume" in screen_text(app)
        await pilot.press("home", "R")
        await pilot.pause(0.3)
        assert resumed == ["20261124T150000Z-delta-0004"]

    drive(app, steps)


def test_a_broken_run_says_what_is_wrong_and_can_only_be_deleted(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)
    broken = write_run(tmp_path / "runs", "20261124T160000Z-broken-0005", steps=300)
    broken.preset.write_text("= no toml")

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        assert "broken" in screen_text(app)
        for key in ("enter", "t", "R", "space"):
            await pilot.press(key)
            await pilot.pause()
            assert "preset.toml cannot be read" in screen_text(app)
        await pilot.press("delete", "delete")
        await pilot.pause(0.5)
        assert not broken.path.exists()
        assert order(app) == ["gamma", "beta", "alpha"]

    drive(app, steps)


def test_a_folder_that_cannot_be_read_is_not_said_to_be_read_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: Path) -> None:
        raise PermissionError(13, "Permission denied", "runs")

    app = make_app(tmp_path / "runs", page="charts")
    monkeypatch.setattr("workbench.runs.catalogue.list_runs", denied)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("r")
        await pilot.pause(0.3)
        assert "cannot read runs: Permission denied" in screen_text(app).splitlines()[1]
        assert "reading the runs" not in screen_text(app)

    drive(app, steps)


def test_a_fault_of_reading_is_said_and_the_list_does_not_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def odd(_: object) -> None:
        raise ValueError("an odd file")

    app = app_with_runs(tmp_path)
    monkeypatch.setattr("workbench.ui.panels.runs_arrangement.facts_of", odd)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("r")
        await pilot.pause(0.3)
        assert "the runs cannot be shown: ValueError: an odd file" in screen_text(app).splitlines()[1]

    drive(app, steps)


def test_a_run_that_cannot_be_deleted_or_read_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_with_runs(tmp_path)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        monkeypatch.setattr(shutil, "rmtree", refuse)
        await pilot.press("delete", "delete")
        await pilot.pause(0.5)
        assert "cannot delete" in screen_text(app)
        assert "Permission denied" in screen_text(app)
        assert order(app) == ["gamma", "beta", "alpha"]
        monkeypatch.setattr("workbench.runs.catalogue.list_runs", refuse)
        await pilot.press("down")
        for _ in range(60):
            await pilot.pause(0.1)
            if "cannot read" in screen_text(app):
                break
        assert "cannot read" in screen_text(app)

    drive(app, steps, (200, 50))


def test_the_mouse_selects_opens_and_sorts(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.click("#runs", offset=(18, 1))
        await pilot.pause()
        assert order(app) == ["alpha", "beta", "gamma"], "by preset"
        await pilot.click("#runs", offset=(18, 3))
        await pilot.pause(0.6)
        await pilot.click("#runs", offset=(18, 3))
        await pilot.pause(0.8)
        assert app.session.watch is not None
        assert app.session.watch.run.name.endswith("beta-0002")

    drive(app, steps)


def test_many_runs_say_how_many_are_out_of_view(tmp_path: Path) -> None:
    first = write_run(tmp_path / "runs", "20261124T000000Z-alpha-0000", steps=50)
    for number in range(1, 100):
        shutil.copytree(first.path, tmp_path / "runs" / f"20261124T00{number:04d}Z-alpha-{number:04x}")
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        assert "81 below" in screen_text(app)
        await pilot.press("end")
        await pilot.pause()
        text = screen_text(app)
        assert "81 above" in text
        assert "11-24 00:00" in text

    drive(app, steps, (80, 24))


def test_the_line_of_keys_has_what_works_for_the_run_under_the_cursor(tmp_path: Path) -> None:
    """A key that would do nothing is not offered."""
    write_run(tmp_path / "runs", "20261124T150000Z-delta-0004", steps=1300)
    app = app_with_runs(tmp_path)

    def keys() -> str:
        return screen_text(app).splitlines()[-1]

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("home")
        await pilot.pause()
        assert "R resume" in keys()
        assert "v compare" not in keys()
        await pilot.press("space", "down", "space")
        await pilot.pause()
        assert "v compare" in keys()
        await pilot.press("end")
        await pilot.pause()
        assert "R resume" not in keys()

    drive(app, steps, (160, 40))


def test_without_runs_there_is_nothing_to_do_with_one(tmp_path: Path) -> None:
    app = make_app(tmp_path / "none")

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        keys = screen_text(app).splitlines()[-1]
        assert "back" in keys
        assert not [word for word in ("open", "mark", "delete", "sort", "filter", "resume") if word in keys]

    drive(app, steps)


def test_the_list_shows_a_rate_changed_by_hand_even_while_it_is_open(tmp_path: Path) -> None:
    """screen #13"""
    run = write_run(tmp_path / "runs", "20261124T120000Z-alpha-0a1b", alive=True)
    app = make_app(tmp_path / "runs")

    def set_changes(*changes: Change) -> None:
        Preset.load(run.preset).model_copy(update={"changes": changes}).save(run.preset)

    async def steps(pilot: Pilot[None]) -> None:
        set_changes(Change(step=600, learning_rate=0.02))
        await pilot.press("escape")  # the offer to watch one
        await open_runs(pilot)
        assert "learning rate 0.01 → 0.02 at step 600" in screen_text(app)
        set_changes(Change(step=600, learning_rate=0.02), Change(step=1200, learning_rate=0.001))
        await pilot.pause(REFRESH_SECONDS + 0.5)
        assert "0.02 at step 600 → 0.001 at step 1,200" in screen_text(app)

    drive(app, steps, (200, 40))


def test_a_paused_run_is_called_paused(tmp_path: Path) -> None:
    """screen #15"""
    write_run(tmp_path / "runs", "20261124T120000Z-alpha-0a1b", alive=True, paused=True)
    write_run(tmp_path / "runs", "20261124T120001Z-alpha-0a1c", alive=True)
    write_run(tmp_path / "runs", "20261124T120002Z-alpha-0a1d", paused=True)
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("escape")  # the offer to watch one
        await open_runs(pilot)
        states = [row.split()[1:3] for row in screen_text(app).splitlines() if "alpha" in row and "11-24" in row]
        assert [state for row in states for state in row if state in ("paused", "running", "lost")] == [
            "lost", "running", "paused",
        ]  # fmt: skip

    drive(app, steps)


def test_a_run_that_cannot_be_read_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reliability R6: whatever goes wrong while it is read."""
    run = write_run(tmp_path / "runs", ending="completed")

    def fail(watch: Watch) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(Watch, "read_all", fail)
    app = make_app(tmp_path / "runs", attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.pause(0.1)
        assert f"{run.name} cannot be read: no room" in screen_text(app)
        assert app.session.watch is None

    drive(app, steps)


def test_showing_the_runs_again_does_not_cancel_the_reading_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_with_runs(tmp_path)
    may_read = threading.Event()
    read_all = Watch.read_all

    def read_when_allowed(watch: Watch) -> None:
        may_read.wait(timeout=20)
        read_all(watch)

    monkeypatch.setattr(Watch, "read_all", read_when_allowed)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("enter")
        await pilot.pause()
        await open_runs(pilot)
        await pilot.press("escape")
        may_read.set()
        await settled(pilot)
        assert app.session.watch is not None
        assert app.session.watch.run.name == "20261124T140000Z-gamma-0003"
        assert app.session.watch.history.view.step == 700

    drive(app, steps)

"""Tags, notes and new names in the table of runs, by keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import write_run
from tests.ui.test_runs_screen import app_with_runs, open_runs, order
from workbench.runs.directory import RunDirectory
from workbench.runs.labels import Labels, read_labels, write_labels
from workbench.runs.study import StudyMembership
from workbench.ui.app import WorkbenchApp
from workbench.ui.look.glyphs import UNICODE
from workbench.ui.panels.runs_arrangement import Arrangement, RunsRead
from workbench.ui.panels.runs_column import fitting
from workbench.ui.panels.runs_columns import automatic
from workbench.ui.panels.runs_shown import name_of
from workbench.ui.screens.runs import RunsScreen

ALPHA, BETA, GAMMA = "20261124T120000Z-alpha-0001", "20261124T130000Z-beta-0002", "20261124T140000Z-gamma-0003"


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    for _ in range(100):
        await pilot.pause(0.05)
        if condition():
            return
    raise AssertionError(screen_text(pilot.app))  # type: ignore[arg-type]


def labels(tmp_path: Path, name: str) -> Labels:
    return read_labels(tmp_path / "runs" / name / "labels.json")


def table(app: WorkbenchApp) -> RunsScreen:
    assert isinstance(app.screen, RunsScreen)
    return app.screen


def test_tags_are_edited_shown_and_found(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        assert "tags" not in screen_text(app).splitlines()[1], "no column while there are none"
        await pilot.press("down", "number_sign")
        await until(pilot, lambda: f"of {BETA}" in screen_text(app))
        await pilot.press(*"good good v1.2", "enter")
        await until(pilot, lambda: "#good #v1.2" in screen_text(app))
        assert labels(tmp_path, BETA) == Labels(("good", "v1.2"))
        assert "tags" in screen_text(app).splitlines()[1]
        await pilot.press("slash", *"#good", "enter")
        await pilot.pause()
        assert order(app) == ["beta"]
        await pilot.press("escape", "number_sign")
        await until(pilot, lambda: f"of {BETA}" in screen_text(app))
        await pilot.press("ctrl+u", "enter")
        await until(pilot, lambda: "#good" not in screen_text(app))
        assert labels(tmp_path, BETA) == Labels()

    drive(app, steps, (140, 40))


def test_a_word_that_is_no_tag_is_said_while_it_is_typed_and_not_taken(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("number_sign")
        await until(pilot, lambda: f"of {GAMMA}" in screen_text(app))
        await pilot.press(*"a*", "enter")
        await pilot.pause()
        assert "the tag 'a*' must not begin with" in " ".join(screen_text(app).replace("│", " ").split())
        await pilot.press("escape")
        await pilot.pause()
        assert labels(tmp_path, GAMMA) == Labels()
        assert not (tmp_path / "runs" / GAMMA / "labels.json").exists()

    drive(app, steps)


def test_a_note_is_edited_shown_and_found_and_keeps_the_tags(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)
    write_labels(tmp_path / "runs" / GAMMA / "labels.json", Labels(("bad",), "at"))

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("n")
        await until(pilot, lambda: f"of {GAMMA}" in screen_text(app))
        await pilot.press("end", *" [once] too high", "enter")
        await until(pilot, lambda: "at [once] too high" in screen_text(app).splitlines()[-2])
        assert labels(tmp_path, GAMMA) == Labels(("bad",), "at [once] too high")
        await pilot.press("slash", *"too high", "enter")
        await pilot.pause()
        assert order(app) == ["gamma"]

    drive(app, steps, (160, 40))


def test_a_run_in_progress_is_tagged_and_not_renamed(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", ALPHA, alive=True)
    app = make_app(tmp_path / "runs")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.pause(0.3)
        await pilot.press("escape")  # the offer to watch it
        await open_runs(pilot)
        assert "N rename" not in screen_text(app).splitlines()[-1]
        await pilot.press("N")
        await until(pilot, lambda: "this run is in progress: stop it first" in screen_text(app))
        await pilot.press("number_sign")
        await until(pilot, lambda: f"of {ALPHA}" in screen_text(app))
        await pilot.press(*"live", "enter")
        await until(pilot, lambda: read_labels(run.labels) == Labels(("live",)))

    drive(app, steps, (200, 40))


def test_a_trial_of_a_study_is_not_renamed(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)
    StudyMembership("search-1").save(RunDirectory(tmp_path / "runs" / GAMMA).study)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("N")
        await until(pilot, lambda: "is a trial of the study search-1" in screen_text(app))

    drive(app, steps, (200, 40))


def test_a_renamed_run_keeps_its_place_its_mark_and_stays_on_the_screen(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.session.watch is not None and app.session.watch.run.name == BETA)
        await open_runs(pilot)
        await pilot.press("down", "space", "N")
        await until(pilot, lambda: "rename the run" in screen_text(app))
        await pilot.press("ctrl+u", *"base/line", "enter")
        await pilot.pause()
        assert "a run cannot be called 'base/line'" in screen_text(app)
        await pilot.press("ctrl+u", *ALPHA, "enter")
        await until(pilot, lambda: f"there is already a {ALPHA}" in screen_text(app))
        await pilot.press("N")
        await until(pilot, lambda: "rename the run" in screen_text(app))
        await pilot.press("ctrl+u", *"baseline", "enter")
        await until(pilot, lambda: "baseline" in screen_text(app).splitlines()[3])
        shown = [name_of(row) for row in table(app).table.rows]
        assert shown == ["gamma", "baseline", "alpha"]
        assert table(app).table.marked.names == ["baseline"]
        assert (tmp_path / "runs" / "baseline" / "events.jsonl").exists()
        await until(pilot, lambda: app.session.watch is not None and app.session.watch.run.name == "baseline")
        await pilot.press("escape")
        await until(pilot, lambda: "baseline: completed" in screen_text(app))

    drive(app, steps, (160, 40))


def test_an_overlaid_run_that_is_renamed_stays_overlaid(tmp_path: Path) -> None:
    app = app_with_runs(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        await pilot.press("down", "space", "o")
        await until(pilot, lambda: "loss  A" in screen_text(app))
        await open_runs(pilot)
        await pilot.press("down", "N")
        await until(pilot, lambda: "rename the run" in screen_text(app))
        await pilot.press("ctrl+u", *"mine", "enter", "escape")
        await until(pilot, lambda: not isinstance(app.screen, RunsScreen))
        await open_runs(pilot)
        assert table(app).table.marked.names == ["mine"]

    drive(app, steps)


def test_what_the_disk_refuses_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_with_runs(tmp_path)
    damaged = tmp_path / "runs" / GAMMA / "labels.json"
    damaged.write_text("my own words")

    async def steps(pilot: Pilot[None]) -> None:
        await open_runs(pilot)
        for key in ("number_sign", "n"):
            await pilot.press(key)
            await until(pilot, lambda: f"of {GAMMA}" in screen_text(app))
            await pilot.press(*"good", "enter")
            await until(pilot, lambda: "it holds something else" in screen_text(app))
        assert damaged.read_text() == "my own words"

    drive(app, steps, (200, 40))


def test_no_key_of_the_list_of_an_empty_folder_opens_a_dialog(tmp_path: Path) -> None:
    app = make_app(tmp_path / "none")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("r")
        await until(pilot, lambda: "No runs yet" in screen_text(app))
        await pilot.press("number_sign", "n", "N", "delete")
        await pilot.pause(0.2)
        assert isinstance(app.screen, RunsScreen)

    drive(app, steps)


@pytest.mark.parametrize(("width", "is_shown"), [(76, False), (116, True), (196, True)])
def test_tags_are_a_column_where_there_is_room(tmp_path: Path, width: int, is_shown: bool) -> None:
    from workbench.runs.catalogue import Catalogue

    def columns() -> dict[str, int]:
        arranged = Arrangement(UNICODE, lambda row: ())
        arranged.take(RunsRead.of(Catalogue(tmp_path).rows(), RunsRead()))
        wanted = automatic(arranged.runs)
        fitted = fitting([column for column in arranged.columns if column.key in wanted], width)
        return {column.key: cells for column, cells in fitted}

    run = write_run(tmp_path, ALPHA, ending="completed")
    assert "tags" not in columns()
    write_labels(run.labels, Labels(("good",)))
    assert ("tags" in columns()) == is_shown
    assert sum(cells + 2 for cells in columns().values()) - 2 <= width

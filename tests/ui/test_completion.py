"""CSV from zero: files are completed, and columns chosen from those that the file has (screen/REPORT #30)."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from workbench.errors import DataError
from workbench.settings.preset import Preset
from workbench.ui.app import WorkbenchApp
from workbench.ui.panels.settings import SettingsPanel
from workbench.ui.panels.settings_completion import CandidateList, CompletedField


class Reader:
    """Answers at once."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def read(self, file: str, delimiter: str) -> list[tuple[str, str]]:
        self.asked.append((file, delimiter))
        if "nowhere" in file:
            raise DataError("nowhere.csv does not exist")
        return [("age", "1, 2"), ("bought", "yes, no"), ("city", "Rome, Paris")]


@pytest.fixture
def app(tmp_path: Path) -> WorkbenchApp:
    for name in ("my.csv", "mine.csv", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "deep.csv").touch()
    return make_app(tmp_path / "runs", chosen=Preset(name="mine"))


def panel_of(app: WorkbenchApp) -> SettingsPanel:
    return app.screen.query_one(SettingsPanel)


async def edit(pilot: Pilot[None], app: WorkbenchApp, path: str) -> Reader:
    app.draft.enter("data", "csv")
    app.screen.show_settings()  # type: ignore[attr-defined]
    reader = Reader()
    panel_of(app)._offers.reader = reader  # type: ignore[assignment]
    panel_of(app).focus_row(path)
    await press(pilot, "enter")
    return reader


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.app.workers.wait_for_complete([item for item in pilot.app.workers if item.group == "columns"])
    await pilot.pause()
    await pilot.pause(0.05)


def field(app: WorkbenchApp) -> str:
    return app.screen.query_one(CompletedField).value


def test_tab_completes_a_file_and_then_moves_on(app: WorkbenchApp) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await edit(pilot, app, "data.file")
        assert "my.csv" in screen_text(app)
        assert "folder/" in screen_text(app)
        await press(pilot, "m", "tab")
        assert field(app) == "m"
        assert app.screen.query_one(CandidateList).highlighted == 0, (
            "the first of the candidates that share the beginning"
        )
        await press(pilot, "escape")
        await press(pilot, "enter", *"my", "tab")
        assert field(app) == "my.csv"
        await press(pilot, "tab")
        assert app.draft.value_of("data.file") == "my.csv"
        assert panel_of(app).row.path == "data.target"  # type: ignore[union-attr]

    drive(app, steps)


def test_a_folder_leads_on_and_enter_takes_what_is_typed(app: WorkbenchApp) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await edit(pilot, app, "data.file")
        await press(pilot, "f", "tab")
        assert field(app) == "folder/"
        await press(pilot, "tab")
        assert field(app) == "folder/deep.csv"
        await press(pilot, "enter")
        assert app.draft.value_of("data.file") == "folder/deep.csv"
        await press(pilot, "enter", *"new.csv", "enter")
        assert app.draft.value_of("data.file") == "new.csv"
        assert not app.screen.query(CandidateList)

    drive(app, steps)


def test_a_target_is_chosen_from_the_columns_of_the_file(app: WorkbenchApp) -> None:
    app.draft.enter("data", "csv")
    app.draft.enter("data.file", "my.csv")

    async def steps(pilot: Pilot[None]) -> None:
        reader = await edit(pilot, app, "data.target")
        await press(pilot)
        assert reader.asked == [("my.csv", "auto")]
        text = screen_text(app)
        assert "bought  yes, no" in text
        await press(pilot, *"bou", "enter")
        assert app.draft.preset.flat()["data.target"] == "bought"
        await press(pilot, "enter", "down", "down", "down", "enter")
        assert app.draft.preset.flat()["data.target"] == "city"
        await press(pilot, "enter", *"new", "enter")
        assert app.draft.preset.flat()["data.target"] == "new", "the file may get it later"

    drive(app, steps)


def test_several_columns_are_chosen_one_after_the_other(app: WorkbenchApp) -> None:
    app.draft.enter("data", "csv")
    app.draft.enter("data.file", "my.csv")
    app.draft.enter("data.target", "bought")

    async def steps(pilot: Pilot[None]) -> None:
        await edit(pilot, app, "data.ignore")
        await press(pilot)
        await press(pilot, "down", "enter")
        assert field(app) == "age"
        await press(pilot, ",", "c", "enter", "enter")
        assert app.draft.preset.flat()["data.ignore"] == ("age", "city")

    drive(app, steps, (80, 24))


def test_why_no_column_is_listed_is_said(app: WorkbenchApp) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await edit(pilot, app, "data.target")
        assert "set data.file first" in screen_text(app)
        await press(pilot, "escape")
        app.draft.enter("data.file", "nowhere.csv")
        await press(pilot, "enter")
        assert "nowhere.csv does not exist" in screen_text(app)
        await press(pilot, *"age", "enter")
        assert app.draft.value_of("data.target") == "age"

    drive(app, steps)


def test_usual_values_of_a_text_are_suggested_and_others_can_be_typed(app: WorkbenchApp) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await edit(pilot, app, "runtime.device")
        assert "cuda:1" in screen_text(app)
        await press(pilot, *"cp", "tab", "enter")
        assert app.draft.preset.runtime.device == "cpu"
        await press(pilot, "enter", *"cuda", "colon", *"3", "enter")
        assert app.draft.preset.runtime.device == "cuda:3"
        await press(pilot, "enter", *"gpu", "enter")
        assert app.draft.problems["runtime.device"] == "must be auto, cpu, cuda, cuda:N or mps"

    drive(app, steps)

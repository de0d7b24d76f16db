"""Presets: what is written where, and that edited settings are never lost without a question."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.ui.made import preset, write_run
from tests.unit.ui.fake_host import Desk
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.settings.search import Range
from workbench.ui.controllers.presets import PresetController
from workbench.ui.dialogs.message import MessageDialog
from workbench.ui.dialogs.presets import PresetsDialog
from workbench.ui.dialogs.quit import UnsavedDialog
from workbench.ui.dialogs.save_as import SaveAs, SaveAsDialog
from workbench.ui.form.draft import Draft
from workbench.ui.live.remembered import Remembered

EDIT = "optimizer.learning_rate=0.02"


def opened(folder: Path, *answers: object) -> tuple[Desk, PresetController, Path]:
    """A desk with a preset of one's own open."""
    path = folder / "mine.toml"
    preset("mine").save(path)
    desk = Desk(folder / "runs", *answers, draft=Draft(Preset.load(path), path))
    return desk, PresetController(desk.draft, Remembered(), desk.host), path


def test_saving_writes_the_file_and_nothing_differs_any_more(tmp_path: Path) -> None:
    desk, presets, path = opened(tmp_path)
    chosen = desk.edited(EDIT)
    assert asyncio.run(presets.save())
    assert Preset.load(path) == chosen
    assert not desk.draft.is_changed
    assert desk.host.last.startswith("saved ")
    assert Remembered.load().preset == str(path), "the next start opens it"


def test_typed_ranges_are_saved_and_still_searched(tmp_path: Path) -> None:
    desk, presets, path = opened(tmp_path)
    desk.draft.enter("optimizer.learning_rate", "1e-4..1e-1 x20")
    assert desk.draft.is_changed
    assert asyncio.run(presets.save())
    assert Preset.load(path).search == {"optimizer.learning_rate": Range(low=1e-4, high=0.1)}
    assert Preset.load(path).optimizer.learning_rate == 0.01
    assert not desk.draft.is_changed
    assert desk.draft.asked == {"optimizer.learning_rate": "1e-4..1e-1 x20"}


def test_a_shipped_preset_is_saved_under_another_name(tmp_path: Path) -> None:
    shipped = library.shipped_folder() / "fast.toml"
    before = shipped.read_bytes()
    copy = tmp_path / "copy.toml"
    desk = Desk(tmp_path / "runs", draft=Draft(Preset.load(shipped), shipped))
    presets = PresetController(desk.draft, Remembered(), desk.host)
    chosen = desk.edited(EDIT).model_copy(update={"name": "copy"})
    desk.host.answers = [SaveAs(copy, chosen)]
    assert asyncio.run(presets.save())
    assert isinstance(desk.host.dialogs[0], SaveAsDialog)
    assert shipped.read_bytes() == before
    assert Preset.load(copy) == chosen
    assert desk.draft.path == copy


def test_a_place_that_cannot_be_written_is_said_and_asked_for_again(tmp_path: Path) -> None:
    desk, presets, _ = opened(tmp_path)
    (tmp_path / "blocked").write_text("a file")
    chosen = desk.edited(EDIT)
    desk.host.answers = [SaveAs(tmp_path / "blocked" / "a.toml", chosen), SaveAs(tmp_path / "b.toml", chosen)]
    assert asyncio.run(presets.save_as())
    assert len(desk.host.dialogs) == 2
    assert Preset.load(tmp_path / "b.toml") == chosen


def test_an_invalid_setting_is_not_saved(tmp_path: Path) -> None:
    desk, presets, path = opened(tmp_path)
    before = path.read_bytes()
    desk.draft.enter("data.batch_size", "none")
    assert not asyncio.run(presets.save())
    assert not asyncio.run(presets.save_as())
    assert path.read_bytes() == before
    assert desk.host.dialogs == []
    assert all(text.startswith("not saved: data.batch_size: ") for _, text in desk.host.said)


@pytest.mark.parametrize(
    ("answer", "opens", "keeps"), [("save", True, True), ("discard", True, False), (None, False, False)]
)
def test_opening_another_preset_asks_about_unsaved_settings(
    tmp_path: Path, answer: str | None, opens: bool, keeps: bool
) -> None:
    other = tmp_path / "other.toml"
    preset("other").save(other)
    desk, presets, path = opened(tmp_path, other, answer)
    desk.edited(EDIT)
    asyncio.run(presets.choose())
    assert [type(dialog) for dialog in desk.host.dialogs] == [PresetsDialog, UnsavedDialog]
    assert (desk.draft.path == other) == opens
    assert (Preset.load(path).optimizer.learning_rate == 0.02) == keeps
    if not opens:
        assert desk.draft.preset.optimizer.learning_rate == 0.02


def test_a_broken_preset_is_not_opened(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[nothing]\n")
    desk, presets, path = opened(tmp_path, broken, None)
    asyncio.run(presets.choose())
    assert isinstance(desk.host.dialogs[-1], MessageDialog)
    assert desk.draft.path == path


@pytest.mark.parametrize(("answer", "rate"), [("revert", 0.01), (None, 0.02)])
def test_reverting_asks_first(tmp_path: Path, answer: str | None, rate: float) -> None:
    desk, presets, _ = opened(tmp_path, answer)
    desk.edited(EDIT)
    asyncio.run(presets.revert())
    assert desk.draft.preset.optimizer.learning_rate == rate


def test_the_settings_of_a_run_are_taken_for_the_next_one(tmp_path: Path) -> None:
    desk, presets, path = opened(tmp_path)
    run = write_run(tmp_path / "runs")
    run.preset.write_text(preset().override(["data.batch_size=32"]).to_toml())
    asyncio.run(presets.take_settings(run))
    assert desk.draft.changes()["data.batch_size"] == (64, 32)
    assert desk.draft.path == path
    assert desk.host.last == f"settings of {run.name}"


def test_settings_that_were_edited_by_hand_are_not_replaced_without_a_question(tmp_path: Path) -> None:
    desk, presets, _ = opened(tmp_path, None)
    desk.edited(EDIT)
    asyncio.run(presets.take_settings(write_run(tmp_path / "runs")))
    assert [type(dialog) for dialog in desk.host.dialogs] == [UnsavedDialog]
    assert desk.draft.changes() == {"optimizer.learning_rate": (0.01, 0.02)}


def test_the_preset_of_a_run_is_opened_under_present_names_and_never_replaced(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", ending="completed")
    text = run.preset.read_text()
    assert "gradient_accumulation = 1" in text
    run.preset.write_text(text.replace("gradient_accumulation = 1", "accumulation = 3"))
    before = run.preset.read_bytes()
    desk, presets, _ = opened(tmp_path, run.preset, None)
    asyncio.run(presets.choose())
    assert desk.draft.path == run.preset
    assert desk.draft.preset.training.gradient_accumulation == 3
    desk.edited(EDIT)
    assert not asyncio.run(presets.save())
    assert isinstance(desk.host.dialogs[-1], SaveAsDialog), "another name is asked for"
    assert run.preset.read_bytes() == before


def test_undo_and_redo_say_what_they_did_and_where(tmp_path: Path) -> None:
    desk, presets, _ = opened(tmp_path)
    presets.undo()
    assert desk.host.last == "there is nothing to undo"
    presets.redo()
    assert desk.host.last == "there is nothing to redo"
    desk.edited(EDIT)
    presets.undo()
    assert desk.host.last == "undone: learning rate 0.02 → 0.01"
    assert desk.host.calls[-1] == "setting: optimizer.learning_rate"
    presets.redo()
    assert desk.host.last == "redone: learning rate 0.01 → 0.02"
    assert desk.draft.preset.optimizer.learning_rate == 0.02


def test_opening_a_preset_can_be_undone_even_after_its_changes_were_discarded(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    Preset(name="other").save(other)
    desk, presets, path = opened(tmp_path, other, "discard")
    desk.edited(EDIT)
    asyncio.run(presets.choose())
    assert desk.draft.preset.name == "other"
    presets.undo()
    assert (desk.draft.path, desk.draft.preset.optimizer.learning_rate) == (path, 0.02)
    assert Remembered.load().preset == str(path)


def test_what_was_saved_stays_saved_when_earlier_changes_are_undone(tmp_path: Path) -> None:
    desk, presets, path = opened(tmp_path)
    desk.edited(EDIT)
    assert asyncio.run(presets.save())
    presets.undo()
    assert desk.draft.changes() == {"optimizer.learning_rate": (0.02, 0.01)}
    assert Preset.load(path).optimizer.learning_rate == 0.02

"""Presets from the app: opened, saved, never lost without a question."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.conftest import drive, make_app, screen_text
from tests.ui.made import MadeReadings, preset, write_run
from workbench.errors import StorageError
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.ui.app import WorkbenchApp
from workbench.ui.form.draft import Draft
from workbench.ui.live.remembered import Remembered
from workbench.ui.options import AppOptions


def app_with(tmp_path: Path, name: str = "fast") -> WorkbenchApp:
    path = library.find(name)
    return make_app(tmp_path / "runs", chosen=Preset.load(path), path=path)


async def change_batch_size(pilot: Pilot[None]) -> None:
    await pilot.press("slash", *"batch size", "enter", "right")
    await pilot.pause()


def test_typing_narrows_the_list_and_enter_opens(tmp_path: Path) -> None:
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+o")
        await pilot.pause()
        assert "mnist-cnn" in screen_text(app)
        await pilot.press(*"iris")
        await pilot.pause()
        assert "mnist-cnn" not in screen_text(app)
        assert "data.name" in screen_text(app), "what would change is shown"
        await pilot.press("enter")
        await pilot.pause()
        assert app.draft.preset.name == "iris"

    drive(app, steps)


def test_a_shipped_preset_is_saved_under_another_name(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    before = library.find("fast").read_text()

    async def steps(pilot: Pilot[None]) -> None:
        await change_batch_size(pilot)
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "save the preset as" in screen_text(app)
        await pilot.press(*"mine", "enter")
        await pilot.pause()
        assert "fast *" not in screen_text(app)

    drive(app, steps)
    saved = Preset.load(library.user_folder() / "mine.toml")
    assert (saved.name, saved.data.batch_size) == ("mine", 128)
    assert library.find("fast").read_text() == before


def test_a_preset_of_ones_own_is_saved_in_place(tmp_path: Path) -> None:
    path = library.user_folder() / "own.toml"
    Preset.from_mapping({"name": "own"}, "own").save(path)
    app = app_with(tmp_path, "own")

    async def steps(pilot: Pilot[None]) -> None:
        await change_batch_size(pilot)
        await pilot.press("ctrl+s")
        await pilot.pause()

    drive(app, steps)
    assert Preset.load(path).data.batch_size == 128


def test_a_file_that_is_there_is_replaced_only_after_a_second_enter(tmp_path: Path) -> None:
    path = library.user_folder() / "own.toml"
    Preset.from_mapping({"name": "own", "description": "old"}, "own").save(path)
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("S", *"own", "enter")
        await pilot.pause()
        assert "already exists" in screen_text(app)
        assert Preset.load(path).description == "old"
        await pilot.press("enter")
        await pilot.pause()

    drive(app, steps)
    assert Preset.load(path).description != "old"


def test_why_a_preset_is_not_saved_is_said_to_the_last_word_on_a_small_screen(tmp_path: Path) -> None:
    folder = tmp_path / "a-folder-with-a-long-name"
    path = folder / "mine.toml"
    Preset.from_mapping({"name": "mine"}, "mine").save(path)
    app = make_app(tmp_path / "runs", chosen=Preset.load(path), path=path)

    async def steps(pilot: Pilot[None]) -> None:
        shutil.rmtree(folder)
        folder.write_text("")
        await pilot.press("down", "right", "ctrl+s")
        await pilot.pause()
        lines = screen_text(app).splitlines()
        assert "not saved" in " ".join(lines[-5:])
        assert "Choose another folder." in " ".join(" ".join(lines[-5:]).split())
        assert app.draft.is_changed
        await pilot.press("down")
        await pilot.pause()
        assert "not saved" not in screen_text(app)
        assert screen_text(app).splitlines()[-3].startswith("╰"), "the line has given its room back"

    drive(app, steps, (80, 24))


def test_a_name_with_a_slash_is_refused(tmp_path: Path) -> None:
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("S", *"a/b", "enter")
        await pilot.pause()
        assert "save the preset as" in screen_text(app)
        assert "letters, digits" in screen_text(app)

    drive(app, steps)


def test_a_broken_preset_shows_what_is_wrong_and_is_not_opened(tmp_path: Path) -> None:
    folder = library.user_folder()
    folder.mkdir(parents=True)
    (folder / "broken.toml").write_text("[data]\nbatch_sise = 3\n")
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+o", *"broken")
        await pilot.pause()
        assert "this preset is broken" in screen_text(app)
        assert "data.batch_sise: unknown setting" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "open a preset" in screen_text(app)
        await pilot.press("escape")
        assert app.draft.preset.name == "fast"

    drive(app, steps)


def test_a_broken_preset_is_reported_before_unsaved_settings_are_given_up(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[data]\nbatch_sise = 3\n")
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await change_batch_size(pilot)
        await pilot.press("ctrl+o", *"./broken.toml", "enter")
        await pilot.pause()
        assert "this preset cannot be opened" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "unsaved" not in screen_text(app)
        assert app.draft.preset.data.batch_size == 128

    drive(app, steps)


def test_another_folder_is_offered_only_where_there_is_one_and_presets_stand_in_the_order_of_their_names(
    tmp_path: Path,
) -> None:
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("S")
        await pilot.pause()
        assert "enter save  esc cancel" in screen_text(app)
        await pilot.press("escape")
        (tmp_path / "presets").mkdir()
        await pilot.press("S")
        await pilot.pause()
        assert "enter save  ^f other folder  esc cancel" in screen_text(app)
        await pilot.press("escape", "ctrl+o", *"mnist")
        await pilot.pause()
        text = screen_text(app)
        assert text.index("mnist-mlp  ") < text.index("mnist-mlp-tuned")

    drive(app, steps)


def test_unsaved_settings_are_asked_about_before_another_preset_is_opened(tmp_path: Path) -> None:
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await change_batch_size(pilot)
        await pilot.press("ctrl+o", *"iris", "enter")
        await pilot.pause()
        assert "unsaved settings" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert app.draft.preset.name == "fast"
        assert app.draft.preset.data.batch_size == 128
        await pilot.press("ctrl+o", *"iris", "enter")
        await pilot.pause()
        await pilot.press("X")
        await pilot.pause()
        assert app.draft.preset.name == "iris"

    drive(app, steps)


def test_quitting_with_unsaved_settings_asks_and_can_be_called_off(tmp_path: Path) -> None:
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await change_batch_size(pilot)
        await pilot.press("q")
        await pilot.pause()
        assert "data.batch_size  64 to 128" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert app.is_running

    drive(app, steps)


def test_who_stays_to_keep_unsaved_settings_has_not_stopped_the_run(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", alive=True)
    app = make_app(tmp_path / "runs", attach=run)

    async def steps(pilot: Pilot[None]) -> None:
        await change_batch_size(pilot)
        await pilot.press("q")
        await pilot.pause()
        assert "esc stay" in screen_text(app)
        await pilot.press("x")
        await pilot.pause()
        assert "esc keep editing" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause()
        assert app.is_running
        assert not run.control.exists()
        await pilot.press("q", "x", "X")
        await pilot.pause()

    drive(app, steps)
    assert '"stop"' in run.control.read_text()


def test_revert_takes_all_changes_back_after_asking(tmp_path: Path) -> None:
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await change_batch_size(pilot)
        await pilot.press("U")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert app.draft.is_changed, "keeping them is the default"
        await pilot.press("U")
        await pilot.pause()
        await pilot.press("U")
        await pilot.pause()
        assert not app.draft.is_changed

    drive(app, steps)


def test_the_changes_are_shown_with_both_values(tmp_path: Path) -> None:
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await change_batch_size(pilot)
        await pilot.press("d")
        await pilot.pause()
        [line] = [line for line in screen_text(app).splitlines() if "data.batch_size" in line]
        assert "64  " in line.partition("data.batch_size")[2]
        assert "128" in line.partition("64  ")[2]

    drive(app, steps)


def test_ctrl_q_asks_wherever_the_user_is(tmp_path: Path) -> None:
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await change_batch_size(pilot)
        await pilot.press("r")
        await pilot.pause(0.3)
        await pilot.press("ctrl+q")
        await pilot.pause(0.3)
        assert app.is_running
        assert "unsaved settings" in screen_text(app)

    drive(app, steps)


def test_other_settings_do_not_keep_the_old_description(tmp_path: Path) -> None:
    """screen/REPORT #24: a preset of a CSV was called the classic network on MNIST."""
    folder = tmp_path / "presets"
    folder.mkdir()
    opened = preset().model_copy(update={"description": "the classic network on MNIST"})
    app = make_app(tmp_path / "runs", chosen=opened, path=folder / "fast.toml")
    app.draft.enter("training.epochs", "7")

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("S")
        await pilot.pause()
        assert app.screen.query_one("#description", Input).value == ""
        await pilot.press("escape")
        app.draft.enter("description", "seven epochs")
        await pilot.press("S")
        await pilot.pause()
        assert app.screen.query_one("#description", Input).value == "seven epochs"
        await pilot.press("escape")
        app.draft.revert()
        await pilot.press("S")
        await pilot.pause()
        assert app.screen.query_one("#description", Input).value == opened.description

    drive(app, steps)


def test_the_preset_opened_last_is_remembered_at_once(tmp_path: Path) -> None:
    """screen/REPORT #31: only a clean quit remembered it, and another app's quit took its place."""
    one, other = tmp_path / "one.toml", tmp_path / "other.toml"
    for path in (one, other):
        preset().save(path)
    app = make_app(tmp_path / "runs", chosen=preset(), path=one)

    async def steps(pilot: Pilot[None]) -> None:
        assert Remembered.load().preset == str(one)
        await pilot.press("ctrl+o", *str(other), "enter")
        await pilot.app.workers.wait_for_complete([item for item in app.workers if item.group == "presets"])
        assert Remembered.load().preset == str(other)
        another = Remembered.load()
        another.preset = "/opened/by/another/app.toml"
        another.save()

    drive(app, steps)
    assert Remembered.load().preset == "/opened/by/another/app.toml"


def test_where_a_preset_cannot_be_saved_the_name_that_was_typed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """screen/REPORT, read-only presets: the typed name was gone."""
    app = app_with(tmp_path)
    real = Preset.save
    saved: list[Path] = []

    def save(self: Preset, path: Path) -> None:
        if not saved:
            saved.append(path)
            raise StorageError(f"cannot write {path}: Read-only file system. Choose another folder.")
        real(self, path)

    monkeypatch.setattr(Preset, "save", save)

    async def steps(pilot: Pilot[None]) -> None:
        await change_batch_size(pilot)
        await pilot.press("S", *"mine", "tab", *"own", "enter")
        await pilot.pause(0.2)
        assert app.screen.query_one("#name", Input).value == "mine"
        assert app.screen.query_one("#description", Input).value == "own"
        assert "Read-only file system" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause(0.2)
        assert Preset.load(saved[0]).description == "own"
        assert "saved " in screen_text(app)

    drive(app, steps)


def test_one_setting_differs_and_several_differ(tmp_path: Path) -> None:
    """screen/REPORT #42."""
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await change_batch_size(pilot)
        await pilot.press("U")
        await pilot.pause()
        assert "1 setting differs from fast; reverting loses it." in screen_text(app)

    drive(app, steps)


def test_with_nothing_changed_nothing_is_offered_but_to_leave(tmp_path: Path) -> None:
    """The lower border of a dialog has only keys that do something."""
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("d")
        await pilot.pause()
        assert "s save" not in str(app.screen.query_one("#box").border_subtitle)
        await pilot.press("escape")
        assert "d changes" not in screen_text(app)
        await change_batch_size(pilot)
        assert "d changes" in screen_text(app)
        await pilot.press("d")
        await pilot.pause()
        assert "s save" in str(app.screen.query_one("#box").border_subtitle)

    drive(app, steps)


def test_why_the_last_preset_was_not_opened_stays_until_it_is_hidden(tmp_path: Path) -> None:
    last = tmp_path / "mine.toml"
    wrong = f"{last.name}: line 5, training.clip_norm is now called training.gradient_clip_norm"
    app = WorkbenchApp(
        Draft(preset(), tmp_path / "fast.toml"),
        AppOptions(runs_folder=tmp_path / "runs", standby=False),
        readings=MadeReadings(),
        remembered=Remembered(theme="workbench-dark", preset=str(last)),
        not_opened=wrong,
    )

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("2")
        text = screen_text(app)
        assert "the last preset cannot be opened; this is fast" in text
        assert wrong in text
        assert app.remembered.preset == str(last), "it is tried again at the next start"
        await pilot.press("escape")
        await pilot.pause()
        assert wrong not in screen_text(app)

    drive(app, steps)


def test_ctrl_q_again_does_not_ask_twice(tmp_path: Path) -> None:
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await change_batch_size(pilot)
        await pilot.press("ctrl+q")
        await pilot.pause(0.3)
        await pilot.press("ctrl+q")
        await pilot.pause(0.3)
        assert len(app.screen_stack) == 2
        assert "unsaved settings" in screen_text(app)
        await pilot.press("escape")
        await pilot.pause(0.3)
        assert len(app.screen_stack) == 1
        await pilot.press("ctrl+q")
        await pilot.pause(0.3)
        assert "unsaved settings" in screen_text(app)

    drive(app, steps)


def test_the_name_that_is_typed_comes_before_descriptions_that_hold_it(tmp_path: Path) -> None:
    """screen/REPORT #10: mn and enter opened csv-template, whose description speaks of a column."""
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("ctrl+o", *"mn")
        await pilot.pause()
        assert "mnist-cnn" in screen_text(app), "the values of the preset are under its name"
        await pilot.press("enter")
        await pilot.pause()
        assert app.draft.preset.name == "mnist-cnn"
        await pilot.press("u")
        await pilot.pause()
        assert app.draft.preset.name == "fast"
        assert "undone: preset mnist-cnn" in screen_text(app)

    drive(app, steps)


def test_changes_are_saved_and_reverted_by_the_keys_of_the_main_screen(tmp_path: Path) -> None:
    """screen/REPORT #20."""
    app = app_with(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await change_batch_size(pilot)
        await pilot.press("d")
        await pilot.pause()
        assert "^s save  U revert  esc close" in screen_text(app)
        await pilot.press("U")
        await pilot.pause()
        assert not app.draft.is_changed

    drive(app, steps)

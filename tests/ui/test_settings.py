"""The settings panel, by keys alone: what the user sees, and what would be trained."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from workbench.settings import library
from workbench.settings.preset import Preset
from workbench.ui.app import WorkbenchApp
from workbench.ui.panels.settings import SettingsPanel


def fast_app(tmp_path: Path) -> WorkbenchApp:
    path = library.find("fast")
    return make_app(tmp_path / "runs", chosen=Preset.load(path), path=path)


async def find(pilot: Pilot[None], words: str) -> None:
    await pilot.press("slash", *words, "enter")
    await pilot.pause()


def at_cursor(app: WorkbenchApp) -> str:
    row = app.screen.query_one(SettingsPanel).row
    assert row is not None
    return row.path


def test_the_settings_of_the_preset_are_there_at_the_start(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(_: Pilot[None]) -> None:
        text = screen_text(app)
        assert "Optimizer" in text
        assert "adam" in text
        assert "batch size" in text
        assert "idle" in text

    drive(app, steps)


def test_right_goes_up_the_ladder_of_learning_rates_and_marks_what_changed(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await find(pilot, "learning rate")
        assert at_cursor(app) == "optimizer.learning_rate"
        await pilot.press("right", "right")
        await pilot.pause()
        assert app.draft.preset.optimizer.learning_rate == 0.005
        assert "fast *" in screen_text(app)
        assert "1 changed" in screen_text(app)
        await pilot.press("delete")
        await pilot.pause()
        assert not app.draft.is_changed
        assert "fast *" not in screen_text(app)

    drive(app, steps)


def test_the_batch_size_goes_by_powers_of_two(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await find(pilot, "batch size")
        await pilot.press("right")
        assert app.draft.preset.data.batch_size == 128
        await pilot.press("left", "left")
        assert app.draft.preset.data.batch_size == 32

    drive(app, steps)


def test_another_optimizer_brings_its_own_fields_and_keeps_the_shared_ones(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await find(pilot, "weight decay")
        await pilot.press("enter", *"0.02", "enter")
        await pilot.press("slash", *"optimizer", "enter")
        await pilot.pause()
        assert at_cursor(app) == "optimizer"
        await pilot.press("enter")
        await pilot.pause()
        assert "Stochastic gradient descent" in screen_text(app), "choices are explained"
        await pilot.press("s", "enter")
        await pilot.pause()
        assert app.draft.preset.optimizer.label() == "sgd"
        assert app.draft.preset.to_mapping()["optimizer"]["weight_decay"] == 0.02
        assert "momentum" in screen_text(app)
        assert "betas" not in screen_text(app)

    drive(app, steps)


def test_what_is_wrong_is_said_while_typing_and_a_start_is_refused(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await find(pilot, "learning rate")
        await pilot.press("enter", *"-1")
        await pilot.pause()
        assert "must be greater than 0" in screen_text(app)
        await pilot.press("enter", "space")
        await pilot.pause()
        assert "cannot start: optimizer.learning_rate" in screen_text(app)
        assert not (tmp_path / "runs").exists()
        assert app.draft.preset.optimizer.learning_rate == 0.001, "the last valid value is kept"

    drive(app, steps)


def test_escape_leaves_a_field_as_it_was(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await find(pilot, "hidden")
        await pilot.press("enter", *"64, 32", "escape")
        await pilot.pause()
        assert not app.draft.is_changed
        await pilot.press("enter", *"64, 32", "enter")
        await pilot.pause()
        assert app.draft.preset.to_mapping()["model"]["hidden"] == (64, 32)

    drive(app, steps)


def test_a_switch_is_turned_by_enter(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await find(pilot, "drop last")
        await pilot.press("enter")
        await pilot.pause()
        assert app.draft.preset.data.drop_last

    drive(app, steps)


def test_a_folded_family_hides_its_settings_and_can_still_be_found(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("home", "f")
        await pilot.pause()
        assert "batch size" not in screen_text(app)
        await find(pilot, "batch size")
        assert at_cursor(app) == "data.batch_size"
        assert "batch size" in screen_text(app)

    drive(app, steps)


def test_data_that_lacks_its_file_says_so_until_it_has_one(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("home", "enter", *"csv", "enter")
        await pilot.pause()
        assert "✗ is needed" in screen_text(app)
        await pilot.press("space")
        await pilot.pause()
        assert "cannot start" in screen_text(app)

    drive(app, steps)


def test_the_command_line_is_shown_and_copied(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await find(pilot, "learning rate")
        await pilot.press("right", "Y")
        await pilot.pause()
        assert "--set optimizer.learning_rate=0.002" in screen_text(app).replace("\n", " ")
        await pilot.press("enter")
        await pilot.pause()
        assert app.clipboard == "workbench --preset fast --set optimizer.learning_rate=0.002"

    drive(app, steps)


def test_the_keys_line_has_no_key_that_types_a_character_while_a_value_is_typed(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        assert "space start" in screen_text(app)
        for label in ("learning rate", "class weights", "Optimizer"):
            await find(pilot, label)
            await pilot.press("enter")
            await pilot.pause(0.1)
            keys = screen_text(app).splitlines()[-1]
            assert "enter take" in keys
            assert "^s save" in keys
            assert [key for key in ("space", "? keys", "q quit", "1-8") if key in keys] == []
            await pilot.press("escape")
            await pilot.pause(0.1)
            assert "q quit" in screen_text(app).splitlines()[-1]

    drive(app, steps, (120, 36))


def test_a_short_list_of_choices_is_wide_enough_for_how_it_is_used(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("home")
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert "type to narrow the list" in screen_text(app)

    drive(app, steps, (120, 36))

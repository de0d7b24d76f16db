"""The settings panel in detail: what it shows where there is much or little room, and what mouse and keys do to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.ui.conftest import drive, make_app, screen_text
from workbench.settings import library
from workbench.settings.changes import Change
from workbench.settings.preset import Preset
from workbench.ui.app import WorkbenchApp
from workbench.ui.form.draft import Draft
from workbench.ui.live.planner import Expectation
from workbench.ui.panels.lines import HintLine
from workbench.ui.panels.settings import SettingsPanel
from workbench.ui.panels.settings_editor import ChoiceList, ValueField
from workbench.ui.panels.settings_list import _same_training

WIDE, NARROW = (80, 24), (120, 36)
"""The panel has the whole width of a small screen, and a third of a larger one."""


def fast_app(tmp_path: Path, *, ascii_only: bool = False) -> WorkbenchApp:
    path = library.find("fast")
    return make_app(tmp_path / "runs", chosen=Preset.load(path), path=path, ascii_only=ascii_only)


def panel_of(app: WorkbenchApp) -> SettingsPanel:
    return app.screen.query_one(SettingsPanel)


def path_at_cursor(app: WorkbenchApp) -> str:
    row = panel_of(app).row
    assert row is not None
    return row.path


def hint(app: WorkbenchApp) -> str:
    return app.screen.query_one(HintLine).text


def line_of(app: WorkbenchApp, label: str) -> str:
    return next(line for line in screen_text(app).splitlines()[2:-2] if label in line)


async def go_to(pilot: Pilot[None], path: str) -> None:
    panel_of(pilot.app).focus()  # type: ignore[arg-type]
    panel_of(pilot.app).focus_row(path)  # type: ignore[arg-type]
    await pilot.pause()


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


def place_of(app: WorkbenchApp, label: str, text: str) -> tuple[int, int]:
    """The cell of a text in the row of that label."""
    lines = screen_text(app).splitlines()
    y = next(number for number, line in enumerate(lines) if label in line[:30] and number > 1)
    return lines[y].index(text, lines[y].index(label)), y


@pytest.mark.parametrize("size", [WIDE, NARROW, (200, 50), (36, 12)])
def test_the_row_at_the_cursor_is_always_in_view(tmp_path: Path, size: tuple[int, int]) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "end")
        assert path_at_cursor(app) == "preset"
        assert "Preset" in screen_text(app)
        await press(pilot, "pageup", "j", "k", "up")
        row = panel_of(app).row
        assert row is not None
        assert row.label[:9] in screen_text(app).lower()
        await press(pilot, "home")
        assert "Data" in screen_text(app)

    drive(app, steps, size)


def test_hidden_rows_are_counted(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        assert "below" in screen_text(app)
        await press(pilot, "end")
        assert "above" in screen_text(app)
        assert "below" not in screen_text(app)

    drive(app, steps, WIDE)


def test_the_hint_says_what_a_setting_means_and_may_be(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "optimizer.learning_rate")
        assert hint(app).strip() == (
            "learning rate  step size; the most important setting · number > 0, ≤ 1000 · M measures it · default 0.001"
        )
        await go_to(pilot, "data.batch_size")
        assert "samples per batch · whole number ≥ 1, ≤ 10,000,000 samples · M measures it · default 64" in hint(app)

    drive(app, steps)


def test_where_the_line_is_short_the_bounds_stay(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "training.gradient_clip_norm")
        assert hint(app).strip().endswith("default 0.0 (off)")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert hint(app).strip().endswith("… · number ≥ 0")
        assert len(hint(app)) <= 80
        await go_to(pilot, "data.batch_size")
        assert hint(app).strip() == "batch size  whole number ≥ 1, ≤ 10,000,000 samples · M measures it"

    drive(app, steps)


def test_where_there_is_room_help_stands_beside_each_setting_and_an_error_in_its_place(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "optimizer.learning_rate")
        assert "step size" in line_of(app, "learning rate")
        await press(pilot, "enter", "0")
        assert "✗ must be greater than 0" in line_of(app, "learning rate")
        await press(pilot, ".", "1")
        assert "must be" not in screen_text(app)

    drive(app, steps, WIDE)


def test_a_narrow_row_says_that_it_is_wrong_and_the_hint_why(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "training.early_stopping_min_delta")
        await press(pilot, "enter", *"-1", "enter")
        assert "✗ -1 ●" in line_of(app, "early … delta")
        assert "✗ must be at least 0" in hint(app)
        assert "✗ 1 invalid" in screen_text(app)

    drive(app, steps, NARROW)


def test_down_takes_a_value_and_moves_on(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "model.hidden")
        await press(pilot, "enter", *"64", "down")
        assert app.draft.preset.flat()["model.hidden"] == (64,)
        assert path_at_cursor(app) == "model.dropout"
        await press(pilot, "enter", *"0.5", "tab")
        assert app.draft.preset.flat()["model.dropout"] == 0.5
        assert panel_of(app).has_focus

    drive(app, steps)


def test_keys_of_the_screen_are_text_in_a_field(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "description")
        await press(pilot, "enter", *"quit", "space", *"x/1", "enter")
        assert app.draft.preset.description == "quit x/1"

    drive(app, steps)


def test_saving_in_the_midst_of_typing_saves_what_was_typed(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    Preset(name="mine").save(path)
    app = make_app(tmp_path / "runs", chosen=Preset.load(path), path=path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "training.epochs")
        await press(pilot, "enter", *"77", "ctrl+s")
        await app.workers.wait_for_complete([worker for worker in app.workers if worker.group == "presets"])
        assert Preset.load(path).training.epochs == 77

    drive(app, steps)


def test_a_choice_is_made_from_a_list_with_explanations(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "loss")
        await press(pilot, "enter")
        text = screen_text(app)
        assert "● cross entropy" in text
        assert "Mean of |prediction - target|: outliers weigh less." in text
        await press(pilot, "down")
        assert "Mean of (prediction - target) squared: the usual choice for numbers." in hint(app)
        await press(pilot, "escape")
        assert app.draft.preset == app.draft.opened
        await press(pilot, "enter", "h", "enter")
        assert app.draft.preset.loss.label() == "huber"
        assert "delta" in screen_text(app)
        await press(pilot, "delete")
        assert not app.draft.is_changed

    drive(app, steps)


@pytest.mark.parametrize("size", [WIDE, NARROW, (200, 50)])
@pytest.mark.parametrize("path", ["data", "validation", "runtime.precision", "training.monitor"])
def test_a_list_leaves_its_row_in_sight_and_stays_on_the_screen(
    tmp_path: Path, size: tuple[int, int], path: str
) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, path)
        row = panel_of(app).row
        assert row is not None
        await press(pilot, "enter")
        region = app.screen.query_one(ChoiceList).region
        assert app.screen.region.contains_region(region)
        _, y = place_of(app, row.label.capitalize() if row.is_head else row.label, row.value)
        assert not region.y <= y < region.bottom

    drive(app, steps, size)


@pytest.mark.parametrize(
    ("path", "typed", "chosen"),
    [
        ("data", "csv", "csv"),
        ("data.normalize", "standard", "standard"),
        ("optimizer", "adam", "adam"),
        ("optimizer", "rms", "rmsprop"),
        ("loss", "linear far", "huber"),
    ],
)
def test_typing_narrows_a_list_of_choices(tmp_path: Path, path: str, typed: str, chosen: str) -> None:
    """screen/REPORT #10: letters used to jump, and csv picked svhn, standard picked none."""
    app = fast_app(tmp_path)
    app.draft.enter("data.normalize", "none")

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, path)
        await press(pilot, "enter", *typed)
        assert app.screen.query_one(ChoiceList).border_title == typed
        await press(pilot, "enter")
        table = app.draft.rows()
        assert next(row.chosen for row in table if row.path == path) == chosen

    drive(app, steps)


def test_a_narrowed_list_is_cleared_and_then_left_by_escape(tmp_path: Path) -> None:
    """screen/REPORT #10."""
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "optimizer")
        await press(pilot, "enter", *"sgdx")
        choices = app.screen.query_one(ChoiceList)
        assert choices.option_count == 0
        assert "no choice of that name" in screen_text(app)
        await press(pilot, "enter")
        assert app.draft.preset == app.draft.opened
        await press(pilot, "backspace")
        assert choices.option_count >= 1
        await press(pilot, "escape")
        assert choices.option_count == len(panel_of(app).row.choices)  # type: ignore[union-attr]
        await press(pilot, "escape")
        assert panel_of(app).has_focus
        assert app.draft.preset == app.draft.opened

    drive(app, steps)


@pytest.mark.parametrize("size", [WIDE, NARROW, (200, 50)])
def test_a_list_opens_where_there_is_more_room_for_it(tmp_path: Path, size: tuple[int, int]) -> None:
    """screen/REPORT #44: the list of optimizers opened downward in 7 rows while 24 rows were free above."""
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "optimizer")
        row = panel_of(app).row
        assert row is not None
        _, y = place_of(app, "Optimizer", row.value)
        await press(pilot, "enter")
        region = app.screen.query_one(ChoiceList).region
        above, below = y, size[1] - y - 3
        assert region.height == min(len(row.choices) + 2, max(above, below))

    drive(app, steps, size)


def test_a_search_narrows_the_list_and_enter_jumps(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "slash", *"warmup")
        assert "2 found" in screen_text(app)
        assert "batch size" not in screen_text(app)
        assert path_at_cursor(app) == "schedule.warmup_epochs"
        await press(pilot, "down", "enter")
        assert path_at_cursor(app) == "schedule.warmup_start"
        assert "batch size" in screen_text(app)

    drive(app, steps)


@pytest.mark.parametrize(("typed", "path"), [("lr", "optimizer.learning_rate"), ("bs", "data.batch_size")])
def test_initials_find_a_setting(tmp_path: Path, typed: str, path: str) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "/", *typed, "enter")
        assert path_at_cursor(app) == path

    drive(app, steps)


def test_escape_ends_a_search_where_it_began(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "model.dropout")
        await press(pilot, "slash", *"warmup", "escape")
        assert path_at_cursor(app) == "model.dropout"
        await press(pilot, "slash", *"no such thing")
        assert "no setting of that name" in screen_text(app)
        await press(pilot, "enter")
        assert path_at_cursor(app) == "model.dropout"

    drive(app, steps)


def test_what_is_found_in_a_folded_table_is_unfolded(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        assert "description" not in screen_text(app)
        await press(pilot, "slash", *"description", "enter")
        assert path_at_cursor(app) == "description"

    drive(app, steps, (200, 50))


def test_folded_families_say_what_they_hide(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "optimizer.learning_rate")
        await press(pilot, "right", "F")
        assert "adam ▸ ●" in line_of(app, "Optimizer")
        assert "betas" not in screen_text(app)
        assert "epochs 20" in line_of(app, "Training")
        app.draft.enter("loss.label_smoothing", "2")
        panel_of(app).show(app.draft)
        await pilot.pause()
        assert "✗" in line_of(app, "Loss")
        await press(pilot, "F")
        assert "learning rate" in screen_text(app)

    drive(app, steps, WIDE)


def test_what_a_run_in_progress_uses_stays_in_sight(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "optimizer.learning_rate")
        panel_of(app).show(app.draft, app.draft.preset.override(["optimizer.learning_rate=0.01", "loss.name=mse"]))
        await press(pilot, "down")
        assert re.search(r"0.001 run(ning|:) 0.01", line_of(app, "learning rate"))
        await press(pilot, "up")
        assert "running 0.01" in hint(app)
        await pilot.resize_terminal(80, 24)
        await press(pilot, "up", "up", "up", "up")
        assert re.search(r"run(ning|:) 0.01", line_of(app, "learning rate"))
        assert "running mse" in line_of(app, "Loss")

    drive(app, steps, NARROW)


def test_how_many_settings_are_out_of_sight_is_never_cut_off(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        panel = panel_of(app)
        panel.expect(Expectation(parameters=535_818, peak_bytes=306 * 2**20))
        await press(pilot, "1")
        assert panel.footing().plain == "536 k parameters  18 below"
        panel.action_move(40)
        await pilot.pause()
        assert panel.footing().plain == "306 MiB  10 above  8 below"
        await pilot.resize_terminal(*WIDE)
        await pilot.pause()
        assert "536 k parameters  306 MiB" in panel.footing().plain
        panel.expect(Expectation(parameters=42, learns="y: 2 classes (a, b)"))
        assert "learns y: 2 classes (a, b)  42 parameters" in panel.footing().plain

    drive(app, steps, NARROW)


def test_the_mouse_selects_edits_steps_and_folds(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.click(offset=place_of(app, "dropout", "dropout"))
        await pilot.pause()
        assert path_at_cursor(app) == "model.dropout"
        await pilot.click(offset=place_of(app, "dropout", "›"))
        await pilot.pause()
        assert app.draft.preset.flat()["model.dropout"] == 0.05
        x, y = place_of(app, "dropout", "‹")
        await pilot.click(offset=(x - 1, y))  # an arrow is one cell: a neighbour counts
        await pilot.pause()
        assert not app.draft.is_changed
        await pilot.click(offset=place_of(app, "betas", "0.9"))
        await pilot.pause()
        assert app.screen.query_one(ValueField).value == "0.9, 0.999"
        await pilot.press(*"0.5, 0.6")
        await pilot.click(offset=place_of(app, "flip", "off"))
        await pilot.pause()
        assert app.draft.preset.flat()["optimizer.betas"] == (0.5, 0.6)
        assert app.draft.preset.flat()["data.flip"] is True
        await pilot.click(offset=place_of(app, "Model", "Model"))
        await pilot.click(offset=place_of(app, "Model", "Model"))
        await pilot.pause()
        assert "hidden" not in screen_text(app)

    drive(app, steps)


def test_a_click_on_what_was_found_goes_there(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "slash", *"seed")
        await pilot.click(offset=place_of(app, "seed", "seed"))
        await pilot.pause()
        assert path_at_cursor(app) == "validation.seed"
        assert panel_of(app).has_focus
        assert "batch size" in screen_text(app)

    drive(app, steps)


def test_the_wheel_scrolls_but_not_under_a_field(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        panel = panel_of(app)
        panel._scroll_view(3)
        await pilot.pause()
        assert path_at_cursor(app) == "data"
        assert "3 above" in screen_text(app)
        await go_to(pilot, "optimizer.eps")
        await press(pilot, "enter", *"1e-5")
        panel._scroll_view(3)
        await press(pilot, "enter")
        assert app.draft.preset.flat()["optimizer.eps"] == 1e-5

    drive(app, steps)


def test_a_resized_screen_keeps_the_field_over_its_row(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "optimizer.eps")
        await press(pilot, "enter", *"1e-5")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        await pilot.pause()
        assert "1e-5" in line_of(app, "  eps")
        await press(pilot, "enter")
        assert app.draft.preset.flat()["optimizer.eps"] == 1e-5

    drive(app, steps)


def test_in_plain_ascii_the_panel_draws_nothing_else(tmp_path: Path) -> None:
    app = fast_app(tmp_path, ascii_only=True)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "optimizer.learning_rate")
        await press(pilot, "right", "enter", "0", "enter", "F")
        lines = panel_of(app).lines(76, 20)
        assert all(character.isascii() for line in lines for character in line.plain)

    drive(app, steps, WIDE)


def test_an_empty_value_is_not_called_as_a_choice_is(tmp_path: Path) -> None:
    """screen/REPORT #26: numeric none meant auto, folder none the default."""
    app = fast_app(tmp_path)
    app.draft.enter("data", "csv")

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "data.numeric")
        assert "all of numbers" in line_of(app, "numeric")
        assert "default all of numbers" in hint(app)

    drive(app, steps, (200, 50))


def test_settings_are_a_runs_own_whatever_rate_was_set_by_hand_since() -> None:
    """screen #2: a run that was resumed is still "this run" above the settings that it was started with."""
    draft = Draft(Preset())
    run = Preset().model_copy(update={"changes": (Change(step=600, learning_rate=0.02),)})
    assert _same_training(draft, run)
    assert not _same_training(draft, run.override(["data.batch_size=8"]))
    assert not _same_training(Draft(run), Preset())


def test_settings_without_effect_are_not_listed_but_found_and_shown_once_they_are_set(tmp_path: Path) -> None:
    """screen/REPORT #26."""
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        assert "normalize target" not in screen_text(app)
        assert "warmup epochs" in screen_text(app)
        assert "warmup start" not in screen_text(app)
        await press(pilot, "slash", *"warmup start", "enter")
        assert path_at_cursor(app) == "schedule.warmup_start"
        assert "0.01 no effect" in line_of(app, "warmup start")
        assert "no effect here: only with warmup epochs · factor at which" in hint(app)
        await press(pilot, "right", "up")
        assert "0.02" in line_of(app, "warmup start"), "what was set is not lost in silence"
        await press(pilot, "right", "down")
        assert "no effect" not in line_of(app, "warmup start")
        await press(pilot, "u", "u")
        await go_to(pilot, "training.epochs")
        assert "warmup start" not in [row.label for row in panel_of(app)._rows]

    drive(app, steps, (200, 50))


def test_values_stand_in_one_column_however_long_their_names_are(tmp_path: Path) -> None:
    """screen/REPORT #42: "early stopping patience 0" ran over the column."""
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "training.early_stopping_min_delta")
        for name in ("  epochs", "early … patience", "early … delta"):
            before, value = line_of(app, name)[:21], line_of(app, name)[21:]
            assert before.rstrip().endswith(name), "and before the value there is a blank"
            assert before.endswith(" ")
            assert value[0].isdigit()
        assert "early stopping min delta" in hint(app)

    drive(app, steps, NARROW)


def test_a_table_says_its_sense_and_what_zero_and_nothing_stand_for(tmp_path: Path) -> None:
    """screen/REPORT #26 and #28: no heading looks like a choice without a value."""
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        assert " how long, seed " in line_of(app, "Training")
        assert " 0 never " in line_of(app, "early stopping patience")
        await go_to(pilot, "training.early_stopping_patience")
        assert "default 0 (never)" in hint(app)
        await press(pilot, "enter", *"5", "enter", "enter", *"never", "enter")
        assert app.draft.preset.training.early_stopping_patience == 0

    drive(app, steps, (200, 50))


def test_undo_moves_to_the_setting_and_says_what_it_did(tmp_path: Path) -> None:
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await press(pilot, "u")
        assert "there is nothing to undo" in hint(app)
        assert "u undo" not in screen_text(app)
        await go_to(pilot, "data.batch_size")
        await press(pilot, "right", "right", "end")
        assert "u undo" in screen_text(app)
        await press(pilot, "2", "u")
        assert app.draft.preset.data.batch_size == 64
        assert path_at_cursor(app) == "data.batch_size"
        assert "undone: batch size 256 → 64" in hint(app)
        await press(pilot, "ctrl+r")
        assert "redone: batch size 64 → 256" in hint(app)

    drive(app, steps)


def test_a_narrowed_list_stays_beside_its_row(tmp_path: Path) -> None:
    """A list above its row kept its height, and the choice that matched stood far from the row."""
    app = fast_app(tmp_path)

    async def steps(pilot: Pilot[None]) -> None:
        await go_to(pilot, "optimizer")
        _, y = place_of(app, "Optimizer", "adam")
        await press(pilot, "enter", *"sg")
        choices = app.screen.query_one(ChoiceList)
        assert [option.id for option in choices.options] == ["sgd", "amsgrad", "asgd", "adabound"]
        assert (choices.region.bottom, choices.region.height) == (y, 6)
        await press(pilot, "escape")
        assert (choices.region.bottom, choices.region.height) == (y, y), "as many as have room above"

    drive(app, steps)

"""Each change of the form can be undone and redone, and is said in a few words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.settings import library
from workbench.settings.optimizer import Adam, Sgd
from workbench.settings.preset import Preset
from workbench.ui.form.draft import Draft

RATE, BATCH = "optimizer.learning_rate", "data.batch_size"


@pytest.mark.parametrize(
    ("change", "undone", "redone"),
    [
        (lambda draft: draft.enter(BATCH, "32"), "batch size 32 → 64", "batch size 64 → 32"),
        (lambda draft: draft.enter(BATCH, "many"), "batch size many → 64", "batch size 64 → many"),
        (lambda draft: draft.enter(RATE, "1e-4..1e-1"), "learning rate 1e-4..1e-1 → 0.001", None),
        (lambda draft: draft.choose("optimizer", "sgd"), "optimizer sgd → adam", "optimizer adam → sgd"),
        (lambda draft: draft.choose("data", "csv"), "data csv → digits", None),
        (lambda draft: draft.step("model.batch_norm", 1), "batch norm on → off", None),
        (lambda draft: draft.enter("description", "mine"), "description mine → not set", None),
        (
            lambda draft: draft.assign([f"{RATE}=0.1", f"{BATCH}=32"]),
            "batch size 32 → 64, learning rate 0.1 → 0.001",
            None,
        ),
        (
            lambda draft: draft.take(Preset(optimizer=Sgd(), name="a", description="b")),
            "optimizer sgd → adam, name a → unnamed and 1 more",
            None,
        ),
        (lambda draft: draft.open(library.load("iris"), library.find("iris")), "preset iris → unnamed", None),
    ],
)
def test_a_change_is_undone_and_redone(change: Callable[[Draft], object], undone: str, redone: str | None) -> None:
    draft = Draft(Preset())
    change(draft)
    after = draft.rows()
    back = draft.undo()
    assert back is not None
    assert back.words == undone
    assert (draft.preset, draft.opened, draft.problems, draft.is_changed) == (Preset(), Preset(), {}, False)
    again = draft.redo()
    assert again is not None
    assert draft.rows() == after
    assert redone is None or again.words == redone


def test_the_cursor_moves_to_what_was_undone() -> None:
    draft = Draft(Preset())
    draft.enter(RATE, "0.1")
    draft.choose("optimizer", "sgd")
    undone = [draft.undo(), draft.undo(), draft.undo()]
    assert [made and made.path for made in undone] == ["optimizer", RATE, None]


def test_stepping_a_setting_again_and_again_is_one_change() -> None:
    draft = Draft(Preset())
    for direction in (1, 1, 1, -1):
        draft.step(BATCH, direction)
    assert draft.preset.data.batch_size == 256
    draft.step(RATE, 1)
    draft.step(BATCH, 1)
    words = [made.words for made in (draft.undo(), draft.undo(), draft.undo()) if made is not None]
    assert words == ["batch size 512 → 256", "learning rate 0.002 → 0.001", "batch size 256 → 64"]


def test_what_changes_nothing_is_no_change() -> None:
    draft = Draft(Preset())
    draft.enter(BATCH, "64")
    draft.revert()
    draft.reset("optimizer")
    draft.step(BATCH, 1)
    draft.step(BATCH, -1)
    assert draft.undo() is None
    draft.enter(BATCH, "32")
    draft.step(RATE, 1)
    draft.step(RATE, -1)
    made = draft.undo()
    assert made is not None
    assert made.words == "batch size 32 → 64"


def test_a_step_after_an_undo_is_a_change_of_its_own() -> None:
    draft = Draft(Preset())
    draft.step(BATCH, 1)
    draft.step(RATE, 1)
    draft.undo()
    draft.step(BATCH, 1)
    draft.undo()
    assert draft.preset.data.batch_size == 128


def test_a_new_change_forgets_what_was_undone() -> None:
    draft = Draft(Preset())
    draft.enter(BATCH, "32")
    draft.undo()
    draft.enter(RATE, "0.1")
    assert draft.redo() is None
    assert draft.preset == Preset(optimizer=Adam(learning_rate=0.1))


def test_what_was_typed_wrongly_and_left_behind_comes_back() -> None:
    draft = Draft(Preset())
    draft.enter("optimizer.betas", "x")
    draft.choose("optimizer", "sgd")
    draft.undo()
    assert draft.problems == {"optimizer.betas": "entry 1 needs a number"}
    draft.undo()
    assert draft.problems == {}


def test_opening_a_preset_can_be_undone_with_all_edits() -> None:
    draft = Draft(Preset(), Path("mine.toml"))
    draft.enter(BATCH, "32")
    draft.open(library.load("iris"), library.find("iris"))
    draft.undo()
    assert (draft.preset.data.batch_size, draft.opened, draft.path) == (32, Preset(), Path("mine.toml"))
    assert list(draft.changes()) == [BATCH]
    draft.redo()
    assert (draft.opened, draft.path, draft.is_changed) == (library.load("iris"), library.find("iris"), False)


def test_saving_is_not_undone_but_what_was_done_before_is() -> None:
    draft = Draft(Preset(), Path("mine.toml"))
    draft.enter(BATCH, "32")
    draft.enter(RATE, "0.1")
    saved = draft.preset.model_copy(update={"name": "shop", "description": "sales"})
    draft.saved(saved, Path("shop.toml"))
    assert (draft.is_changed, draft.path) == (False, Path("shop.toml"))
    made = draft.undo()
    assert made is not None
    assert made.words == "learning rate 0.1 → 0.001"
    assert (draft.path, draft.opened.name, draft.preset.name) == (Path("shop.toml"), "shop", "shop")
    assert draft.changes() == {RATE: (0.1, 0.001)}
    draft.undo()
    draft.redo()
    draft.redo()
    assert (draft.preset, draft.is_changed) == (saved, False)

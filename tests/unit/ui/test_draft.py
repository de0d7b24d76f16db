"""A draft is a valid preset at every moment, keeps what is not valid yet as it was typed, and says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.errors import PresetError
from workbench.settings import library
from workbench.settings.changes import Change
from workbench.settings.optimizer import Adam, AdamW, Sgd
from workbench.settings.preset import FAMILIES, Preset
from workbench.ui.form.command import assignments
from workbench.ui.form.draft import Draft
from workbench.ui.form.fields import TABLES
from workbench.ui.form.rows import Row

LEARNING_RATE = "optimizer.learning_rate"


def row(draft: Draft, path: str) -> Row:
    return next(row for row in draft.rows() if row.path == path)


def test_every_setting_of_a_preset_has_a_row_under_its_family() -> None:
    rows = Draft(Preset()).rows()
    assert [row.path for row in rows if row.is_head] == list(TABLES)
    tags = {f"{name}.{family.tag}" for name, family in FAMILIES.items()}
    assert {row.path for row in rows if not row.is_head} == set(Preset().flat()) - tags
    assert all(row.help for row in rows)


def test_a_row_says_what_a_person_needs_to_know() -> None:
    learning_rate = row(Draft(Preset()), LEARNING_RATE)
    assert (learning_rate.label, learning_rate.value) == ("learning rate", "0.001")
    assert (learning_rate.bounds, learning_rate.default) == ("number > 0, ≤ 1000", "0.001")
    assert row(Draft(Preset()), "data.batch_size").unit == "samples"


def test_the_choices_of_a_family_come_with_their_explanations() -> None:
    optimizer = row(Draft(Preset()), "optimizer")
    assert optimizer.value == "adam"
    assert [label for label, _ in optimizer.choices] == FAMILIES["optimizer"].labels
    assert all(explanation for _, explanation in optimizer.choices)
    assert row(Draft(Preset()), "loss").value == "cross entropy"


def test_what_is_typed_is_taken() -> None:
    draft = Draft(Preset())
    assert draft.enter(LEARNING_RATE, "3e-3") is None
    assert draft.enter("model.hidden", "64, 32") is None
    assert draft.enter("data.flip", "on") is None
    assert draft.enter("training.monitor", "f1 macro") is None
    assert draft.preset.flat()[LEARNING_RATE] == 0.003
    assert draft.preset.flat()["model.hidden"] == (64, 32)
    assert draft.preset.flat()["data.flip"] is True
    assert draft.preset.training.monitor == "f1_macro"


@pytest.mark.parametrize(
    ("path", "text", "problem"),
    [
        (LEARNING_RATE, "0", "must be greater than 0"),
        (LEARNING_RATE, "1001", "must be at most 1000"),
        (LEARNING_RATE, "fast", "needs a number"),
        (LEARNING_RATE, "", "needs a number"),
        (LEARNING_RATE, "nan", "needs a finite number"),
        ("training.epochs", "1.5", "needs a whole number"),
        ("training.epochs", "9" * 30, "must be at most 1000000"),
        ("data.flip", "maybe", "needs on or off"),
        ("optimizer.betas", "0.9", "needs at least 2 entries"),
        ("optimizer.betas", "0.9, 1", "entry 2 must be less than 1"),
        ("optimizer.betas", "0.9, x", "entry 2 needs a number"),
        ("runtime.device", "gpu", "must be auto, cpu, cuda, cuda:N or mps"),
        ("name", "two words", "must be letters, digits, _ . + -"),
        ("runtime.precision", "double", "must be 'float32', 'tf32', 'bf16' or 'fp16'"),
        ("loss.class_weights", "heavy", "must be 'equal' or 'balanced' or needs a list, such as 1, 2"),
        ("loss.class_weights", "1, -2", "entry 2 must be at least 0"),
    ],
)
def test_what_cannot_be_is_answered_in_a_few_words(path: str, text: str, problem: str) -> None:
    draft = Draft(Preset())
    assert draft.check(path, text) == problem
    assert (draft.preset, draft.problems) == (Preset(), {})
    assert draft.enter(path, text) == problem
    assert draft.problems == {path: problem}
    assert draft.preset == Preset()
    assert (row(draft, path).value, row(draft, path).problem) == (text, problem)
    assert draft.is_changed


def test_a_setting_that_another_one_forbids_waits_until_that_is_changed() -> None:
    draft = Draft(Preset(optimizer=Sgd(momentum=0.0)))
    problem = draft.enter("optimizer.nesterov", "on")
    assert problem == "nesterov needs momentum above 0 and dampening 0"
    assert list(draft.problems) == ["optimizer.nesterov"]
    assert draft.enter("optimizer.momentum", "0.9") is None
    assert draft.problems == {}
    assert draft.preset.optimizer == Sgd(momentum=0.9, nesterov=True)


def test_the_row_that_was_edited_is_the_one_at_fault() -> None:
    draft = Draft(Preset(optimizer=Sgd(nesterov=True)))
    assert draft.enter("optimizer.momentum", "0") == "nesterov needs momentum above 0 and dampening 0"
    assert list(draft.problems) == ["optimizer.momentum"]
    draft.enter("optimizer.nesterov", "off")
    assert draft.problems == {}
    assert draft.preset.optimizer == Sgd(momentum=0.0)


def test_another_choice_keeps_what_both_have_and_takes_its_own_defaults() -> None:
    draft = Draft(Preset(optimizer=Adam(learning_rate=0.02, betas=(0.5, 0.6))))
    draft.choose("optimizer", "sgd")
    assert draft.preset.optimizer == Sgd(learning_rate=0.02)
    draft.choose("optimizer", "adamw")
    assert draft.preset == Preset(optimizer=AdamW(learning_rate=0.02, weight_decay=0.0))


def test_coming_back_to_a_choice_finds_it_as_it_was_left() -> None:
    draft = Draft(Preset())
    draft.enter("optimizer.betas", "0.5, 0.6")
    draft.choose("optimizer", "sgd")
    draft.enter(LEARNING_RATE, "0.3")
    draft.choose("optimizer", "adam")
    assert draft.preset.optimizer == Adam(learning_rate=0.3, betas=(0.5, 0.6))


def test_what_was_typed_into_a_choice_that_is_left_holds_nobody_up() -> None:
    draft = Draft(Preset())
    draft.enter("optimizer.betas", "x")
    draft.choose("optimizer", "sgd")
    assert draft.problems == {}


def test_a_choice_that_lacks_something_waits_for_it() -> None:
    draft = Draft(Preset())
    draft.choose("data", "csv")
    assert draft.problems == {"data.file": "is needed", "data.target": "is needed"}
    assert draft.preset == Preset()
    assert draft.is_changed
    assert draft.changes()["data.name"] == ("digits", "csv")
    paths = [row.path for row in draft.rows() if row.table == "data"]
    assert paths[:3] == ["data", "data.file", "data.target"]
    draft.enter("data.file", "my flowers.csv")
    draft.enter("data.batch_size", "16")
    draft.enter("data.target", "species")
    assert draft.problems == {}
    flat = draft.preset.flat()
    assert (flat["data.file"], flat["data.target"], flat["data.batch_size"]) == ("my flowers.csv", "species", 16)


def test_steps_are_round_numbers() -> None:
    draft = Draft(Preset())
    draft.enter(LEARNING_RATE, "0.003")
    draft.step(LEARNING_RATE, 1)
    assert row(draft, LEARNING_RATE).value == "0.005"
    draft.enter(LEARNING_RATE, "0.003")
    draft.step(LEARNING_RATE, -1)
    assert row(draft, LEARNING_RATE).value == "0.002"


def test_a_step_replaces_what_was_wrong() -> None:
    draft = Draft(Preset())
    draft.enter("training.epochs", "many")
    draft.step("training.epochs", 1)
    assert draft.problems == {}
    assert draft.preset.training.epochs == 20


def test_stepping_a_family_takes_the_next_choice_round_and_round() -> None:
    draft = Draft(Preset())
    for _ in FAMILIES["activation"].labels:
        draft.step("activation", 1)
    assert draft.preset == Preset()
    draft.step("activation", -1)
    assert draft.preset.activation.label() == FAMILIES["activation"].labels[-1]


def test_rows_that_differ_from_the_opened_preset_are_marked() -> None:
    draft = Draft(Preset())
    assert not any(row.changed for row in draft.rows())
    draft.step("data.batch_size", 1)
    draft.choose("optimizer", "sgd")
    assert [row.path for row in draft.rows() if row.changed] == ["data.batch_size", "optimizer"]
    assert draft.changes()["data.batch_size"] == (64, 128)
    assert draft.changes()["optimizer.name"] == ("adam", "sgd")


def test_reset_goes_back_to_the_opened_preset_not_to_the_default() -> None:
    draft = Draft(Preset(optimizer=Adam(learning_rate=0.02)))
    draft.enter(LEARNING_RATE, "-1")
    draft.reset(LEARNING_RATE)
    assert (draft.problems, draft.is_changed) == ({}, False)
    draft.choose("optimizer", "sgd")
    draft.enter("optimizer.momentum", "0.5")
    draft.reset("optimizer.momentum")
    assert draft.preset.optimizer == Sgd(learning_rate=0.02)
    draft.reset("optimizer")
    assert not draft.is_changed


def test_revert_forgets_everything_and_saving_makes_it_the_new_measure() -> None:
    draft = Draft(Preset())
    draft.choose("data", "csv")
    draft.enter(LEARNING_RATE, "0")
    draft.revert()
    assert (draft.preset, draft.problems, draft.is_changed) == (Preset(), {}, False)
    draft.enter(LEARNING_RATE, "0.5")
    draft.open(draft.preset, Path("mine.toml"))
    assert (draft.is_changed, draft.path) == (False, Path("mine.toml"))
    assert draft.preset.optimizer.learning_rate == 0.5


def test_settings_of_another_preset_are_taken_as_changes() -> None:
    draft = Draft(library.load("fast"), library.find("fast"))
    draft.take(library.load("iris"))
    assert draft.preset == library.load("iris")
    assert draft.opened == library.load("fast")
    assert draft.is_changed


def test_assignments_are_taken_as_the_command_line_takes_them_and_marked_as_changes() -> None:
    draft = Draft(Preset())
    draft.enter("training.epochs", "many")
    draft.assign(["optimizer.weight_decay=0.05", "optimizer.name=adamw", "model.hidden=[64, 32]"])
    assert isinstance(draft.preset.optimizer, AdamW)
    assert draft.preset.optimizer.weight_decay == 0.05
    assert row(draft, "model.hidden").changed
    assert draft.problems.keys() == {"training.epochs"}, "what was being typed is still there"


def test_assignments_that_do_not_fit_change_nothing() -> None:
    draft = Draft(Preset())
    with pytest.raises(PresetError, match="batch_size"):
        draft.assign(["training.epochs=3", "data.batch_sise=5"])
    assert draft.changes() == {}


CHANGES = (Change(step=600, learning_rate=0.02), Change(step=900, learning_rate=0.001))
SHOWN = "{step = 600, learning_rate = 0.02}, {step = 900, learning_rate = 0.001}"


def test_the_changes_of_a_run_are_seen_when_its_settings_are_taken_and_can_be_dropped() -> None:
    """screen #13: what a run will do at step 600 must not be hidden."""
    draft = Draft(Preset())
    draft.take(Preset(changes=CHANGES))
    assert (row(draft, "changes").value, row(draft, "changes").changed) == (SHOWN, True)
    assert list(draft.changes()) == ["changes"]
    draft.enter("optimizer.learning_rate", "0.5")
    assert draft.preset.changes == CHANGES, "another setting leaves them alone"
    draft.reset("changes")
    assert draft.preset == Preset(optimizer=Adam(learning_rate=0.5))


def test_changes_can_be_typed_as_they_are_shown() -> None:
    draft = Draft(Preset())
    assert draft.enter("changes", SHOWN) is None
    assert draft.preset == Preset(changes=CHANGES)
    assert draft.enter("changes", "{step = 600, learning_rate = 2000}") == "must be at most 1000"
    assert "must increase" in (draft.enter("changes", SHOWN.replace("900", "600")) or "")
    assert draft.preset == Preset(changes=CHANGES), "what is wrong stays in the row"
    assert draft.enter("changes", "") is None
    assert draft.preset == Preset()


def test_the_command_line_of_settings_with_changes_gives_them_back() -> None:
    target = Preset(changes=CHANGES)
    assert Preset().override(assignments(Preset(), target)) == target
    assert target.override(assignments(target, Preset())) == Preset()


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("validation", "own", '"own" is now called "predefined"'),
        ("runtime.engine", "graph", '"graph" is now called "cuda_graph"'),
        ("runtime.data_loading", "loader", '"loader" is now called "dataloader"'),
        ("optimizer", "adan", "is not known; did you mean adam?"),
        ("validation", "nothing", "is not known; known: holdout, predefined, none, k_fold, leave_one_out"),
    ],
)
def test_an_old_value_is_answered_with_the_new_one(path: str, text: str, fault: str) -> None:
    draft = Draft(Preset(), None)
    assert draft.check(path, text) == fault
    assert draft.enter(path, text) == fault

"""A range typed where a value belongs asks for a search; the draft stays a valid preset meanwhile."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from workbench.settings.preset import Preset
from workbench.settings.search import Range
from workbench.ui.form.draft import Draft
from workbench.ui.form.rows import Row

RATE = "optimizer.learning_rate"


def row(draft: Draft, path: str) -> Row:
    return next(row for row in draft.rows() if row.path == path)


def test_a_range_is_shown_in_its_row_and_the_value_stays() -> None:
    draft = Draft(Preset())
    assert draft.enter(RATE, "1e-4..1e-1 x20") is None
    assert (row(draft, RATE).value, row(draft, RATE).changed) == ("1e-4..1e-1 x20", True)
    assert draft.preset == Preset()
    assert draft.search() == ({RATE: Range(low=1e-4, high=0.1)}, 20)
    assert draft.asks_for_search
    assert draft.changes() == {RATE: (0.001, "1e-4..1e-1 x20")}


def test_choices_of_a_family_are_a_search_of_its_name() -> None:
    draft = Draft(Preset())
    assert draft.enter("activation", "relu|gelu|mish") is None
    assert row(draft, "activation").value == "relu|gelu|mish"
    assert draft.preset == Preset()
    assert draft.search() == ({"activation.name": Range(choices=("relu", "gelu", "mish"))}, None)
    draft.enter("activation", "gelu")
    assert not draft.asks_for_search, "a single choice takes the place of the search"
    assert draft.preset.activation.name == "gelu"


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (RATE, "1e-1..1e-4", "low must be less than high"),
        (RATE, "0..1 log", "a log range must begin above 0"),
        (RATE, "-1..1", "-1.0 is not possible"),
        (RATE, "1e-4..1e-1 x0", "the number of trials must be at least 1"),
        ("activation", "relu|gely", '"gely" is not known; did you mean gelu?'),
        ("data.batch_size", "16|0", "0 is not possible"),
        ("training.monitor", "loss|accuracy", "cannot be searched"),
    ],
)
def test_a_wrong_range_is_a_fault_of_its_row(path: str, text: str, said: str) -> None:
    draft = Draft(Preset())
    assert said in (draft.check(path, text) or "")
    assert draft.changes() == {}, "checking changes nothing"
    assert said in (draft.enter(path, text) or "")
    assert said in row(draft, path).problem
    assert list(draft.problems) == [path]
    draft.reset(path)
    assert draft.problems == {}
    assert not draft.asks_for_search


def test_two_numbers_of_trials_contradict_each_other() -> None:
    draft = Draft(Preset())
    draft.enter(RATE, "1e-4..1e-1 x20")
    assert draft.enter("data.batch_size", "16|32 x30") == "both 20 and 30 trials are asked for; name one number"


def test_what_is_a_value_of_the_setting_is_no_range() -> None:
    draft = Draft(Preset.from_mapping({"data": {"name": "csv", "file": "a.csv", "target": "y"}}, "a test"))
    assert draft.enter("data.delimiter", "|") is None
    assert not draft.asks_for_search
    assert draft.preset.data.delimiter == "|"  # type: ignore[union-attr]


def test_a_range_of_a_choice_that_was_left_is_forgotten() -> None:
    draft = Draft(Preset())
    draft.choose("optimizer", "sgd")
    draft.enter("optimizer.momentum", "0.5..0.99")
    draft.choose("optimizer", "adam")
    assert not draft.asks_for_search


def test_stepping_takes_the_place_of_a_range() -> None:
    draft = Draft(Preset())
    draft.enter(RATE, "1e-4..1e-1")
    draft.step(RATE, 1)
    assert not draft.asks_for_search
    assert draft.preset.optimizer.learning_rate == 0.002


def test_the_command_is_the_one_that_searches(tmp_path: Path) -> None:
    preset = Preset(name="mine")
    preset.save(tmp_path / "mine.toml")
    draft = Draft(preset, tmp_path / "mine.toml")
    draft.enter(RATE, "1e-4..1e-1 x20")
    assert shlex.split(draft.command()) == [
        "workbench", "tune", "search", "--preset", str(tmp_path / "mine.toml"), "--search", f"{RATE}=1e-4..1e-1 x20",
    ]  # fmt: skip


def test_the_presets_own_ranges_are_searched_too_and_typed_ones_take_their_place() -> None:
    own = {RATE: Range(low=1e-3, high=1e-2), "training.weight_decay": Range(low=0.0, high=0.1)}
    draft = Draft(Preset(search=own))
    assert not draft.asks_for_search, "space trains such a preset"
    draft.enter(RATE, "1e-4..1e-1")
    assert draft.search()[0] == own | {RATE: Range(low=1e-4, high=0.1)}

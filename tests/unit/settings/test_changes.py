"""`[[changes]]` of a preset (screen #13): read, written, checked, and described in words."""

from __future__ import annotations

import pytest

from workbench.errors import PresetError
from workbench.settings.changes import Change, in_words, read
from workbench.settings.explain import explain
from workbench.settings.preset import Preset

TOML = """
[[changes]]
step = 600
learning_rate = 0.02

[[changes]]
step = 900
learning_rate = 1

[optimizer]
learning_rate = 0.01
"""


def test_changes_survive_saving_and_loading() -> None:
    preset = Preset.from_toml(TOML, "x")
    assert preset.changes == (Change(step=600, learning_rate=0.02), Change(step=900, learning_rate=1.0))
    assert Preset.from_toml(preset.to_toml(), "y") == preset
    assert Preset.from_mapping(preset.to_mapping(), "z") == preset


def test_changes_are_at_the_end_and_alter_nothing_before_them() -> None:
    preset = Preset.from_toml(TOML, "x")
    without = preset.model_copy(update={"changes": ()}).to_toml()
    assert preset.to_toml().partition("\n[[changes]]")[0] == without
    assert "changes" not in without


def test_a_rate_survives_the_file_bit_for_bit() -> None:
    rate = 0.1 + 0.2
    preset = Preset(changes=(Change(step=0, learning_rate=rate),))
    assert Preset.from_toml(preset.to_toml(), "x").changes[0].learning_rate == rate


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("step = 5\nlearning_rate = 2000", "changes[0].learning_rate: found 2000; must be at most 1000"),
        ("step = 5\nlearning_rate = 0.0", "changes[0].learning_rate: found 0.0; must be greater than 0"),
        ("step = -1\nlearning_rate = 1.0", "changes[0].step: found -1; must be at least 0"),
        ("step = 1", "changes[0].learning_rate: is needed"),
        ("step = 1\nlearning_rat = 1.0", "did you mean learning_rate?"),
        ("step = 5\nlearning_rate = 1.0\n[[changes]]\nstep = 5\nlearning_rate = 2.0", "but 5 follows 5"),
        ("step = 5\nlearning_rate = 1.0\n[[changes]]\nstep = 4\nlearning_rate = 2.0", "but 4 follows 5"),
    ],
)
def test_invalid_changes_are_refused_with_their_place(text: str, said: str) -> None:
    with pytest.raises(PresetError) as refused:
        Preset.from_toml(f"[[changes]]\n{text}\n", "x.toml")
    assert said in str(refused.value)


def test_changes_can_be_set_and_removed_on_the_command_line() -> None:
    preset = Preset().override(["changes=[{step = 7, learning_rate = 0.5}]"])
    assert preset.changes == (Change(step=7, learning_rate=0.5),)
    assert preset.override(["changes=[]"]) == Preset()


def test_changes_in_words() -> None:
    assert in_words(0.01, [(600, 0.02), (9000, 0.01)]) == "0.01 → 0.02 at step 600 → 0.01 at step 9,000"
    many = [(step, step / 10) for step in range(1, 13)]
    assert in_words(1.0, many) == "1 → 1.2 at step 12 (the last of 12 changes)"
    assert in_words(0.01, []) == ""
    assert in_words(None, [(600, 0.02)]) == "0.02 at step 600"


def test_valid_changes_are_read_from_an_unchecked_preset() -> None:
    assert read([{"step": 6, "learning_rate": 0.5}, {"step": 7}, "x", {"step": [], "learning_rate": 1}]) == [(6, 0.5)]
    assert read(None) == read(["relu"]) == read("text") == []


def test_changes_are_explained_like_every_table() -> None:
    [(title, summary, rows)] = explain("changes")
    assert (title, summary) == ("changes", "A new learning rate from a step on.")
    assert [(name, bounds) for name, bounds, *_ in rows] == [
        ("step", "whole number, ≥ 0"),
        ("learning_rate", "number, > 0, ≤ 1000"),
    ]

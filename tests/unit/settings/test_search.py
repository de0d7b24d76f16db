"""The `[search]` table of a preset is read, saved and checked, and no run has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.errors import PresetError
from workbench.settings import explain
from workbench.settings.preset import Preset
from workbench.settings.search import Range
from workbench.ui.form.command import assignments
from workbench.ui.form.draft import Draft

TABLE = """
name = "searched"

[search]
"optimizer.learning_rate" = { low = 1e-4, high = 1e-1, log = true }
"data.batch_size" = { low = 16, high = 64, step = 16 }
"activation.name" = { choices = ["relu", "gelu"] }
"model.hidden" = { choices = [[64], [128, 64]] }
"""
RANGES = {
    "optimizer.learning_rate": Range(low=1e-4, high=1e-1, log=True),
    "data.batch_size": Range(low=16, high=64, step=16),
    "activation.name": Range(choices=("relu", "gelu")),
    "model.hidden": Range(choices=((64,), (128, 64))),
}


def test_the_table_is_read_saved_and_read_again(tmp_path: Path) -> None:
    preset = Preset.from_toml(TABLE, "test")
    assert preset.search == RANGES
    preset.save(tmp_path / "saved.toml")
    assert Preset.load(tmp_path / "saved.toml") == preset
    assert '"data.batch_size" = {low = 16, high = 64, step = 16}\n' in (tmp_path / "saved.toml").read_text()


def test_no_run_has_it() -> None:
    preset = Preset.from_toml(TABLE, "test")
    assert "[search]" not in preset.to_toml()
    assert Preset.from_toml(preset.to_toml(), "run") == preset.without_search()
    assert not [path for path in preset.flat() if path.startswith("search")]
    assert preset.differences(preset.without_search()) == {}


def test_a_preset_without_it_is_as_before(tmp_path: Path) -> None:
    Preset().save(tmp_path / "plain.toml")
    assert "search" not in (tmp_path / "plain.toml").read_text()
    assert "search" not in Preset().to_mapping()


def test_another_setting_keeps_it() -> None:
    changed = Preset.from_toml(TABLE, "test").override(["optimizer.name=sgd"])
    assert (changed.optimizer.name, changed.search) == ("sgd", RANGES)
    assert changed.with_absolute_paths().search == RANGES


def test_the_form_keeps_it_without_showing_it() -> None:
    preset = Preset.from_toml(TABLE, "test")
    draft = Draft(preset)
    assert draft.enter("training.epochs", "7") is None
    assert (draft.preset.training.epochs, draft.preset.search) == (7, RANGES)
    assert set(draft.changes()) == {"training.epochs"}
    assert not [row.path for row in draft.rows() if "search" in row.path]
    assert assignments(preset, draft.preset) == ["training.epochs=7"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('"a.b" = {low = 2, high = 2}', "search.a.b: low must be less than high, but 2 is not less than 2"),
        ('"a.b" = {low = 0, high = 1, log = true}', "a log range must begin above 0, but low is 0"),
        ('"a.b" = {low = 1, high = 9, log = true, step = 1}', "a log range takes no step"),
        ('"a.b" = {low = 1, high = 9, step = 0}', "step must be above 0 and at most high - low, but it is 0"),
        ('"a.b" = {low = 1}', "search.a.b: needs low and high, or choices"),
        ('"a.b" = {low = nan, high = 1}', "search.a.b.low: must be a finite number"),
        ('"a.b" = {low = "1", high = 2}', "search.a.b.low: must be a finite number"),
        ('"a.b" = {choices = []}', "choices is empty"),
        ('"a.b" = {choices = [1, 1]}', "choices has 1 twice"),
        ('"a.b" = {choices = [1], low = 1}', "has choices, so it takes no low"),
        ('"a.b" = {choices = [1979-05-27]}', "a choice must be text, a finite number"),
        ('"a.b" = {lo = 1, high = 2}', "unknown setting; did you mean low?"),
        ('"a.b" = 3', "search.a.b: found 3; needs a table"),
    ],
)
def test_what_is_no_range_is_refused_with_its_line(line: str, problem: str) -> None:
    with pytest.raises(PresetError) as refused:
        Preset.from_toml(f"[search]\n{line}\n", "test.toml")
    assert problem in str(refused.value)
    assert str(refused.value).startswith("test.toml: line 2, ")


def test_a_path_without_quotes_is_explained() -> None:
    with pytest.raises(PresetError, match=r"whole path of a setting, in quotes.*found optimizer\.learning_rate$"):
        Preset.from_toml("[search]\noptimizer.learning_rate = {low = 1, high = 2}", "test.toml")


def test_it_is_explained_and_in_the_schema() -> None:
    [(title, _, rows)] = explain.explain("search")
    assert (title, [name for name, *_ in rows]) == ("search", ["low", "high", "log", "step", "choices"])
    schema = json.loads(explain.schema())
    assert schema["properties"]["search"]["additionalProperties"] == {"$ref": "#/$defs/Range"}
    assert schema["$defs"]["Range"]["additionalProperties"] is False

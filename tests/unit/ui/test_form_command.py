"""The command of a draft, run by a shell, trains exactly what the app would: whatever has been chosen and typed."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.settings.strategies import presets
from workbench.settings import library
from workbench.settings.preset import FAMILIES, Preset
from workbench.tuning.ranges import is_range
from workbench.ui.form.command import assignments
from workbench.ui.form.draft import Draft

EXHAUSTIVE = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

NO_RANGES = st.text(max_size=6).filter(lambda text: not is_range(text))
"""What is typed as one value; a range makes the command one that searches."""
ODD_TEXTS = (
    "", "1", "1e5", "true", "nan", "2020-01-01", " a ", "a b", "it's", '"q"', "a=b", "[x]", "{}", "#", "$HOME", "`ls`",
    "a\nb", "\t", "\x7f", "é", "\U0001f600", "\\", "-x", "'", "a,b", "]",
)  # fmt: skip


def trained_by(command: str) -> Preset:
    """What the command line would train."""
    words = shlex.split(command)
    assert words[:2] == ["workbench", "--preset"]
    assert words[3::2] == ["--set"] * len(words[3::2])
    return library.load(words[2]).override(words[4::2])


def same(one: Preset, other: Preset) -> bool:
    return one == other and one.to_toml() == other.to_toml()


@EXHAUSTIVE
@given(presets(), presets())
def test_assignments_lead_from_any_preset_to_any_other(base: dict[str, Any], target: dict[str, Any]) -> None:
    before, after = Preset.from_mapping(base, "base"), Preset.from_mapping(target, "target")
    assert same(before.override(assignments(before, after)), after)


@EXHAUSTIVE
@given(st.sampled_from(library.names()), presets())
def test_the_command_gives_any_preset_from_any_that_was_opened(name: str, target: dict[str, Any]) -> None:
    draft = Draft(library.load(name), library.find(name))
    draft.take(Preset.from_mapping(target, "target"))
    assert same(trained_by(draft.command()).with_absolute_paths(), draft.preset.with_absolute_paths())


@EXHAUSTIVE
@given(presets())
def test_without_a_file_the_command_starts_from_a_preset_that_everyone_has(target: dict[str, Any]) -> None:
    draft = Draft(Preset.from_mapping(target, "target"))
    assert same(trained_by(draft.command()).with_absolute_paths(), draft.preset.with_absolute_paths())


@EXHAUSTIVE
@given(st.data())
def test_the_command_follows_whatever_is_done_in_the_form(data: st.DataObject) -> None:
    draft = Draft(library.load("fast"), library.find("fast"))
    for _ in range(data.draw(st.integers(1, 8))):
        row = data.draw(st.sampled_from(draft.rows()))
        match data.draw(st.sampled_from(("step", "enter", "reset", "choose"))):
            case "step":
                draft.step(row.path, data.draw(st.sampled_from((-1, 1))))
            case "enter":
                draft.enter(row.path, data.draw(st.sampled_from(ODD_TEXTS) | NO_RANGES))
            case "reset":
                draft.reset(row.path)
            case "choose":
                family = FAMILIES[data.draw(st.sampled_from(list(FAMILIES)))]
                draft.choose(family.name, data.draw(st.sampled_from(family.labels)))
        assert Preset.from_toml(draft.preset.to_toml(), "draft") == draft.preset
        assert set(draft.problems) <= {row.path for row in draft.rows()}
        assert draft.is_changed == bool(draft.changes())
    assert same(trained_by(draft.command()).with_absolute_paths(), draft.preset.with_absolute_paths())


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_any_text_survives_the_shell(text: str) -> None:
    base = library.load("module-template").to_mapping()
    base["data"]["arguments"] = {"a.b": text, "c": 1, "d": True, "e": 1.0}
    draft = Draft(library.load("module-template"), library.find("module-template"))
    draft.take(Preset.from_mapping({**base, "description": text}, "target"))
    assert same(trained_by(draft.command()).with_absolute_paths(), draft.preset.with_absolute_paths())


def test_an_unchanged_preset_needs_only_its_name() -> None:
    draft = Draft(library.load("fast"), library.find("fast"))
    assert draft.command() == "workbench --preset fast"
    draft.enter("optimizer.learning_rate", "0.005")
    assert draft.command() == "workbench --preset fast --set optimizer.learning_rate=0.005"


def test_defaults_are_not_repeated_when_another_choice_is_taken() -> None:
    draft = Draft(library.load("fast"), library.find("fast"))
    draft.choose("optimizer", "sgd")
    assert draft.command() == "workbench --preset fast --set optimizer.name=sgd"


def test_a_preset_that_no_name_leads_to_is_given_by_its_file(tmp_path: Path) -> None:
    path = tmp_path / "my own.toml"
    Preset(name="mine").save(path)
    assert Draft(Preset.load(path), path).command() == f"workbench --preset '{path}'"


def test_a_file_that_was_deleted_is_not_referred_to(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    Preset(name="mine").save(path)
    draft = Draft(Preset.load(path), path)
    path.unlink()
    assert "mine.toml" not in draft.command()
    assert trained_by(draft.command()) == draft.preset


def test_a_run_of_a_known_preset_goes_by_that_name() -> None:
    draft = Draft(library.load("iris").override(["training.epochs=3"]))
    assert draft.command() == "workbench --preset iris --set training.epochs=3"


def test_a_file_that_the_preset_has_by_its_whole_path_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """screen/REPORT #25: the command had --set data.file=my.csv, redundant, and wrong in another folder."""
    monkeypatch.chdir(tmp_path)
    chosen = Preset(name="mine").override(["data.name=csv", "data.file=my.csv", "data.target=bought"])
    path = tmp_path / "mine.toml"
    chosen.with_absolute_paths().save(path)
    assert Draft(chosen, path).command() == f"workbench --preset {path}"
    draft = Draft(Preset.load(path), path)
    draft.enter("data.file", "other.csv")
    assert draft.command() == f"workbench --preset {path} --set 'data.file=\"{tmp_path / 'other.csv'}\"'"

"""Renamed settings and values: refused in presets, accepted in the files of older runs."""

from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from workbench.errors import PresetError
from workbench.runs.directory import RunDirectory
from workbench.runs.preset_text import flattened
from workbench.runs.row import RunRow
from workbench.settings import library
from workbench.settings.differing import differing as differing_in_all
from workbench.settings.preset import Preset
from workbench.settings.renamed import RENAMED, RENAMED_VALUES, with_present_paths
from workbench.ui.form.differences import differing, in_a_line
from workbench.ui.form.draft import Draft

OLD = """\
name = "old"

[runtime]
engine = "graph"
feed = "loader"
threads = 3

[schedule]
name = "step"
every = 4

[training]
clip_norm = 0.5
accumulation = 2

[validation]
method = "own"
"""


def refused(text: str) -> str:
    with pytest.raises(PresetError) as error:
        Preset.from_toml(text, "old.toml")
    return str(error.value)


def test_an_old_name_in_a_preset_is_refused_with_its_line_and_the_new_name() -> None:
    assert refused("[training]\n\nclip_norm = 1.0") == (
        "old.toml: line 3, training.clip_norm is now called training.gradient_clip_norm"
    )
    problems = refused(OLD)
    for said in (
        'line 4, runtime.engine: "graph" is now called "cuda_graph"',
        'line 5, runtime.feed is now called runtime.data_loading and "loader" is now called "dataloader"',
        "line 6, runtime.threads is now called runtime.num_threads",
        "line 10, schedule.every is now called schedule.step_size",
        "line 13, training.clip_norm is now called training.gradient_clip_norm",
        "line 14, training.accumulation is now called training.gradient_accumulation",
        'line 17, validation.method: "own" is now called "predefined"',
    ):
        assert said in problems


@pytest.mark.parametrize("old", RENAMED)
def test_every_old_name_is_refused_with_the_new_one(old: str) -> None:
    table, _, key = old.rpartition(".")
    choice = {"every": 'name = "step"', "peak_at": 'name = "one_cycle"'}.get(key, "")
    found = refused(f"[{table}]\n{key} = 1\n{choice}")
    assert f"line 2, {old} is now called {RENAMED[old]}" in found


@pytest.mark.parametrize(("path", "old"), [(path, old) for path, values in RENAMED_VALUES.items() for old in values])
def test_every_old_value_is_refused_with_the_new_one(path: str, old: str) -> None:
    table, _, key = path.rpartition(".")
    new = RENAMED_VALUES[path][old]
    said = f'{path}: "{old}" is now called "{new}"'
    assert refused(f'[{table}]\n{key} = "{old}"') == f"old.toml: line 2, {said}"
    with pytest.raises(PresetError, match=f"--set: {said}"):
        Preset().override([f"{path}={old}"])
    assert Preset().override([f"{path}={new}"]).flat()[path] == new


def test_an_old_name_of_another_choice_is_only_unknown() -> None:
    """Cosine has no step_size, so the message must not name it."""
    assert "schedule.every: unknown setting of cosine" in refused('[schedule]\nname = "cosine"\nevery = 3')


def test_an_old_assignment_is_refused() -> None:
    with pytest.raises(PresetError, match=r"--set: runtime\.threads is now called runtime\.num_threads"):
        Preset().override(["runtime.threads=2"])
    with pytest.raises(PresetError, match=r"runtime\.threads is now called runtime\.num_threads"):
        Preset().override(["runtime.num_threads=4", "runtime.threads=2"])


def test_the_form_gives_the_new_name_of_an_old_value() -> None:
    draft = Draft(Preset())
    assert draft.enter("runtime.engine", "graph") == '"graph" is now called "cuda_graph"'
    assert draft.preset == Preset()
    with pytest.raises(PresetError, match=r"runtime\.threads is now called runtime\.num_threads"):
        draft.assign(["runtime.threads=2"])
    assert draft.preset == Preset()


def test_the_preset_of_an_old_run_keeps_its_meaning(tmp_path: Path) -> None:
    path = tmp_path / "preset.toml"
    path.write_text(OLD)
    preset = Preset.of_run(path)
    assert preset == Preset(name="old").override(
        [
            "runtime.engine=cuda_graph",
            "runtime.data_loading=dataloader",
            "validation.method=predefined",
            "runtime.num_threads=3",
            "schedule.name=step",
            "schedule.step_size=4",
            "training.gradient_clip_norm=0.5",
            "training.gradient_accumulation=2",
        ]
    )
    assert Preset.from_toml(preset.to_toml(), "new") == preset, "saved, it is a preset of today"


def test_only_the_preset_of_a_run_may_have_old_names(tmp_path: Path) -> None:
    """`workbench --preset runs/RUN/preset.toml --set ...` is what a completed run says to do."""
    path = tmp_path / "preset.toml"
    path.write_text(OLD)
    with pytest.raises(PresetError, match="is now called"):
        library.load(str(path))
    (tmp_path / "events.jsonl").touch()
    assert library.load(str(path)).runtime.num_threads == 3
    other = tmp_path / "other.toml"
    other.write_text(OLD)
    with pytest.raises(PresetError, match="is now called"):
        library.load(str(other))


def test_a_run_with_a_value_under_both_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "preset.toml"
    path.write_text("[runtime]\nnum_threads = 1\nthreads = 2")
    with pytest.raises(PresetError, match=r"line 3, runtime\.threads is now called runtime\.num_threads"):
        Preset.of_run(path)


def test_a_wrong_value_under_an_old_name_is_reported_under_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "preset.toml"
    path.write_text('[runtime]\nthreads = "two"')
    with pytest.raises(PresetError, match=r"runtime\.num_threads: found \"two\""):
        Preset.of_run(path)


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_the_new_names_are_settings_and_the_old_ones_are_not(old: str, new: str) -> None:
    names = {
        path
        for schedule in ("constant", "step", "one_cycle")
        for path in Preset().override([f"schedule.name={schedule}"]).flat()
    }
    assert new in names
    assert old not in names
    assert old.rpartition(".")[0] == new.rpartition(".")[0]


def test_the_settings_in_an_old_checkpoint_get_new_names() -> None:
    old = flattened(tomllib.loads(OLD))
    assert with_present_paths(json.loads(json.dumps(old))) == {
        "name": "old",
        "runtime.engine": "cuda_graph",
        "runtime.data_loading": "dataloader",
        "runtime.num_threads": 3,
        "schedule.name": "step",
        "schedule.step_size": 4,
        "training.gradient_clip_norm": 0.5,
        "training.gradient_accumulation": 2,
        "validation.method": "predefined",
    }


def row(text: str) -> RunRow:
    return RunRow(RunDirectory(Path("run")), "completed", "fast", datetime.now(UTC), flattened(tomllib.loads(text)))


def test_an_old_run_differs_by_values_not_by_names() -> None:
    new = Preset().override(["runtime.data_loading=dataloader"]).to_toml()
    old = new.replace("num_threads", "threads").replace('data_loading = "dataloader"', 'feed = "loader"')
    assert "\nthreads = 0" in old
    assert '\nfeed = "loader"' in old
    assert differing_in_all([row(new).settings, row(old).settings]) == {}
    assert differing_in_all([row(new).settings, row(old.replace("threads = 0", "threads = 1")).settings]) == {
        "runtime.num_threads": [0, 1]
    }
    assert "threads" not in in_a_line(row(old), differing(row(old)))
    changed = row(old.replace("threads = 0", "threads = 1"))
    assert "num threads 1" in in_a_line(changed, differing(changed))

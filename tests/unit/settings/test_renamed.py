"""Settings that were renamed: what was written under the old name is read, and written under the new one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from workbench.errors import PresetError
from workbench.runs.directory import RunDirectory
from workbench.runs.preset_text import flattened
from workbench.runs.row import RunRow
from workbench.settings.preset import Preset
from workbench.settings.renamed import RENAMED
from workbench.ui.form.differences import differs
from workbench.ui.screens.compare import differing_settings


def test_an_old_preset_is_read_and_saved_under_the_new_name(tmp_path: Path) -> None:
    """Also the preset.toml of an old run, which resuming reads the same way."""
    path = tmp_path / "old.toml"
    path.write_text("[runtime]\nthreads = 3\nfeed = 'loader'\n")
    preset = Preset.load(path)
    assert preset.runtime.num_threads == 3
    assert preset.runtime.data_loading == "dataloader"
    written = preset.to_toml()
    assert "num_threads = 3" in written
    assert "\nthreads" not in written
    assert Preset.from_toml(written, "new") == preset


def test_an_old_assignment_means_the_new_setting() -> None:
    assert Preset().override(["runtime.threads=2"]).runtime.num_threads == 2
    assert Preset().override(["runtime.num_threads=4", "runtime.threads=2"]).runtime.num_threads == 2


def test_a_value_under_both_names_is_refused() -> None:
    with pytest.raises(PresetError, match=r"line 3, runtime\.threads: unknown setting; did you mean num_threads"):
        Preset.from_toml("[runtime]\nnum_threads = 1\nthreads = 2", "both")


def test_a_wrong_value_under_the_old_name_is_told_under_the_new_one() -> None:
    with pytest.raises(PresetError, match=r"runtime\.num_threads: found \"two\""):
        Preset.from_toml('[runtime]\nthreads = "two"', "old")


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_the_new_names_are_settings_and_the_old_ones_are_not(old: str, new: str) -> None:
    flat = Preset().flat()
    assert new in flat
    assert old not in flat
    assert old.rpartition(".")[0] == new.rpartition(".")[0]


def row(text: str) -> RunRow:
    import tomllib

    return RunRow(RunDirectory(Path("run")), "completed", "fast", datetime.now(UTC), flattened(tomllib.loads(text)))


def test_an_old_run_differs_by_its_values_not_by_a_name() -> None:
    new = Preset().to_toml()
    old = new.replace("num_threads", "threads")
    assert "threads = 0" in old
    assert differing_settings([row(new), row(old)]) == {}
    assert differing_settings([row(new), row(old.replace("threads = 0", "threads = 1"))]) == {
        "runtime.num_threads": [0, 1]
    }
    assert "threads" not in differs(row(old))
    assert "num_threads 1" in differs(row(old.replace("threads = 0", "threads = 1")))

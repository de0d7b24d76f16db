"""Runs, and the runs of a study, are written together, and nothing else in the folder is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.tensorboard.test_run_writer import append, begun, scalars, steps
from workbench.errors import StorageError, UsageError
from workbench.headless.exports.tensorboard import export
from workbench.headless.options import Options
from workbench.runs.directory import RunDirectory, create_run
from workbench.settings.preset import Preset
from workbench.tuning.directory import StudyDirectory

NOON = 1_795_521_600.0


def run_in(folder: Path, losses: int) -> RunDirectory:
    run = create_run(folder, "made", Preset(name="made").to_toml())
    append(run, *begun(), steps(1, [1.0] * losses, 1.0, NOON + 5))
    return run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_run_has_its_folder(tmp_path: Path) -> None:
    runs = [run_in(tmp_path / "runs", 3), run_in(tmp_path / "runs", 5)]
    exported = export(runs, tmp_path / "out" / "tb", Options())
    assert exported.path == str(tmp_path / "out" / "tb")
    assert exported.facts == {"runs": [run.name for run in runs]}
    assert exported.bytes == sum(file.stat().st_size for file in (tmp_path / "out").rglob("events*"))
    assert names(tmp_path / "out") == ["tb"]
    assert [len(scalars(tmp_path / "out" / "tb" / run.name, "loss/step")) for run in runs] == [3, 5]


def test_in_a_folder_that_is_there_only_these_runs_are_replaced(tmp_path: Path) -> None:
    run, folder = run_in(tmp_path / "runs", 3), tmp_path / "tb"
    export([run], folder, Options())
    (folder / run.name / "old").touch()
    (folder / "notes.txt").touch()
    append(run, steps(4, [1.0], 2.0, NOON + 6))
    export([run], folder, Options())
    assert names(folder) == sorted([run.name, "notes.txt"])
    assert not (folder / run.name / "old").exists()
    assert len(scalars(folder / run.name, "loss/step")) == 4
    assert names(tmp_path) == ["runs", "tb"]


def test_a_run_that_has_told_nothing_leaves_nothing_behind(tmp_path: Path) -> None:
    silent = create_run(tmp_path / "runs", "made", Preset().to_toml())
    with pytest.raises(StorageError, match="has recorded nothing yet"):
        export([run_in(tmp_path / "runs", 3), silent], tmp_path / "tb", Options())
    assert names(tmp_path) == ["runs"]


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    run = run_in(tmp_path / "runs", 3)
    with pytest.raises(UsageError, match="name each once"):
        export([run, run], tmp_path / "tb", Options())
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        export([run], tmp_path / "file", Options())
    with pytest.raises(StorageError, match="cannot write"):
        export([run], tmp_path / "file" / "below", Options())


def test_a_study_is_its_runs(tmp_path: Path) -> None:
    study = StudyDirectory(tmp_path / "study")
    study.trials.mkdir(parents=True)
    with pytest.raises(UsageError, match="trained together leave none"):
        export([study], tmp_path / "tb", Options())
    trials = [run_in(study.trials, 3), run_in(study.trials, 5)]
    create_run(study.trials, "waiting", Preset().to_toml())
    export([study], tmp_path / "tb", Options())
    assert names(tmp_path / "tb") == sorted(trial.name for trial in trials)

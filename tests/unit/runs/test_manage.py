"""Finding, renaming and deleting runs: what is refused, and that nothing else is touched."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.ui.made import write_run
from workbench.errors import StorageError, UsageError
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.manage import delete_run, find_runs, rename_run, why_in_use
from workbench.runs.study import StudyMembership

NAMES = ("20261124T110000Z-fast-0001", "20261124T120000Z-fast-0002", "20261124T130000Z-iris-0003", "mine")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "preset.toml").write_text('name = "x"\n')
        (tmp_path / "runs" / name / "events.jsonl").touch()
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("words", "every", "found"),
    [
        (["iris"], False, [2]),
        (["iris", "mine", "0003"], False, [2, 3]),
        (["fast*"], False, [0, 1]),
        (["*"], False, [0, 1, 2, 3]),
        (["20261124T1[12]*"], False, [0, 1]),
        (["min?"], False, [3]),
        (["fast"], True, [0, 1]),
        (["00", "fast"], True, [0, 1, 2]),
        (["iris-0003"], True, [2]),
    ],
)
def test_runs_are_found_by_parts_and_patterns(runs: Path, words: list[str], every: bool, found: list[int]) -> None:
    assert [run.name for run in find_runs(runs, words, every=every)] == [NAMES[number] for number in found]


def test_a_run_is_found_by_its_path_with_all_others_or_alone(runs: Path) -> None:
    path = str(runs / NAMES[2])
    for every in (False, True):
        assert find_runs(runs, [path], every=every) == [RunDirectory(runs / NAMES[2])]


@pytest.mark.parametrize(
    ("word", "every", "said"),
    [
        ("fast", False, "several runs match 'fast': 20261124T110000Z-fast-0001, 20261124T120000Z-fast-0002"),
        ("irs-0003", False, "there is no run 'irs-0003'"),
        ("x*", False, "no run in .* has a name like"),
        ("nothing", True, "there is no run 'nothing'"),
    ],
)
def test_a_word_that_names_no_run_or_several_is_refused(runs: Path, word: str, every: bool, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        find_runs(runs, ["mine", word], every=every)


def test_a_run_in_progress_or_about_to_start_is_neither_renamed_nor_deleted(tmp_path: Path) -> None:
    live = write_run(tmp_path, "20261124T120000Z-live-0001", alive=True)
    new = create_run(tmp_path, "fast", "")
    for run, said in ((live, "is in progress: stop it first"), (new, "is about to start: stop it first")):
        assert why_in_use(run) == said
        with pytest.raises(UsageError, match=f"{run.name} {said}"):
            delete_run(run)
        with pytest.raises(UsageError, match=said):
            rename_run(run, "mine")
        assert run.preset.exists()
    old = new.path.rename(tmp_path / f"{datetime.now(UTC):%Y}0101T000000Z-fast-0000")
    assert why_in_use(RunDirectory(old)) == ""


def test_a_run_is_renamed_with_all_its_files(tmp_path: Path) -> None:
    run = write_run(tmp_path, NAMES[0], ending="completed")
    files = {path.name for path in run.path.iterdir()}
    renamed = rename_run(run, "base-line.2+x")
    assert renamed == RunDirectory(tmp_path / "base-line.2+x")
    assert not run.path.exists()
    assert {path.name for path in renamed.path.iterdir()} == files
    assert rename_run(renamed, renamed.name) == renamed


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/tmp/x", "-rf", ".x", "a b", "ä", "x" * 129, "a\n", "a\x1b"])
def test_an_impossible_name_is_refused(runs: Path, name: str) -> None:
    with pytest.raises(UsageError, match="a run cannot be called"):
        rename_run(RunDirectory(runs / NAMES[0]), name)
    assert sorted(path.name for path in runs.iterdir()) == sorted(NAMES)


def test_what_is_there_is_not_replaced(runs: Path) -> None:
    (runs / "file").touch()
    (runs / "empty").mkdir()
    (runs / "link").symlink_to("nowhere")
    for name in ("mine", "file", "empty", "link"):
        with pytest.raises(UsageError, match=f"there is already a {name} in {runs}"):
            rename_run(RunDirectory(runs / NAMES[0]), name)
    assert (runs / NAMES[0]).exists()


def test_a_trial_of_a_study_keeps_its_name(runs: Path) -> None:
    run = RunDirectory(runs / NAMES[0])
    StudyMembership("search-1").save(run.study)
    with pytest.raises(UsageError, match="is a trial of the study search-1, which knows it by its name"):
        rename_run(run, "mine2")
    assert run.preset.exists()


def test_deleting_follows_no_link(runs: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    shutil.copytree(runs / NAMES[0], theirs)
    (runs / "linked").symlink_to(theirs)
    with pytest.raises(UsageError, match=f"linked is a link to {theirs}: remove the link"):
        delete_run(RunDirectory(runs / "linked"))
    inside = RunDirectory(runs / NAMES[0])
    (inside.path / "checkpoints").symlink_to(theirs)
    (inside.path / "file").symlink_to(theirs / "preset.toml")
    delete_run(inside)
    assert not inside.path.exists()
    assert sorted(path.name for path in theirs.iterdir()) == ["events.jsonl", "preset.toml"]


def test_what_the_disk_refuses_is_said(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    run = RunDirectory(runs / NAMES[0])
    monkeypatch.setattr(shutil, "rmtree", refuse)
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(StorageError, match=f"cannot delete {run.path}: Permission denied"):
        delete_run(run)
    with pytest.raises(StorageError, match=f"cannot rename {run.path} to other: Permission denied"):
        rename_run(run, "other")

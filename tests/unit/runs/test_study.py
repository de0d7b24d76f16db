"""A run belongs to a study or to none, and the table of runs shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui.made import write_run
from workbench.errors import StorageError
from workbench.runs import directory, row_memory
from workbench.runs.catalogue import Catalogue
from workbench.runs.directory import create_run
from workbench.runs.row import RunRow, by_study
from workbench.runs.study import StudyMembership, read_study

STUDY = "20261127T120000Z-search-1a2b"
PRESET = 'name = "fast"\n'


def test_a_run_stores_its_study(tmp_path: Path) -> None:
    assert read_study(create_run(tmp_path, "fast", PRESET, study=STUDY).study) == STUDY
    alone = create_run(tmp_path, "fast", PRESET)
    assert read_study(alone.study) is None
    assert not alone.study.exists()


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"study": 5}', '{"study": null}', '{"study": ""}', '{"study": "../x"}',
     '{"study": "a\\u0007"}', '{"study": "' + 256 * "x" + '"}', "[" * 10_000],
)  # fmt: skip
def test_a_file_without_a_study_is_ignored(tmp_path: Path, content: str) -> None:
    run = create_run(tmp_path, "fast", PRESET, study=STUDY)
    run.study.write_text(content)
    assert read_study(run.study) is None
    [row] = Catalogue(tmp_path).rows()
    assert (row.study, row.broken) == (None, False)


def test_fields_of_a_newer_version_are_ignored(tmp_path: Path) -> None:
    run = create_run(tmp_path, "fast", PRESET)
    run.study.write_text('{"study": "one", "trial": 3}')
    assert read_study(run.study) == "one"


@pytest.mark.parametrize("study", ["", "..", "a/b", "a\nb", 256 * "x"])
def test_an_invalid_study_id_creates_no_run(tmp_path: Path, study: str) -> None:
    with pytest.raises(ValueError, match="no study can be called"):
        create_run(tmp_path / "runs", "fast", PRESET, study=study)
    assert not (tmp_path / "runs").exists()


def test_a_full_disk_leaves_no_directory_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **named: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(directory, "write_text_atomically", full)
    with pytest.raises(StorageError):
        create_run(tmp_path, "fast", PRESET, study=STUDY)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three runs of two studies, alternating with two without a study."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(row_memory, "LEAST_NEWS", 1)
    folder = tmp_path / "runs"
    for number, study in enumerate(("one", None, "two", "one", None)):
        ending = "completed" if number else ""
        run = write_run(folder, f"20261124T1{number}0000Z-fast-000{number}", steps=100, ending=ending)
        if study is not None:
            StudyMembership(study).save(run.study)
    return folder


def names(rows: list[RunRow]) -> list[str]:
    return [row.run.name[-1] for row in rows]


def test_runs_are_grouped_by_study(runs: Path) -> None:
    groups = by_study(Catalogue(runs).rows())
    assert {study: names(rows) for study, rows in groups.items()} == {None: ["4", "1"], "one": ["3", "0"], "two": ["2"]}


def test_the_study_is_remembered_with_the_row(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Catalogue(runs).rows()

    def unread(file: Path) -> str | None:
        raise AssertionError(f"{file} is read again")

    monkeypatch.setattr("workbench.runs.catalogue.read_study", unread)
    assert Catalogue(runs).rows() == before

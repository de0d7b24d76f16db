"""Remembered rows equal those that would be read; an invalid memory only costs time."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ui.made import write_run
from tests.unit.settings.strategies import presets
from workbench.runs import catalogue, row_memory
from workbench.runs.catalogue import Catalogue
from workbench.runs.preset_text import PresetReader, flattened
from workbench.settings import library
from workbench.settings.preset import Preset


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(row_memory, "LEAST_NEWS", 1)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    for number, ending in enumerate(("completed", "stopped", "failed", "")):
        write_run(folder, f"20261124T1{number}0000Z-fast-000{number}", steps=400, ending=ending)
    write_run(folder, "20261124T150000Z-live-0004", steps=400, alive=True)
    (folder / "20261124T160000Z-bad-0005").mkdir()
    (folder / "20261124T160000Z-bad-0005" / "preset.toml").write_text("= no toml")
    return folder


def memory(tmp_path: Path) -> Path:
    [file] = (tmp_path / "cache").rglob("*.json")
    return file


def read_by(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs whose files are read from now on."""
    read: list[str] = []
    row = catalogue._row

    def counted(run: Any, *arguments: Any, **named: Any) -> Any:
        read.append(run.name[-4:])
        return row(run, *arguments, **named)

    monkeypatch.setattr(catalogue, "_row", counted)
    return read


def states(folder: Path) -> dict[Path, tuple[int, ...]]:
    """The part of each file's status that writing changes, not reading (the access time)."""
    stats = {path: path.stat() for path in folder.rglob("*")}
    return {path: (it.st_mode, it.st_size, it.st_mtime_ns, it.st_ctime_ns) for path, it in stats.items()}


def test_ended_runs_are_not_read_again_at_the_next_start(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only runs in progress and broken runs are read again."""
    before = Catalogue(runs).rows()
    files = states(runs)
    read = read_by(monkeypatch)
    assert Catalogue(runs).rows() == before
    assert sorted(read) == ["0004", "0005"]
    assert states(runs) == files, "reading changes nothing in a run"
    assert memory(tmp_path).parent.stat().st_mode & 0o077 == 0


def test_a_run_whose_files_have_changed_is_read_again(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Catalogue(runs).rows()
    changed = runs / "20261124T110000Z-fast-0001" / "preset.toml"
    changed.write_text(changed.read_text().replace("batch_size = 64", "batch_size = 32"))
    read = read_by(monkeypatch)
    rows = {row.run.name[-4:]: row for row in Catalogue(runs).rows()}
    assert sorted(read) == ["0001", "0004", "0005"]
    assert rows["0001"].settings["data.batch_size"] == 32


def test_a_deleted_or_resumed_run_is_not_shown_from_memory(runs: Path) -> None:
    import shutil

    from workbench.runs.directory import RunDirectory
    from workbench.runs.lock import claim

    Catalogue(runs).rows()
    shutil.rmtree(runs / "20261124T100000Z-fast-0000")
    with claim(RunDirectory(runs / "20261124T110000Z-fast-0001")):
        statuses = {row.run.name[-4:]: row.status for row in Catalogue(runs).rows()}
    assert "0000" not in statuses
    assert statuses["0001"] == "running"


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", "3", '{"names": [], "rows": {}}', '{"rows": {}}', "[" * 10_000, "a row of another kind", "a FIFO"],
)
def test_a_damaged_memory_is_as_none(runs: Path, tmp_path: Path, damage: str) -> None:
    before, file = Catalogue(runs).rows(), memory(tmp_path)
    values = json.loads(file.read_text())
    if damage == "a row of another kind":
        for entry in values["rows"].values():
            entry[1][values["names"].index("epochs")] = "many"
        damage = json.dumps(values)
    file.unlink()
    if damage == "a FIFO":
        os.mkfifo(file)
    else:
        file.write_text(damage)
    assert Catalogue(runs).rows() == before
    assert json.loads(memory(tmp_path).read_text()) == json.loads(json.dumps(values)) or "many" in damage


@pytest.mark.parametrize("home", ["unwritable", "none"])
def test_without_a_cache_folder_nothing_is_remembered(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    if home == "none":
        monkeypatch.setattr("platformdirs.user_cache_path", lambda _: Path("~/.cache"))
    assert len(Catalogue(runs).rows()) == 6
    assert not (tmp_path / "cache").exists()
    assert not Path("~").exists()


def test_it_is_written_once_and_then_only_for_enough_new_rows(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Catalogue(runs)
    table.rows()
    written = memory(tmp_path).stat()
    table.rows()
    Catalogue(runs).rows()
    assert memory(tmp_path).stat().st_ino == written.st_ino
    monkeypatch.setattr(row_memory, "LEAST_NEWS", 2)
    write_run(runs, "20261124T170000Z-fast-0006", ending="completed")
    table.rows()
    assert memory(tmp_path).stat().st_ino == written.st_ino
    write_run(runs, "20261124T180000Z-fast-0007", ending="completed")
    table.rows()
    assert memory(tmp_path).stat().st_ino != written.st_ino


def test_two_folders_have_separate_memories(runs: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "others", "20261124T100000Z-other-0000", ending="completed")
    assert len(Catalogue(runs).rows()) == 6
    assert [row.preset_name for row in Catalogue(tmp_path / "others").rows()] == ["other"]
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 2


# The settings of a preset, statement by statement.

READER = PresetReader()


@given(presets())
def test_a_saved_preset_is_read_like_toml(values: dict[str, Any]) -> None:
    text = Preset.from_mapping(values, "here").to_toml()
    expected = flattened(tomllib.loads(text))
    assert READER.settings(text) == expected
    assert list(READER.settings(text)) == list(expected)


def test_a_saved_preset_is_read_by_its_statements() -> None:
    assert READER._plain(Preset().to_toml()) == flattened(tomllib.loads(Preset().to_toml()))


@pytest.mark.parametrize("file", sorted(library.shipped_folder().glob("*.toml")), ids=lambda file: file.stem)
def test_a_shipped_preset_is_read_like_toml(file: Path) -> None:
    text = file.read_text()
    assert READER.settings(text) == flattened(tomllib.loads(text))


ODD_TOML = [
    'a = """\n[b]\nc = 1\n"""\n',
    "a = [\n[1]\n]\n",
    "[a]\nb = 1\n[c]\nd = 1\n[a.e]\nf = 1\n",
    "[[changes]]\nstep = 1\n[[changes]]\nstep = 2\n",
    "[a]\nb = {c = 1, d = [1, 2]}\n",
    "[a]\nb = 1 # c = 2\n# d = 3\n",
    "[ a ]\nb = 'c'\n\"d e\" = 1\nf.g = 2\n",
    '[a]\nb = "\\u00e9\\n"\nc = 0x10\nd = 1979-05-27\n',
    "a = 1\r\n[b]\r\nc = 2\r\n",
    "[a]\nb = 1",
]


@pytest.mark.parametrize("text", ODD_TOML)
def test_other_toml_is_read_like_toml(text: str) -> None:
    assert READER.settings(text) == flattened(tomllib.loads(text))


NO_TOML = [
    "a = 1\n[a]\n",
    "a = 1\na = 2\n",
    "[a]\nb = 1\n[a]\nc = 1\n",
    "a = nonsense\n",
    "a = \n",
    "= 1\n",
    "a = 01\n",
]


@pytest.mark.parametrize("text", NO_TOML)
def test_invalid_toml_is_refused_like_toml(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        READER.settings(text)


LINES = ["a = 1\n", "b = [\n    1,\n]\n", "[a]\n", "[b]\n", '"""\n', "]\n", "\n", "c = 1", "#\n", " "]


@given(st.lists(st.sampled_from(LINES), max_size=8))
def test_any_text_of_such_lines_is_read_or_refused_like_toml(lines: list[str]) -> None:
    text = "".join(lines)
    try:
        expected = flattened(tomllib.loads(text))
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011  any of TOML's
            READER.settings(text)
    else:
        assert READER.settings(text) == expected

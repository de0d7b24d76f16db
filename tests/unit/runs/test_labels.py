"""Tags and notes: what is refused, what readers tolerate, and that the table of runs shows them at once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.ui.made import write_run
from tests.unit.runs.test_odd_files import ODD
from workbench.errors import StorageError, UsageError
from workbench.runs import row_memory
from workbench.runs.catalogue import Catalogue
from workbench.runs.directory import RunDirectory
from workbench.runs.labels import MOST_NOTE_LETTERS, MOST_TAGS, Labels, read_labels, write_labels


def test_labels_are_read_as_they_were_written(tmp_path: Path) -> None:
    file, labels = tmp_path / "labels.json", Labels(("good", "für-später", "v1.2/a"), "learns at once; keep it")
    write_labels(file, labels)
    assert read_labels(file) == labels
    assert json.loads(file.read_text()) == {"tags": list(labels.tags), "note": labels.note}
    write_labels(file, Labels())
    assert read_labels(file) == Labels()


def test_a_pin_is_kept_with_tags_and_note(tmp_path: Path) -> None:
    file = tmp_path / "labels.json"
    write_labels(file, Labels(("good",), "note", pinned=True))
    assert read_labels(file).with_tags(["more"]) == Labels(("good", "more"), "note", pinned=True)
    write_labels(file, Labels(("good",), "note"))
    assert json.loads(file.read_text()) == {"tags": ["good"], "note": "note"}


def test_tags_are_added_in_order_and_once() -> None:
    labels = Labels(("a", "b"), "note").with_tags(["c", "a"], ["b", "not-there"])
    assert labels == Labels(("a", "c"), "note")
    assert labels.with_tags(["d"], ["d"]).tags == ("a", "c"), "added and removed is removed"


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("", "at least one letter"),
        ("two words", "has a blank in it: write two-words"),
        ("a\tb", "has a blank in it: write a-b"),
        (" ", "has a blank in it"),
        ("a\x1b[31m", "cannot be shown"),
        ("-a", "must not begin with"),
        ("+a", "must not begin with"),
        ("a*", "has none of"),
        ("a,b", "has none of"),
        ("x" * 65, "is too long: a tag has at most 64 letters"),
    ],
)
def test_a_text_that_is_no_tag_is_refused(tag: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("[", "\\[")):
        Labels((tag,))


@pytest.mark.parametrize(
    ("note", "said"),
    [("x" * 2**20, "too long: 1,048,576 letters of at most 1,000"), ("a\nb", "one line"), ("\x1b]0;x\x07", "one line")],
)
def test_a_text_that_is_no_note_is_refused(note: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Labels(note=note)
    assert Labels(note="x" * MOST_NOTE_LETTERS).note


def test_a_run_has_a_limited_number_of_tags() -> None:
    many = [f"t{number}" for number in range(MOST_TAGS + 1)]
    with pytest.raises(UsageError, match="at most 64 tags"):
        Labels().with_tags(many)
    assert len(Labels().with_tags(many[:-1]).tags) == MOST_TAGS


@pytest.mark.parametrize(
    ("content", "read"),
    [
        ('{"tags": ["a", 3, "b c", null, "a", "d"], "note": 5}', Labels(("a", "d"))),
        ('{"tags": "abc", "note": "two\\nlines"}', Labels((), "two lines")),
        ('{"tags": {"a": 1}, "note": "\\u001b[31mred"}', Labels()),
        ('{"note": "' + "x" * 5000 + '"}', Labels((), "x" * MOST_NOTE_LETTERS)),
        (json.dumps({"tags": [f"t{n}" for n in range(500)]}), Labels(tuple(f"t{n}" for n in range(MOST_TAGS)))),
        ('{"colour": "red"}', Labels()),
        *((content, Labels()) for content in ODD.values()),
    ],
)  # fmt: skip
def test_whatever_the_file_holds_is_read_without_an_error(tmp_path: Path, content: str, read: Labels) -> None:
    run = write_run(tmp_path, "20261124T120000Z-fast-0001", ending="completed")
    run.labels.write_text(content, errors="surrogateescape")
    assert read_labels(run.labels) == read
    [row] = Catalogue(tmp_path).rows()
    assert (row.tags, row.note, row.status, row.broken) == (read.tags, read.note, "completed", False)


@pytest.mark.parametrize("content", ["", "[]", "not JSON", "[" * 100_000], ids=["empty", "list", "text", "deep"])
def test_a_file_that_holds_something_else_is_not_overwritten(tmp_path: Path, content: str) -> None:
    file = tmp_path / "labels.json"
    file.write_text(content)
    with pytest.raises(StorageError, match=r"labels\.json: it holds something else .* Repair or delete it"):
        write_labels(file, Labels(("a",)))
    assert file.read_text() == content


def test_what_a_later_version_stores_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "labels.json"
    file.write_text('{"tags": ["a"], "colour": "red"}')
    write_labels(file, Labels(("b",), "n"))
    assert json.loads(file.read_text()) == {"tags": ["b"], "colour": "red", "note": "n"}


def test_nothing_is_written_through_a_link_nor_into_a_run_that_is_gone(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("{}")
    file = tmp_path / "labels.json"
    file.symlink_to(theirs)
    write_labels(file, Labels(("a",)))
    assert theirs.read_text() == "{}"
    with pytest.raises(StorageError):
        write_labels(tmp_path / "gone" / "labels.json", Labels(("a",)))
    assert not (tmp_path / "gone").exists()
    file.unlink()
    os.mkfifo(file)
    assert read_labels(file) == Labels()
    with pytest.raises(StorageError, match="FIFO"):
        write_labels(file, Labels(("a",)))


def test_the_table_shows_new_labels_at_once_and_remembers_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(row_memory, "LEAST_NEWS", 1)
    folder = tmp_path / "runs"
    write_run(folder, "20261124T120000Z-fast-0001", ending="completed")
    live = write_run(folder, "20261124T130000Z-live-0002", alive=True)
    broken = write_run(folder, "20261124T140000Z-bad-0003", ending="completed")
    broken.preset.write_text("= no toml")
    table = Catalogue(folder)
    before = table.rows()
    assert [(row.tags, row.note) for row in before] == [((), "")] * 3
    for run in (row.run for row in before):
        write_labels(run.labels, Labels((run.name[-4:],), "seen"))
    for rows in (table.rows(), Catalogue(folder).rows(), Catalogue(folder).rows()):
        assert [(row.tags, row.note) for row in rows] == [((name,), "seen") for name in ("0003", "0002", "0001")]
    live.labels.unlink()
    assert table.rows()[1].tags == ()


def test_a_renamed_run_keeps_its_start_and_its_place(tmp_path: Path) -> None:
    write_run(tmp_path, "20261124T110000Z-first-0001", ending="completed")
    run = write_run(tmp_path, "20261124T120000Z-fast-0002", ending="completed")  # its first event is of this moment
    write_run(tmp_path, "20261124T130000Z-last-0003", ending="completed")
    started = {row.run.name: row.started for row in Catalogue(tmp_path).rows()}[run.name]
    run.path.rename(tmp_path / "zero")
    rows = Catalogue(tmp_path).rows()
    assert [row.run.name for row in rows] == ["20261124T130000Z-last-0003", "zero", "20261124T110000Z-first-0001"]
    assert rows[1].started == started
    RunDirectory(tmp_path / "zero").events.write_text("no event\n")
    os.utime(tmp_path / "zero" / "preset.toml", (100, 100))
    assert Catalogue(tmp_path).rows()[-1].run.name == "zero", "by the time of its preset"


def test_a_row_has_the_metrics_of_the_best_epoch_also_of_a_run_in_progress(tmp_path: Path) -> None:
    write_run(tmp_path, "20261124T120000Z-a-0001", steps=2000, ending="completed")
    write_run(tmp_path, "20261124T130000Z-b-0002", steps=2000, alive=True)
    for row in Catalogue(tmp_path).rows():
        assert row.metrics is not None
        assert row.metrics["accuracy"] == row.best
        assert {"loss", "accuracy"} <= set(row.metrics)
        assert not [value for value in row.metrics.values() if isinstance(value, list)]

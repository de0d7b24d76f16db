"""Opening and writing: nothing through a link, nothing that would be waited for (reliability S4, S5, S6)."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.atomic_files import write_text_atomically
from workbench.errors import StorageError, WorkbenchError
from workbench.files import make_folder, open_regular, open_to_append, open_to_claim, read_small
from workbench.processes.worker import open_worker_log
from workbench.runs.catalogue import Catalogue
from workbench.runs.control import ask
from workbench.runs.directory import RunDirectory, create_run
from workbench.runs.lock import claim
from workbench.runs.status import read_summary, status
from workbench.runs.tail import EventTail, LineTail
from workbench.runs.writer import EventWriter


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return create_run(tmp_path / "runs", "fast", 'name = "fast"\n')


WRITERS: dict[str, Callable[[RunDirectory], object]] = {
    "process.json": claim,
    "events.jsonl": lambda run: EventWriter(run.events),
    "worker.log": open_worker_log,
    "control.jsonl": lambda run: ask(run, "stop"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_in_a_run_is_written_through_a_link(run: RunDirectory, tmp_path: Path, name: str) -> None:
    """S4."""
    theirs = tmp_path / "theirs"
    theirs.write_text("precious")
    (run.path / name).symlink_to(theirs)
    with pytest.raises(StorageError, match="is a link"):
        WRITERS[name](run)
    assert theirs.read_text() == "precious"


def test_a_folder_that_is_a_link_is_not_written_into(run: RunDirectory, tmp_path: Path) -> None:
    """S4: checkpoints/ and profiles/."""
    run.checkpoints.symlink_to(tmp_path)
    with pytest.raises(StorageError, match="is a link"):
        make_folder(run.checkpoints)


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_no_file_is_refused_at_once(run: RunDirectory, name: str) -> None:
    """S5: a FIFO would be waited for."""
    os.mkfifo(run.path / name)
    with pytest.raises(WorkbenchError, match=name):
        WRITERS[name](run)


@pytest.mark.parametrize("name", WRITERS)
def test_what_steers_a_run_is_the_users_alone(run: RunDirectory, name: str) -> None:
    """S6, whatever the umask."""
    before = os.umask(0)
    try:
        made = create_run(run.path.parent, "open", "")
        WRITERS[name](made)
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    if name != "events.jsonl":
        assert stat.S_IMODE((made.path / name).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["process.json", "events.jsonl", "summary.json", "worker.log"])
def test_looking_at_a_run_waits_for_no_fifo(run: RunDirectory, name: str) -> None:
    """S5: one in place of any file."""
    os.mkfifo(run.path / name)
    assert status(run) in ("new", "lost")
    assert read_summary(run) is None
    assert EventTail(run.events).read() == []
    assert LineTail(run.worker_log).read() == []
    assert len(Catalogue(run.path.parent).rows()) == 1


@pytest.mark.parametrize("opener", [open_regular, open_to_append, open_to_claim])
@pytest.mark.parametrize("place", ["/dev/zero", "/tmp"])
def test_a_device_or_a_folder_is_not_opened(opener: Callable[[Path], object], place: str) -> None:
    with pytest.raises(OSError, match=r"regular|directory"):
        opener(Path(place))


def test_a_link_to_a_device_is_not_read(tmp_path: Path) -> None:
    """S5: it would fill the memory."""
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="regular"):
        read_small(tmp_path / "link")


def test_a_file_is_read_through_a_link_as_users_lay_them(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a,b")
    (tmp_path / "link").symlink_to("data.csv")
    assert read_small(tmp_path / "link") == "a,b"


def test_a_small_file_that_is_not_small_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("12345")
    assert read_small(tmp_path / "file", 5) == "12345"
    with pytest.raises(OSError, match="large"):
        read_small(tmp_path / "file", 4)


def test_a_folder_that_was_deleted_does_not_come_back(tmp_path: Path) -> None:
    """R5."""
    with pytest.raises(StorageError):
        write_text_atomically(tmp_path / "gone" / "summary.json", "{}", parents=False)
    with pytest.raises(StorageError):
        make_folder(tmp_path / "gone" / "checkpoints")
    assert not (tmp_path / "gone").exists()


def test_a_regular_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"text")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for name in ("a", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"text"


def test_nothing_else_is_waited_for(tmp_path: Path) -> None:
    """reliability S5."""
    os.mkfifo(tmp_path / "pipe")
    for path, message in {
        tmp_path / "pipe": "It is a FIFO, not a regular file",
        Path("/dev/zero"): "It is a device, not a regular file",
        tmp_path: "Is a directory",
        tmp_path / "nowhere": "No such file",
        tmp_path / ("x" * 300): "File name too long",
        tmp_path / "a\0b": "No file can have such a name",
    }.items():
        with pytest.raises(OSError, match=message):
            open_regular(path)

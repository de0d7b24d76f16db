"""What is written beside its place and then put there: nothing half-written, nothing left, and the user's own names."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from workbench.atomic_files import (
    cause_of_failed_write,
    scratch_folder,
    staged,
    write_atomically,
    write_text_atomically,
)
from workbench.errors import StorageError, UsageError

KILLED_STAGING = """
import os, signal, sys
from pathlib import Path
from workbench.atomic_files import staged
with staged(Path(sys.argv[1])) as file:
    file.write_text("half of it")
    os.kill(os.getpid(), signal.SIGKILL)
"""
KILLED_WRITING = """
import os, signal, sys
from pathlib import Path
from workbench.atomic_files import write_atomically
write_atomically(Path(sys.argv[1]), lambda file: os.kill(os.getpid(), signal.SIGKILL))
"""


def write_staged(path: Path) -> None:
    with staged(path) as file:
        file.write_text("whole")


def write_at_once(path: Path) -> None:
    write_text_atomically(path, "whole")


@pytest.mark.parametrize(("killed", "write"), [(KILLED_STAGING, write_staged), (KILLED_WRITING, write_at_once)])
def test_what_a_killed_process_left_is_removed_by_the_next(
    tmp_path: Path, killed: str, write: Callable[[Path], None]
) -> None:
    file = tmp_path / "model.onnx"
    others = [tmp_path / name for name in (".model.onnx.original", ".model.onnx.workbench.me", "model.onnx.12345678")]
    for other in others:
        other.write_text("mine")
    assert subprocess.run([sys.executable, "-c", killed, str(file)], check=False).returncode == -9
    [left] = set(tmp_path.iterdir()) - set(others)
    assert left.name.startswith(".model.onnx.workbench.")
    write(tmp_path / "model.pt2")
    assert left.exists(), "it is of another name"
    write(file)
    assert file.read_text() == "whole"
    assert set(tmp_path.iterdir()) == {*others, file, tmp_path / "model.pt2"}


def test_what_a_living_process_writes_stays(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    with staged(file) as one:
        one.write_text("one")
        with staged(file) as other:
            other.write_text("other")
            assert one.read_text() == "one"
        assert file.read_text() == "other"
    assert file.read_text() == "one"
    with scratch_folder("workbench-x-", tmp_path) as folder, scratch_folder("workbench-x-", tmp_path):
        assert folder.exists()
    assert list(tmp_path.iterdir()) == [file]


def test_folders_are_made_only_where_something_is_written(tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise UsageError("no")

    (tmp_path / "there").mkdir()
    for path in (tmp_path / "nd" / "x" / "p.csv", tmp_path / "there" / "x" / "p.csv"):
        with pytest.raises(UsageError), staged(path) as file:
            refuse(file)
        with pytest.raises(UsageError):
            write_atomically(path, refuse)
        with suppress(KeyboardInterrupt), staged(path):
            raise KeyboardInterrupt
    assert [each.name for each in tmp_path.rglob("*")] == ["there"]
    write_staged(tmp_path / "nd" / "x" / "p.csv")
    assert (tmp_path / "nd" / "x" / "p.csv").read_text() == "whole"


def test_an_error_names_the_path_that_the_user_knows(tmp_path: Path) -> None:
    path = tmp_path / "nd" / "model.pt2"
    with pytest.raises(StorageError) as raised, staged(path) as file:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
    assert str(raised.value) == (
        f"cannot write {path}: No space left on device. Free some space or choose another folder."
    )


def test_a_folder_takes_the_place_of_an_old_one_or_leaves_it(tmp_path: Path) -> None:
    folder = tmp_path / "charts"
    for name in ("a", "b"):
        with staged(folder) as made:
            made.mkdir()
            (made / name).write_text(name)
        assert [file.name for file in folder.iterdir()] == [name]
    with suppress(UsageError), staged(folder) as made:
        made.mkdir()
        raise UsageError("no")
    assert [file.name for file in folder.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [folder]
    assert folder.stat().st_mode & 0o777 == 0o777 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_the_cause_of_a_failed_write_is_found_or_not_invented(tmp_path: Path) -> None:
    hidden = RuntimeError("[enforce fail at inline_container.cc:863] . PytorchStreamWriter failed writing file\nmore")
    assert cause_of_failed_write(Path("/dev/full"), hidden).errno == errno.ENOSPC
    other = cause_of_failed_write(tmp_path / "file", hidden)
    assert other.errno is None
    assert str(other) == "[enforce fail at inline_container.cc:863] . PytorchStreamWriter failed writing file"

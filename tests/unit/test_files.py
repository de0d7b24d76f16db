"""Reading files that may be no files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.files import open_regular


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

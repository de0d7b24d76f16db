"""Reading images runs no other program."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from workbench.data.image_file import image_size, read_image
from workbench.errors import DataError


def test_postscript_with_the_suffix_of_an_image_starts_no_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace, disguised = tmp_path / "EXECUTED", tmp_path / "picture.png"
    interpreter = tmp_path / "bin" / "gs"
    interpreter.parent.mkdir()
    interpreter.write_text(f"#!/bin/sh\ntouch {trace}\n")
    interpreter.chmod(0o755)
    monkeypatch.setenv("PATH", f"{interpreter.parent}:{os.environ['PATH']}")
    Image.new("RGB", (4, 4)).save(disguised, format="EPS")
    with pytest.raises(DataError):
        read_image(disguised, 0, 3)
    with pytest.raises(DataError):
        image_size(disguised)
    assert not trace.exists()

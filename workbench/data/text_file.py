"""Reads one long text from a file, from all files of a folder, or from those that match a pattern."""

from __future__ import annotations

import glob
from pathlib import Path

from workbench.data.continued_text import Windows, continued_text
from workbench.data.file_kinds import TEXTS
from workbench.data.fit_tokens import Tokens
from workbench.data.progress import Meter, Report
from workbench.data.samples import Samples
from workbench.data.text_content import encoding_notes, read_text
from workbench.errors import DataError
from workbench.units import size

WILDCARDS = "*?["


def text_file(file: Path, encoding: str, tokens: Tokens, windows: Windows, report: Report) -> Samples:
    """The text of the files in the order of their names, a line end between two of them.

    file: a file; a folder, for all .txt files in it and below; or a pattern such as books/*.txt. encoding: see
    `text_content.read_text`; tokens: see `fit_tokens`; report: receives the progress. Raises DataError where there is
    no text, PresetError for an unknown encoding.
    """
    files = found_files(file)
    meter = Meter(report, "reading texts", len(files), "texts")
    contents = []
    for each in files:
        contents.append((each, read_text(each, encoding, "data.file")))
        meter.add(1)
    meter.finish()
    text = "\n".join(content.text for _, content in contents)
    if not text.strip():
        raise DataError(f"{file} is empty" if len(files) == 1 else f"all {len(files)} files of {file} are empty")
    notes = encoding_notes(contents)
    if len(files) > 1:
        notes.append(
            f"{len(files):,} files, from {files[0].name} to {files[-1].name}: {size(len(text.encode()))} of text"
        )
    return continued_text(text, tokens, windows, notes)


def found_files(path: Path) -> list[Path]:
    """The file, or the text files of a folder or a pattern, sorted. Raises DataError where there are none."""
    if path.is_dir():
        found = sorted(
            each
            for each in path.rglob("*")
            if each.is_file()
            and TEXTS.matches(each)
            and not any(part.startswith(".") for part in each.relative_to(path).parts)
        )
        if not found:
            raise DataError(f"{path} holds no text files; expected {TEXTS.examples}")
        return found
    if path.exists() or not any(sign in str(path) for sign in WILDCARDS):
        return [path]
    found = sorted(Path(each) for each in glob.glob(str(path), recursive=True) if Path(each).is_file())  # noqa: PTH207  an absolute pattern
    if not found:
        raise DataError(f"no file matches {path}; data.file must name a text file, a folder or a pattern")
    return found

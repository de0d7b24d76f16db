"""Where new inputs come from: a file, a folder, or standard input."""

from __future__ import annotations

import gzip
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from workbench.data.file_kinds import KINDS, FileKind
from workbench.errors import DataError
from workbench.files import expanded, open_regular

STDIN = "-"
GZIP = b"\x1f\x8b"

Place = dict[str, Any]
"""Where a sample comes from: `input`, as it was given, and what tells the samples of one input apart, such as `row`."""


@dataclass(frozen=True)
class Source:
    """One input."""

    name: str
    """As it was given: a path, or - for standard input."""
    descriptor: int | None = None
    """Of standard input."""
    texts: tuple[str, ...] = ()
    """Texts that were given themselves; empty for anything else."""

    @property
    def path(self) -> Path:
        """The file or folder."""
        return expanded(self.name)

    @property
    def is_stdin(self) -> bool:
        """Whether it is standard input."""
        return self.descriptor is not None

    @property
    def shown(self) -> Path:
        """For messages."""
        return Path("standard input") if self.is_stdin else self.path

    def open(self) -> IO[bytes]:
        """Opens the file, or standard input, to be read once. Raises DataError."""
        if self.descriptor is not None:
            return os.fdopen(self.descriptor, "rb", closefd=False)
        try:
            return open_regular(self.path)
        except FileNotFoundError as error:
            raise DataError(f"{self.name} does not exist") from error
        except OSError as error:
            raise DataError(f"cannot read {self.name}: {error.strerror or error}") from error

    def open_unpacked(self) -> io.BufferedReader:
        """The same, decompressed where it is compressed with gzip."""
        opened = self.open()
        assert isinstance(opened, io.BufferedReader)
        return io.BufferedReader(gzip.GzipFile(fileobj=opened)) if opened.peek(2).startswith(GZIP) else opened


def files_of(source: Source, kind: FileKind) -> list[tuple[Place, Path]]:
    """The file that is the input, or all files of a kind in the folder that it is, sorted by name; no hidden ones.

    Raises DataError where there is none.
    """
    path = source.path
    if source.is_stdin:
        raise DataError(f"standard input cannot hold {kind.noun}s; name files or a folder")
    if not path.exists():
        raise DataError(f"{source.name} does not exist")
    if not path.is_dir():
        if not kind.matches(path):
            raise DataError(f"{source.name} is not {kind.one}, which the model takes ({kind.examples})")
        return [({"input": source.name}, path)]
    inside = sorted(each for each in path.rglob("*") if not _is_hidden(each, path) and each.is_file())
    found = [each for each in inside if kind.matches(each)]
    if not found:
        other = next((other.noun for other in KINDS if any(map(other.matches, inside))), "")
        beside = f", but {other}s" if other else ""
        raise DataError(f"{source.name} holds no {kind.noun}s{beside}; the model takes {kind.examples}")
    return [({"input": str(Path(source.name) / each.relative_to(path))}, each) for each in found]


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(folder).parts)

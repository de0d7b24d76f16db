"""Decompresses a file that gzip, bzip2, xz or zip compressed, recognised by its first bytes."""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
import zlib
from typing import IO

from workbench.data.file_types import gunzip

SUFFIXES = (".gz", ".bz2", ".xz", ".zip")
"""Of compressed files that are read."""


def decompressed(content: bytes, most_bytes: int) -> bytes:
    """The content of a compressed file, or the bytes themselves where they are not compressed.

    Raises ValueError if it is damaged, is an archive of several files, or has more than `most_bytes` decompressed.
    """
    opened = io.BytesIO(content)
    if content.startswith(b"\x1f\x8b"):
        return gunzip(content, most_bytes)
    if content.startswith(b"BZh"):
        return _read(bz2.open(opened), "bzip2", most_bytes)
    if content.startswith(b"\xfd7zXZ\x00"):
        return _read(lzma.open(opened), "xz", most_bytes)
    if content.startswith(b"PK\x03\x04"):
        return _from_zip(opened, most_bytes)
    return content


def _from_zip(opened: IO[bytes], most_bytes: int) -> bytes:
    try:
        with zipfile.ZipFile(opened) as archive:
            files = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(files) != 1:
                raise ValueError(f"it is a zip archive of {len(files):,} files instead of a single one; unpack it")
            return _read(archive.open(files[0]), "zip", most_bytes)
    except zipfile.BadZipFile as error:
        raise ValueError(f"it is compressed with zip, but damaged: {error}") from error
    except (RuntimeError, NotImplementedError) as error:  # a password, or a method that Python lacks
        raise ValueError(f"it is compressed with zip and cannot be decompressed: {error}") from error


def _read(compressed: IO[bytes], kind: str, most_bytes: int) -> bytes:
    try:
        with compressed:
            found = compressed.read(most_bytes + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise ValueError(f"it is compressed with {kind}, but damaged: {error}") from error
    if len(found) > most_bytes:
        raise ValueError(f"decompressed it has more than {most_bytes:,} bytes, more than fit in the free memory")
    return found

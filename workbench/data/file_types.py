"""Recognises the type of a file by its first bytes, and decompresses gzip."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib

OTHER_TYPES = (
    (b"PAR1", 'Parquet; save it as CSV, in pandas with read_parquet("…").to_csv("….csv", index=False)'),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook or the like; save the sheet as CSV"),
    (b"BZh", "compressed with bzip2; decompress it"),
    (b"\xfd7zXZ\x00", "compressed with xz; decompress it"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; decompress it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"ARROW1", "Arrow or Feather; save it as CSV"),
    (b"ORC", "ORC; save it as CSV"),
    (b"\x89HDF", "HDF5; save the table as CSV"),
    (b"\x93NUMPY", 'a NumPy array; save x and y with numpy.savez and set data.name = "npz"'),
    (b"SQLite format 3", "an SQLite database; save the table as CSV"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x80\x04\x95", "a Python pickle, which is not opened because it could run code; save the table as CSV"),
    (b"\x80\x05\x95", "a Python pickle, which is not opened because it could run code; save the table as CSV"),
)
"""First bytes of binary files, with what the file is and what to do."""

TEXT_TYPES = (
    (b"<!doctype html", "a web page (HTML), perhaps of an error or a login instead of the file"),
    (b"<html", "a web page (HTML), perhaps of an error or a login instead of the file"),
    (b"<?xml", "XML; save the table as CSV"),
    (b'{"', "JSON; save the table as CSV"),
    (b"[{", "JSON; save the table as CSV"),
    (b"version https://git-lfs", "a pointer of Git LFS; fetch the file itself with git lfs pull"),
)
"""The same for text files that are not tables."""

CHECKED_BYTES = 8192
"""Bytes that decide whether a file is text."""


def other_type(content: bytes) -> str:
    """Says what the content is if it is not a table as text, and what to do; empty if it is not recognised."""
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if what := next((what for magic, what in TEXT_TYPES if start.startswith(magic)), ""):
        return what
    if start.startswith(b"pk\x03\x04"):
        return _zip_type(content)
    if not is_binary(content):
        return ""  # a column may be called ORC
    return next((what for magic, what in OTHER_TYPES if content.startswith(magic)), "")


def is_binary(content: bytes) -> bool:
    """Whether the first bytes are not text in UTF-8."""
    start = content[:CHECKED_BYTES]
    try:
        # Incremental: the last character may be cut off.
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return True
    return b"\0" in start


def _zip_type(content: bytes) -> str:
    if b"xl/workbook" in content:
        return "an Excel workbook; save the sheet as CSV"
    if b"opendocument.spreadsheet" in content[:128]:
        return "an OpenDocument sheet; save it as CSV"
    if b".npy" in content[:128]:
        return 'a NumPy .npz file; set data.name = "npz"'
    return "a zip archive; unpack it"


def gunzip(content: bytes, most_bytes: int) -> bytes:
    """Decompresses gzip. Raises ValueError if it is damaged or decompresses to more than `most_bytes`."""
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            found = packed.read(most_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"it is compressed with gzip, but damaged: {error}") from error
    if len(found) > most_bytes:
        raise ValueError(f"decompressed it has more than {most_bytes:,} bytes, more than fit in the free memory")
    return found

"""Reads a file as text: compressed or not, in an encoding that is named or found."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from workbench.data.compressed import decompressed
from workbench.data.file_types import is_binary, other_type
from workbench.data.whole_file import free_bytes, most_bytes, read_whole
from workbench.errors import DataError, PresetError

AUTO = "auto"

DAMAGED_UTF_8, OTHER_ENCODING = 0.9, 0.25
"""Fractions of the characters beyond ASCII that are valid UTF-8: of at least the first, a file is in UTF-8 and damaged;
of at most the second, it is in another encoding, in which few are valid by chance."""

REPLACEMENT = "\ufffd"

WIDE = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF16_LE: "utf-16",
        codecs.BOM_UTF16_BE: "utf-16"}  # fmt: skip
"""Byte order marks of wide encodings; that of UTF-32 comes first because it begins with that of UTF-16."""


@dataclass(frozen=True)
class TextContent:
    """The text of a file."""

    text: str
    encoding: str
    """In which it was written."""
    guessed: bool = False
    """Whether the encoding is a guess, because the bytes allow several."""
    damaged: int = 0
    """Places of UTF-8 that are not valid; each is U+FFFD in the text."""
    damaged_line: int = 0
    """The first line with such a place, from 1."""


def read_text(file: Path, encoding: str, setting: str, table: bool = False) -> TextContent:
    """Reads a text file, decompressed if it is compressed; line ends become \\n unless it is a table.

    encoding: the name of a codec, or "auto": UTF-8, or what a byte order mark says, else cp1252 (Western Europe), a
    guess. "auto" reads UTF-8 with few damaged bytes as UTF-8, each damaged place as U+FFFD; a file that is half UTF-8
    and half not is refused. setting: the one that names the file, for messages. Raises DataError where it cannot be
    read as text; PresetError for an encoding that Python does not know.
    """
    codec = checked_encoding(encoding)
    content = _decompressed(file, setting)
    if what := _not_text(content):
        raise DataError(f"{file} is not a text file: it is {what}")
    found = _decoded(file, content, codec)
    if "\0" in found.text:
        hint = " (perhaps UTF-16 without a byte order mark: set data.encoding)" if encoding == AUTO else ""
        raise DataError(f"{file} is not text: it contains NUL characters{hint}")
    if table:
        return found
    return replace(found, text=found.text.replace("\r\n", "\n").replace("\r", "\n"))


def encoding_notes(files: Sequence[tuple[Path, TextContent]]) -> list[str]:
    """Notes on the files whose encoding was guessed, and on those that are damaged."""
    notes = []
    guessed = [(file, content.encoding) for file, content in files if content.guessed]
    if guessed:
        file, encoding = guessed[0]
        notes.append(
            f"{file}{_and_more(guessed)}: not UTF-8, so read as {encoding}, a guess; data.encoding names another "
            "encoding"
        )
    damaged = [(file, content) for file, content in files if content.damaged]
    if damaged:
        file, content = damaged[0]
        places = sum(content.damaged for _, content in damaged)
        notes.append(
            f"{file}, line {content.damaged_line}{_and_more(damaged)}: UTF-8 with damaged bytes, {places:,} "
            f"{'place' if places == 1 else 'places'} read as U+FFFD; data.encoding names another encoding"
        )
    return notes


def _and_more(files: Sequence[object]) -> str:
    return f" and {len(files) - 1:,} more" if len(files) > 1 else ""


def checked_encoding(encoding: str) -> str:
    """The encoding as Python names it; "auto" as it is. Raises PresetError for one that is unknown."""
    if encoding == AUTO:
        return AUTO
    try:
        info = codecs.lookup(encoding)
    except (LookupError, ValueError):
        info = None
    if info is None or not info._is_text_encoding:
        raise PresetError(
            f"data.encoding = {encoding!r} is unknown; use auto, or such as utf-8, utf-16, cp1252, latin-1, shift_jis"
        )
    return info.name


def _decompressed(file: Path, setting: str) -> bytes:
    free = free_bytes()
    expected = f"{setting} must name a text file"
    content = read_whole(file, free, expected=expected, otherwise="train on a part of it")
    try:
        return decompressed(content, most_bytes(free))
    except ValueError as error:
        raise DataError(f"cannot read {file}: {error}") from error


def _not_text(content: bytes) -> str:
    """What binary content is; empty for text. HTML, XML and JSON are texts too."""
    return other_type(content) if is_binary(content) else ""


def _decoded(file: Path, content: bytes, encoding: str) -> TextContent:
    if encoding != AUTO:
        # Python's utf-8 would keep a byte order mark as a character.
        codec = "utf-8-sig" if encoding == "utf-8" else encoding
        try:
            return TextContent(content.decode(codec), encoding)
        except UnicodeError as error:
            raise DataError(
                f"{file}{_line(content, error)}: not {encoding}; set data.encoding to another, or to auto"
            ) from error
    wide = next((name for mark, name in WIDE.items() if content.startswith(mark)), "")
    try:
        return TextContent(content.decode(wide or "utf-8-sig"), wide or "utf-8")
    except UnicodeError as error:
        if wide:
            raise DataError(f"{file} begins as {wide}, but is not: it may be cut off") from error
        unreadable = error
    line = _line(content, unreadable)
    if b"\0" in content:
        raise DataError(f"{file}{line}: not text, or in an encoding that data.encoding must name") from unreadable
    valid, damaged = _characters_of_utf_8(content)
    if valid >= DAMAGED_UTF_8 * (valid + damaged):
        text = content.decode("utf-8-sig", "replace")
        return TextContent(text, "utf-8", damaged=damaged, damaged_line=_line_number(content, unreadable))
    if valid > OTHER_ENCODING * (valid + damaged):
        raise DataError(
            f"{file}{line}: the first of {damaged:,} places that are not UTF-8, but {valid:,} characters are; mend the "
            "file, or set data.encoding to what it is in"
        ) from unreadable
    try:
        return TextContent(content.decode("cp1252"), "cp1252", guessed=True)
    except UnicodeError:
        return TextContent(content.decode("latin-1"), "latin-1", guessed=True)  # takes any byte


def _characters_of_utf_8(content: bytes) -> tuple[int, int]:
    """How many valid characters of several bytes there are, and how many places that are not valid."""
    whole = content.decode("utf-8-sig", "ignore")
    valid = len(whole) - len(whole.encode("ascii", "ignore"))
    return valid, content.decode("utf-8-sig", "replace").count(REPLACEMENT) - whole.count(REPLACEMENT)


def _line(content: bytes, error: UnicodeError) -> str:
    number = _line_number(content, error)
    return f", line {number}" if number else ""


def _line_number(content: bytes, error: UnicodeError) -> int:
    """The line of the byte that could not be read, from 1; 0 where the codec does not say which it was."""
    start = getattr(error, "start", None)
    return 0 if start is None else content.count(b"\n", 0, start) + 1

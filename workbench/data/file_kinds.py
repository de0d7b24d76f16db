"""Kinds of files that a folder of classes may hold, by their names, and the data source that reads each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workbench.data.compressed import SUFFIXES as COMPRESSED
from workbench.data.image_formats import is_image

AUDIO_SUFFIXES = {
    ".wav", ".wave", ".w64", ".rf64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au",
    ".snd", ".caf",
}  # fmt: skip
"""Suffixes of sound files that libsndfile reads."""

SPEAKER_FOLDER = "^([^/]+)/"
"""The pattern of a speaker whose files are in a folder below that of a class."""


@dataclass(frozen=True)
class FileKind:
    """One kind of file."""

    source: str
    """The value of `data.name` that reads a folder of such files."""
    noun: str
    article: str
    examples: str
    """Some file names, for messages."""
    matches: Callable[[Path], bool]
    """Whether a file is of this kind, by its name."""
    group_hint: str = ""
    """What to do where the folders below those of classes are groups, for messages."""

    @property
    def one(self) -> str:
        """The noun with its article."""
        return f"{self.article} {self.noun}"


def is_audio(file: Path) -> bool:
    """Whether the file is a sound file, by its name."""
    return file.suffix.lower() in AUDIO_SUFFIXES


def is_text(file: Path) -> bool:
    """Whether the file is a text, by its name: .txt, perhaps compressed."""
    *before, last = ["", *(suffix.lower() for suffix in file.suffixes)]
    return last == ".txt" or (last in COMPRESSED and before[-1] == ".txt")


IMAGES = FileKind("image_folder", "image", "an", "*.png, .jpg, .tif, .pgm and so on", is_image)
SOUNDS = FileKind(
    *("audio_folder", "sound file", "a", "*.wav, .flac, .ogg, .mp3 and so on", is_audio),
    group_hint=f"; if folders in those of classes are speakers, data.speaker_pattern = {SPEAKER_FOLDER!r} says so",
)
TEXTS = FileKind("text_folder", "text", "a", "*.txt", is_text)

KINDS = (IMAGES, SOUNDS, TEXTS)
"""All kinds: a folder that holds another kind than was asked for is recognised by these."""

"""Finds what may be speakers in the names of sound files that no setting gives groups."""

from __future__ import annotations

import re
from collections.abc import Mapping

from workbench.data.class_folders import SPLIT_NAMES
from workbench.data.file_kinds import SPEAKER_FOLDER
from workbench.data.groups import search_name, shared_groups
from workbench.data.recordings import Recordings
from workbench.data.words import few

PATTERNS = (
    SPEAKER_FOLDER,
    r"^(.+)[_-]\d+\.",
    r"^[^_-]+[_-](.+)[_-]\d+\.",
    r"^(.+)[_-][^_-]+[_-]\d+\.",
    r"^([^_-]*[^\d_-])\d+\.",
    r"^[^_-]+[_-]([^_-]*[^\d_-])\d+\.",
)
"""A folder below that of the class, such as anna/3.wav; what comes before the number at the end of a name, such as
anna_3.wav and anna3.wav; without the word before or behind it, which may be the class, such as 0_anna_3.wav."""

SPLITS = ("train", "validation", "test")

MOST_UNMATCHED = 0.2
"""The fraction of files whose names may be others, such as noise.wav."""


def likely_speakers(splits: Mapping[str, Recordings], *, classified: bool, advice: str) -> list[str]:
    """Returns notes if file names look as if they named a speaker and a number, and splits do not keep these together.

    classified: whether targets are classes; a name then counts as that of a speaker only if files of several classes
    have it. advice: what keeps a speaker in one split; "{pattern}" in it becomes the pattern that finds speakers.
    """
    for pattern in map(re.compile, PATTERNS):
        found = {
            split: [search_name(pattern, name) for name in splits[split].names] for split in SPLITS if split in splits
        }
        several = _plausible(splits, found, classified)
        if several:
            notes = shared_groups({split: [name for name in found[split] if name] for split in found}, "speaker")
            if len(splits) < len(SPLITS):
                keeps = advice.replace("{pattern}", pattern.pattern)
                others = _unmatched(splits, found) if keeps != advice else ""
                notes.insert(0, f"a random split puts some on both sides: {keeps} keeps each in one split{others}")
            return [f"if {few(several)} in the names of the files are speakers, {note}" for note in notes]
    return []


def _unmatched(splits: Mapping[str, Recordings], found: Mapping[str, list[str]]) -> str:
    """Says which files the pattern refuses; empty for none."""
    names = [
        name
        for split, speakers in found.items()
        for name, speaker in zip(splits[split].names, speakers, strict=True)
        if not speaker
    ]
    return f", once {few(names)} {'is' if len(names) == 1 else 'are'} renamed to match it too" if names else ""


def _plausible(splits: Mapping[str, Recordings], found: Mapping[str, list[str]], classified: bool) -> list[str]:
    """The names that may be speakers, sorted; none if these names cannot be."""
    known: dict[str, set[int]] = {}
    for split, names in found.items():
        for name, target in zip(names, splits[split].targets.tolist(), strict=True):
            if name:
                known.setdefault(name, set()).add(target if classified else 0)
    files = sum(map(len, found.values()))
    matched = sum(bool(name) for names in found.values() for name in names)
    if files - matched > MOST_UNMATCHED * files or not 2 <= len(known) <= matched / 2:
        return []
    if all(name.lower() in SPLIT_NAMES for name in known):
        return []
    several = sorted(name for name, own in known.items() if len(own) > 1 or not classified)
    return several if len(several) >= len(known) / 2 else []

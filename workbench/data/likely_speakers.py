"""Finds what may be speakers in the names of sound files that no setting gives groups."""

from __future__ import annotations

import re
from collections.abc import Mapping

from workbench.data.groups import shared_groups
from workbench.data.recordings import Recordings
from workbench.data.words import few

PATTERNS = (r"^(.+)[_-]\d+\.", r"^[^_-]+[_-](.+)[_-]\d+\.", r"^(.+)[_-][^_-]+[_-]\d+\.")
"""What comes before the number at the end of a name, such as anna_3.wav; without the word before or behind it, which
may be the class, such as 0_anna_3.wav."""

SPLITS = ("train", "validation", "test")


def likely_speakers(splits: Mapping[str, Recordings], *, classified: bool, advice: str) -> list[str]:
    """Returns notes if file names look as if they named a speaker and a number, and splits do not keep these together.

    classified: whether targets are classes; a name then counts as that of a speaker only if files of several classes
    have it. advice: what keeps a speaker in one split; "{pattern}" in it becomes the pattern that finds speakers.
    """
    for pattern in PATTERNS:
        names = {split: _matched(splits[split], pattern) for split in SPLITS if split in splits}
        several = _plausible(splits, names, classified)
        if several:
            notes = shared_groups(names, "speaker")
            if len(splits) < len(SPLITS):
                keeps = advice.replace("{pattern}", pattern)
                notes.insert(0, f"a random split puts some on both sides: {keeps} keeps each in one split")
            return [f"if {few(several)} in the names of the files are speakers, {note}" for note in notes]
    return []


def _matched(files: Recordings, pattern: str) -> list[str]:
    """The speaker in each name; empty where a name does not match."""
    found = [re.search(pattern, path.name) for path in files.paths]
    return ["" if match is None else match[1] for match in found]


def _plausible(splits: Mapping[str, Recordings], names: Mapping[str, list[str]], classified: bool) -> list[str]:
    """The names that may be speakers, sorted; none if these names cannot be."""
    known: dict[str, set[int]] = {}
    for split, files in splits.items():
        for name, target in zip(names[split], files.targets.tolist(), strict=True):
            known.setdefault(name, set()).add(target if classified else 0)
    if "" in known or not 2 <= len(known) <= sum(map(len, names.values())) / 2:
        return []
    several = sorted(name for name, own in known.items() if len(own) > 1 or not classified)
    return several if len(several) >= len(known) / 2 else []

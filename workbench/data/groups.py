"""Groups of samples that must stay in one split: those of one speaker, or of one recording."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from workbench.data.file_kinds import SPEAKER_FOLDER
from workbench.data.words import few
from workbench.errors import DataError, PresetError


def group_numbers(names: Sequence[str]) -> Tensor:
    """Numbers the groups in the order of their names: int64, one number a sample."""
    number = {name: index for index, name in enumerate(sorted(set(names)))}
    return torch.tensor([number[name] for name in names], dtype=torch.int64)


def shared_groups(names: Mapping[str, Sequence[str]], noun: str) -> list[str]:
    """Returns a note for each two splits of the data that have samples of the same group.

    names: the group of each sample, by split; noun: what a group is, such as "speaker".
    """
    notes = []
    splits = list(names)
    for index, one in enumerate(splits):
        for other in splits[index + 1 :]:
            both = sorted(set(names[one]) & set(names[other]))
            if both:
                notes.append(
                    f"{len(both)} of {len(set(names[other]))} {noun}s of the {other} split are in the {one} "
                    f"split too ({few(both)}): its results are those of known {noun}s"
                )
    return notes


def speaker_pattern(pattern: str) -> re.Pattern[str] | None:
    """Compiles the pattern that finds the speaker in the name of a file; None for an empty one.

    Raises PresetError unless it is a regular expression with one group in parentheses.
    """
    if not pattern:
        return None
    example = rf"such as '^([a-z]+)_' for anna_3.wav, or {SPEAKER_FOLDER!r} for anna/3.wav"
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise PresetError(
            f"data.speaker_pattern = {pattern!r} is not a regular expression: {error}; write one {example}"
        ) from error
    if compiled.groups != 1:
        raise PresetError(
            f"data.speaker_pattern = {pattern!r} has {compiled.groups} groups in parentheses and needs one, around the "
            f"speaker in the file's name, {example}"
        )
    return compiled


def search_name(pattern: re.Pattern[str], name: str) -> str:
    """The speaker of a file; empty where its name does not match.

    name: its path below the folder of its class. A pattern with / is matched with all of it, others with the name of
    the file alone.
    """
    match = pattern.search(name if "/" in pattern.pattern else name.rpartition("/")[2])
    return (match[1] or "") if match is not None else ""


def speakers(names: Sequence[str], pattern: re.Pattern[str]) -> list[str]:
    """The speaker of each file, see `search_name`. Raises DataError if a name does not match the pattern."""
    found = [search_name(pattern, name) for name in names]
    unmatched = [name for name, speaker in zip(names, found, strict=True) if not speaker]
    if unmatched:
        raise DataError(
            f"{len(unmatched)} of {len(names)} file names do not match data.speaker_pattern = {pattern.pattern!r}: "
            f"{few(unmatched)}; correct the pattern, or leave it empty"
        )
    return found

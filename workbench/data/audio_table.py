"""Reads sounds that a table lists: a CSV file with the name of a sound file, and what to predict, in each row."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

from workbench.data.audio_samples import AudioReading, audio_samples
from workbench.data.class_folders import SPLIT_NAMES
from workbench.data.column_names import check_names
from workbench.data.columns import Formats
from workbench.data.delimited import Rows, read_rows
from workbench.data.likely_speakers import likely_speakers
from workbench.data.missing import without_missing
from workbench.data.progress import Report
from workbench.data.recordings import Recordings
from workbench.data.samples import Samples
from workbench.data.target import targets
from workbench.errors import DataError
from workbench.units import counted

ADVICE = "a column of speakers, which data.group names,"
"""What keeps a speaker in one split."""


def audio_table(
    file: Path,
    audio: str,
    target: str,
    task: Literal["auto", "classification", "regression"],
    group: str,
    split: str,
    folder: Path | None,
    delimiter: Literal["auto", ",", "\t", ";", "|"],
    missing: Literal["error", "drop"],
    missing_values: tuple[str, ...],
    reading: AudioReading,
    report: Report,
) -> Samples:
    """Reads the sounds that a CSV or TSV file with a header lists, see `audio_samples`.

    audio: the column of file names, relative to `folder`, or to that of the table if it is None. target, task: see
    `target.targets`. group: the column of what must stay in one split, such as the speaker; split: the column that says
    train, validation or test; both empty for none. Rows of one file always stay in one split. missing, missing_values:
    see `missing.without_missing`. Raises DataError, with file, line and column.
    """
    rows = read_rows(file, delimiter)
    named = {"data.audio": (audio,), "data.target": (target,)}
    named |= {"data.group": (group,)} if group else {}
    named |= {"data.split": (split,)} if split else {}
    check_names(rows, named)
    if not rows.values:
        raise DataError(f"{file} has no rows below its header")
    named_columns = [name for name in (audio, group, split) if name]
    rows, left_out = without_missing(rows, named_columns, target, missing, missing_values, ignorable=False)
    predicted, found, notes = targets(rows, target, task, Formats(rows, [target], "auto", "auto"))
    base = file.parent if folder is None else folder
    paths = [base / name for name in rows.column(audio)]
    files = [os.path.realpath(path) for path in paths]
    repeated = len(files) - len(set(files))
    if repeated and group:
        _check_same(rows, files, audio, group, rows.column(group))
    if repeated and split:
        _check_same(rows, files, audio, split, [SPLIT_NAMES.get(name.lower(), name) for name in rows.column(split)])
    groups = rows.column(group) if group else files if repeated else None
    whole = Recordings(paths, predicted, _names(paths), groups)
    if repeated:
        notes.append(
            f"{counted(repeated, 'row')} {'names' if repeated == 1 else 'name'} a sound file that another row names too"
        )
    splits = _splits(rows, split, whole) if split else {"train": whole}
    samples = audio_samples(splits, found, reading, group or "recording", report)
    if left_out:
        notes.insert(0, left_out)
        samples = replace(samples, left_out="; ".join(filter(None, (left_out, samples.left_out))))
    speakers = [] if group else likely_speakers(splits, classified=found.kind == "classification", advice=ADVICE)
    return replace(samples, notes=(*rows.notes, *notes, *samples.notes, *speakers), validation_is_named=bool(split))


def _names(paths: list[Path]) -> list[str]:
    """Each path below the folder that all share."""
    whole = [path.absolute() for path in paths]
    try:
        shared = os.path.commonpath([path.parent for path in whole])
    except ValueError:  # on several drives
        return [path.name for path in paths]
    return [path.relative_to(shared).as_posix() for path in whole]


def _check_same(rows: Rows, files: list[str], audio: str, column: str, values: list[str]) -> None:
    """Raises DataError if rows of one file differ in a column with these values: the file would be on both sides."""
    first: dict[str, int] = {}
    for row, file in enumerate(files):
        before = first.setdefault(file, row)
        if values[before] != values[row]:
            raise DataError(
                f"{rows.place(row, column)}: the sound {rows.value(row, audio)!r} is of {rows.value(row, column)!r} "
                f"here, but of {rows.value(before, column)!r} in line {rows.lines[before]}, and would be trained and "
                "tested on; correct one of these rows, or remove it"
            )


def _splits(rows: Rows, column: str, whole: Recordings) -> dict[str, Recordings]:
    """The recordings by split. Raises DataError for a value that names no split, and without training samples."""
    names = [SPLIT_NAMES.get(value.lower()) for value in rows.column(column)]
    for row, name in enumerate(names):
        if name is None:
            raise DataError(
                f"{rows.place(row, column)}: {rows.value(row, column)!r} is not a split; write train, validation or "
                'test, or set data.split = ""'
            )
    if "train" not in names:
        raise DataError(f"{rows.file}, column {column!r}: no row is for training; write train in some of them")
    kept = {
        split: [row for row, name in enumerate(names) if name == split] for split in ("train", "validation", "test")
    }
    return {split: whole.only(chosen) for split, chosen in kept.items() if chosen}

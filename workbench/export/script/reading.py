"""Finds how the files of a run's data were read, for a script that reads them in a few lines; in `process` alone."""

from __future__ import annotations

import codecs
import gzip
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workbench.data import docstrings
from workbench.data.class_folders import find_files
from workbench.data.delimited import Rows, read_rows
from workbench.data.file_kinds import IMAGES, SOUNDS, TEXTS, FileKind
from workbench.data.groups import speakers
from workbench.data.image_file import Depth, pixel_depth
from workbench.data.missing import without_missing
from workbench.data.one_hot import is_one_hot
from workbench.data.samples import InMemory
from workbench.data.spectrogram import LogMel
from workbench.data.spoken_digits import FOLDER as SPOKEN
from workbench.data.spoken_digits import SPEAKER
from workbench.data.text_content import read_text
from workbench.data.text_file import found_files
from workbench.data.text_rows import is_json_lines, read_text_rows
from workbench.data.torchvision_sets import CLASS_NAMES
from workbench.errors import UsageError
from workbench.export.script.facts import Arrays, DocstringFacts, Folder, Sounds, Table
from workbench.settings.audio_data import AudioFolder, SpokenDigits
from workbench.settings.data import Csv, ImageFolder, Npz, TorchvisionSet
from workbench.settings.data_choice import default_data_folder
from workbench.settings.text_data import Docstrings, TextFile, TextFiles, TextFolder, TextTable
from workbench.training.job import Job

SUFFIXES = {"": "train", "_train": "train", "_validation": "validation", "_val": "validation", "_test": "test"}

COMPRESSED = (b"\x1f\x8b", b"BZ", b"\xfd7", b"PK")
"""First bytes of compressed files."""
MOST_FILES = 20

NESTED = "there are folders below those of the classes"


def read_by(job: Job) -> dict[str, Any]:
    """The fact that says how the data is read. Raises UsageError where a few lines do not read the same."""
    match job.preset.data:
        case Csv():
            return {"table": _table(job, job.preset.data)}
        case Npz():
            return {"arrays": _arrays(job, job.preset.data)}
        case ImageFolder():
            return {"folder": _folder(job.preset.data.folder, IMAGES, _check_image)}
        case TextFolder() as texts:
            return {"folder": _folder(texts.folder, TEXTS, lambda path: _check_text(path, texts))}
        case TextTable():
            return {"table": _text_table(job, job.preset.data)}
        case TextFile():
            return {"files": _text_files(job.preset.data)}
        case AudioFolder() | SpokenDigits() as data:
            return _sounds(job, data)
        case Docstrings():
            modules, skipped = list(docstrings.PACKAGES.values()), list(docstrings.SKIPPED)
            names = docstrings.NAMES.pattern
            return {
                "docstrings": DocstringFacts(
                    modules, skipped, names, docstrings.MASK, docstrings.MOST, docstrings.SHORTEST
                )
            }
        case TorchvisionSet() as data:
            return {"torchvision_class": CLASS_NAMES[data.label()]}
    return {}


def _refused(reason: str) -> UsageError:
    return UsageError(f"--to script cannot read the data as the run did, because {reason}")


def _table(job: Job, data: Csv) -> Table:
    file = Path(data.file)
    rows = read_rows(file, data.delimiter)
    columns = job.samples.columns
    numeric = [name for name in columns if name in rows.header]
    categories: dict[str, list[str]] = {}
    for column in columns:
        if column not in numeric:
            # The longest name: a column may be called `a=b`.
            name = max((each for each in rows.header if column.startswith(f"{each}=")), key=len)
            categories.setdefault(name, []).append(column.removeprefix(f"{name}="))
    kept, left_out = without_missing(rows, [*numeric, *categories], data.target, data.missing, data.missing_values)
    for name in [*numeric, *([data.target] if job.task.kind == "regression" else [])]:
        _check_plain(kept, name)
    words = categories | ({data.target: list(job.task.classes)} if job.task.kind == "classification" else {})
    for name, known in words.items():
        _check_words(kept, name, known)
    with file.open("rb") as opened:
        compressed = opened.read(2) == b"\x1f\x8b"
    with gzip.open(file) if compressed else file.open("rb") as opened:
        head = opened.read(2)
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    _check_above(rows)
    encoding = "utf-16" if wide else "utf-8-sig"
    return Table(encoding, rows.delimiter, compressed, numeric, categories, bool(left_out))


def _check_plain(rows: Rows, name: str) -> None:
    if any(not _is_plain(value) for value in rows.column(name)):
        raise _refused(f"column {name!r} writes numbers in another way than 1234.5")


def _check_words(rows: Rows, name: str, known: Sequence[str]) -> None:
    if other := set(rows.column(name)) - set(known):
        raise _refused(f"column {name!r} writes one word in several ways, such as {min(other)!r}")


def _check_above(rows: Rows) -> None:
    if any("above the header" in note or "without a name" in note for note in rows.notes):
        raise _refused("the file has lines above its header, or columns without a name")


def _is_plain(text: str) -> bool:
    try:
        return "_" not in text and float(text) == float(text)
    except ValueError:
        return False


def _arrays(job: Job, data: Npz) -> Arrays:
    with np.load(Path(data.file), allow_pickle=False) as arrays:
        splits = {split: suffix for suffix, split in SUFFIXES.items() if f"x{suffix}" in arrays.files}
        x, y = arrays[f"x{splits['train']}"], arrays[f"y{splits['train']}"]
    raw = tuple(job.raw["shape"])
    classes = ""
    if job.task.kind == "classification":
        known = np.unique(y)
        classes = "numbers" if np.array_equal(known, np.arange(len(known))) else "renumbered"
        classes = "one_hot" if is_one_hot(y) else classes
    return Arrays(splits, x.ndim == 3, x.ndim == 4 and data.channels != "first" and x.shape[1:] != raw, classes)


def _folder(folder: str, kind: FileKind, check: Callable[[Path], None]) -> Folder:
    top = Path(folder)
    splits, suffixes = {}, set()
    for name, files in find_files(top, kind).splits.items():
        parents = {path.parent for path in files.paths}
        places = {parent.parent for parent in parents}
        if len(places) > 1:
            raise _refused(NESTED)
        for path in files.paths:
            check(path)
        (place,) = places
        splits[name] = "" if place == top else place.name
        suffixes |= {path.suffix.lower() for path in files.paths}
    return Folder(splits, sorted(suffixes))


def _check_image(path: Path) -> None:
    if pixel_depth(path) is not Depth.EIGHT:
        raise _refused("some images have more than eight bits a channel")


def _check_text(path: Path, data: TextFiles, *, table: bool = False) -> None:
    content = read_text(path, data.encoding, "data.file", table=table)
    with path.open("rb") as opened:
        head = opened.read(2)
    if content.encoding not in ("utf-8", "utf-8-sig") or content.damaged or head in COMPRESSED:
        raise _refused(f"{path.name} is compressed, damaged, or not in UTF-8")


def _text_files(data: TextFile) -> list[str]:
    files = found_files(Path(data.file))
    if len(files) > MOST_FILES:
        raise _refused(f"there are {len(files)} files, more than a script should list")
    for file in files:
        _check_text(file, data)
    return list(map(str, files))


def _text_table(job: Job, data: TextTable) -> Table:
    file = Path(data.file)
    if is_json_lines(file):
        raise _refused("it is in JSON lines")
    _check_text(file, data, table=True)
    rows = read_text_rows(file, data.delimiter, data.encoding)
    _check_above(rows)
    kept, left_out = without_missing(rows, [], data.target, data.missing, data.missing_values, ignorable=False)
    if job.task.kind == "regression":
        _check_plain(kept, data.target)
    else:
        _check_words(kept, data.target, job.task.classes)
    return Table("utf-8-sig", rows.delimiter, False, [], {}, bool(left_out))


def _sounds(job: Job, data: AudioFolder | SpokenDigits) -> dict[str, Any]:
    if job.raw["type"] != "int16" or data.clips != "cut" or data.broken != "error":
        raise _refused("recordings of more than 16 bits, windows of them, and broken ones take more code")
    spoken = isinstance(data, SpokenDigits)
    folder = str(Path(data.folder or default_data_folder()) / SPOKEN) if spoken else data.folder
    pattern = SPEAKER.pattern if isinstance(data, SpokenDigits) else data.speaker_pattern
    names = find_files(Path(folder), SOUNDS, has_groups="/" in pattern).splits["train"].names
    if any("/" in name for name in names):
        raise _refused(NESTED)
    found = _folder(folder, SOUNDS, lambda path: None)
    if list(found.splits) != ["train"]:
        raise _refused("the folder has splits of its own")
    encoding = job.encoding
    length = job.raw["shape"][0]
    sounds = Sounds(folder, length)
    if isinstance(encoding, LogMel):
        window, hop, fft = encoding.window, encoding.hop, encoding.fft_length
        sounds = replace(sounds, window=window, hop=hop, fft=fft, at_once=encoding.at_a_time(length))
    if job.samples.groups is not None:
        sounds = replace(sounds, speaker=pattern, held_out=_held_out(job, speakers(names, re.compile(pattern))))
    return {"folder": found, "sounds": sounds}


def _held_out(job: Job, names: Sequence[str]) -> dict[str, list[str]]:
    """The speakers of the validation and the test split."""
    numbers = torch.arange(len(names)).unsqueeze(1)
    assert job.samples.train.targets is not None
    numbered = replace(job.samples, train=InMemory(numbers, job.samples.train.targets))
    splits = job.preset.validation.build(numbered)
    held_out = {"test": splits.test, "validation": splits.validation}
    return {
        split: sorted({names[int(number)] for number in samples.inputs})
        for split, samples in held_out.items()
        if isinstance(samples, InMemory)
    }

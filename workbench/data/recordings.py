"""The sound files of a split, and what their headers say: which are broken, and what is changed as they are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from workbench.data.audio_file import THREADS, AudioInfo, audio_info
from workbench.data.progress import Meter, Report
from workbench.data.words import few
from workbench.errors import DataError
from workbench.units import counted

DROP_HINT = 'data.broken = "drop" leaves such files out'


@dataclass(frozen=True)
class Recordings:
    """The sound files of a split, each with its target and, where they are known, its group."""

    paths: list[Path]
    targets: Tensor
    """As in `InMemory.targets`."""
    names: list[str]
    """The path of each below the folder that they share, or that of their class, with / between folders."""
    groups: list[str] | None = None
    """The name of each file's speaker, or of what else must stay in one split."""

    def only(self, kept: list[int]) -> Recordings:
        """The files with these numbers."""
        groups = None if self.groups is None else [self.groups[index] for index in kept]
        paths, names = [self.paths[index] for index in kept], [self.names[index] for index in kept]
        return Recordings(paths, self.targets[torch.tensor(kept).long()], names, groups)


@dataclass(frozen=True)
class Scanned:
    """Recordings with the header of each."""

    files: Recordings
    infos: list[AudioInfo]

    def only(self, kept: list[int]) -> Scanned:
        """The files with these numbers."""
        return Scanned(self.files.only(kept), [self.infos[index] for index in kept])


def scan(
    splits: Mapping[str, Recordings], drop_broken: bool, report: Report
) -> tuple[dict[str, Scanned], list[DataError]]:
    """Reads the headers of all files, by split; returns the splits, and an error for each file that is left out.

    Raises DataError, with the first files, where some are broken and `drop_broken` is not set.
    """
    meter = Meter(report, "reading the headers of sounds", sum(len(files.paths) for files in splits.values()), "files")
    scanned: dict[str, Scanned] = {}
    errors: list[DataError] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for name, files in splits.items():
            kept: list[int] = []
            infos: list[AudioInfo] = []
            for index, found in enumerate(pool.map(_header, files.paths)):
                if isinstance(found, DataError):
                    errors.append(found)
                else:
                    kept.append(index)
                    infos.append(found)
                meter.add(1)
            scanned[name] = Scanned(files if len(kept) == len(files.paths) else files.only(kept), infos)
    meter.finish()
    if errors and not drop_broken:
        more = f" ({counted(len(errors) - 1, 'more file')} cannot be read)" if len(errors) > 1 else ""
        raise DataError(f"{errors[0]}{more}; repair or remove it, or {DROP_HINT}")
    return scanned, errors


def _header(path: Path) -> AudioInfo | DataError:
    try:
        return audio_info(path)
    except DataError as error:
        return error


def reading_notes(scanned: Mapping[str, Scanned], rate: int) -> list[str]:
    """Notes on files that are changed as they are read: resampled, or their channels averaged."""
    infos = [info for each in scanned.values() for info in each.infos]
    rates = Counter(info.rate for info in infos if info.rate != rate)
    notes = []
    if rates:
        found = ", ".join(f"{each:,}" for each, _ in rates.most_common(3)) + ", …" * (len(rates) > 3)
        notes.append(f"{rates.total()} of {len(infos)} files are resampled to {rate:,} Hz, from {found} Hz")
    several = sum(info.channels > 1 for info in infos)
    if several:
        notes.append(f"{several} of {len(infos)} files have more than one channel, whose mean is taken")
    return notes


@dataclass
class LeftOut:
    """What cannot be read, and so is left out; a file is named once, however many of its windows are broken."""

    files: int
    """How many there are, with those that are left out."""
    whole: list[DataError]
    """The first error of each file of which nothing stays."""
    parts: list[DataError] = field(default_factory=list)
    """The first error of each file of which some windows stay."""
    windows: int = 0
    """How many windows of these are left out."""

    def __str__(self) -> str:
        """In words, with the first files; empty for nothing."""
        if not (self.whole or self.parts):
            return ""
        of_files = f" of {self.files} files"
        what = [f"{len(self.whole)}{of_files}"] if self.whole else []
        if self.parts:
            those = counted(len(self.parts), "other") if self.whole else f"{len(self.parts)}{of_files}"
            what.append(f"{counted(self.windows, 'window')} of {those}")
        errors = few([str(error) for error in (*self.whole, *self.parts)])
        return f"left out {' and '.join(what)}: {errors}".replace('"', "")

"""Samples of one length, cut out of recordings: the beginning of each, or one window after another."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.data.audio_file import FULL_SCALE, THREADS, AudioInfo, Wave, read_audio
from workbench.data.progress import Meter
from workbench.data.recordings import DROP_HINT, Scanned
from workbench.errors import DataError

LEAST_OF_A_WINDOW = 0.5
"""The last window of a recording is kept if at least this fraction of it is there; the rest of it is silence."""

SILENT = 10 ** (-80 / 20)
"""A clip whose samples all stay below this is silent: 80 decibels below full scale."""

QUEUED = 4096
"""Clips that wait for the threads that read them: a folder may hold millions."""

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class ClipFormat:
    """What all samples have in common."""

    rate: int
    """Samples a second, in hertz."""
    length: int
    """Samples of one clip at this rate."""
    windows: bool
    """Whether a longer recording gives several clips, one window after another; otherwise its beginning is kept."""
    is_deep: bool
    """Whether clips are float32, between -1 and 1; otherwise they are int16."""

    @property
    def dtype(self) -> torch.dtype:
        """Type of a clip's numbers."""
        return torch.float32 if self.is_deep else torch.int16

    @property
    def clip_bytes(self) -> int:
        """Memory of one clip."""
        return self.length * self.dtype.itemsize


@dataclass(frozen=True)
class Clips:
    """A map-style dataset that reads one clip at a time; picklable for a DataLoader's workers."""

    paths: list[Path]
    """The files of a split."""
    file: Integers
    """The number of each clip's file."""
    start: Integers
    """The first frame of each clip, at the rate of its file."""
    frames: Integers
    """The frames of each clip, at the rate of its file."""
    targets: Tensor
    """Of each clip, as in `InMemory.targets`."""
    format: ClipFormat

    def __len__(self) -> int:
        return len(self.file)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.read(index), self.targets[index]

    @property
    def file_names(self) -> list[str]:
        """The name of each file, with the folder of that."""
        return [f"{path.parent.name}/{path.name}" for path in self.paths]

    @cached_property
    def names(self) -> list[str]:
        """The name of each clip: its file, with the folder of that, and where it begins."""
        files = self.file_names
        return [f"{files[file]} {start}" for file, start in zip(self.file, self.start, strict=True)]

    @property
    def origin(self) -> Callable[[int], str]:
        """Says where the clip of a number comes from: its file, with the folder of that, and its first frame."""
        files, file, start = self.file_names, self.file, self.start

        def origin(number: int) -> str:
            return f"{files[file[number]]}{f' from frame {start[number]}' if start[number] else ''}"

        return origin

    def only(self, kept: list[int]) -> Clips:
        """The clips with these numbers, and their files alone."""
        chosen = np.array(kept, dtype=np.int64)
        files, file = np.unique(self.file[chosen], return_inverse=True)
        return replace(
            self,
            paths=[self.paths[number] for number in files],
            file=file.astype(np.int64),
            start=self.start[chosen],
            frames=self.frames[chosen],
            targets=self.targets[torch.from_numpy(chosen)],
        )

    def read(self, index: int) -> Tensor:
        """One clip, (length,), padded with silence at its end. Raises DataError if its file is broken."""
        path = self.paths[self.file[index]]
        return read_clip(path, int(self.start[index]), int(self.frames[index]), self.format)


def read_clip(path: Path, start: int, frames: int, form: ClipFormat) -> Tensor:
    """A clip of a file, (length,), padded with silence at its end. Raises DataError if the file is broken.

    start, frames: at the file's own rate.
    """
    wave = read_audio(path, start, frames, form.rate)
    clip = torch.zeros(form.length, dtype=form.dtype)
    there = wave[: form.length]
    clip[: len(there)] = torch.from_numpy(there if form.is_deep else _sixteen_bits(there))
    return clip


def in_format(clips: Tensor, form: ClipFormat) -> Tensor:
    """Clips (n, length) in the type of a format; other loudness than full scale is not changed."""
    if clips.dtype == form.dtype:
        return clips
    return clips.float() / FULL_SCALE if form.is_deep else torch.from_numpy(_sixteen_bits(clips.numpy()))


def plan_clips(scanned: Scanned, form: ClipFormat) -> Clips:
    """Decides where the clips of each file begin and end."""
    places: list[tuple[int, int, int]] = []
    for number, info in enumerate(scanned.infos):
        places += [(number, start, frames) for start, frames in clip_places(info, form)]
    file, start, frames = np.array(places, dtype=np.int64).reshape(-1, 3).T.copy()
    return Clips(scanned.files.paths, file, start, frames, scanned.files.targets[torch.from_numpy(file)], form)


def clip_places(info: AudioInfo, form: ClipFormat) -> list[tuple[int, int]]:
    """First frame and number of frames of each clip of a file, at the file's own rate."""
    length = form.length * info.rate / form.rate
    if not form.windows:
        return [(0, min(info.frames, math.ceil(length)))]
    count = max(int(info.frames / length), 1)
    if info.frames - count * length >= LEAST_OF_A_WINDOW * length:
        count += 1
    starts = [round(number * length) for number in range(count)]
    return [(start, min(math.ceil(length), info.frames - start)) for start in starts]


@dataclass(frozen=True)
class Checked:
    """What reading all clips of a split has shown."""

    errors: dict[int, DataError]
    """Of the clips that are broken, by number."""
    silent: list[int]
    """The numbers of the clips that hold nothing but silence."""


def read_all(clips: Clips, into: Tensor | None, drop_broken: bool, meter: Meter) -> Checked:
    """Reads all clips in several threads, into a tensor of zeros (clips, length) or, without one, only to check them.

    Broken clips stay zero. Raises the first error instead if `drop_broken` is not set.
    """

    def read(index: int) -> DataError | bool:
        try:
            clip = clips.read(index)
        except DataError as error:
            return error
        if into is not None:
            into[index] = clip
        return _is_silent(clip)

    errors: dict[int, DataError] = {}
    silent: list[int] = []
    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, len(clips), QUEUED):
            block = range(start, min(start + QUEUED, len(clips)))
            # In order, so that the error always names the first of several broken files.
            for index, found in zip(block, pool.map(read, block), strict=True):
                if isinstance(found, DataError):
                    if not drop_broken:
                        raise DataError(f"{found}; repair or remove it, or {DROP_HINT}")
                    errors[index] = found
                elif found:
                    silent.append(index)
                meter.add(1)
    return Checked(errors, silent)


def _is_silent(clip: Tensor) -> bool:
    limit = SILENT if clip.is_floating_point() else SILENT * FULL_SCALE
    # The largest of int16 has no negative, and abs() of that would be negative.
    return bool(clip.amax() < limit and clip.amin() > -limit)


def _sixteen_bits(wave: Wave) -> NDArray[np.int16]:
    """Rounds to int16; exact for what has 16 bits. Louder samples than 16 bits can hold are clipped."""
    rounded: NDArray[np.int16] = np.clip(np.rint(wave * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    return rounded

"""Reads new recordings: sound files, folders of them, and arrays of waveforms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from workbench.data.audio_clips import ClipFormat, clip_places, read_clip
from workbench.data.audio_file import THREADS, audio_info
from workbench.data.file_kinds import SOUNDS
from workbench.data.inputs import Inputs
from workbench.data.readers.arrays import ArrayReader, ArraySample, is_arrays
from workbench.data.readers.reader import Reader
from workbench.data.readers.source import Place, Source, files_of
from workbench.errors import DataError


@dataclass(frozen=True, slots=True)
class Clip:
    """A part of a recording."""

    path: Path
    start: int
    """The first frame, at the rate of its file."""
    frames: int
    """At the rate of its file; 0 where the header cannot be read."""


class SoundReader(Reader[Clip | ArraySample]):
    """Reads recordings as waveforms (n, length) at one rate, cut or divided into windows as in training."""

    name: ClassVar[str] = "sounds"

    def __init__(self, rate: int, length: int, windows: bool, is_deep: bool) -> None:
        """See `audio_clips.ClipFormat`."""
        self.format = ClipFormat(rate, length, windows, is_deep)
        self._arrays = ArrayReader({"shape": [length], "type": str(self.format.dtype).removeprefix("torch.")})

    def arguments(self) -> dict[str, Any]:
        form = self.format
        return {"rate": form.rate, "length": form.length, "windows": form.windows, "is_deep": form.is_deep}

    @property
    def place_names(self) -> tuple[str, ...]:
        return (*super().place_names, "start_s") if self.format.windows else super().place_names

    @property
    def takes(self) -> str:
        return f"sounds ({SOUNDS.examples}), or {self._arrays.takes}"

    def items(self, source: Source) -> Iterator[tuple[Place, Clip | ArraySample]]:
        if not source.is_stdin and is_arrays(source.path):
            yield from self._arrays.items(source)
            return
        for place, path in files_of(source, SOUNDS):
            yield from self._clips(place, path)

    def make(self, items: Sequence[Clip | ArraySample]) -> Inputs:
        if arrays := [item for item in items if isinstance(item, ArraySample)]:
            return self._arrays.make(arrays)
        with ThreadPoolExecutor(THREADS) as pool:
            # In order, so that the error always names the first of several broken files.
            return torch.stack(list(pool.map(self._wave, [item for item in items if isinstance(item, Clip)])))

    def _clips(self, place: Place, path: Path) -> Iterator[tuple[Place, Clip]]:
        try:
            info = audio_info(path)
        except DataError:
            yield place, Clip(path, 0, 0)  # `make` says what is wrong with it
            return
        for start, frames in clip_places(info, self.format):
            there = place | {"start_s": round(start / info.rate, 6)} if self.format.windows else place
            yield there, Clip(path, start, frames)

    def _wave(self, clip: Clip) -> Tensor:
        if not clip.frames:
            audio_info(clip.path)
        return read_clip(clip.path, clip.start, clip.frames, self.format)

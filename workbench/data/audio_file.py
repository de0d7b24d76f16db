"""Reads one sound file: what its header says, and its samples as one channel at the rate that is asked for."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.data.file_types import CHECKED_BYTES, other_type
from workbench.data.ogg import ogg_end
from workbench.errors import DataError

Wave = NDArray[np.float32]
"""Samples of one channel, (samples,), between -1 and 1 where the file is not louder."""

FULL_SCALE = 32768.0
"""The number of 16 bits that stands for 1."""

THREADS = min(8, os.cpu_count() or 1)
"""Threads that read files in parallel: libsndfile runs without the GIL."""

SIXTEEN_BITS = {"PCM_S8", "PCM_U8", "PCM_16", "ULAW", "ALAW", "ALAC_16", "DPCM_8", "DPCM_16", "VORBIS", "OPUS"}
"""Subtypes whose samples fit into 16 bits, or that are lossy; MPEG and ADPCM are too."""

LONGEST_SIZE = 0x7FFF0000
"""Sizes in a header from here on are placeholders: who wrote the file did not know its length yet."""

LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000
"""Rates that recorders use lie between these, in hertz; a header that gives another is broken."""

CUT_OFF = re.compile(r"^ *(?:data|SSND|Data Size) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
"""libsndfile's line on a file that has fewer bytes of sound than its header says."""

MISSING_FRAMES, MISSING_FRACTION = 1152, 0.01
"""Samples of an MP3, one of its frames, and the fraction of them that may be missing: its header gives an estimate."""


@dataclass(frozen=True)
class AudioInfo:
    """What the header of a sound file says."""

    rate: int
    """Samples a second, in hertz."""
    frames: int
    """Samples of each channel; more than 0."""
    channels: int
    is_deep: bool
    """Whether its samples need more than 16 bits."""
    lacks_end: bool = False
    """Whether an Ogg file does not mark its end, as if it was cut off between two pages."""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.frames / self.rate

    def frames_at(self, rate: int) -> int:
        """Its length in samples of another rate."""
        return math.ceil(self.frames * rate / self.rate)


def audio_info(path: Path) -> AudioInfo:
    """Reads the header.

    Raises DataError if the file is not there, not a sound, without any samples, at an absurd rate, or cut off.
    """
    import soundfile

    if not path.is_file():  # opening a pipe would block
        raise broken(path, "it is a folder" if path.is_dir() else "it does not exist")
    try:
        end = ogg_end(path)
        if end != "cut off":
            found = soundfile.info(path)
    except Exception as error:
        raise broken(path, _reason(path, error)) from error
    if end == "cut off":  # libsndfile takes what is there for the whole, or says 0 samples
        raise broken(path, "it is cut off: its last part (an Ogg page) is not all there")
    if found.frames <= 0 or found.samplerate <= 0 or found.channels <= 0:
        raise broken(path, "it holds no sound (0 samples)")
    if not LOWEST_RATE <= found.samplerate <= HIGHEST_RATE:
        raise broken(
            path,
            f"its header gives a rate of {found.samplerate:,} Hz, but rates lie between {LOWEST_RATE:,} and "
            f"{HIGHEST_RATE:,} Hz",
        )
    for announced, there in CUT_OFF.findall(found.extra_info):
        if int(there) < int(announced) < LONGEST_SIZE:
            raise broken(path, f"it is cut off: {int(there):,} of {int(announced):,} bytes of sound are there")
    is_deep = not (found.subtype in SIXTEEN_BITS or "MPEG" in found.subtype or "ADPCM" in found.subtype)
    return AudioInfo(found.samplerate, found.frames, found.channels, is_deep, end == "unmarked")


def read_audio(path: Path, start: int, frames: int, rate: int) -> Wave:
    """Reads `frames` frames from frame `start` on, both at the file's own rate; returns one channel at `rate`.

    Channels are averaged. Another rate is reached by SciPy's polyphase filter, `scipy.signal.resample_poly`, which
    removes what the lower rate cannot hold. Raises DataError if the file is broken, cut off, or holds NaN.
    """
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            file.seek(start)
            read = file.read(frames, dtype="float32", always_2d=True)
            own_rate, is_mpeg = int(file.samplerate), "MPEG" in file.subtype
    except Exception as error:
        raise broken(path, _reason(path, error)) from error
    allowed = max(MISSING_FRAMES, MISSING_FRACTION * frames) if is_mpeg else 0
    if frames - len(read) > allowed or len(read) == 0:
        raise broken(path, f"it is cut off: {start + len(read):,} of {start + frames:,} samples are there")
    finite = np.isfinite(read)
    if not finite.all():
        frame, channel = (int(place) for place in np.argwhere(~finite)[0])
        raise broken(path, f"it holds {read[frame, channel]} at sample {start + frame:,} (counted from 0)")
    wave: Wave = read[:, 0] if read.shape[1] == 1 else read.mean(axis=1)
    return wave if own_rate == rate else _resampled(wave, own_rate, rate)


def _resampled(wave: Wave, before: int, after: int) -> Wave:
    from scipy.signal import resample_poly

    divisor = math.gcd(before, after)
    resampled: Wave = resample_poly(wave, after // divisor, before // divisor).astype(np.float32)
    return resampled


def broken(path: Path, reason: str) -> DataError:
    """An error that names the file and says why it cannot be used."""
    return DataError(f"cannot read the sound {str(path)!r}: {reason}")


def _reason(path: Path, error: Exception) -> str:
    """What is wrong, in words: libsndfile says little of files that are not sounds."""
    try:
        with path.open("rb") as file:
            start = file.read(CHECKED_BYTES)
    except OSError as unreadable:
        return unreadable.strerror or str(unreadable)
    if not start:
        return "it is empty"
    if what := other_type(start).partition(";")[0]:
        return f"it is {what}"
    said = str(getattr(error, "error_string", "") or error).rstrip(".")
    # Of a text called .mp3 it says that it does not exist.
    unknown = isinstance(error, TypeError) or "not recognised" in said or "does not exist" in said
    return "it is not a sound file, whatever its name says" if unknown else said.removeprefix("Error : ")

"""Sounds: folders and tables of recordings, their encoding, and how they are varied while training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from workbench.settings.base import ANY, Conditions, PathText, setting
from workbench.settings.data_choice import MISSING_VALUES, NumberData, default_data_folder, memory_limit_bytes

if TYPE_CHECKING:
    from torch import Tensor

    from workbench.data.audio_samples import AudioReading
    from workbench.data.samples import Samples
    from workbench.data.spectrogram import SoundEncoding
    from workbench.metrics import TaskKind
    from workbench.settings.data_choice import Report

SPECTROGRAMS: Conditions = {"encoding": ("log_mel", "mfcc")}

LARGEST_SHIFT = 0.5
"""The most that samples may be shifted in time, as a fraction of their length."""


def masks(kind: str) -> int:
    """How many masks of SpecAugment each spectrogram gets. kind: time or frequency."""
    number: int = setting(
        0, f"spectrograms: {kind} masks in each (SpecAugment)", empty="off", only_if=SPECTROGRAMS, ge=0, le=16
    )
    return number


class Sounds(NumberData):
    """Recordings, which become waveforms of one rate and length, and are encoded on the device."""

    sample_rate: int = setting(
        16_000, "rate that all recordings are resampled to", unit="Hz", step=1000, ge=1000, le=192_000
    )
    seconds: float = setting(
        0.0,
        "length of a sample; shorter recordings are padded with silence; 0: as long as the longest",
        unit="s",
        empty="longest",
        ge=0,
        le=3600,
    )
    clips: Literal["cut", "windows"] = setting(
        "cut",
        "longer recordings: cut keeps their beginning, windows divides them into several samples",
        only_if={"seconds": ANY},
    )
    broken: Literal["error", "drop"] = setting("error", "files that cannot be read: an error, or left out")
    encoding: Literal["log_mel", "mfcc", "waveform"] = setting(
        "log_mel", "what the model gets: a log-mel spectrogram, cepstral coefficients, or the waveform itself"
    )
    window_ms: float = setting(
        25.0, "length of a spectrogram's windows", unit="ms", only_if=SPECTROGRAMS, gt=0, le=1000
    )
    hop_ms: float = setting(10.0, "from one window to the next", unit="ms", only_if=SPECTROGRAMS, gt=0, le=1000)
    mels: int = setting(
        64,
        "frequency bands of a spectrogram, equally wide on the mel scale",
        step=8,
        only_if=SPECTROGRAMS,
        ge=1,
        le=1024,
    )
    low_hz: float = setting(20.0, "lowest frequency of the bands", unit="Hz", only_if=SPECTROGRAMS, ge=0, le=96_000)
    high_hz: float = setting(
        0.0,
        "highest frequency of the bands; 0: half of the sample rate",
        unit="Hz",
        empty="half the rate",
        only_if=SPECTROGRAMS,
        ge=0,
        le=96_000,
    )
    coefficients: int = setting(
        20,
        "mfcc: coefficients of a window, at most as many as mels",
        only_if={"encoding": ("mfcc",)},
        ge=1,
        le=1024,
    )
    time_shift_ms: float = setting(
        0.0, "shift each sample in time by up to this", unit="ms", empty="off", ge=0, le=60_000
    )
    gain_db: float = setting(
        0.0, "make each sample louder or softer by up to this", unit="dB", empty="off", ge=0, le=60
    )
    noise_db: float = setting(
        0.0,
        "add white noise, at least this far below each sample's own level; 0 for none",
        unit="dB",
        empty="off",
        ge=0,
        le=120,
    )
    time_masks: int = masks("time")
    time_mask_ms: float = setting(
        200.0, "the widest of them", unit="ms", only_if=SPECTROGRAMS | {"time_masks": ANY}, gt=0, le=60_000
    )
    frequency_masks: int = masks("frequency")
    frequency_mask_bands: int = setting(
        8, "the widest of them", unit="bands", only_if=SPECTROGRAMS | {"frequency_masks": ANY}, ge=1, le=1024
    )

    def reading(self) -> AudioReading:
        """How recordings are read. Raises PresetError where settings do not fit each other."""
        from workbench.data.audio_samples import AudioReading

        self._check()
        return AudioReading(self.sample_rate, self.seconds, self.clips, self.broken == "drop", memory_limit_bytes())

    def encoded(self, samples: Samples) -> Samples:
        """The samples with their encoding."""
        from workbench.data.fit_sound_encoding import fit_sound_encoding

        return replace(samples, fit_encoding=partial(fit_sound_encoding, make=self._make, normalize=self.normalize))

    def raw_augmentation(self) -> Callable[[Tensor], Tensor] | None:
        """Varies waveforms (n, samples)."""
        if not (self.time_shift_ms or self.gain_db or self.noise_db):
            return None
        from workbench.data.augment_sound import augment_waves

        return partial(
            augment_waves, shift=self._samples(self.time_shift_ms), gain_db=self.gain_db, noise_db=self.noise_db
        )

    def check_variation(self, sample: tuple[int, ...]) -> None:
        seconds = sample[0] / self.sample_rate
        most = LARGEST_SHIFT * seconds * 1000
        if self.time_shift_ms > most:
            from workbench.errors import PresetError

            raise PresetError(
                f"data.time_shift_ms = {self.time_shift_ms:g}, but samples last {seconds:.4g} s, and shifts by more "
                f"than half of that leave mostly silence; choose at most {math.floor(most)}"
            )

    def augmentation(self) -> Callable[[Tensor], Tensor] | None:
        """Varies spectrograms (n, 1, rows, frames)."""
        if not (self.time_masks or self.frequency_masks):
            return None
        from workbench.data.augment_sound import mask_spectrograms

        return partial(
            mask_spectrograms,
            time_masks=self.time_masks,
            time_width=max(round(self.time_mask_ms / self.hop_ms), 1),
            frequency_masks=self.frequency_masks,
            frequency_width=self.frequency_mask_bands,
            standardised=self.normalize == "standard",
        )

    def _samples(self, milliseconds: float) -> int:
        return max(round(milliseconds * self.sample_rate / 1000), 1) if milliseconds else 0

    @property
    def _bands(self) -> dict[str, Any]:
        """The settings of a spectrogram, as its encoding takes them."""
        return {
            "rate": self.sample_rate,
            "window": max(self._samples(self.window_ms), 2),
            "hop": self._samples(self.hop_ms),
            "mels": self.mels,
            "low_hz": self.low_hz,
            "high_hz": self.high_hz or self.sample_rate / 2,
        }

    def _make(self, mean: Tensor, std: Tensor) -> SoundEncoding:
        from workbench.data.spectrogram import LogMel, Mfcc, Waveform

        if self.encoding == "waveform":
            return Waveform(mean, std)
        if self.encoding == "mfcc":
            return Mfcc(self.coefficients, **self._bands, mean=mean, std=std)
        return LogMel(**self._bands, mean=mean, std=std)

    def _check(self) -> None:
        from workbench.data.mel import fft_length_for
        from workbench.errors import PresetError

        if self.encoding == "waveform":
            if self.time_masks or self.frequency_masks:
                raise PresetError(
                    'data.time_masks and data.frequency_masks are for spectrograms, but data.encoding = "waveform"'
                )
            return
        highest = self.sample_rate / 2
        if self.high_hz > highest:
            raise PresetError(
                f"data.high_hz = {self.high_hz:g}, but samples at {self.sample_rate:,} Hz hold frequencies up to "
                f"{highest:g} Hz (data.sample_rate sets the rate)"
            )
        if self.low_hz >= (self.high_hz or highest):
            raise PresetError(
                f"data.low_hz = {self.low_hz:g} must be less than the highest frequency, {self.high_hz or highest:g} Hz"
            )
        if self.encoding == "mfcc" and self.coefficients > self.mels:
            raise PresetError(
                f"data.coefficients = {self.coefficients}, but {self.mels} bands (data.mels) give at most as many"
            )
        bands = self._bands
        try:
            fft_length_for(*(bands[name] for name in ("window", "rate", "mels", "low_hz", "high_hz")))
        except ValueError as error:
            raise PresetError(f"data.mels = {self.mels}: {error}; choose fewer") from error


class AudioFolder(Sounds):
    """Your recordings, one folder per class: FOLDER/<class>/*.wav, or FOLDER/{train,validation,test}/<class>/*.wav."""

    name: Literal["audio_folder"] = "audio_folder"
    folder: PathText = setting(..., "the folder that contains one folder per class")
    speaker_pattern: str = setting(
        "",
        "regular expression whose group in parentheses is the speaker in a file's name; a speaker then stays in one "
        "split; one with / is for the path below the class's folder",
        empty="no speakers",
    )

    def build(self, report: Report) -> Samples:
        from workbench.data.audio_folder import audio_folder
        from workbench.data.groups import speaker_pattern

        pattern = speaker_pattern(self.speaker_pattern)
        return self.encoded(audio_folder(Path(self.folder), pattern, self.reading(), report))


class AudioTable(Sounds):
    """A CSV or TSV file that lists your recordings: a column of file names, one to predict, and groups or splits."""

    name: Literal["audio_table"] = "audio_table"
    file: PathText = setting(..., "the table")
    target: str = setting(..., "the column to predict", names="columns")
    audio: str = setting("file", "the column of the recordings' file names", names="columns")
    task: Literal["auto", "classification", "regression"] = setting(
        "auto", "classes or numbers to predict; auto: words and at most 20 different whole numbers are classes"
    )
    group: str = setting(
        "",
        "the column of what must stay in one split, such as the speaker; empty for none",
        names="columns",
        empty="no column",
    )
    split: str = setting(
        "", "the column that says train, validation or test; empty for none", names="columns", empty="no column"
    )
    folder: PathText = setting(
        "", "folder that file names are relative to; empty: that of the table", empty="that of the table"
    )
    delimiter: Literal["auto", ",", "\t", ";", "|"] = setting("auto", "separator of two fields")
    missing: Literal["error", "drop"] = setting("error", "rows with missing values: an error, or dropped")
    missing_values: tuple[str, ...] = setting(
        MISSING_VALUES, 'exact texts that stand for a missing value; [""] keeps None, NA and na as words'
    )

    @property
    def predicts(self) -> TaskKind | None:
        return None if self.task == "auto" else self.task

    def build(self, report: Report) -> Samples:
        from workbench.data.audio_table import audio_table

        samples = audio_table(
            Path(self.file),
            self.audio,
            self.target,
            self.task,
            self.group,
            self.split,
            Path(self.folder) if self.folder else None,
            self.delimiter,
            self.missing,
            self.missing_values,
            self.reading(),
            report,
        )
        return self.encoded(samples)


class SpokenDigits(Sounds):
    """The ten digits, spoken by 60 synthetic voices; made once by espeak-ng if it is installed (6 MB)."""

    name: Literal["spoken_digits"] = "spoken_digits"
    folder: PathText = setting(
        "",
        "folder that they are kept in; empty: the folder in WORKBENCH_DATA, else the user's cache",
        empty="default folder",
    )

    def build(self, report: Report) -> Samples:
        from workbench.data.spoken_digits import spoken_digits

        return self.encoded(spoken_digits(Path(self.folder or default_data_folder()), self.reading(), report))

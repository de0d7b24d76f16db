"""Texts with their tokens, sounds with their spectrograms."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from workbench.data.encoding import Encoding
from workbench.data.samples import InMemory
from workbench.data.spectrogram import LogMel
from workbench.data.text_encoding import Characters
from workbench.processes.data import DataSummary, Lengths
from workbench.settings.preset import Preset
from workbench.training.describing.pictures import MOST_CHARACTERS, MOST_TOKENS, text
from workbench.training.describing.source import Source, read_source
from workbench.training.describing.summary import summarize

RATE = 8000


def summary_of(overrides: list[str]) -> DataSummary:
    return summarize(Preset().override(overrides), 8, 0, lambda progress: None)


def texts(folder: Path, *lines: str) -> list[str]:
    """A table of texts, each twice and all of them for training."""
    file = folder / "texts.jsonl"
    file.write_text(
        "".join(json.dumps({"text": line, "y": "ab"[place % 2]}) + "\n" for place, line in enumerate(lines * 2))
    )
    whole = ["validation.method=none", "validation.test_fraction=0", "model.name=bag_of_embeddings"]
    return ["data.name=text_table", f"data.file={json.dumps(str(file))}", "data.target=y", "data.batch_size=2", *whole]


def test_a_text_comes_with_its_tokens(tmp_path: Path) -> None:
    found = summary_of(texts(tmp_path, "To be or not to be.", "That is the question!"))
    assert (found.task, found.encoding) == ("classification", "words")
    assert [(each.name, each.shape, each.type) for each in found.raw] == [("", [], "text")]
    assert [(each.shape, each.type) for each in found.model_input] == [([8], "int64")]
    assert found.vocabulary == 2 + 10
    first, second, *_ = (sample.text for sample in sorted(found.samples, key=lambda sample: sample.number))
    assert first is not None
    assert (first.text, first.is_whole, first.length, first.kept) == ("To be or not to be.", True, 7, 7)
    assert first.tokens == ["to", "be", "or", "not", "to", "be", "."]
    assert second is not None
    assert second.tokens[-1] == "!"
    assert [sample.target for sample in found.samples] == ["a", "b", "a", "b"]


def test_held_out_texts_that_are_cut_are_counted(tmp_path: Path) -> None:
    for split, lengths in {"train": (1, 5, 5, 1), "validation": (9, 3), "test": (4, 5, 6, 7)}.items():
        for number, length in enumerate(lengths):
            file = tmp_path / split / "ab"[number % 2] / f"{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("one " * length)
    whole = ["data.batch_size=2", "model.name=bag_of_embeddings", "validation.method=predefined"]
    settings = ["data.name=text_folder", f"data.folder={json.dumps(str(tmp_path))}", *whole]
    found = summary_of([*settings, "data.max_length=5"])
    assert found.lengths == Lengths(
        "tokens", 1, 3, 5, 5, 4, limit=5, cut=0, held_out=6, held_out_cut=3, held_out_most=9
    )
    assert "1 of 2 texts of the validation split is cut after 5 tokens; the longest has 9" in found.notes
    assert "2 of 4 texts of the test split are cut after 5 tokens; the longest has 7" in found.notes
    [cut] = [note for note in summary_of([*settings, "data.max_length=0"]).notes if "cut" in note]
    assert cut == "1 of 2 texts of the validation split is cut after 8 tokens; the longest has 9"


def test_lengths_are_counted_and_what_is_cut_is_said(tmp_path: Path) -> None:
    lines = ["one " * count for count in (1, 2, 3, 10)]
    found = summary_of([*texts(tmp_path, *lines), "data.max_length=4"])
    assert found.lengths == Lengths("tokens", 1, 2.5, 10, 10, 8, limit=4, cut=2)
    longest = next(sample.text for sample in found.samples if sample.number == 3)
    assert longest is not None
    assert (longest.length, longest.kept) == (10, 4)
    assert any("cut after 4 tokens" in note for note in found.notes)


def test_of_a_long_text_the_start_is_sent(tmp_path: Path) -> None:
    found = summary_of(texts(tmp_path, "word " * 5000, "short"))
    long = next(sample.text for sample in found.samples if sample.number == 0)
    assert long is not None
    assert (len(long.text), long.is_whole, len(long.tokens), long.length) == (MOST_CHARACTERS, False, MOST_TOKENS, 5000)


def test_a_window_of_ids_is_shown_as_the_text_that_it_stands_for(tmp_path: Path) -> None:
    source = read_source(Preset().override(texts(tmp_path, "a", "b")), lambda progress: None)
    own = with_encoding(source, Characters("abc", 3))
    assert text(torch.tensor([4, 2, 0]), own) == text("ca", own)
    assert text("ca", own).tokens == ["c", "a"]


def with_encoding(source: Source, encoding: Encoding) -> Source:
    from dataclasses import replace

    return replace(source, data=replace(source.data, encoding=encoding))


def sounds(folder: Path, seconds: float = 0.5) -> list[str]:
    """A low tone in one class; in the other a high one, which begins half-way."""
    time = np.arange(int(RATE * seconds)) / RATE
    low, high = np.sin(2 * np.pi * 300 * time), np.sin(2 * np.pi * 3000 * time) * (time >= seconds / 2)
    for name, wave in (("low", low), ("high", high)):
        (folder / name).mkdir(parents=True)
        for place in range(4):
            soundfile.write(folder / name / f"{place}.flac", 0.5 * wave, RATE)
    whole = ["validation.method=none", "validation.test_fraction=0", "data.batch_size=2", "model.name=cnn"]
    return ["data.name=audio_folder", f"data.folder={json.dumps(str(folder))}", f"data.sample_rate={RATE}", *whole]


def test_a_sound_comes_with_its_waveform_and_its_spectrogram(tmp_path: Path) -> None:
    found = summary_of(sounds(tmp_path / "sounds"))
    assert found.encoding == "log_mel"
    assert found.lengths is not None
    assert found.lengths.measured == 8
    assert found.lengths.least == pytest.approx(0.5, abs=0.001)
    assert found.lengths.most == pytest.approx(0.5, abs=0.001)
    for sample in found.samples:
        wave, spectrum = sample.waveform, sample.spectrogram
        assert wave is not None
        assert spectrum is not None
        assert (wave.seconds, wave.sample_rate) == (0.5, RATE)
        assert max(wave.highs) == pytest.approx(0.5, abs=0.01)
        assert min(wave.lows) == pytest.approx(-0.5, abs=0.01)
        assert (spectrum.low, spectrum.high, spectrum.seconds) == ("20 Hz", "4 kHz", 0.5)
        assert max(wave.highs[:10]) == (0.0 if sample.target == "high" else pytest.approx(0.5, abs=0.01))
        values = np.reshape(spectrum.values, (spectrum.rows, spectrum.columns))
        late = values[:, -spectrum.columns // 4]
        assert 0 <= values.min() <= values.max() <= 1
        is_high = sample.target == "high"
        upper, lower = late[spectrum.rows // 2 :].mean(), late[: spectrum.rows // 2].mean()
        assert (upper > lower) == is_high


def test_a_raw_waveform_has_no_spectrogram_and_coefficients_have_numbers(tmp_path: Path) -> None:
    overrides = sounds(tmp_path / "sounds")
    raw = summary_of([*overrides, "data.encoding=waveform", "model.name=mlp"]).samples[0]
    assert raw.waveform is not None
    assert raw.spectrogram is None
    cepstral = summary_of([*overrides, "data.encoding=mfcc", "data.coefficients=12"]).samples[0].spectrogram
    assert cepstral is not None
    assert (cepstral.name, cepstral.rows, cepstral.low, cepstral.high) == ("MFCC", 12, "1", "12")


def test_a_long_sound_is_reduced(tmp_path: Path) -> None:
    sample = summary_of([*sounds(tmp_path / "sounds", seconds=6.0), "data.mels=80"]).samples[0]
    assert sample.waveform is not None
    assert sample.spectrogram is not None
    assert len(sample.waveform.lows) == len(sample.waveform.highs) == sample.spectrogram.columns == 128
    assert sample.spectrogram.rows == 64
    assert len(sample.spectrogram.values) == 64 * 128


def test_lengths_of_sounds_are_without_their_padding(tmp_path: Path) -> None:
    overrides = sounds(tmp_path / "sounds", seconds=0.5)
    soundfile.write(tmp_path / "sounds" / "low" / "longer.flac", np.full(RATE, 0.25), RATE)
    soundfile.write(tmp_path / "sounds" / "low" / "silent.flac", np.zeros(10), RATE)
    found = summary_of(overrides)
    assert found.raw[0].shape == [RATE]
    assert found.lengths is not None
    assert (found.lengths.least, found.lengths.most, found.lengths.measured) == (0.0, 1.0, 10)
    assert found.lengths.median == pytest.approx(0.5, abs=0.001)


def test_log_mel_is_what_a_spectrogram_is_made_of(tmp_path: Path) -> None:
    source = read_source(Preset().override(sounds(tmp_path / "sounds")), lambda progress: None)
    assert isinstance(source.data.encoding, LogMel)
    assert isinstance(source.raw, InMemory)
    assert source.sample_rate == RATE


def test_folds_of_groups_are_not_said_to_be_of_one_size(sound_preset: list[str]) -> None:
    assert summary_of([*sound_preset, "validation.method=k_fold"]).notes[-1] == (
        "the validation split is fold 0, and the sizes of the other folds may differ, because groups stay in one fold"
    )

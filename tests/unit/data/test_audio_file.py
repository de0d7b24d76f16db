"""One sound file: every format, rate and depth is read right, and what is broken is named with the reason."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from tests.unit.data.sounds import RATE, save, tone
from workbench.data.audio_file import AudioInfo, audio_info, read_audio
from workbench.data.ogg import ogg_end
from workbench.errors import DataError


@pytest.mark.parametrize(
    ("name", "subtype", "is_deep", "error"),
    [
        ("a.wav", "PCM_16", False, 4e-5),
        ("a.wav", "PCM_U8", False, 1e-2),
        ("a.wav", "PCM_24", True, 1e-6),
        ("a.wav", "FLOAT", True, 0.0),
        ("a.wav", "DOUBLE", True, 0.0),
        ("a.WAV", "ULAW", False, 3e-2),
        ("a.flac", "PCM_16", False, 4e-5),
        ("a.flac", "PCM_24", True, 1e-6),
        ("a.aiff", "PCM_16", False, 4e-5),
        ("a.ogg", "VORBIS", False, 5e-2),
        ("a.mp3", "MPEG_LAYER_III", False, 5e-2),
    ],
)
def test_every_format_is_read(tmp_path: Path, name: str, subtype: str, is_deep: bool, error: float) -> None:
    wave = tone(440, seconds=0.5)
    path = save(tmp_path / name, wave, subtype=subtype)
    assert audio_info(path) == AudioInfo(RATE, len(wave), 1, is_deep)
    found = read_audio(path, 0, len(wave), RATE)
    assert found.dtype == np.float32
    assert np.abs(found - wave)[200:-200].max() <= error


def test_the_extension_need_not_be_right(tmp_path: Path) -> None:
    save(tmp_path / "a.flac", tone(440)).rename(tmp_path / "a.wav")
    assert read_audio(tmp_path / "a.wav", 0, 800, RATE) == pytest.approx(tone(440), abs=1e-4)


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", np.stack([tone(440), np.zeros(800, np.float32)], axis=1), subtype="FLOAT")
    assert audio_info(path).channels == 2
    assert np.array_equal(read_audio(path, 0, 800, RATE), tone(440) / 2)


def test_a_part_is_read_from_where_it_begins(tmp_path: Path) -> None:
    path = save(tmp_path / "a.flac", tone(440))
    assert np.array_equal(read_audio(path, 300, 100, RATE), read_audio(path, 0, 800, RATE)[300:400])


@pytest.mark.parametrize("rate", [4000, 11025, 16000, 44100])
def test_another_rate_gives_the_same_tone(tmp_path: Path, rate: int) -> None:
    path = save(tmp_path / "a.wav", tone(440, 0.5, rate), rate, subtype="FLOAT")
    info = audio_info(path)
    found, expected = read_audio(path, 0, info.frames, RATE), tone(440, 0.5)
    assert len(found) == info.frames_at(RATE)
    inside = slice(200, 3800)  # beyond its ends a sound is taken for silent
    assert np.abs(found[: len(expected)] - expected)[inside].max() < 2e-3


def test_what_the_lower_rate_cannot_hold_is_removed_and_not_folded_back(tmp_path: Path) -> None:
    """5,000 Hz at 16,000 Hz would be heard as 3,000 Hz if every second sample were left out."""
    path = save(tmp_path / "a.wav", tone(5000, 0.5, 16000), 16000, subtype="FLOAT")
    assert np.abs(read_audio(path, 0, 8000, RATE)[200:-200]).max() < 5e-3


def _cut(path: Path, bytes: int) -> Path:
    path.write_bytes(path.read_bytes()[:bytes])
    return path


def test_a_file_that_is_no_sound_is_named_with_what_it_is(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "picture.png")
    (tmp_path / "picture.png").rename(tmp_path / "picture.wav")
    (tmp_path / "words.mp3").write_text("no sound at all\n" * 100)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    soundfile.write(tmp_path / "silence.wav", np.zeros(0, np.float32), RATE)
    reasons = {
        "picture.wav": "it is a PNG image",
        "words.mp3": "it is not a sound file, whatever its name says",
        "empty.wav": "it is empty",
        "folder.wav": "it is a folder",
        "pipe.wav": "it does not exist",
        "missing.wav": "it does not exist",
        "silence.wav": r"it holds no sound \(0 samples\)",
    }
    for name, reason in reasons.items():
        with pytest.raises(DataError, match=rf"cannot read the sound '.*{name}': {reason}$"):
            audio_info(tmp_path / name)


def test_a_file_that_is_cut_off_is_named(tmp_path: Path) -> None:
    wav = _cut(save(tmp_path / "a.wav", tone(440)), 1000)
    with pytest.raises(DataError, match=r"a.wav': it is cut off: 956 of 1,600 bytes of sound are there"):
        audio_info(wav)
    for suffix in ("aiff", "au"):
        with pytest.raises(DataError, match=r"it is cut off: 9\d\d of 1,60\d bytes of sound are there"):
            audio_info(_cut(save(tmp_path / f"a.{suffix}", tone(440)), 1000))
    noise = np.random.default_rng(0).normal(size=20000).clip(-1, 1)
    flac = _cut(save(tmp_path / "b.flac", noise), 20000)
    with pytest.raises(DataError, match=r"cannot read the sound '.*b.flac': "):
        read_audio(flac, 0, audio_info(flac).frames, RATE)
    mp3 = _cut(save(tmp_path / "c.mp3", noise), 2000)
    with pytest.raises(DataError, match=r"c.mp3': it is cut off: .* of 20,000 samples are there"):
        read_audio(mp3, 0, 20000, RATE)


def with_rate(path: Path, rate: int) -> Path:
    """The WAV file with another rate in its header."""
    content = bytearray(path.read_bytes())
    content[24:28] = rate.to_bytes(4, "little")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("rate", [1, 999, 768_001, 100_000_007, 2_147_483_647])
def test_a_rate_that_no_recorder_has_is_refused(tmp_path: Path, rate: int) -> None:
    """Resampling from it could need any amount of memory."""
    path = with_rate(save(tmp_path / "a.wav", tone(440)), rate)
    with pytest.raises(DataError, match=rf"a.wav': its header gives a rate of {rate:,} Hz, but rates lie between"):
        audio_info(path)


@pytest.mark.parametrize("rate", [1000, 192_000, 768_000])
def test_rates_of_recorders_are_read(tmp_path: Path, rate: int) -> None:
    assert audio_info(with_rate(save(tmp_path / "a.wav", tone(440)), rate)).rate == rate


def test_a_placeholder_for_the_length_is_not_taken_for_a_file_that_is_cut_off(tmp_path: Path) -> None:
    """Programs that write to a pipe do not know the length yet."""
    path = save(tmp_path / "a.wav", tone(440))
    content = bytearray(path.read_bytes())
    content[40:44] = (0x7FFFF000).to_bytes(4, "little")
    path.write_bytes(content)
    assert audio_info(path).frames == 800


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_named_with_their_place(tmp_path: Path, value: float) -> None:
    wave = tone(440)
    wave[77] = value
    path = save(tmp_path / "a.wav", wave, subtype="FLOAT")
    with pytest.raises(DataError, match=rf"a.wav': it holds {value} at sample 77 \(counted from 0\)"):
        read_audio(path, 0, 800, RATE)
    with pytest.raises(DataError, match="at sample 77"):
        read_audio(path, 50, 100, RATE)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.9, 0.999])
def test_an_ogg_file_that_is_cut_off_is_said(tmp_path: Path, subtype: str, part: float) -> None:
    """libsndfile takes the pages that are there for the whole."""
    noise = np.random.default_rng(0).normal(scale=0.1, size=80_000)
    file = save(tmp_path / "whole.ogg", noise, 16_000, subtype)
    assert audio_info(file).frames == 80_000
    content = file.read_bytes()
    (tmp_path / "cut.ogg").write_bytes(content[: int(part * len(content))])
    with pytest.raises(DataError, match=r"cut.ogg': it is cut off: its last part \(an Ogg page\) is not all there"):
        audio_info(tmp_path / "cut.ogg")


def test_an_ogg_file_that_ends_between_two_pages_may_be_cut_off(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(scale=0.1, size=80_000)
    content = save(tmp_path / "whole.ogg", noise, 16_000).read_bytes()
    (tmp_path / "cut.ogg").write_bytes(content[: content.rfind(b"OggS")])
    found = audio_info(tmp_path / "cut.ogg")
    assert found.lacks_end
    assert 0 < found.frames < 80_000
    assert not audio_info(tmp_path / "whole.ogg").lacks_end


@pytest.mark.parametrize("length", [128, 100_000])
def test_what_follows_the_last_page_of_an_ogg_file_is_no_harm(tmp_path: Path, length: int) -> None:
    file = save(tmp_path / "tagged.ogg", np.zeros(8000), 16_000)
    file.write_bytes(file.read_bytes() + b"TAG" + bytes(length - 3))
    assert ogg_end(file) == "whole"
    assert audio_info(file).frames == 8000

"""A folder of recordings goes in by the command; a model that tells them apart on unseen speakers comes out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.conftest import Workbench, events_of
from tests.unit.data.sounds import save, tone


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Three classes of tones by eight speakers, in formats, rates and lengths of all sorts."""
    generator = np.random.default_rng(0)
    formats = (("wav", 8000, None), ("flac", 16_000, None), ("ogg", 22_050, None), ("wav", 8000, "PCM_24"))
    for name, hertz in (("high", 2400.0), ("low", 300.0), ("middle", 900.0)):
        for speaker in range(8):
            for take, (suffix, rate, subtype) in enumerate(formats):
                wave = tone(hertz * (1 + 0.01 * speaker), 0.1 + 0.05 * take, rate)
                wave = (wave + generator.normal(scale=0.1, size=wave.shape)).clip(-1, 1)
                stereo = np.stack([wave, wave], axis=1)
                save(
                    tmp_path / "recordings" / name / f"s{speaker}_{take}.{suffix}",
                    (wave, stereo)[take % 2],
                    rate,
                    subtype,
                )
    return tmp_path / "recordings"


@pytest.mark.slow
def test_recordings_are_learnt_and_what_was_done_to_them_is_said(workbench: Workbench, recordings: Path) -> None:
    (workbench.folder / "mine.toml").write_text(
        f"""
[data]
name = "audio_folder"
folder = "{recordings}"
sample_rate = 8000
seconds = 0.2
mels = 16
speaker_pattern = '(s\\d)_'
batch_size = 12
time_shift_ms = 10.0
noise_db = 20.0
frequency_masks = 1
frequency_mask_bands = 2

[model]
name = "audio_cnn"
channels = [8, 8]

[optimizer]
learning_rate = 0.01

[training]
epochs = 10
"""
    )
    done = workbench.run("--preset", "mine.toml")
    assert done.returncode == 0, done.stderr
    [run] = workbench.runs
    summary = json.loads(run.summary.read_text())
    assert summary["test"]["accuracy"] > 0.9
    [prepared] = events_of(run, "prepared")
    assert prepared["data_loading"] == "on_device"
    said = done.stdout + done.stderr
    for note in (
        "48 of 96 files are resampled to 8,000 Hz, from 16,000, 22,050 Hz",
        "48 of 96 files have more than one channel, whose mean is taken",
        "samples last 0.2 s: 24 of 96 files are longer and cut",
        "8 speakers: splits keep the clips of each on one side",
    ):
        assert note in said, note
    assert run.worker_log.read_text() == ""


@pytest.mark.slow
def test_what_is_wrong_with_sounds_is_said_in_a_line(workbench: Workbench, recordings: Path) -> None:
    (recordings / "low" / "s9_0.wav").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(200)))
    done = workbench.run("--preset", "audio-template", "--set", f"data.folder={recordings}")
    assert done.returncode == 3
    assert 's9_0.wav\': it is a PNG image; repair or remove it, or data.broken = "drop" leaves such files out' in (
        done.stderr
    )
    assert "Traceback" not in done.stderr
    pattern = workbench.run(
        *("--preset", "audio-template", "--set", f"data.folder={recordings}", "--set", "data.speaker_pattern=("),
        "--dry-run",
    )
    assert pattern.returncode == 2
    assert "data.speaker_pattern = '(' is not a regular expression" in pattern.stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_spoken_digits_of_speakers_that_were_not_heard_are_told_apart(workbench: Workbench) -> None:
    for seed in range(3):
        done = workbench.run("--preset", "spoken-digits", "--set", f"validation.seed={seed}", timeout=300)
        assert done.returncode == 0, done.stderr
    for run in workbench.runs:
        summary = json.loads(run.summary.read_text())
        assert summary["test"]["accuracy"] >= 0.97
        assert summary["seconds"]["total"] < 120

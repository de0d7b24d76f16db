"""Recordings, their spectrograms and speakers train alike in a script."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.data.sounds import save, tone
from tests.unit.export.script.alike import assert_trains_alike, script_of
from workbench.errors import UsageError
from workbench.settings.preset import Preset


@pytest.fixture
def preset(tmp_path: Path) -> Preset:
    """Two classes of tones at 8,000 Hz, by six speakers, five each."""
    generator = np.random.default_rng(0)
    for name, hertz in (("high", 2400.0), ("low", 300.0)):
        for speaker in range(6):
            for take in range(5):
                wave = tone(hertz * (1 + 0.01 * speaker), 0.12) + generator.normal(scale=0.2, size=960)
                save(tmp_path / "tones" / name / f"s{speaker}_{take}.wav", wave.clip(-1, 1))
    data = ["data.name=audio_folder", f"data.folder={tmp_path / 'tones'}", "data.sample_rate=6000", "data.mels=12"]
    more = ["model.name=audio_cnn", "model.channels=[4, 8]", "data.batch_size=8", "training.epochs=2"]
    return Preset().override([*data, *more, "runtime.device=cpu"])


@pytest.mark.parametrize("pattern", [r"(s\d)_", ""])
def test_folder_of_recordings(tmp_path: Path, preset: Preset, pattern: str) -> None:
    text = assert_trains_alike(preset.override([f"data.speaker_pattern={pattern}"]), tmp_path)
    assert ("HELD_OUT" in text) == bool(pattern)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["data.noise_db=20"], "cannot vary sounds at random"),
        (["data.time_masks=1"], "cannot vary sounds at random"),
        (["data.encoding=mfcc", "data.coefficients=4"], 'cannot make data.encoding = "mfcc"'),
        (["data.clips=windows"], "windows of them, and broken ones take more code"),
    ],
)
def test_what_takes_more_code_is_refused(preset: Preset, more: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        script_of(preset.override(more))

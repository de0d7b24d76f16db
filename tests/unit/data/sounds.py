"""Sound files for tests, made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from workbench.data.audio_file import Wave

RATE = 8000


def tone(hertz: float, seconds: float = 0.1, rate: int = RATE, level: float = 0.5) -> Wave:
    """A sine, float32 (samples,)."""
    times = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def save(path: Path, wave: Any, rate: int = RATE, subtype: str | None = None) -> Path:
    """Writes a sound, (samples,) or (samples, channels), in the format that the name says."""
    import soundfile  # here, so that tests that import this need it only where they make a sound

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, rate, subtype=subtype)
    return path


def two_pitches(folder: Path, count: int = 3) -> Path:
    """Two classes of tones, `count` files each, named after a speaker: anna_take0.wav, bert_take1.wav, ..."""
    for name, hertz in (("high", 1500.0), ("low", 300.0)):
        for index in range(count):
            speaker = ["anna", "bert", "cora", "dora", "emil", "finn"][index % 6]
            save(folder / name / f"{speaker}_take{index}.wav", tone(hertz * (1 + 0.02 * index)))
    return folder

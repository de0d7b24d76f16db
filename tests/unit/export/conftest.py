"""Functions of a user's own, as the tests of the trainer have them, and small data of each kind."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from tests.unit.training.conftest import tones as tones
from tests.unit.training.conftest import user_functions as user_functions

WORDS = ("the", "film", "was", "a", "plot", "and", "so", "very", "good", "bad", "fine", "poor")


@pytest.fixture(scope="session")
def data(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...]]:
    """Settings of data by kind: rows, values, pixels, colours, texts, language, spectrograms, waves."""
    folder, draw = tmp_path_factory.mktemp("texts"), random.Random(0)
    reviews = [" ".join(draw.choices(WORDS, k=draw.randint(1, 11))) for _ in range(120)]
    rows = [{"text": text, "kind": ("good", "bad")["bad" in text]} for text in reviews]
    (folder / "reviews.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (folder / "novel.txt").write_text(" ".join(draw.choices(WORDS, k=2000)))
    colours = np.random.default_rng(0).integers(0, 256, (64, 3, 32, 32), dtype=np.uint8)
    np.savez(folder / "colours.npz", x=colours, y=np.arange(64) % 4)
    sounds = ("data.name=audio_folder", f"data.folder={tones}", "data.sample_rate=8000", r"data.speaker_pattern=(s\d)_")
    return {
        "rows": ("data.name=iris",),
        "values": ("data.name=diabetes", "loss.name=mse"),
        "pixels": ("data.name=digits",),
        "colours": ("data.name=npz", f"data.file={folder}/colours.npz"),
        "texts": ("data.name=text_table", f"data.file={folder}/reviews.jsonl", "data.target=kind"),
        "language": (
            *("data.name=text_file", f"data.file={folder}/novel.txt", "data.context=32"),
            "validation.method=predefined",
        ),
        "log_mel": (*sounds, "data.mels=16"),
        "mfcc": (*sounds, "data.encoding=mfcc", "data.mels=16", "data.coefficients=8"),
        "waves": (*sounds, "data.encoding=waveform"),
    }

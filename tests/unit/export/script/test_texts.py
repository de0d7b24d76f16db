"""Texts, their tokens and their models train alike in a script."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.export.script.alike import assert_trains_alike, script_of, slow
from workbench.errors import UsageError
from workbench.settings.preset import Preset

SMALL = ("data.batch_size=8", "training.epochs=2", "runtime.device=cpu")
WORDS = ("Tree", "house", "don't", "naïve", "Köln", "e\u0301clair", "👩‍👩‍👧", "x1", "(", "!", "the", "of")


def texts(count: int) -> list[str]:
    """Texts of very different lengths."""
    generator = np.random.default_rng(0)
    return [" ".join(generator.choice(WORDS, int(generator.geometric(0.1)))) for _ in range(count)]


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """120 texts in two classes."""
    for number, text in enumerate(texts(120)):
        place = tmp_path / "texts" / ("short" if len(text) < 40 else "long")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.txt").write_text(text, encoding="utf-8")
    return str(tmp_path / "texts")


@pytest.mark.parametrize(
    "more",
    [
        ["model.name=text_cnn", "model.windows=[1, 2]", "model.channels=6", "data.min_count=5"],
        ["model.name=bag_of_embeddings", "model.hidden=[5]", "data.tokens=bytes", "data.max_length=30"],
        slow("model.name=gru", "model.state=6", "model.layers=2", "model.dropout=0.2", "data.tokens=characters"),
        ["model.name=lstm", "model.state=6", "model.bidirectional=false", "model.pooling=last", "data.lowercase=false"],
        slow("model.name=gru", "model.state=6", "model.pooling=last", "data.group_by_length=false"),
        ["model.name=transformer", "model.feed_forward=12", "model.layers=2", "model.heads=2"],
        ["model.name=transformer", "model.feed_forward=12", "model.positions=sinusoidal", "model.heads=2"],
    ],
    ids=" ".join,
)
def test_folder_of_texts(tmp_path: Path, folder: str, more: list[str]) -> None:
    data = ["data.name=text_folder", f"data.folder={folder}", "model.width=8"]
    text = assert_trains_alike(Preset().override([*SMALL, *data, *more]), tmp_path)
    assert ("by_length" in text) == ("data.group_by_length=false" not in more and "data.max_length=30" not in more)


def test_table_of_texts(tmp_path: Path) -> None:
    lines = [f'"{text}"\t{len(text)}' for text in texts(60)]
    (tmp_path / "rows.tsv").write_text("\n".join(["text\tlength", *lines]), encoding="utf-8")
    data = ["data.name=text_table", f"data.file={tmp_path / 'rows.tsv'}", "data.target=length", "data.task=regression"]
    model = ["model.name=text_cnn", "model.width=8", "model.channels=4", "loss.name=mse"]
    assert_trains_alike(Preset().override([*SMALL, *data, *model]), tmp_path)


@pytest.mark.parametrize(
    "more",
    [
        ["model.name=transformer", "model.width=8", "model.feed_forward=12", "model.heads=2", "training.monitor=loss"],
        ["model.name=gru", "model.width=8", "model.state=6", "data.tokens=bytes", "loss.label_smoothing=0.1"],
        ["model.name=lstm", "model.width=8", "model.state=6", "data.tokens=words", "data.test_fraction=0"],
    ],
    ids=" ".join,
)
def test_language_models(tmp_path: Path, more: list[str]) -> None:
    (tmp_path / "long.txt").write_text("\n".join(texts(90)), encoding="utf-8")
    data = ["data.name=text_file", f"data.file={tmp_path / 'long.txt'}", "data.context=12", "data.sample_tokens=3"]
    assert_trains_alike(Preset().override([*SMALL, *data, *more]), tmp_path)


def test_learned_parts_of_words_are_refused(folder: str) -> None:
    data = ["data.name=text_folder", f"data.folder={folder}", "data.tokens=bpe", "model.name=text_cnn"]
    with pytest.raises(UsageError, match="bpe"):
        script_of(Preset().override([*SMALL, *data]))

"""Texts on their way from a file to batches of ids, and into a checkpoint that encodes raw texts alone."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch
from sklearn.metrics import log_loss
from torch import Tensor, nn

from tests.unit.training.checkpointing.test_trained_model import moved_away
from tests.unit.training.scripted import build_trainer, of_type
from workbench.data.encoding import Identity
from workbench.data.samples import InMemory, Texts
from workbench.data.text_encoding import TextEncoding, Words
from workbench.errors import DataError
from workbench.runs import events
from workbench.runs.directory import create_run
from workbench.settings.preset import Preset
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.prepared_data import PreparedData, prepare
from workbench.training.trainer import Trainer

Functions = dict[str, Callable[..., Any]]

MODEL = ["model.name=module", "model.function=mine:model", "runtime.device=cpu", "data.batch_size=16"]


class Bag(nn.Module):
    """Scores of the mean embedding of the ids that are not padding."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.embedding, self.scores = nn.Embedding(500, 8, padding_idx=0), nn.Linear(8, outputs)

    def forward(self, ids: Tensor) -> Tensor:
        there = (ids != 0).sum(1, keepdim=True)
        scores: Tensor = self.scores(self.embedding(ids).sum(1) / there)
        return scores


@pytest.fixture(autouse=True)
def model(user_functions: Functions) -> None:
    user_functions["mine:model"] = lambda inputs, outputs, activation: Bag(outputs)


def reviews(folder: Path, target: Callable[[bool, int], object]) -> list[str]:
    """A table of 120 texts, of which those with "good" in them are to be told from the others."""
    drawn = random.Random(0)
    words = ["film", "the", "was", "plot", "of", "a", "it"]
    lines = ["text,label"]
    for number in range(120):
        is_good = number % 2 == 0
        chosen = [drawn.choice(words) for _ in range(drawn.randrange(1, 9))]
        chosen.insert(drawn.randrange(len(chosen)), "good" if is_good else "bad")
        lines.append(f"{' '.join(chosen)},{target(is_good, number)}")
    (folder / "reviews.csv").write_text("\n".join(lines))
    return ["data.name=text_table", f"data.file={folder / 'reviews.csv'}", "data.target=label", *MODEL]


def classes(is_good: bool, number: int) -> str:
    return "yes" if is_good else "no"


def prepared(*assignments: str) -> PreparedData:
    return prepare(Preset().override(list(assignments)), lambda progress: None)


def test_texts_become_ids_of_one_length_in_memory(tmp_path: Path) -> None:
    data = prepared(*reviews(tmp_path, classes), "data.max_length=7")
    for split in (data.splits.train, data.splits.validation, data.splits.test):
        assert isinstance(split, InMemory)
        assert split.inputs.dtype == torch.int64
        assert split.inputs.shape == (len(split), 7)
    assert isinstance(data.encoding, Words)
    assert isinstance(data.batch_encoding, Identity)
    assert data.raw == {"type": "text"}
    assert data.example.shape == (2, 7)  # type: ignore[union-attr]
    assert data.class_counts is not None
    assert data.class_counts.sum() == len(data.splits.train)
    assert any(note.startswith("words: a vocabulary of 9 ") for note in data.notes)


def test_the_splits_are_those_of_the_texts_and_the_vocabulary_of_the_training_split(tmp_path: Path) -> None:
    """Each text has a word of its own, which only the training split may have taught."""
    reviews(tmp_path, classes)
    lines = (tmp_path / "reviews.csv").read_text().split("\n")
    own = [lines[0], *(f"only{number} {line}" for number, line in enumerate(lines[1:]))]
    (tmp_path / "own.csv").write_text("\n".join(own))
    preset = Preset().override(
        ["data.name=text_table", f"data.file={tmp_path / 'own.csv'}", "data.target=label", *MODEL]
    )
    data = prepare(preset, lambda progress: None)
    raw = preset.validation.build(preset.data.build(lambda progress: None))
    encoding = data.encoding
    assert isinstance(encoding, Words)
    for texts, ids in (
        (raw.train, data.splits.train),
        (raw.validation, data.splits.validation),
        (raw.test, data.splits.test),
    ):
        assert isinstance(texts, Texts)
        assert isinstance(ids, InMemory)
        assert torch.equal(encoding(texts.texts), ids.inputs)
        assert texts.targets.equal(ids.targets)
        known = [text.split()[0] in encoding.vocabulary for text in texts.texts]
        assert all(known) if texts is raw.train else not any(known)


def trained(folder: Path, *assignments: str) -> tuple[Trainer, dict[str, Any], Texts]:
    preset = Preset().override(["training.epochs=3", *assignments])
    trainer = build_trainer(create_run(folder / "runs", preset.name, preset.to_toml()))
    trainer.train()
    [test] = of_type(trainer, events.TestResult)
    split = preset.validation.build(preset.data.build(lambda progress: None)).test
    assert isinstance(split, Texts)
    return trainer, test.metrics, split


@pytest.mark.parametrize("tokens", ["words", "characters", "bytes", "bpe"])
def test_a_checkpoint_alone_classifies_raw_texts_as_the_run_did(tmp_path: Path, tokens: str) -> None:
    trainer, metrics, test = trained(
        tmp_path, *reviews(tmp_path, classes), f"data.tokens={tokens}", "data.vocabulary=400"
    )
    (tmp_path / "reviews.csv").unlink()
    loaded = TrainedModel.load(moved_away(trainer))
    probabilities = loaded(list(test.texts))
    assert float((probabilities.argmax(1) == test.targets).double().mean()) == metrics["accuracy"]
    rows = probabilities.double()
    loss = log_loss(test.targets.numpy(), (rows / rows.sum(1, keepdim=True)).numpy(), labels=[0, 1])
    assert loss == pytest.approx(metrics["loss"], rel=1e-5)
    assert loaded.classes == ("no", "yes")
    assert loaded.raw == {"type": "text"}


def test_a_checkpoint_alone_predicts_numbers_of_raw_texts(tmp_path: Path) -> None:
    table = reviews(tmp_path, lambda is_good, number: 100.5 + number / 7 if is_good else -number / 7)
    trainer, metrics, test = trained(tmp_path, *table, "loss.name=mse")
    errors = TrainedModel.load(moved_away(trainer))(list(test.texts)) - test.targets
    assert float(errors.abs().mean()) == pytest.approx(metrics["mae"], rel=1e-5)


def test_texts_that_would_not_fit_into_memory_are_refused(tmp_path: Path) -> None:
    table = reviews(tmp_path, classes)
    with pytest.raises(
        DataError,
        match=r"120 texts of 9 tokens take 8\.44 KiB of memory, but 7\.81 KiB are free; set a smaller data.max_length",
    ):
        _prepared_with_free_bytes(8000, *table, "data.max_length=1000000")


def _prepared_with_free_bytes(free: int, *assignments: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.data.on_host.HostMonitor", lambda process: SimpleNamespace(read=lambda: Free(free)))
        prepared(*assignments)


class Free(NamedTuple):
    available_bytes: int


def test_what_is_not_a_list_of_texts_is_refused(tmp_path: Path) -> None:
    trainer, _, _ = trained(tmp_path, *reviews(tmp_path, classes))
    loaded = TrainedModel.load(moved_away(trainer))
    for given, found in (
        ("good film", "not a single text"),
        (torch.zeros(2, 3), "not a Tensor"),
        (["good", 3], "not a list that holds int"),
    ):
        with pytest.raises(DataError, match=f"the model takes a list of texts, {found}"):
            loaded(given)


def test_a_changed_text_is_noticed_when_a_run_resumes(tmp_path: Path) -> None:
    table = reviews(tmp_path, classes)
    before = prepared(*table).digests()
    assert prepared(*table).digests() == before
    content = (tmp_path / "reviews.csv").read_text()
    (tmp_path / "reviews.csv").write_text(content.replace("plot", "plots", 1))
    after = prepared(*table).digests()
    assert after["training"]["targets"] == before["training"]["targets"]
    assert after["training"]["inputs"] != before["training"]["inputs"]


def test_other_tokens_are_other_data_and_another_batch_size_is_not(tmp_path: Path) -> None:
    table = reviews(tmp_path, classes)
    data = prepared(*table)
    assert data.serves(Preset().override([*table, "data.batch_size=32"]))
    assert not data.serves(Preset().override([*table, "data.tokens=bytes"]))


LANGUAGE = ["data.name=text_file", "data.context=16", "data.batch_size=8", "data.sample_tokens=0", "runtime.device=cpu",
            "validation.method=predefined", "model.name=transformer", "model.width=8", "model.heads=2",
            "model.layers=1", "model.feed_forward=8"]  # fmt: skip


@pytest.mark.parametrize("tokens", ["characters", "bpe"])
def test_a_checkpoint_alone_continues_texts_as_the_run_did(tmp_path: Path, tokens: str) -> None:
    # The parts for validation and test are in other scripts, of two and of three bytes a letter.
    scripts = ("green bottles,\n", 320), ("бутылки,\n", 70), ("緑のびん、\n", 120)
    text = "".join(f"{number} {line}" for line, count in scripts for number in range(count))
    (tmp_path / "long.txt").write_text(text, encoding="utf-8")
    own = [*LANGUAGE, f"data.tokens={tokens}", "data.vocabulary=300", f"data.file={tmp_path / 'long.txt'}"]
    preset = Preset().override(["training.epochs=2", *own])
    trainer = build_trainer(create_run(tmp_path / "runs", preset.name, preset.to_toml()))
    trainer.train()
    [event] = of_type(trainer, events.TestResult)
    validated = of_type(trainer, events.EpochEnd)[-1].validation
    assert validated is not None
    test = preset.validation.build(preset.data.build(lambda progress: None)).test
    assert isinstance(test, InMemory)
    (tmp_path / "long.txt").unlink()
    loaded = TrainedModel.load(moved_away(trainer))
    probabilities = loaded(test.inputs)
    assert probabilities.shape == (len(test), trainer.job.task.outputs, 16)
    surprise = -probabilities.gather(1, test.targets.unsqueeze(1)).log().mean()
    assert float(surprise) == pytest.approx(event.metrics["loss"], rel=1e-5)
    right = (probabilities.argmax(1) == test.targets).double().mean()
    assert float(right) == pytest.approx(event.metrics["token_accuracy"], abs=1e-9)
    # Raw texts are encoded by what the checkpoint holds.
    encoding = loaded.encoding
    assert isinstance(encoding, TextEncoding)
    for metrics, start, end in ((validated, 0.8, 0.9), (event.metrics, 0.9, 1.0)):
        part = text[round(start * len(text)) : round(end * len(text))]
        bits_per_token = metrics["loss"] / math.log(2)
        bits = bits_per_token * len(encoding.ids([part])[0]) / len(part.encode("utf-8"))
        assert metrics["bits_per_byte"] == pytest.approx(bits, rel=1e-5)
    texts = [encoding.text(row) for row in test.inputs[:3].tolist()]
    torch.testing.assert_close(loaded(texts)[:, :, :8], probabilities[:3, :, :8])

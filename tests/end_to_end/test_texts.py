"""A table or a folder of texts, or one long text, goes in by the command; what was learned from it is said."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from tests.end_to_end.conftest import Workbench, events_of
from workbench.data.samples import Texts
from workbench.runs.checkpoints import best_checkpoint
from workbench.settings import library
from workbench.training.checkpointing.trained_model import TrainedModel

FILLING = ["the film", "was", "a", "plot", "with", "music,", "and", "actors", "naïve", "👍🏽", "it"]


def reviews(count: int) -> list[tuple[str, str]]:
    """Texts that say good or bad somewhere, and which of them."""
    drawn = random.Random(0)
    made = []
    for number in range(count):
        label = "bad" if number % 2 else "good"
        words = [drawn.choice(FILLING) for _ in range(drawn.randrange(2, 10))]
        words.insert(drawn.randrange(len(words)), label)
        made.append((" ".join(words), label))
    return made


SMALL = ["--set", "model.channels=16", "--set", "model.width=16", "--set", "training.epochs=8",
         "--set", "optimizer.learning_rate=0.01", "--set", "data.batch_size=16"]  # fmt: skip


def test_a_table_is_learned_and_its_checkpoint_reads_raw_texts(workbench: Workbench) -> None:
    with (workbench.folder / "reviews.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "review", "verdict"])
        writer.writerows((number, text, label) for number, (text, label) in enumerate(reviews(240)))
    source = ["--set", "data.file=reviews.csv", "--set", "data.text=review", "--set", "data.target=verdict"]
    done = workbench.run("--preset", "text-table-template", *source, *SMALL)
    assert done.returncode == 0, done.stderr
    [run] = workbench.runs
    assert json.loads(run.summary.read_text())["test"]["accuracy"] > 0.9
    assert "verdict: 2 classes (bad, good)" in done.stdout
    notes = [event["message"] for event in events_of(run, "warning")]
    assert any(note.startswith("words: a vocabulary of ") for note in notes)
    assert any(note.startswith("texts have up to 16 tokens; the longest has ") for note in notes)
    assert run.worker_log.read_text() == ""
    model = TrainedModel.load(best_checkpoint(run))
    probabilities = model(["what a good film", "bad music"])
    assert [model.classes[index] for index in probabilities.argmax(1).tolist()] == ["good", "bad"]


@pytest.mark.slow
def test_a_folder_is_learned_by_bpe_and_broken_files_are_named(workbench: Workbench) -> None:
    for number, (text, label) in enumerate(reviews(160)):
        file = workbench.folder / "texts" / label / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    source = ["--set", "data.folder=texts", "--set", "data.tokens=bpe", "--set", "data.vocabulary=300"]
    done = workbench.run("--preset", "text-folder-template", *source, *SMALL)
    assert done.returncode == 0, done.stderr
    [run] = workbench.runs
    assert json.loads(run.summary.read_text())["test"]["accuracy"] > 0.8
    (workbench.folder / "texts" / "good" / "photo.txt").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    refused = workbench.run("--preset", "text-folder-template", *source, "--dry-run")
    assert refused.returncode == 3
    assert "photo.txt is not a text file: it is a PNG image" in refused.stderr


@pytest.mark.slow
def test_a_long_text_is_continued(workbench: Workbench) -> None:
    (workbench.folder / "long.txt").write_text("all work and no play makes jack a dull boy.\n" * 300)
    model = ["--set", "model.width=16", "--set", "model.layers=1", "--set", "model.feed_forward=32"]
    source = ["--set", "data.file=long.txt", "--set", "data.context=32", "--set", "data.sample_tokens=20"]
    done = workbench.run(
        "--preset", "text-file-template", *source, *model, "--set", "training.epochs=4",
        "--set", "optimizer.learning_rate=0.01",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    [run] = workbench.runs
    test = json.loads(run.summary.read_text())["test"]
    assert test["bits_per_byte"] < 3  # of 4.5 that guessing would take
    assert "bits/byte" in done.stdout


@pytest.mark.slow
def test_docstrings_are_told_apart_better_than_by_tf_idf_and_logistic_regression(workbench: Workbench) -> None:
    preset = library.load("text-docstrings")
    splits = preset.validation.build(preset.data.build(lambda progress: None))
    assert isinstance(splits.train, Texts)
    assert isinstance(splits.test, Texts)
    vectorizer = TfidfVectorizer()
    linear = LogisticRegression(max_iter=1000).fit(
        vectorizer.fit_transform(splits.train.texts), splits.train.targets.numpy()
    )
    theirs = linear.score(vectorizer.transform(splits.test.texts), splits.test.targets.numpy())
    assert theirs > 0.7
    done = workbench.run("--preset", "text-docstrings", "--quiet", timeout=400)
    assert done.returncode == 0, done.stderr
    ours = json.loads((Path(done.stdout.strip()) / "summary.json").read_text())["test"]["accuracy"]
    assert ours > theirs + 0.02

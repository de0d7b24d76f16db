"""Predicting the test split gives exactly the run's test metrics, whatever the task and the kind of data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.unit.prediction.conftest import Trained, predict, train
from tests.unit.prediction.evaluating import evaluated
from workbench.data.samples import InMemory, Samples, Task
from workbench.errors import DataError
from workbench.metrics import metrics_for
from workbench.training.accumulators import SplitFacts
from workbench.training.data_loading import evaluation_batch_size
from workbench.training.metrics import SplitMetrics

HELD_OUT = ("validation", "test")


def measured_in_lines(lines: list[dict[str, Any]], trained: Trained, kind: str) -> dict[str, Any]:
    """The metrics, from the lines alone, in batches as the run had them."""
    if kind == "classification":
        classes = list(lines[0]["probabilities"])
        predicted = torch.tensor([list(line["probabilities"].values()) for line in lines], dtype=torch.float32)
        targets = torch.tensor([classes.index(line["target"]) for line in lines])
    else:
        predicted, targets = (
            torch.tensor([_row(line[key]) for line in lines], dtype=torch.float64) for key in ("prediction", "target")
        )
    outputs = predicted.shape[1]
    split = SplitFacts(len(lines), outputs, probabilities=lambda scores: scores)
    metrics = SplitMetrics(metrics_for(kind, outputs), split, keeps_scores=True)
    for scores, expected in _batches(predicted, targets, evaluation_batch_size(trained.preset.data.batch_size)):
        metrics.update(scores, expected)
    return dict(metrics.values())


def _row(value: Any) -> list[float]:
    return list(value.values()) if isinstance(value, dict) else [value]


def _batches(predicted: Tensor, targets: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    return list(zip(predicted.split(size), targets.split(size), strict=True))


def assert_predicts_as_measured(trained: Trained, kind: str) -> None:
    lines, answer = predict(trained.run.path, split="test")
    assert answer.samples == len(lines) > 0
    assert [(line["input"], line["row"]) for line in lines] == [("test", row) for row in range(1, len(lines) + 1)]
    assert answer.metrics == {name: trained.test[name] for name in answer.metrics}
    found = measured_in_lines(lines, trained, kind)
    assert len(found) > 2
    # Numbers are measured in float32, between two scalings; their targets here are those of the source.
    relative = 0.0 if kind == "classification" else 1e-5
    assert found == pytest.approx({name: trained.test[name] for name in found}, rel=relative, abs=relative)
    assert set(answer.metrics) == {"loss", *found}


def test_classes_of_a_table(iris: Trained) -> None:
    assert_predicts_as_measured(iris, "classification")


def test_classes_of_images(tmp_path: Path) -> None:
    trained = train(tmp_path, "data.name=digits", "data.batch_size=64", "model.name=cnn", "model.channels=[4, 8]")
    assert_predicts_as_measured(trained, "classification")


def test_numbers_of_a_table(train_example: Callable[..., Trained]) -> None:
    assert_predicts_as_measured(train_example("csv", "loss.name=mse", "model.hidden=[4]"), "regression")


def test_classes_of_texts(train_example: Callable[..., Trained]) -> None:
    assert_predicts_as_measured(train_example("text_table", "model.name=bag_of_embeddings"), "classification")


def test_classes_of_sounds(tmp_path: Path, sound_preset: list[str]) -> None:
    assert_predicts_as_measured(train(tmp_path, *sound_preset), "classification")


def test_numbers_of_sounds(train_example: Callable[..., Trained]) -> None:
    trained = train_example("audio_table", "loss.name=mse", "model.name=audio_cnn", "model.channels=[4]")
    assert_predicts_as_measured(trained, "regression")


def test_several_numbers_have_names(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    np.savez(tmp_path / "a.npz", x=x, y=x[:, :2] * 10 + 50)
    trained = train(tmp_path, "data.name=npz", f"data.file={tmp_path / 'a.npz'}", "loss.name=mse", "model.hidden=[4]")
    assert_predicts_as_measured(trained, "regression")
    [line, *_], _ = predict(trained.run.path, split="test")
    assert list(line["prediction"]) == list(line["target"]) == ["y[0]", "y[1]"]


def test_tokens_of_a_text(train_example: Callable[..., Trained]) -> None:
    trained = train_example("text_file", "model.name=transformer", "model.width=16", "model.layers=1", "model.heads=2")
    lines, answer = predict(trained.run.path, split="test")
    assert answer.metrics == {name: trained.test[name] for name in answer.metrics}
    assert {"loss", "perplexity", "token_accuracy", "bits_per_byte"} <= set(answer.metrics)
    tokens = sum(line["tokens"] for line in lines)
    assert sum(line["correct"] for line in lines) / tokens == trained.test["token_accuracy"]
    nll = sum(line["negative_log_likelihood"] for line in lines) / tokens
    assert np.exp(nll) == pytest.approx(trained.test["perplexity"], rel=1e-12)
    assert all(isinstance(line["prediction"], str) for line in lines)


def test_the_validation_split_of_the_best_epoch(iris: Trained) -> None:
    lines, answer = predict(iris.run.path, split="validation")
    assert answer.samples == len(lines) == 19
    assert 0 < answer.metrics["accuracy"] <= 1  # type: ignore[operator]


def test_the_training_split_is_predicted_without_variation(tmp_path: Path) -> None:
    trained = train(tmp_path, "data.name=digits", "data.batch_size=64", "model.hidden=[8]", "data.flip=true")
    first, answer = predict(trained.run.path, split="train")
    assert first == predict(trained.run.path, split="train")[0]
    assert answer.samples == 1797 - sum(predict(trained.run.path, split=split)[1].samples for split in HELD_OUT)


def test_lines_say_where_a_sample_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    samples = Samples(
        InMemory(x, x[:, :1] * 3),
        Task("regression", 1, targets=("y",)),
        origins={"train": lambda number: f"x {x[number, 0]:.6f}"},
    )
    monkeypatch.setattr("workbench.settings.code.call", lambda name, **arguments: samples)
    own = ["data.name=module", "data.function=mine:data", "loss.name=mse", "model.hidden=[4]"]
    trained = train(tmp_path, *own)
    lines, _ = predict(trained.run.path, split="test")
    for line in lines:
        assert float(line["origin"].removeprefix("x ")) * 3 == pytest.approx(line["target"], abs=1e-5)
    [row, *_], _ = predict(trained.run.path, split="test", format="csv")
    assert row["origin"] == lines[0]["origin"]


def test_a_checkpoint_alone_knows_its_split(iris: Trained, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.pt"
    file.write_bytes((iris.run.checkpoints / "best.pt").read_bytes())
    _, answer = predict(file, split="test")
    assert answer.metrics["accuracy"] == iris.test["accuracy"]


def test_data_that_have_changed_are_said_as_an_evaluation_says_it(train_example: Callable[..., Trained]) -> None:
    trained = train_example("csv", "loss.name=mse", "model.hidden=[4]")
    best = trained.run.checkpoints / "best.pt"
    assert predict(trained.run.path, split="test")[1].data_changes == ""
    file = Path(trained.preset.data.file)  # type: ignore[union-attr]
    file.write_text(file.read_text() + "\n9.5,red,1.0")
    change = "the training data had 30 samples and has 31 now"
    assert predict(trained.run.path, split="test")[1].data_changes == evaluated(trained).data_changes == change
    _, answer = predict(best, split="test")  # its run's last checkpoint is beside it
    assert (answer.data_changes, answer.notes) == (change, [])


def test_what_cannot_be_compared_is_said_as_an_evaluation_says_it(
    train_example: Callable[..., Trained], tmp_path: Path
) -> None:
    trained = train_example("csv", "loss.name=mse", "model.hidden=[4]")
    last = trained.run.last_checkpoint
    (tmp_path / "alone.pt").write_bytes((trained.run.checkpoints / "best.pt").read_bytes())
    last.write_bytes(last.read_bytes()[:-100])
    is_damaged = f"whether the data are still those of the training is not known: {last}, which would say, is damaged"
    for answer in (predict(trained.run.path, split="test")[1], evaluated(trained)):
        assert (answer.data_changes, answer.notes) == ("", [is_damaged])
    last.unlink()
    is_missing = (
        "whether the data are still those of the training is not known: there is no last.pt beside the model, which "
        "would say"
    )
    for answer in (
        predict(trained.run.path, split="test")[1],
        evaluated(trained),
        predict(tmp_path / "alone.pt", split="test")[1],
    ):
        assert answer.notes == [is_missing]


def test_targets_are_those_of_the_file(tmp_path: Path) -> None:
    """Scaled and scaled back in float32, 75 would be 74.99999976."""
    draw = np.random.default_rng(0)
    rows = [(round(x, 3), round(200 * x + 7, 1), round(y, 7)) for x, y in draw.normal(size=(60, 2))]
    (tmp_path / "t.csv").write_text("\n".join(["x,price,rate", *(f"{x},{price},{rate}" for x, price, rate in rows)]))
    trained = train(
        tmp_path,
        *("data.name=csv", f"data.file={tmp_path / 't.csv'}", "data.target=price", "data.task=regression"),
        *("loss.name=mse", "model.hidden=[4]"),
    )
    lines, _ = predict(trained.run.path, split="test")
    assert len(lines) > 5
    for line in lines:
        assert line["target"] == rows[int(line["origin"].removeprefix("line ")) - 2][1]


def test_a_split_that_is_not_there(tmp_path: Path) -> None:
    trained = train(tmp_path, "data.name=iris", "validation.method=none", "model.hidden=[4]")
    with pytest.raises(DataError, match="no validation split"):
        predict(trained.run.path, split="validation")

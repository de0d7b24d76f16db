"""An evaluation of a run's own data gives exactly the metrics of its test, whatever the task and the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.unit.prediction.conftest import Trained, train
from tests.unit.prediction.evaluating import TRANSFORMER, evaluated, on_file
from tests.unit.prediction.evaluating import flowers as flowers
from workbench.data.samples import Lazy, NamedInMemory, Samples, Task
from workbench.errors import DataError
from workbench.prediction.evaluate import evaluate
from workbench.processes.evaluation import EvaluationRequest
from workbench.settings.data import DATA
from workbench.settings.preset import Preset
from workbench.training.checkpointing import files as checkpoints

TEXTS = ("model.name=bag_of_embeddings",)
SOUNDS = ("model.name=audio_cnn", "model.channels=[4]")
MODELS = {
    "text_file": TRANSFORMER,
    **dict.fromkeys(("docstrings", "text_table", "text_folder"), TEXTS),
    **dict.fromkeys(("audio_folder", "audio_table", "spoken_digits"), SOUNDS),
}
NUMBERS = ("diabetes", "csv", "audio_table")
ALIKE = ("mnist", "fashion_mnist", "kmnist", "cifar100", "svhn", "wine", "breast_cancer", "topics")
"""What others stand for."""


@pytest.mark.parametrize("label", [label for label in DATA.labels if label not in ALIKE])
def test_the_own_test_split_of_every_data_source(label: str, train_example: Callable[..., Trained]) -> None:
    loss = ("loss.name=mse",) if label in NUMBERS else ()
    trained = train_example(label, *loss, *MODELS.get(label, ("model.hidden=[4]",)))
    found = evaluated(trained)
    assert found.metrics == trained.test
    assert (found.split, found.data_changes, found.device) == ("test", "", "cpu")
    assert len(found.worst) == min(10, found.samples)
    assert [each.loss for each in found.worst] == sorted((each.loss or 0.0 for each in found.worst), reverse=True)
    assert all(each.origin for each in found.worst) == (label in WITH_ORIGIN)


WITH_ORIGIN = ("image_folder", "audio_folder", "audio_table", "spoken_digits", "csv", "text_table", "text_folder")


@pytest.mark.parametrize(
    "assignments",
    [
        ("loss.class_weights=balanced",),
        ("loss.name=binary_cross_entropy", "loss.label_smoothing=0.1"),
        ("loss.name=huber",),
        ("validation.method=k_fold", "validation.fold=1"),
        ("runtime.data_loading=dataloader", "runtime.num_workers=0"),
        ("runtime.precision=bf16",),
        ("training.keep_best=false",),
    ],
)
def test_losses_splits_and_ways_of_computing(tmp_path: Path, assignments: tuple[str, ...]) -> None:
    trained = train(tmp_path, "data.name=digits", "model.hidden=[8]", "data.batch_size=64", *assignments)
    file = "best.pt" if trained.preset.training.keep_best else "last.pt"
    request = EvaluationRequest(str(trained.run.checkpoints / file), trained.preset.to_toml())
    found = evaluate(request, lambda progress: None)
    assert found.metrics == trained.test
    assert found.weights.startswith("best epoch ") or found.weights == "last checkpoint, after 2 epochs"


def test_every_split_and_all_of_them(iris: Trained) -> None:
    sizes = {split: evaluated(iris, split=split, worst=200).samples for split in ("train", "validation", "test", "all")}
    assert sizes["all"] == 150 == sizes["train"] + sizes["validation"] + sizes["test"]
    whole = evaluated(iris, split="all", worst=200)
    assert {(each.split, each.number) for each in whole.worst} == {
        (split, number) for split in ("train", "validation", "test") for number in range(sizes[split])
    }
    assert whole.metrics["loss"] == pytest.approx(
        sum(evaluated(iris, split=split).metrics["loss"] * sizes[split] for split in ("train", "validation", "test"))
        / 150
    )


def test_a_split_that_is_not_there(tmp_path: Path) -> None:
    trained = train_without_test(tmp_path)
    with pytest.raises(DataError, match=r"no test split \(validation.test_fraction = 0\); --split takes .*: train"):
        evaluated(trained)
    assert evaluated(trained, split="validation").samples > 0
    with pytest.raises(DataError, match="no test split of its own"):
        evaluated(trained, data=trained.preset.to_toml(), split="test")


def train_without_test(folder: Path) -> Trained:
    from tests.unit.prediction.conftest import BASE
    from tests.unit.training.scripted import build_trainer
    from workbench.runs.directory import create_run

    preset = Preset().override([*BASE, "data.name=iris", "validation.test_fraction=0", "model.hidden=[4]"])
    run = create_run(folder / "runs", preset.name, preset.to_toml())
    build_trainer(run).train()
    return Trained(run, preset, {})


def test_data_that_have_changed_since_are_said(flowers: Trained) -> None:
    assert evaluated(flowers).data_changes == ""
    file = Path(flowers.preset.data.file)  # type: ignore[union-attr]
    file.write_text(f"{file.read_text()}\n5,0,red,rose")
    assert evaluated(flowers).data_changes == "the training data had 90 samples and has 91 now"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:5], lines[5].replace("iris", "rose"), *lines[6:-1]]))
    assert evaluated(flowers).data_changes == "the targets of the training data have changed"


def test_the_line_of_a_sample_of_a_split_is_that_of_its_file(flowers: Trained) -> None:
    found = evaluated(flowers, worst=100)
    lines = Path(flowers.preset.data.file).read_text().splitlines()  # type: ignore[union-attr]
    assert len(found.worst) == found.samples > 10
    assert len({each.origin for each in found.worst}) == found.samples
    for each in found.worst:
        assert lines[int(each.origin.removeprefix("line ")) - 1].endswith(each.true)


def test_a_loss_that_trains_no_probabilities_is_noted(tmp_path: Path) -> None:
    trained = train(tmp_path, "data.name=iris", "loss.name=mse", "model.hidden=[4]")
    assert any("trains no probabilities" in note for note in evaluated(trained).notes)


def test_a_precision_that_the_device_lacks_becomes_float32(iris: Trained) -> None:
    preset = iris.preset.with_values({"runtime.precision": "tf32"}, "here")
    found = evaluated(replace(iris, preset=preset))
    assert found.metrics == iris.test
    assert any(note.startswith("computed in float32: cpu lacks tf32") for note in found.notes)


def without_reader(trained: Trained) -> Trained:
    """The run, as an earlier version has left it."""
    path = trained.run.checkpoints / "best.pt"
    state = checkpoints.load(path, torch.device("cpu"))
    del state["description"]["reader"], state["version"]
    checkpoints.save(path, state)
    return trained


def test_a_run_of_an_earlier_version_is_evaluated_on_its_own_data_and_on_no_other_table(flowers: Trained) -> None:
    """Its checkpoint does not say which columns and categories it was trained on."""
    old = without_reader(flowers)
    assert evaluated(old).metrics == flowers.test
    with pytest.raises(DataError, match=r"written by an earlier version, .* train the model again"):
        on_file(old, "width,height,colour,kind\n10,0,red,tulip\n")
    file = Path(flowers.preset.data.file)  # type: ignore[union-attr]
    file.write_text(f"{file.read_text()}\n5,0,red,rose")
    with pytest.raises(DataError, match=r"have changed since .* has 91 now.*train the model again"):
        evaluated(old)


IDS = torch.randint(1, 50, (96, 12), generator=torch.Generator().manual_seed(0))


class LengthAware(nn.Module):
    """Scores of the mean of the first tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.scores = nn.Embedding(50, 8), nn.Linear(8, 2)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        there = torch.arange(ids.shape[1], device=ids.device) < lengths.unsqueeze(1)
        mean = (self.embedding(ids) * there.unsqueeze(2)).sum(1) / lengths.unsqueeze(1)
        scores: Tensor = self.scores(mean)
        return scores


@pytest.mark.parametrize("lazy", [False, True])
def test_inputs_by_name_and_a_model_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, lazy: bool) -> None:
    """Read one by one, targets are not known before, so that only the reading gives them."""

    def data() -> Samples:
        named = NamedInMemory({"ids": IDS, "lengths": torch.arange(96) % 12 + 1}, (IDS[:, 0] > 25).long())
        task = Task("classification", 2, classes=("low", "high"))
        if not lazy:
            return Samples(named, task)
        return Samples(Lazy(named), task, collate=stacked)

    functions: dict[str, Callable[..., Any]] = {"mine:data": data, "mine:model": lambda *_: LengthAware()}
    monkeypatch.setattr("workbench.settings.code.call", lambda name, *_, **__: functions[name]())
    own = ("data.name=module", "data.function=mine:data", "model.name=module", "model.function=mine:model")
    trained = train(tmp_path, *own, "validation.stratified=false", "runtime.num_workers=0")
    found = evaluated(trained)
    assert found.metrics == trained.test
    assert {each.true for each in found.worst} == {"low", "high"}


def stacked(samples: list[tuple[Any, Tensor]]) -> tuple[dict[str, Tensor], Tensor]:
    inputs = {name: torch.stack([each[name] for each, _ in samples]) for name in ("ids", "lengths")}
    return inputs, torch.stack([target for _, target in samples])

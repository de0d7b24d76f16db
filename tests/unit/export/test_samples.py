"""What an export is compared on: samples that validated the run, or made-up ones where the data is gone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.unit.export.made import drawn_model
from workbench.data.samples import InMemory, Lazy, NamedInMemory, Samples, Task, Texts
from workbench.export.samples import BATCHES, SAMPLES, batches_of, random_samples, samples_of
from workbench.settings.preset import Preset

Data = Mapping[str, tuple[str, ...]]
Functions = dict[str, Callable[..., Any]]


def rows_of(samples: Tensor) -> set[tuple[float, ...]]:
    return {tuple(row.flatten().tolist()) for row in samples}


def test_they_are_of_the_validation_split_as_the_source_gives_them(tmp_path: Path, data: Data) -> None:
    model = drawn_model(tmp_path, *data["pixels"], "model.hidden=[8]")
    found = samples_of(model, lambda progress: None)
    split = model.preset.validation.build(model.preset.data.build(lambda progress: None)).validation
    assert isinstance(split, InMemory)
    assert isinstance(found.raw, Tensor)
    assert (found.origin, found.reason, found.raw.dtype) == ("validation", "", torch.uint8)
    assert len(rows_of(found.raw)) == SAMPLES
    assert rows_of(found.raw) <= rows_of(split.inputs)


def test_texts_are_texts(tmp_path: Path, data: Data) -> None:
    model = drawn_model(tmp_path, *data["texts"], "model.name=bag_of_embeddings")
    found = samples_of(model, lambda progress: None)
    split = model.preset.validation.build(model.preset.data.build(lambda progress: None)).validation
    assert isinstance(split, Texts)
    assert set(found.raw) == set(split.texts)  # 24, some more than once
    assert len(found.raw) == SAMPLES


def test_samples_that_are_read_one_by_one_are_read(tmp_path: Path, user_functions: Functions) -> None:
    inputs, targets = torch.randint(0, 256, (96, 1, 8, 8), dtype=torch.uint8), torch.arange(96) % 3
    lazy = Lazy(InMemory(inputs, targets), targets)
    user_functions["mine:data"] = lambda: Samples(lazy, Task("classification", 3, classes=("a", "b", "c")))
    model = drawn_model(tmp_path, "data.name=module", "data.function=mine:data", "model.hidden=[4]")
    found = samples_of(model, lambda progress: None)
    assert isinstance(found.raw, Tensor)
    assert (found.origin, found.raw.dtype, found.raw.shape) == ("validation", torch.uint8, (SAMPLES, 1, 8, 8))
    assert rows_of(found.raw) <= rows_of(inputs)


def test_whole_numbers_that_are_measures_stay_whole(tmp_path: Path, user_functions: Functions) -> None:
    """As the user gives them: a program takes one type alone."""
    rows = torch.randint(0, 1000, (96, 5))
    user_functions["mine:data"] = lambda: (rows, torch.arange(96) % 3)
    model = drawn_model(tmp_path, "data.name=module", "data.function=mine:data", "model.hidden=[4]")
    found = samples_of(model, lambda progress: None)
    assert isinstance(found.raw, Tensor)
    assert (found.origin, found.raw.dtype) == ("validation", torch.int64)
    assert rows_of(found.raw) <= rows_of(rows)
    made_up = random_samples(model)
    assert isinstance(made_up, Tensor)
    assert made_up.dtype == torch.int64
    assert float(made_up.double().mean()) == pytest.approx(500, abs=100)


def test_without_a_validation_split_they_are_of_the_training_split(tmp_path: Path, data: Data) -> None:
    model = drawn_model(tmp_path, *data["rows"], "model.hidden=[8]", "validation.method=none")
    found = samples_of(model, lambda progress: None)
    assert (found.origin, found.reason) == ("training", "the run has no validation split")


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("colours", ["model.name=cnn", "model.channels=[4]"]),
        ("texts", ["model.name=bag_of_embeddings"]),
        ("language", ["model.name=gru", "model.width=4", "model.state=4"]),
        ("waves", ["model.name=conv1d", "model.channels=[4]"]),
    ],
)
def test_where_the_data_is_gone_they_are_made_up_and_that_is_said(
    tmp_path: Path, data: Data, kind: str, model: list[str]
) -> None:
    """The model takes them; of a vocabulary every token may occur, and no two texts are alike."""
    [place] = [each for each in data[kind] if each.startswith(("data.file=", "data.folder="))]
    key, _, path = place.partition("=")
    moved = tmp_path / Path(path).name
    (shutil.copytree if Path(path).is_dir() else shutil.copy)(path, moved)
    others = [each for each in data[kind] if each != place]
    trained = drawn_model(tmp_path, *others, f"{key}={moved}", *model)
    assert samples_of(trained, lambda progress: None).origin == "validation"
    moved.rename(tmp_path / "elsewhere")
    found = samples_of(trained, lambda progress: None)
    assert found.origin == "random"
    assert moved.name in found.reason
    outputs = trained(found.raw)
    assert len(outputs) == len(found.raw) == SAMPLES
    assert bool(outputs.isfinite().all())
    assert len({tuple(row.flatten().tolist()) for row in outputs}) > SAMPLES // 2


def test_data_that_is_another_now_is_not_used(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("a,b,y\n" + "\n".join(f"{row},{row % 7},{'xy'[row % 2]}" for row in range(100)))
    model = drawn_model(tmp_path, "data.name=csv", f"data.file={file}", "data.target=y", "model.hidden=[4]")
    file.write_text("a,b,c,y\n" + "\n".join(f"{row},{row % 7},{row % 5},{'xy'[row % 2]}" for row in range(100)))
    found = samples_of(model, lambda progress: None)
    assert found.origin == "random"
    assert "shape (1, 3), but the model takes" in found.reason


class ByName(nn.Module):
    """Scores of ids up to a length."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = nn.Embedding(20, 2)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        there = torch.arange(ids.shape[1]) < lengths.unsqueeze(1)
        total: Tensor = (self.scores(ids) * there.unsqueeze(2)).sum(1)
        return total / lengths.unsqueeze(1)


def test_tensors_by_name_stay_so(tmp_path: Path, user_functions: Functions) -> None:
    ids, lengths = torch.randint(0, 20, (96, 6)), torch.randint(1, 7, (96,))
    named = NamedInMemory({"ids": ids, "lengths": lengths}, torch.arange(96) % 2)
    user_functions["mine:data"] = lambda: Samples(named, Task("classification", 2, classes=("a", "b")))
    user_functions["mine:model"] = lambda inputs, outputs, activation: ByName()
    own = ("data.name=module", "data.function=mine:data", "model.name=module", "model.function=mine:model")
    model = drawn_model(tmp_path, *own)
    found = samples_of(model, lambda progress: None)
    assert isinstance(found.raw, dict)
    assert found.raw["ids"].shape == (SAMPLES, 6)
    made_up = random_samples(model)
    assert isinstance(made_up, dict)
    assert model(made_up).shape == (SAMPLES, 2)


def test_nothing_is_downloaded(tmp_path: Path, data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    model = drawn_model(tmp_path, *data["pixels"], "model.hidden=[4]")
    elsewhere = ["data.name=mnist", f"data.folder={tmp_path / 'empty'}"]
    model.preset = Preset().override(elsewhere)
    found = samples_of(model, lambda progress: None)
    assert found.origin == "random"
    assert "mnist is not in" in found.reason


def test_batches_are_of_several_sizes_and_few_where_outputs_are_many() -> None:
    samples = torch.arange(SAMPLES)
    batches = batches_of(samples, 10)
    assert [len(batch) for batch in batches] == list(BATCHES)
    assert torch.equal(torch.cat([batch for batch in batches if isinstance(batch, Tensor)]), samples)
    assert [len(batch) for batch in batches_of(samples, 2**23)] == [1, 2]

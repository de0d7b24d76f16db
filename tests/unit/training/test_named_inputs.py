"""Samples whose inputs are tensors by name, ids and lengths: from a source and its collate function to predictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.unit.training.scripted import build_trainer, of_type
from workbench.data.samples import Lazy, NamedInMemory, Samples, Split, Task
from workbench.errors import DataError, PresetError, UserCodeError
from workbench.runs import events
from workbench.runs.checkpoints import best_checkpoint
from workbench.runs.directory import create_run
from workbench.settings.preset import Preset
from workbench.training.batches import Batch
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.job import Job, build_job
from workbench.training.timing.clock import PhaseClock
from workbench.training.trainer import Trainer

Functions = dict[str, Callable[..., Any]]
SAMPLES, VOCABULARY, WORD = 240, 20, 7


class Texts:
    """Ids of 3 to 9 words, each text of its own length; its class is whether a certain word occurs."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        lengths = torch.randint(3, 10, (SAMPLES,), generator=generator).tolist()
        self.ids = [torch.randint(1, VOCABULARY, (length,), generator=generator) for length in lengths]
        for ids in self.ids[::2]:
            ids[0] = WORD
        self.classes = torch.tensor([int((ids == WORD).any()) for ids in self.ids])

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.ids[index], self.classes[index]


def padded(samples: list[tuple[Tensor, Tensor]]) -> tuple[dict[str, Tensor], Tensor]:
    """The collate function: ids padded with 0 to the longest text of the batch, and the lengths."""
    ids = nn.utils.rnn.pad_sequence([ids for ids, _ in samples], batch_first=True)
    lengths = torch.tensor([len(ids) for ids, _ in samples])
    return {"ids": ids, "lengths": lengths}, torch.stack([label for _, label in samples])


class Reader(nn.Module):
    """The mean of the words' embeddings, padding left out by the lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.scores = nn.Embedding(VOCABULARY, 8), nn.Linear(8, 2)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        words = torch.arange(ids.shape[1], device=ids.device) < lengths.unsqueeze(1)
        scores: Tensor = self.scores((self.embedding(ids) * words.unsqueeze(2)).sum(1) / lengths.unsqueeze(1))
        return scores


TASK = Task("classification", 2, classes=("without", "with"))


def read_one_by_one() -> Samples:
    texts = Texts()
    return Samples(Lazy(texts, texts.classes), TASK, collate=padded)


def in_memory() -> Samples:
    texts = Texts()
    inputs, targets = padded([texts[index] for index in range(SAMPLES)])
    return Samples(NamedInMemory(inputs, targets), TASK)


SOURCES: dict[str, Callable[[], Samples]] = {"dataloader": read_one_by_one, "on_device": in_memory}
OWN = [
    *("data.name=module", "data.function=mine:data", "model.name=module", "model.function=mine:model"),
    *("data.batch_size=16", "runtime.device=cpu", "runtime.num_workers=0", "optimizer.learning_rate=0.05"),
]


@pytest.fixture
def functions(user_functions: Functions) -> Functions:
    user_functions["mine:data"] = read_one_by_one
    user_functions["mine:model"] = lambda inputs, outputs, activation: Reader()
    return user_functions


def job_of(*assignments: str) -> Job:
    return build_job(Preset().override([*OWN, *assignments]), lambda progress: None)


def trainer_of(folder: Path, *assignments: str) -> Trainer:
    preset = Preset().override([*OWN, *assignments])
    return build_trainer(create_run(folder, preset.name, preset.to_toml()))


def by_name(batch: Batch) -> dict[str, Tensor]:
    assert not isinstance(batch.inputs, Tensor)
    return dict(batch.inputs)


@pytest.mark.parametrize(("kind", "workers"), [("dataloader", 0), ("dataloader", 2), ("on_device", 0)])
def test_batches_hold_the_padded_texts_in_the_order_asked_for(functions: Functions, kind: str, workers: int) -> None:
    texts = Texts()
    functions["mine:data"] = SOURCES[kind]
    train = job_of("validation.method=none", "validation.test_fraction=0", f"runtime.num_workers={workers}").train
    assert train.name == kind
    order = torch.randperm(SAMPLES, generator=torch.Generator().manual_seed(1))
    for batch, indices in zip(train.batches(order, PhaseClock()), order.split(16), strict=True):
        inputs = by_name(batch)
        assert batch.targets.tolist() == texts.classes[indices].tolist()
        assert inputs["lengths"].tolist() == [len(texts.ids[index]) for index in indices]
        for row, length, index in zip(inputs["ids"], inputs["lengths"], indices, strict=True):
            assert row[: int(length)].tolist() == texts.ids[index].tolist()
            assert row[int(length) :].sum() == 0
        if kind == "dataloader":
            assert inputs["ids"].shape == (len(indices), int(inputs["lengths"].max()))
    train.close()


@pytest.mark.parametrize("kind", ["dataloader", "on_device"])
def test_a_model_learns_from_ids_and_lengths_and_its_checkpoint_predicts(
    functions: Functions, tmp_path: Path, kind: str
) -> None:
    functions["mine:data"] = SOURCES[kind]
    trainer = trainer_of(tmp_path, "training.epochs=15")
    assert trainer.job.train.name == kind
    assert trainer.engine.name == "eager"
    trainer.train()
    [test] = of_type(trainer, events.TestResult)
    assert test.metrics["accuracy"] > 0.95
    split = trainer.job.preset.validation.build(SOURCES[kind]()).test
    assert isinstance(split, NamedInMemory | Lazy)
    inputs, targets = padded([split[index] for index in range(len(split))]) if kind == "dataloader" else _all(split)
    model = TrainedModel.load(best_checkpoint(trainer.run))
    assert model.classes == ("without", "with")
    assert float((model(inputs).argmax(1) == targets).double().mean()) == test.metrics["accuracy"]
    with pytest.raises(DataError, match="the model takes tensors by name: ids, lengths, not one tensor"):
        model(inputs["ids"])


def _all(split: Split) -> tuple[dict[str, Tensor], Tensor]:
    assert isinstance(split, NamedInMemory)
    return dict(split.inputs), split.targets


def test_the_model_function_gets_the_shapes_by_name(functions: Functions) -> None:
    seen = []

    def model(inputs: Any, outputs: int, activation: Any) -> nn.Module:
        seen.append(inputs)
        return Reader()

    functions.update({"mine:data": in_memory, "mine:model": model})
    job = job_of()
    assert seen == [{"ids": (9,), "lengths": ()}]
    assert (job.input_names, job.input_shape) == (("ids", "lengths"), ())


def test_a_model_that_takes_other_names_is_reported(functions: Functions) -> None:
    functions["mine:model"] = lambda inputs, outputs, activation: nn.Linear(3, 2)
    with pytest.raises(UserCodeError, match=r"of shape \{'ids': \(2, \d\), 'lengths': \(2,\)\}: TypeError"):
        job_of()


def test_shipped_models_and_traced_engines_refuse_inputs_by_name(functions: Functions, tmp_path: Path) -> None:
    with pytest.raises(PresetError, match=r"'mlp' takes one tensor, but the data gives .* by name \(ids, lengths\)"):
        build_job(Preset().override([*OWN[:2], "runtime.device=cpu"]), lambda progress: None)
    with pytest.raises(PresetError, match=r'engine = "traced", but .* by name'):
        trainer_of(tmp_path, "runtime.engine=traced")


def test_a_batch_moves_and_selects_all_of_its_tensors() -> None:
    batch = Batch({"ids": torch.arange(8).reshape(4, 2), "lengths": torch.tensor([1, 2, 3, 4])}, torch.arange(4))
    assert len(batch) == 4
    chosen = batch.index_select(torch.tensor([3, 1]))
    assert {name: tensor.tolist() for name, tensor in by_name(chosen).items()} == {
        "ids": [[6, 7], [2, 3]],
        "lengths": [4, 2],
    }
    assert chosen.targets.tolist() == [3, 1]
    moved = batch.to(torch.device("meta"))
    assert all(tensor.is_meta for tensor in (*by_name(moved).values(), moved.targets))
    with pytest.raises(TypeError, match="ids, lengths"):
        batch.tensor  # noqa: B018

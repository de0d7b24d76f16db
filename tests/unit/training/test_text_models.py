"""Models of texts for classes and numbers: trained as by hand, by each engine; what does not fit is refused."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.unit.training.conftest import user_functions as user_functions
from tests.unit.training.plain import plain_losses
from tests.unit.training.test_language_models import make_trainer as make_trainer
from tests.unit.training.test_language_models import one_of, steps_of
from workbench.data.samples import InMemory, Samples, Task
from workbench.data.tokens import PAD
from workbench.errors import DataError, PresetError
from workbench.models.bag_of_embeddings import BagOfEmbeddings
from workbench.models.tokens import masked_mean
from workbench.runs.events import EpochEnd
from workbench.training.checkpointing.trained_model import TrainedModel
from workbench.training.epoch_order import epoch_order
from workbench.training.health.probe import HealthProbe
from workbench.training.memory.estimate import expected_memory
from workbench.training.prepared_data import prepare
from workbench.training.trainer import Trainer
from workbench.training.tuning.stacked.errors import CannotStackError
from workbench.training.tuning.stacked.stack import Stack

GOOD, BAD = ("good", "fine", "great"), ("bad", "poor", "awful")
COMMON = ("the", "film", "was", "a", "plot", "and", "so", "very")

SMALL = {
    "bag_of_embeddings": ["model.name=bag_of_embeddings", "model.width=8"],
    "bag_of_embeddings hidden": ["model.name=bag_of_embeddings", "model.width=8", "model.hidden=[8]"],
    "text_cnn": ["model.name=text_cnn", "model.width=8", "model.channels=8", "model.windows=[1, 2]"],
    "gru": ["model.name=gru", "model.width=8", "model.state=8", "model.hidden=8"],
    "gru last": ["model.name=gru", "model.width=8", "model.state=8", "model.layers=2", "model.pooling=last"],
    "transformer": ["model.name=transformer", "model.width=8", "model.heads=2", "model.layers=1"],
    "sinusoidal": ["model.name=transformer", "model.width=8", "model.heads=1", "model.positions=sinusoidal"],
}
"""Each model, small."""


@pytest.fixture
def reviews(tmp_path: Path) -> list[str]:
    """Settings that train on 120 reviews of 2 to 12 words, good or bad, with a mark from 0 to 1."""
    random.seed(0)
    lines = []
    for number in range(120):
        words = [random.choice(COMMON) for _ in range(random.randint(1, 11))]
        words.insert(random.randrange(len(words) + 1), random.choice((GOOD, BAD)[number % 2]))
        row = {
            "text": " ".join(words),
            "kind": ("good", "bad")[number % 2],
            "mark": 1.0 - number % 2 + len(words) / 100,
        }
        lines.append(json.dumps(row))
    file = tmp_path / "reviews.jsonl"
    file.write_text("\n".join(lines))
    data = ["data.name=text_table", f"data.file={file}", "data.target=kind", "data.batch_size=16"]
    return [*data, "runtime.device=cpu", "training.epochs=2", "optimizer.learning_rate=0.02"]


@pytest.mark.parametrize("model", SMALL.values(), ids=SMALL)
def test_it_trains_as_a_hand_written_loop_does_and_is_traced(
    model: list[str], reviews: list[str], make_trainer: Callable[..., Trainer]
) -> None:
    choice = [*reviews, *model, "data.group_by_length=false", "model.dropout=0.0"]
    eager = make_trainer(*choice, "runtime.engine=eager")
    by_hand = make_trainer(*choice, "runtime.engine=eager").job.model
    batch = eager.job.train.samples  # type: ignore[attr-defined]
    batches = [indices for epoch in range(2) for indices in epoch_order(eager.job, epoch).split(16)]
    found = steps_of(eager)
    optimizer = torch.optim.Adam(by_hand.parameters(), lr=0.02)
    loss = nn.CrossEntropyLoss()
    assert found == pytest.approx(
        plain_losses(by_hand, optimizer, loss, batch.inputs, batch.targets, batches), rel=1e-4
    )
    traced = make_trainer(*choice, "runtime.engine=traced")
    assert traced.engine.name == "traced"
    assert steps_of(traced) == pytest.approx(found, rel=1e-3)


@pytest.mark.parametrize("model", SMALL.values(), ids=SMALL)
def test_it_learns_classes_and_its_checkpoint_reads_texts(
    model: list[str], reviews: list[str], make_trainer: Callable[..., Trainer]
) -> None:
    """With batches that are cut to their texts, and dropout where the model has it."""
    trainer = make_trainer(*reviews, *model, "training.epochs=25")
    trainer.train()
    assert one_of(trainer, EpochEnd).train["accuracy"] > 0.9
    trained = TrainedModel.load(trainer.run.last_checkpoint)
    answers = trained(["the film was awful", "a great film and so fine"]).argmax(1)
    assert [trained.classes[number] for number in answers.tolist()] == ["bad", "good"]


def test_numbers_are_predicted_too(reviews: list[str], make_trainer: Callable[..., Trainer]) -> None:
    numbers = ["data.target=mark", "loss.name=mse", "training.epochs=30"]
    trainer = make_trainer(*reviews, *SMALL["bag_of_embeddings"], *numbers)
    trainer.train()
    assert one_of(trainer, EpochEnd).validation["r2"] > 0.5


def test_memory_is_estimated(reviews: list[str], make_trainer: Callable[..., Trainer]) -> None:
    for name, model in SMALL.items():
        expected = expected_memory(make_trainer(*reviews, *model).job)
        assert expected.reason == "", name
        assert expected.peak_bytes, name


def test_the_mean_of_embeddings_is_that_of_pytorchs_embedding_bag() -> None:
    model = BagOfEmbeddings(20, 3, 8, (), 0.0, nn.ReLU)
    ids = torch.randint(1, 20, (6, 9), generator=torch.Generator().manual_seed(0))
    ids[1, 4:] = ids[2] = PAD
    bag = nn.EmbeddingBag(20, 8, mode="mean", padding_idx=PAD)
    with torch.no_grad():
        bag.weight.copy_(model.embedding.weight)
    torch.testing.assert_close(masked_mean(model.embedding(ids), ids != PAD), bag(ids))


def test_models_and_data_that_do_not_fit_name_those_that_do(
    reviews: list[str], make_trainer: Callable[..., Trainer]
) -> None:
    texts = "'cnn' does not fit texts; these do: bag_of_embeddings, text_cnn, gru, lstm, transformer"
    with pytest.raises(PresetError, match=texts):
        make_trainer(*reviews, "model.name=cnn")
    for data, other in (("iris", "mlp"), ("digits", "cnn")):
        with pytest.raises(PresetError, match=rf"'text_cnn' takes texts, but .* numbers .* model\.name = '{other}'"):
            make_trainer(f"data.name={data}", "model.name=text_cnn", "runtime.device=cpu")


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    from workbench.settings.preset import Preset

    with pytest.raises(PresetError, match=r"width 128 cannot be divided by heads 5; heads that divide it are 2, 4, 8"):
        Preset().override(["model.name=transformer", "model.heads=5"])


def ids_of(ids: Tensor) -> Callable[[], Samples]:
    return lambda: Samples(InMemory(ids, torch.arange(len(ids)) % 2), Task("classification", 2, classes=("a", "b")))


OWN = ["data.name=module", "data.function=mine:data", "data.batch_size=8", "runtime.device=cpu", "training.epochs=1"]


def test_ids_of_ones_own_function_have_the_vocabulary_that_they_take(
    make_trainer: Callable[..., Trainer], user_functions: dict[str, Callable[..., object]]
) -> None:
    ids = torch.randint(0, 30, (40, 6), generator=torch.Generator().manual_seed(0))
    ids[7, 2] = 77
    user_functions["mine:data"] = ids_of(ids)
    trainer = make_trainer(*OWN, *SMALL["bag_of_embeddings"])
    assert trainer.job.vocabulary == 78
    assert trainer.job.model.embedding.num_embeddings == 78  # type: ignore[union-attr]
    trainer.train()
    assert TrainedModel.load(trainer.run.last_checkpoint)(ids).shape == (40, 2)
    user_functions["mine:data"] = ids_of(ids - 1)
    with pytest.raises(DataError, match=r"ids must be 0 \(padding\) or larger, but the data has -1"):
        make_trainer(*OWN, *SMALL["gru"])


def test_candidates_are_trained_together_or_one_by_one_with_a_reason(
    reviews: list[str], make_trainer: Callable[..., Trainer]
) -> None:
    """What torch.func has rules for is stacked: a bag of embeddings; a GRU is not."""
    presets = [
        make_trainer(*reviews, *SMALL["bag_of_embeddings"], f"training.seed={seed}").job.preset for seed in (0, 1)
    ]
    data = prepare(presets[0], lambda _: None)
    stack = Stack([data, data], presets, [0, 1])
    stack.train_epoch()
    assert len(stack.running) == 2
    presets = [make_trainer(*reviews, *SMALL["gru"], f"training.seed={seed}").job.preset for seed in (0, 1)]
    stack = Stack([data, data], presets, [0, 1])
    with pytest.raises(CannotStackError, match="gru"):
        stack.train_epoch()


def test_the_health_of_recurrent_layers_is_measured_in_training_mode(
    reviews: list[str], make_trainer: Callable[..., Trainer]
) -> None:
    """cuDNN computes no gradients of them in evaluation mode. Everything else is as it is when evaluated."""
    job = make_trainer(*reviews, *SMALL["gru last"], "model.dropout=0.5").job
    modes: dict[str, bool] = {}
    for name, module in job.model.named_modules():
        module.register_forward_hook(lambda module, inputs, output, name=name: modes.update({name: module.training}))
    measured = HealthProbe(job).measure(1, 0)
    assert measured is not None
    assert [name for name, training in modes.items() if training] == [
        f"recurrent.{direction}_layers.{layer}" for layer in (0, 1) for direction in ("forward", "backward")
    ]
    assert all(tensor["gradient_mean"] > 0 for tensor in measured.tensors)


def test_stacked_candidates_have_each_their_own_dropout(
    reviews: list[str], make_trainer: Callable[..., Trainer]
) -> None:
    """Also in a transformer: no probability is hidden in a call that all candidates share."""
    choice = [*reviews, *SMALL["transformer"], "data.group_by_length=false"]
    presets = [make_trainer(*choice, f"model.dropout={dropout}").job.preset for dropout in (0.0, 0.6)]
    data = prepare(presets[0], lambda _: None)
    stack = Stack([data, data], presets, [0, 1])
    indices = torch.arange(16).expand(2, -1)
    first, _ = stack.run_step([indices], torch.zeros(2, 1, dtype=torch.float64))
    second, _ = stack.run_step([indices], torch.zeros(2, 1, dtype=torch.float64))
    assert first[0] == second[0]
    assert first[1] != second[1]
    job = make_trainer(*choice, "model.dropout=0.0").job
    batch = job.train.samples.index_select(torch.arange(16))  # type: ignore[attr-defined]
    alone = nn.functional.cross_entropy(job.model.train()(batch.tensor), batch.targets)
    torch.testing.assert_close(first[0], alone.detach(), rtol=1e-4, atol=1e-5)

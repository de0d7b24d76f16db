"""Data that has been prepared serves many trainings in one process, each as if it had read the data itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.unit.training.conftest import SMALL
from workbench.data.samples import InMemory
from workbench.errors import PresetError
from workbench.runs.directory import create_run
from workbench.runs.writer import EventWriter
from workbench.settings.preset import Preset
from workbench.training.inbox import Inbox
from workbench.training.job import Job, assemble, build_job
from workbench.training.prepared_data import PreparedData, prepare
from workbench.training.trainer import Trainer

Functions = dict[str, Callable[..., Any]]
MINE = ["data.name=module", "data.function=mine:data", "model.dropout=0.2", "training.validate_every=2"]


def preset_of(*assignments: str) -> Preset:
    return Preset().override([*SMALL, *assignments])


def prepared(*assignments: str) -> PreparedData:
    return prepare(preset_of(*assignments), lambda progress: None)


def weights_after_training(job: Job, folder: Path) -> dict[str, Tensor]:
    """Trains the job to its end."""
    run = create_run(folder, job.preset.name, job.preset.to_toml())
    trainer = Trainer(job, run, EventWriter(run.events), Inbox(run))
    trainer.train()
    return {name: tensor.clone() for name, tensor in trainer.job.model.state_dict().items()}


def assert_equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@pytest.mark.parametrize("targets", ["classes", "numbers"])
def test_trainings_on_prepared_data_give_the_bits_of_trainings_that_read_it_themselves(
    user_functions: Functions, tmp_path: Path, targets: str
) -> None:
    reads = []

    def data() -> tuple[Tensor, Tensor]:
        reads.append(1)
        x = torch.randn(96, 5)  # from the generator that the weights are drawn from afterwards
        return x, (x[:, 0] > 0).long() if targets == "classes" else x[:, :2] * 40 + 7

    user_functions["mine:data"] = data
    loss = "loss.name=cross_entropy" if targets == "classes" else "loss.name=mse"
    presets = [preset_of(*MINE, loss), preset_of(*MINE, loss, "optimizer.learning_rate=0.05", "model.hidden=[12,6]")]
    expected = [weights_after_training(build_job(preset, lambda progress: None), tmp_path) for preset in presets]
    assert len(reads) == 2
    shared = prepare(presets[0], lambda progress: None)
    found = [weights_after_training(assemble(shared, preset), tmp_path) for preset in presets]
    assert len(reads) == 3
    for one, other in zip(found, expected, strict=True):
        assert_equal(one, other)
    assert_equal(weights_after_training(assemble(shared, presets[0]), tmp_path), expected[0])


def test_trainings_of_other_seeds_on_the_same_data_give_the_bits_of_their_own(tmp_path: Path) -> None:
    other = preset_of("training.seed=5")
    expected = weights_after_training(build_job(other, lambda progress: None), tmp_path)
    assert_equal(weights_after_training(assemble(prepared(), other), tmp_path), expected)


def test_training_leaves_the_prepared_data_as_it_was(tmp_path: Path) -> None:
    data = prepared("data.name=digits", "training.epochs=1", "data.flip=true")
    train = data.splits.train
    assert isinstance(train, InMemory)
    before = train.inputs.clone(), train.targets.clone()
    weights_after_training(assemble(data, data.preset), tmp_path)
    assert torch.equal(train.inputs, before[0])
    assert torch.equal(train.targets, before[1])


@pytest.mark.parametrize(
    "assignment",
    [
        *("optimizer.learning_rate=0.5", "model.name=module", "model.hidden=[3]", "training.seed=9", "name=other"),
        *("data.batch_size=8", "data.drop_last=true", "runtime.data_loading=dataloader", "training.epochs=9"),
    ],
)
def test_what_is_no_matter_of_the_data_may_differ(assignment: str) -> None:
    function = ["model.function=mine:model"] if "module" in assignment else []
    kept = [item for item in SMALL if not (function and "hidden" in item)]
    assert prepared().serves(Preset().override([*kept, assignment, *function]))


@pytest.mark.parametrize(
    "assignment",
    [
        *("data.name=wine", "data.normalize=none", "data.normalize_target=false"),
        *("validation.fraction=0.3", "validation.seed=1", "validation.method=none"),
    ],
)
def test_other_data_or_another_split_must_be_prepared_anew(assignment: str) -> None:
    data, other = prepared(), preset_of(assignment)
    assert not data.serves(other)
    with pytest.raises(ValueError, match="prepare it again"):
        assemble(data, other)


def test_ids_are_prepared_for_a_model_of_ones_own_or_as_measures_but_not_for_both(user_functions: Functions) -> None:
    user_functions["mine:data"] = lambda: (torch.randint(0, 9, (96, 4)), torch.arange(96) % 2)
    own = ["data.name=module", "data.function=mine:data", "runtime.device=cpu", "data.batch_size=16"]
    measures, ids = (
        Preset().override([*own, *model]) for model in ([], ["model.name=module", "model.function=mine:model"])
    )
    assert not prepare(measures, lambda progress: None).serves(ids)
    assert not prepare(ids, lambda progress: None).serves(measures)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [("loss.name=kl_divergence", ""), ("data.batch_size=200", "has only 109 samples"), ("training.monitor=mae", "mae")],
)
def test_each_assembly_checks_its_own_settings(assignment: str, message: str) -> None:
    data, preset = prepared(), preset_of(assignment)
    if not message:
        assert assemble(data, preset).preset == preset
        return
    with pytest.raises(PresetError, match=message):
        assemble(data, preset)


def test_a_loss_for_numbers_alone_is_refused_before_and_after(user_functions: Functions) -> None:
    user_functions["mine:data"] = lambda: (torch.randn(96, 3), torch.randn(96))
    own = ["data.name=module", "data.function=mine:data"]
    data = prepared(*own, "loss.name=mse")
    for refused in (
        lambda: prepared(*own, "loss.name=cross_entropy"),
        lambda: assemble(data, preset_of(*own, "loss.name=cross_entropy")),
    ):
        with pytest.raises(PresetError, match="does not fit data that has numbers to predict"):
            refused()

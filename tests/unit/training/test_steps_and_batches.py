"""How samples become batches and steps, and what a step does."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from tests.unit.training.iris import ALONE, STEPS_PER_EPOCH, MakeTrainer, saved_weights, weights
from tests.unit.training.scripted import (
    logged_losses,
    of_type,
)
from workbench.errors import PresetError
from workbench.runs import events
from workbench.settings.preset import Preset
from workbench.training.epoch_order import epoch_order
from workbench.training.job import build_job


def losses_of(make_trainer: MakeTrainer, *assignments: str) -> tuple[list[float], Tensor]:
    trainer = make_trainer(*assignments)
    trainer.train()
    losses = logged_losses(trainer)
    return [losses[step] for step in sorted(losses)], weights(trainer)


@pytest.mark.parametrize("clip", ["training.gradient_clip_norm=0", "training.gradient_clip_norm=0.05"])
def test_two_batches_of_8_make_the_step_of_a_batch_of_16(make_trainer: MakeTrainer, clip: str) -> None:
    """The short last step of 13 samples too."""
    common = ["optimizer.name=sgd", "training.keep_best=false", clip]
    whole = losses_of(make_trainer, *common, "data.batch_size=16")
    halves = losses_of(make_trainer, *common, "data.batch_size=8", "training.gradient_accumulation=2")
    assert len(whole[0]) == 2 * STEPS_PER_EPOCH
    assert halves[0] == pytest.approx(whole[0], rel=1e-4)
    torch.testing.assert_close(halves[1], whole[1], rtol=1e-4, atol=1e-5)


def test_accumulation_counts_samples_and_correct_ones_as_whole_batches_do(make_trainer: MakeTrainer) -> None:
    ends = []
    for batching in (["data.batch_size=16"], ["data.batch_size=4", "training.gradient_accumulation=4"]):
        trainer = make_trainer("optimizer.name=sgd", *batching)
        trainer.train()
        ends.append(of_type(trainer, events.EpochEnd)[-1])
    assert ends[1].step == ends[0].step
    assert ends[1].train["accuracy"] == pytest.approx(ends[0].train["accuracy"])
    assert ends[1].train["loss"] == pytest.approx(ends[0].train["loss"], rel=1e-4)


@pytest.mark.parametrize("precision", ["float32", "bf16", "fp16"])
def test_clipping_bounds_the_step(make_trainer: MakeTrainer, precision: str) -> None:
    """Of plain gradient descent at a learning rate of 1, a step is as long as its gradient."""
    common = ["optimizer.name=sgd", "optimizer.momentum=0", "optimizer.learning_rate=1"]
    lengths: dict[float, float] = {}
    for clip in (0.0, 0.01):
        trainer = make_trainer(*common, f"training.gradient_clip_norm={clip}", f"runtime.precision={precision}")
        trainer.job.model.train()
        trainer.engine.start_epoch(torch.arange(16))
        before = weights(trainer)
        trainer.engine.run_steps(1)
        lengths[clip] = float((weights(trainer) - before).norm())
    assert lengths[0.0] > 0.1
    assert lengths[0.01] == pytest.approx(0.01, rel=1e-3)


def test_a_short_last_batch_is_left_out_where_that_is_asked_for(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("data.drop_last=true")
    trainer.train()
    assert (trainer.job.samples_per_epoch, trainer.job.steps_per_epoch) == (96, 6)
    assert trainer.state.step == 12
    assert [end.step for end in of_type(trainer, events.EpochEnd)] == [6, 12]


@pytest.mark.parametrize(("batch_norm", "samples", "steps"), [("true", 108, 9), ("false", 109, 10)])
def test_batch_norm_leaves_out_a_lonely_last_sample(
    make_trainer: MakeTrainer, batch_norm: str, samples: int, steps: int
) -> None:
    """Batches of 12 leave one of 109 samples over, and one sample has no deviation."""
    trainer = make_trainer("data.batch_size=12", f"model.batch_norm={batch_norm}")
    trainer.train()
    assert (trainer.job.samples_per_epoch, trainer.job.steps_per_epoch) == (samples, steps)
    assert trainer.state.step == 2 * steps


def test_batch_norm_with_batches_of_one_sample_is_refused_in_words(make_trainer: MakeTrainer) -> None:
    with pytest.raises(PresetError, match="batch"):
        make_trainer("data.batch_size=1", "model.batch_norm=true").train()


def test_batch_norm_on_images_pooled_to_a_pixel_is_refused_too() -> None:
    """ResNet-18 leaves one pixel of 8 × 8: then a batch of one sample has no deviation either."""
    preset = Preset().override(
        ["data.name=digits", "data.batch_size=1", "model.name=torchvision", "model.architecture=resnet18"]
    )
    with pytest.raises(PresetError, match="batch"):
        build_job(preset.override(["runtime.device=cpu"]), lambda progress: None)


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_alone(make_trainer: MakeTrainer) -> None:
    first, again, other = make_trainer(), make_trainer("model.hidden=[3]"), make_trainer("training.seed=1")
    assert torch.equal(epoch_order(first.job, 0), epoch_order(again.job, 0))
    assert not torch.equal(epoch_order(first.job, 0), epoch_order(other.job, 0))
    assert not torch.equal(epoch_order(first.job, 0), epoch_order(again.job, 1))


def test_frozen_parameters_stay_as_they_are(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("optimizer.name=sgd", *ALONE)
    for name, parameter in trainer.job.model.named_parameters():
        parameter.requires_grad_("bias" not in name)
    before = {name: tensor.clone() for name, tensor in trainer.job.model.state_dict().items()}
    trainer.train()
    for name, tensor in saved_weights(trainer.run.last_checkpoint).items():
        assert torch.equal(tensor, before[name]) == ("bias" in name)


def test_training_lowers_the_loss(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("training.epochs=10", "optimizer.learning_rate=0.01")
    trainer.train()
    losses = [end.train["loss"] for end in of_type(trainer, events.EpochEnd)]
    assert all(later < earlier for earlier, later in itertools.pairwise(losses[:4]))
    assert losses[-1] < losses[0] / 2

"""The learning's health: what is measured is right, when that is done, and that it leaves no trace in the training."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.unit.training.scripted import logged_losses, of_type
from workbench.runs.measurements import Health
from workbench.training.health import probe as health_module
from workbench.training.health.activations import ActivationStatistics
from workbench.training.health.probe import HealthProbe
from workbench.training.trainer import Trainer

MakeTrainer = Callable[..., Trainer]

RANDOM_PARTS = (
    "data.name=digits",
    "data.batch_size=256",
    "data.shift=1",
    "data.flip=true",
    "model.name=cnn",
    "model.hidden=0",
    "model.channels=[4,4]",
    "model.dropout=0.5",
    "training.epochs=4",
)
"""Batch norm, dropout and augmentation: all that a careless look would disturb."""


@pytest.fixture
def after_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measures at the end of every epoch, however short."""
    monkeypatch.setattr(HealthProbe, "due", lambda *_, **__: True)


def measured(trainer: Trainer) -> Health:
    found = HealthProbe(trainer.job).measure(20, 1)
    assert found is not None
    return found


def state_of(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in trainer.job.model.state_dict().items()}


# No trace.


@pytest.mark.usefixtures("after_every_epoch")
@pytest.mark.parametrize(
    "settings",
    [
        RANDOM_PARTS,
        (*RANDOM_PARTS, "runtime.engine=eager"),
        ("model.name=mlp", "model.batch_norm=true", "model.dropout=0.3", "training.epochs=4"),
        ("runtime.data_loading=dataloader", "runtime.num_workers=0", "training.epochs=3"),
        ("runtime.precision=bf16", "training.epochs=3"),
    ],
    ids=["images", "eager", "batch norm", "loader", "bf16"],
)
def test_measuring_changes_no_loss_and_no_weight(make_trainer: MakeTrainer, settings: tuple[str, ...]) -> None:
    with_it = make_trainer(*settings)
    with_it.train()
    without = make_trainer(*settings, "runtime.measure=false")
    without.train()
    assert len(of_type(with_it, Health)) >= 3
    assert of_type(without, Health) == []
    assert logged_losses(with_it) == logged_losses(without)
    expected = state_of(without)
    assert all(torch.equal(value, expected[name]) for name, value in state_of(with_it).items())


def test_measuring_touches_no_gradient_buffer_mode_hook_or_generator(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(*RANDOM_PARTS)
    model = trainer.job.model
    model.train()
    next(model.parameters()).grad = marker = torch.ones_like(next(model.parameters()))
    state, modes, parameters = state_of(trainer), [m.training for m in model.modules()], list(model.parameters())
    generator = torch.get_rng_state()
    measured(trainer)
    assert all(torch.equal(value, state[name]) for name, value in state_of(trainer).items())
    assert [module.training for module in model.modules()] == modes
    assert all(now is before for now, before in zip(model.parameters(), parameters, strict=True))
    assert [parameter.grad for parameter in model.parameters()] == [marker] + [None] * (len(parameters) - 1)
    assert bool((marker == 1).all())
    assert torch.equal(torch.get_rng_state(), generator)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.mark.usefixtures("after_every_epoch")
def test_a_loader_with_workers_is_not_read_again_for_it(make_trainer: MakeTrainer) -> None:
    settings = ("runtime.data_loading=dataloader", "runtime.num_workers=1", "training.epochs=2")
    trainer, without = make_trainer(*settings), make_trainer(*settings, "runtime.measure=false")
    try:
        trainer.train()
        without.train()
        assert [health.samples for health in of_type(trainer, Health)] == [109, 109, 109]
        assert logged_losses(trainer) == logged_losses(without)
    finally:
        for made in (trainer, without):
            made.job.close()


# When.


def test_it_is_measured_at_the_end_however_short_the_training(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer("training.epochs=3")
    trainer.train()
    assert [health.step for health in of_type(trainer, Health)][-1:] == [21]
    short = make_trainer("training.epochs=2")
    short.train()
    assert of_type(short, Health) == [], "nothing is concluded from fewer than 20 steps"


def test_it_takes_at_most_its_fraction_of_the_time(make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    probe = HealthProbe(make_trainer().job)
    assert not probe.due(1000, 15.0, last=False), "6 steps are more than a two-hundredth of 1,000"
    assert probe.due(2000, 30.0, last=False)
    probe.measure(2000, 1)
    probe._spent = probe._last_cost = 0.04
    assert not probe.due(2100, 16.1, last=False), "not every other moment"
    now += 3.0
    assert not probe.due(2100, 15.9, last=False), "0.08 s are more than a two-hundredth of 15.9 s"
    assert probe.due(2100, 16.1, last=False)
    assert not probe.due(2000, 100.0, last=True), "this step has been measured"
    assert probe.due(2001, 0.1, last=True)


def test_a_model_that_cannot_be_measured_continues_to_train(
    make_trainer: MakeTrainer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("this model is odd")

    monkeypatch.setattr(health_module, "functional_call", fails)
    trainer = make_trainer("training.epochs=3")
    trainer.train()
    assert trainer.state.step == 21
    assert of_type(trainer, Health) == []
    assert "this model is odd" in capsys.readouterr().err


# What.


def test_gradients_are_those_of_the_batch(make_trainer: MakeTrainer) -> None:
    """Of half a batch, so that there is room for it."""
    trainer = make_trainer("data.batch_size=100")
    found = measured(trainer)
    batch = trainer.job.train.sample(109)
    assert batch is not None
    model = trainer.job.model
    trainer.job.loss(model(batch.tensor[:50]), batch.targets[:50]).backward()
    own = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert {tensor["name"] for tensor in found.tensors} == {"layers.1.weight", "layers.3.weight"}
    for tensor in found.tensors:
        gradient = own[tensor["name"]]
        assert gradient is not None
        assert tensor["gradient_mean"] == pytest.approx(float(gradient.abs().mean()), rel=1e-3)
        assert tensor["gradient_norm"] == pytest.approx(float(gradient.norm()), rel=1e-3)
        assert tensor["weight_norm"] == pytest.approx(
            float(model.get_parameter(tensor["name"]).detach().norm()), rel=1e-3
        )
        assert tensor["non_finite_share"] == 0
    total = torch.nn.utils.get_total_norm([gradient for gradient in own.values() if gradient is not None])
    assert found.gradient_norm == pytest.approx(float(total), rel=1e-3)


def test_a_weight_that_is_not_finite_is_reported(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer()
    with torch.no_grad():
        trainer.job.model.get_parameter("layers.3.bias")[0] = float("nan")
    worst = measured(trainer).tensors[0]
    assert worst["non_finite_share"] > 0


def statistics_of(model: nn.Module, *inputs: Tensor) -> dict[str, dict[str, Any]]:
    with torch.no_grad(), ActivationStatistics(model) as activity:
        for chunk in inputs:
            activity.end_pass(model(chunk))
    return {layer["name"]: layer for layer in activity.results()}


class Shifted(nn.Module):
    """An activation of a fixed input, so that each unit's share of active samples is known."""

    def __init__(self, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x).clone()


def test_a_unit_is_dead_if_it_is_active_for_less_than_one_percent_of_the_samples() -> None:
    x = -torch.ones(200, 4)
    x[:1, 1], x[:2, 2], x[:, 3] = 1.0, 1.0, 1.0  # active for 0 %, 0.5 %, 1 % and all
    assert statistics_of(Shifted(nn.ReLU()), x)["activation"] == {
        "name": "activation", "kind": "relu", "units": 4, "dead_share": 0.5, "place": 0,
    }  # fmt: skip
    assert statistics_of(Shifted(nn.ReLU()), x[:50], x[50:])["activation"]["dead_share"] == 0.5, "in pieces"
    assert statistics_of(Shifted(F.relu), x)["relu"]["dead_share"] == 0.5, "as a function"
    assert statistics_of(Shifted(nn.ReLU(inplace=True)), x.clone())["activation"]["dead_share"] == 0.5


@pytest.mark.parametrize(
    ("activation", "asleep", "awake"),
    [
        (nn.ReLU6(), -0.1, 0.1),
        (nn.ELU(2.0), -5.0, -4.0),
        (nn.GELU(), -4.0, -1.0),
        (nn.SiLU(), -8.0, -4.0),
        (nn.Mish(), -8.0, -4.0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_activations_sleep_where_their_slope_ends(activation: nn.Module, asleep: float, awake: float) -> None:
    x = torch.tensor([[asleep, awake]]).repeat(100, 1)
    assert statistics_of(Shifted(activation), x)["activation"]["dead_share"] == 0.5
    slopes = torch.autograd.functional.jacobian(activation, torch.tensor([asleep, awake])).diagonal().abs()
    assert slopes[0] < 0.02 < slopes[1]


def test_layers_and_parameters_are_sorted_by_trouble_and_know_their_place_in_the_model(
    make_trainer: MakeTrainer,
) -> None:
    trainer = make_trainer("model.name=mlp", "model.hidden=[8,8,8]")
    health = measured(trainer)
    in_the_model = [name for name, parameter in trainer.job.model.named_parameters() if parameter.ndim > 1]
    assert [row["name"] for row in sorted(health.tensors, key=lambda row: row["place"])] == in_the_model
    assert [row["place"] for row in sorted(health.layers, key=lambda row: row["name"])] == [0, 1, 2]


def test_activations_that_cannot_die_are_not_measured() -> None:
    assert statistics_of(Shifted(nn.Hardtanh()), torch.ones(3, 2)) == {}
    assert statistics_of(Shifted(nn.LeakyReLU()), torch.ones(3, 2)) == {}
    assert statistics_of(Shifted(nn.PReLU()), torch.ones(3, 2)) == {}


def test_a_channel_lives_if_any_of_its_pixels_does_and_a_feature_if_any_of_its_tokens_does() -> None:
    images = -torch.ones(100, 2, 3, 3)
    images[:, 1, 2, 2] = 1.0
    assert statistics_of(Shifted(nn.ReLU()), images)["activation"] == {
        "name": "activation", "kind": "relu", "units": 2, "dead_share": 0.5, "place": 0,
    }  # fmt: skip
    tokens = -torch.ones(100, 5, 4)
    tokens[:, 3, 1] = 1.0
    assert statistics_of(Shifted(nn.ReLU()), tokens)["activation"]["dead_share"] == 0.75


@pytest.mark.parametrize(("activation", "edge"), [(nn.Sigmoid(), 4.354), (nn.Tanh(), 2.18)], ids=["sigmoid", "tanh"])
def test_values_are_saturated_where_the_slope_is_below_a_twentieth(activation: nn.Module, edge: float) -> None:
    x = torch.tensor([[-edge - 0.01, -edge + 0.01, 0.0, edge - 0.01, edge + 0.01]])
    assert statistics_of(Shifted(activation), x)["activation"]["saturated_share"] == 0.4
    slopes = torch.autograd.functional.jacobian(activation, torch.tensor([0.0, edge])).diagonal()
    assert float(slopes[1] / slopes[0]) == pytest.approx(0.05, abs=2e-3)


def test_a_softmax_is_saturated_where_one_unit_takes_all() -> None:
    x = torch.zeros(4, 3)
    x[0, 1] = 20.0
    assert statistics_of(Shifted(nn.Softmax(dim=1)), x)["activation"]["saturated_share"] == 0.25


def test_the_answer_of_a_model_is_not_a_layer() -> None:
    assert statistics_of(nn.Sequential(nn.Linear(2, 2), nn.Sigmoid()), torch.ones(3, 2)) == {}
    assert list(statistics_of(nn.Sequential(nn.Sigmoid(), nn.Linear(2, 2)), torch.ones(3, 2))) == ["0"]


def test_a_module_that_is_used_twice_is_two_layers() -> None:
    shared = nn.ReLU()
    model = nn.Sequential(shared, nn.Linear(2, 2), shared, nn.Linear(2, 2))
    assert sorted(statistics_of(model, torch.ones(3, 2))) == ["0", "0 (call 2)"]


@pytest.mark.usefixtures("after_every_epoch")
def test_the_event_is_bounded_and_names_the_worst(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer(f"model.hidden={[4] * 40}", "training.epochs=1")
    trainer.train()
    [first, *_] = of_type(trainer, Health)
    assert (len(first.layers), len(first.tensors)) == (30, 30), "of 40 layers and 41 tensors"
    dead = [layer["dead_share"] for layer in first.layers]
    assert dead == sorted(dead, reverse=True)
    least, steepest = first.tensors[:25], first.tensors[25:]
    assert max(t["gradient_mean"] for t in least) <= min(t["gradient_mean"] for t in steepest)

"""The learning rate range test on a real training: the rates of a quadratic loss are known, and it leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.unit.training.conftest import SMALL, events_of
from workbench.errors import UsageError, WorkbenchError
from workbench.processes.range_test import Curve, Request, default_range
from workbench.runs.events import Steps
from workbench.settings.preset import Preset
from workbench.training.device import resolve_device
from workbench.training.prepared_data import prepare
from workbench.training.random_state import random_state
from workbench.training.trainer import Trainer
from workbench.training.tuning.range_test import Smoothing, sweep, sweep_seeds
from workbench.training.tuning.suggestion import steepest, suggest

Functions = dict[str, Callable[..., Any]]
STEEPNESS = 10.0
STABLE = 2 / (2 * STEEPNESS**2)
"""Gradient descent on (STEEPNESS × w)² converges below this learning rate, 2 / curvature, and diverges above it."""
QUADRATIC = [
    "data.name=module", "data.function=mine:data", "data.batch_size=16", "validation.method=none", "loss.name=mse",
    "model.name=module", "model.function=mine:model", "optimizer.name=sgd", "optimizer.momentum=0.0",
    "runtime.device=cpu",
]  # fmt: skip


class Constant(nn.Module):
    """Predicts STEEPNESS × w for every sample, with w = 1 at first."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, inputs: Tensor) -> Tensor:
        return (STEEPNESS * self.weight).expand(len(inputs), 1)


@pytest.fixture
def quadratic(user_functions: Functions) -> Preset:
    inputs = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    samples = inputs, torch.tensor([1.0, -1.0]).repeat(32)
    user_functions["mine:data"] = lambda: {"train": samples, "test": samples}
    user_functions["mine:model"] = lambda inputs, outputs, activation: Constant()
    return Preset().override(QUADRATIC)


def test_the_rates_of_a_quadratic_loss_are_those_of_its_curvature(quadratic: Preset) -> None:
    rates = Request.of(quadratic, low=1e-5, high=1.0).rates()
    data = prepare(quadratic, lambda progress: None)
    curves = list(sweep_seeds(data, quadratic, rates, 3, lambda *_: None))
    assert all(curve.diverged for curve in curves)
    suggested = suggest(rates, curves).suggested
    # It takes some steps until the loss has grown from the noise of the targets to four times its lowest: it is seen to
    # diverge at two to three times the rate from which on it does, and a third of that is named.
    assert suggested.before_divergence == pytest.approx(STABLE, rel=0.5)
    # By hand, without noise: the weight shrinks by 1 - rate × curvature a step, and the loss is its square, plus 1.
    weight, by_hand = 1.0, Smoothing()
    for rate in rates[: len(curves[0].losses)]:
        by_hand.add([(STEEPNESS * weight) ** 2 + 1])
        weight *= 1 - rate * 2 / STABLE
    assert suggested.steepest == pytest.approx(steepest(rates, Curve(0, by_hand.losses, False)), rel=0.3)


def test_a_range_test_changes_no_training_that_follows_and_no_random_generator(
    make_trainer: Callable[..., Trainer],
) -> None:
    def losses(trainer: Trainer) -> list[float]:
        trainer.train()
        return [loss for event in events_of(trainer) if isinstance(event, Steps) for loss in event.losses]

    assignments = ("model.dropout=0.2", "runtime.engine=eager")
    without = losses(make_trainer(*assignments))
    preset = Preset().override([*SMALL, *assignments])
    trainer = make_trainer(*assignments)
    before = random_state(resolve_device("cpu"))
    data = prepare(preset, lambda progress: None)
    prepared = random_state(resolve_device("cpu"))
    curve = sweep(data, preset, Request.of(preset).rates())
    assert len(curve.losses) > 10
    after = random_state(resolve_device("cpu"))
    assert torch.equal(prepared["torch"], after["torch"])
    assert prepared["python"] == after["python"]
    assert torch.equal(prepared["numpy"][1], after["numpy"][1])
    torch.set_rng_state(before["torch"])
    assert losses(trainer) == without
    assert without


def test_the_same_seed_gives_the_same_curve_to_the_bit_and_another_seed_another_one() -> None:
    preset = Preset().override([*SMALL, "model.dropout=0.2"])
    data, rates = prepare(preset, lambda progress: None), Request.of(preset, steps=30).rates()
    first, second = (list(sweep_seeds(data, preset, rates, 2, lambda *_: None)) for _ in range(2))
    assert first == second
    assert first[0].seed == 0
    assert first[1].seed == 1
    assert first[0].losses != first[1].losses


def test_a_loss_that_is_not_finite_before_any_step_is_said(quadratic: Preset, user_functions: Functions) -> None:
    class Broken(Constant):
        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward(inputs) * torch.inf

    user_functions["mine:model"] = lambda inputs, outputs, activation: Broken()
    data = prepare(quadratic, lambda progress: None)
    with pytest.raises(WorkbenchError, match="the loss of the first batch is not a finite number, before any step"):
        sweep(data, quadratic, Request.of(quadratic).rates())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"low": 1.0, "high": 0.1}, "--low 1 and --high 0.1 are not such a range"),
        ({"low": 0.0}, "above 0 and at most 1000"),
        ({"high": 2000.0}, "above 0 and at most 1000"),
        ({"steps": 5}, "--steps takes a number from 20"),
        ({"seeds": 0}, "--seeds takes a number from 1 to 50, not 0"),
    ],
)
def test_a_range_that_is_none_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Request.of(Preset(), **options)


def test_the_sweep_surrounds_the_default_of_the_optimizer_and_ends_at_the_largest_rate() -> None:
    assert default_range(Preset().optimizer) == pytest.approx((1e-7, 10))
    adadelta = Preset().override(["optimizer.name=adadelta"])
    assert default_range(adadelta.optimizer) == pytest.approx((1e-4, 1000))
    rates = Request.of(Preset(), low=1e-4, high=1.0, steps=21).rates()
    assert rates[0] == 1e-4
    assert rates[-1] == pytest.approx(1.0)
    assert rates[5] / rates[4] == pytest.approx(rates[15] / rates[14])

"""Every optimizer, activation and loss trains exactly as a hand-written PyTorch loop does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.unit.training.engines.making import CPU, direct_engine
from tests.unit.training.plain import plain_losses, twin
from workbench.data.samples import InMemory
from workbench.settings.activation import ACTIVATIONS
from workbench.settings.loss import LOSSES
from workbench.settings.optimizer import OPTIMIZERS
from workbench.settings.optimizer_choice import OptimizerChoice
from workbench.settings.preset import Preset
from workbench.training.batches import OnDeviceBatches

STEPS = 4

# What each choice means, written out once more by hand.
PLAIN_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.01),
    "prelu": nn.PReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "softmax": lambda: nn.Softmax(dim=1),
    "identity": nn.Identity,
}


def hot(targets: Tensor) -> Tensor:
    return F.one_hot(targets, 3).float()


PLAIN_CLASS_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": nn.CrossEntropyLoss(),
    "mse": lambda scores, targets: nn.MSELoss()(scores, hot(targets)),
    "kl_divergence": lambda scores, targets: nn.KLDivLoss(reduction="batchmean")(scores.log_softmax(1), hot(targets)),
    "binary_cross_entropy": lambda scores, targets: nn.BCEWithLogitsLoss()(scores, hot(targets)),
    "l1": lambda scores, targets: nn.L1Loss()(scores, hot(targets)),
    "huber": lambda scores, targets: nn.HuberLoss()(scores, hot(targets)),
}
PLAIN_NUMBER_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": nn.MSELoss(),
    "l1": nn.L1Loss(),
    "huber": nn.HuberLoss(),
}


def plain_optimizer(name: str, parameters: Any) -> torch.optim.Optimizer:
    """The optimizer as a reader of its documentation would make it, in torch's plain per-tensor loop."""
    import pytorch_optimizer

    made: dict[str, Callable[[], torch.optim.Optimizer]] = {
        "sgd": lambda: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
        "adam": lambda: torch.optim.Adam(parameters, lr=0.001),
        "amsgrad": lambda: torch.optim.Adam(parameters, lr=0.001, amsgrad=True),
        "adamw": lambda: torch.optim.AdamW(parameters, lr=0.001),
        "nadam": lambda: torch.optim.NAdam(parameters, lr=0.002),
        "radam": lambda: torch.optim.RAdam(parameters, lr=0.001),
        "adamax": lambda: torch.optim.Adamax(parameters, lr=0.002),
        "adabound": lambda: pytorch_optimizer.AdaBound(parameters, lr=0.001),
        "adabelief": lambda: pytorch_optimizer.AdaBelief(parameters, lr=0.001),
        "adagrad": lambda: torch.optim.Adagrad(parameters, lr=0.01),
        "adadelta": lambda: torch.optim.Adadelta(parameters, lr=1.0),
        "rmsprop": lambda: torch.optim.RMSprop(parameters, lr=0.001),
        "rprop": lambda: torch.optim.Rprop(parameters, lr=0.001),
        "asgd": lambda: torch.optim.ASGD(parameters, lr=0.01),
        "adafactor": lambda: torch.optim.Adafactor(parameters, lr=0.01),
        "lion": lambda: pytorch_optimizer.Lion(parameters, lr=0.0001),
        "lamb": lambda: pytorch_optimizer.Lamb(parameters, lr=0.001),
    }
    return made[name]()


def workbench_losses(model: nn.Module, preset: Preset, inputs: Tensor, targets: Tensor, order: Tensor) -> list[float]:
    """The losses that our engine logs for some steps."""
    counts = torch.bincount(targets, minlength=3) if targets.dtype == torch.int64 else None
    source = OnDeviceBatches(InMemory(inputs, targets), nn.Identity(), 8, CPU, None)  # type: ignore[arg-type]
    optimizer = preset.optimizer.build(list(model.parameters()))
    engine = direct_engine(
        model.train(),
        preset.loss.build(counts),
        optimizer,
        source,
        lambda step: preset.optimizer.learning_rate,
        counts_correct=counts is not None,
    )
    engine.start_epoch(order)
    for step in range(1, STEPS + 1):
        engine.run_steps(step)
    return [step.loss for step in engine.losses.read(wait=True)]


def table(classes: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, targets and an order, the same every time."""
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(40, 5, generator=generator)
    targets = torch.randint(0, 3, (40,), generator=generator)
    order = torch.randperm(40, generator=generator)
    return inputs, targets if classes else inputs[:, :1] * 2 + 1, order[: 8 * STEPS]


@pytest.mark.parametrize("activation", ACTIVATIONS.labels)
@pytest.mark.parametrize("optimizer", OPTIMIZERS.labels)
def test_trains_as_a_hand_written_loop_does(optimizer: str, activation: str) -> None:
    """Every optimizer with every activation, and within with every loss of either task."""
    cases = [(name, True, plain) for name, plain in PLAIN_CLASS_LOSSES.items()]
    cases += [(name, False, plain) for name, plain in PLAIN_NUMBER_LOSSES.items()]
    for loss, classes, plain_loss in cases:
        inputs, targets, order = table(classes)
        preset = Preset().override(
            [f"optimizer.name={optimizer}", f"activation.name={activation}", f"loss.name={loss}", "model.hidden=[7]"]
        )
        # name= switches keep what two optimizers share: start from the choice's own defaults instead.
        choice = OPTIMIZERS.choice(optimizer)
        assert choice is not None
        preset = preset.model_copy(update={"optimizer": choice()})
        torch.manual_seed(5)
        ours = preset.model.build((5,), 3 if classes else 1, preset.activation)
        torch.manual_seed(5)
        theirs = nn.Sequential(
            nn.Flatten(), nn.Linear(5, 7), PLAIN_ACTIVATIONS[activation](), nn.Linear(7, 3 if classes else 1)
        )
        expected = plain_losses(
            theirs, plain_optimizer(optimizer, theirs.parameters()), plain_loss, inputs, targets, list(order.split(8))
        )
        found = workbench_losses(ours, preset, inputs, targets, order)
        assert found == pytest.approx(expected, rel=2e-5, abs=1e-6), f"{optimizer}, {activation}, {loss}"


@pytest.mark.parametrize("optimizer", OPTIMIZERS.labels)
def test_with_the_same_implementation_losses_agree_to_the_bit(optimizer: str) -> None:
    inputs, targets, order = table(classes=True)
    choice = OPTIMIZERS.choice(optimizer)
    assert choice is not None
    preset = Preset().model_copy(update={"optimizer": choice()})
    torch.manual_seed(5)
    ours = preset.model.build((5,), 3, preset.activation)
    theirs = twin(ours)
    assert isinstance(preset.optimizer, OptimizerChoice)
    same = preset.optimizer.build(list(theirs.parameters()))
    expected = plain_losses(theirs, same, nn.CrossEntropyLoss(), inputs, targets, list(order.split(8)))
    assert workbench_losses(ours, preset, inputs, targets, order) == expected


def test_this_file_knows_every_entry_of_the_families() -> None:
    assert set(PLAIN_ACTIVATIONS) == set(ACTIVATIONS.labels)
    assert set(PLAIN_CLASS_LOSSES) == set(LOSSES.labels)

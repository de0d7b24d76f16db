"""A traced optimizer changes the weights as the optimizer's own step does, to the last bit."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from workbench.training.engines.train_step import set_learning_rate
from workbench.training.graphs.traced_optimizer import TracedOptimizer, can_be_traced

FUSED: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]] = {
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.1, fused=True),
    "adam with decay": lambda parameters: torch.optim.Adam(parameters, lr=0.1, weight_decay=0.1, fused=True),
    "amsgrad": lambda parameters: torch.optim.Adam(parameters, lr=0.1, amsgrad=True, fused=True),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.1, fused=True),
    "sgd": lambda parameters: torch.optim.SGD(parameters, lr=0.1, fused=True),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, dampening=0.1, fused=True),
    "adagrad": lambda parameters: torch.optim.Adagrad(parameters, lr=0.1, lr_decay=0.01, fused=True),
}
RATES = [0.1, 0.1, 0.1, 1 / 3, 0.07, 0.07]


def new_parameters() -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((7, 5), (7,), (3, 7))]


def give_gradients(parameters: list[nn.Parameter], step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    for parameter in parameters:
        parameter.grad = torch.randn(parameter.shape, generator=generator)


def by_the_optimizer(
    make: Callable[[list[nn.Parameter]], torch.optim.Optimizer], rates: list[float]
) -> tuple[list[nn.Parameter], torch.optim.Optimizer]:
    parameters = new_parameters()
    optimizer = make(parameters)
    for step, rate in enumerate(rates):
        give_gradients(parameters, step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
    return parameters, optimizer


@pytest.mark.parametrize("name", FUSED)
def test_weights_are_those_of_the_optimizer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, _ = by_the_optimizer(FUSED[name], RATES)
    parameters = new_parameters()
    optimizer = FUSED[name](parameters)
    calls: list[object] = []
    step_itself = optimizer.step
    monkeypatch.setattr(optimizer, "step", lambda: calls.append(step_itself()))
    update = TracedOptimizer(optimizer)
    for step, rate in enumerate(RATES):
        give_gradients(parameters, step)
        set_learning_rate(optimizer, rate)
        update.step()
    expected_calls = 2  # the first, and the one that was traced
    if name == "adagrad" and not hasattr(torch.ops.aten._fused_adagrad_, "tensor_lr"):
        expected_calls = len(RATES)  # PyTorch 2.6
    assert len(calls) == expected_calls
    for found, right in zip(parameters, expected, strict=True):
        assert torch.equal(found, right)


def test_a_state_that_a_checkpoint_brings_is_the_one_that_is_updated() -> None:
    expected, _ = by_the_optimizer(FUSED["adam"], [0.1] * 6)
    _, halfway = by_the_optimizer(FUSED["adam"], [0.1] * 3)
    parameters = new_parameters()
    optimizer = FUSED["adam"](parameters)
    update = TracedOptimizer(optimizer)
    for step in range(3):
        give_gradients(parameters, step + 100)
        update.step()  # of a time that the checkpoint undoes
    saved = copy.deepcopy(halfway.state_dict())
    for found, right in zip(parameters, by_the_optimizer(FUSED["adam"], [0.1] * 3)[0], strict=True):
        found.data.copy_(right.data)
    optimizer.load_state_dict(saved)
    for step in range(3, 6):
        give_gradients(parameters, step)
        update.step()
    for found, right in zip(parameters, expected, strict=True):
        assert torch.equal(found, right)


def test_a_parameter_without_a_gradient_is_left_alone() -> None:
    parameters = new_parameters()
    optimizer = FUSED["adam"](parameters)
    update = TracedOptimizer(optimizer)
    for step in range(3):
        give_gradients(parameters, step)
        update.step()
    before: list[Tensor] = [parameter.detach().clone() for parameter in parameters]
    give_gradients(parameters, 3)
    parameters[1].grad = None
    update.step()
    assert torch.equal(parameters[1], before[1])
    assert not torch.equal(parameters[0], before[0])


def test_a_step_that_cannot_be_traced_is_done_nevertheless() -> None:
    """As in fused Adagrad of PyTorch 2.6, which asks for the number of its learning rate after counting the step."""

    class Asking(torch.optim.SGD):
        def step(self, closure: None = None) -> None:  # type: ignore[override]
            for parameter in self.param_groups[0]["params"]:
                self.state[parameter]["steps"] = self.state[parameter].get("steps", 0) + 1
                parameter.data.add_(parameter.grad, alpha=-float(self.param_groups[0]["lr"]))

    parameters, expected = new_parameters(), new_parameters()
    update = TracedOptimizer(Asking(parameters, lr=0.1, fused=True))
    for step in range(4):
        give_gradients(parameters, step)
        give_gradients(expected, step)
        update.step()
        for parameter in expected:
            assert parameter.grad is not None
            parameter.data.add_(parameter.grad, alpha=-0.1)
    assert all(torch.equal(*pair) for pair in zip(parameters, expected, strict=True))


def test_optimizers_that_count_their_steps_in_python_are_not_traced() -> None:
    parameters = new_parameters()
    assert can_be_traced(torch.optim.Adam(parameters, fused=True))
    assert not can_be_traced(torch.optim.Adam(parameters, foreach=True))
    assert not can_be_traced(torch.optim.NAdam(parameters))


def test_the_learning_rate_is_the_one_of_the_step_after_a_checkpoint_changed_it() -> None:
    """As one that is resumed where a cyclic schedule comes back to the rate that it began with."""
    parameters = new_parameters()
    optimizer = FUSED["sgd"](parameters)
    update = TracedOptimizer(optimizer)
    optimizer.param_groups[0]["lr"].fill_(0.5)  # what restoring does
    set_learning_rate(optimizer, 0.1)
    before = parameters[0].detach().clone()
    for step in range(3):
        give_gradients(parameters, step)
        update.step()
        assert parameters[0].grad is not None
        torch.testing.assert_close(parameters[0], before - 0.1 * parameters[0].grad)
        before = parameters[0].detach().clone()

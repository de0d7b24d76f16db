"""A user's model is checked and not changed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from workbench.errors import UserCodeError
from workbench.models.user import check_user_model

WHERE = "mine.nets:build"


class Fails(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("no luck today\nand more of it")


class GivesTuple(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x


def test_a_valid_model_is_returned_unchanged() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    model[2].eval()  # frozen by the user
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random_numbers = torch.random.get_rng_state()
    assert check_user_model(model, WHERE, torch.zeros(2, 3, 2, 2), 3) is model
    assert [module.training for module in model] == [True, True, False, True, True]
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert torch.equal(torch.random.get_rng_state(), random_numbers)


def test_a_model_without_parameters_is_valid() -> None:
    assert check_user_model(nn.Flatten(), WHERE, torch.zeros(2, 3, 1), 3)


def test_lazy_layers_get_trainable_weights() -> None:
    model = check_user_model(nn.Sequential(nn.Flatten(), nn.LazyLinear(4)), WHERE, torch.zeros(2, 2, 3), 4)
    model(torch.zeros(2, 2, 3)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (None, "mine.nets:build returned None; it must return a torch.nn.Module"),
        (nn.Linear, "mine.nets:build returned a type; it must"),
        ("resnet", "returned a str"),
        (Fails(), r"fails on samples of shape \(2, 6\): RuntimeError: no luck today$"),
        (nn.Linear(7, 3), r"fails on samples of shape \(2, 6\): RuntimeError: .*shapes"),
        (GivesTuple(), r"outputs a tuple; for samples of shape \(2, 6\) it must return scores of shape \(2, 3\)"),
        (nn.Linear(6, 4), r"outputs shape \(2, 4\); for samples .* scores of shape \(2, 3\)"),
    ],
)
def test_errors_say_what_was_returned_and_what_is_expected(model: object, message: str) -> None:
    with pytest.raises(UserCodeError, match=message):
        check_user_model(model, WHERE, torch.zeros(2, 6), 3)


class Keeps(nn.Linear):
    """A model that keeps something beside its weights."""

    def __init__(self, kept: object) -> None:
        super().__init__(6, 3)
        self.kept = kept

    def get_extra_state(self) -> Any:
        return self.kept

    def set_extra_state(self, state: Any) -> None:
        self.kept = state


class KeepsForGood(nn.Linear):
    def get_extra_state(self) -> Any:
        return {"seen": 3}


class Odd:
    """No plain value."""


@pytest.mark.parametrize("kept", [None, 3, "text", {"seen": 3, "means": [torch.zeros(2), 0.5]}, (1, True)])
def test_a_model_may_keep_plain_values_beside_its_weights(kept: object) -> None:
    model = Keeps(kept)
    assert check_user_model(model, WHERE, torch.zeros(2, 6), 3) is model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Keeps(Odd()), "get_extra_state of Keeps gives a Odd that cannot be read as data"),
        (Keeps({"seen": Odd()}), "get_extra_state of Keeps gives a dict that cannot be read as data"),
        (Keeps(lambda: 3), "get_extra_state of Keeps gives a function that cannot be read as data"),
        (nn.Sequential(Keeps(Odd())), r"get_extra_state of 0 \(Keeps\) gives a Odd"),
        (KeepsForGood(6, 3), "KeepsForGood has get_extra_state but no set_extra_state; define both"),
    ],
)
def test_a_model_whose_checkpoint_could_not_be_read_is_refused_before_training(model: nn.Module, message: str) -> None:
    with pytest.raises(UserCodeError, match=f"^the model that {WHERE} returned cannot be restored .*: {message}"):
        check_user_model(model, WHERE, torch.zeros(2, 6), 3)

"""Each built-in model: its size, and the images that it accepts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from workbench.errors import PresetError
from workbench.models.cnn import CNN
from workbench.models.mlp import MLP
from workbench.models.resnet9 import ResNet9


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_mlp_on_mnist_has_535_818_parameters() -> None:
    assert parameters(MLP((1, 28, 28), 10, (512, 256), 0.0, False, nn.ReLU)) == 535_818


def test_batch_norm_replaces_the_bias() -> None:
    models = MLP((6,), 2, (5,), 0.0, True, nn.ReLU), CNN((1, 8, 8), 2, (4,), 0.0, True, 0, nn.ReLU)
    for model in models:
        first = next(module for module in model.modules() if isinstance(module, nn.Linear | nn.Conv2d))
        assert first.bias is None


def test_without_hidden_layers_mlp_is_linear() -> None:
    assert parameters(MLP((6,), 3, (), 0.5, True, nn.ReLU)) == 6 * 3 + 3


@pytest.mark.parametrize(
    ("inputs", "stages", "poolings", "left"),
    [
        ((1, 28, 28), 3, 3, (3, 3)),
        ((1, 8, 8), 5, 2, (2, 2)),
        ((1, 3, 100), 4, 0, (3, 100)),
        ((1, 4, 9), 3, 1, (2, 4)),
        ((1, 1, 1), 2, 0, (1, 1)),
    ],
)
def test_cnn_pools_down_to_two_pixels(
    inputs: tuple[int, int, int], stages: int, poolings: int, left: tuple[int, int]
) -> None:
    model = CNN(inputs, 10, (4,) * stages, 0.0, True, 0, nn.ReLU)
    assert sum(isinstance(module, nn.MaxPool2d) for module in model.modules()) == poolings
    assert model.features(torch.zeros(2, *inputs)).shape == (2, 4, *left)
    assert model(torch.zeros(2, *inputs)).shape == (2, 10)


def test_cnn_has_dropout_before_each_linear() -> None:
    kinds = [type(module) for module in CNN((1, 8, 8), 10, (4,), 0.5, True, 16, nn.Tanh).classifier]
    assert kinds == [nn.Flatten, nn.Dropout, nn.Linear, nn.Tanh, nn.Dropout, nn.Linear]


def test_resnet9_has_as_many_parameters_as_the_original() -> None:
    assert parameters(ResNet9((3, 32, 32), 10, 64, nn.ReLU)) == 6_573_120


@pytest.mark.parametrize("side", [16, 23, 28, 32, 50, 64])
def test_resnet9_accepts_images_of_many_sizes(side: int) -> None:
    model = ResNet9((1, side, side), 10, 2, nn.ReLU)
    assert model(torch.zeros(2, 1, side, side)).shape == (2, 10)


def test_resnet9_says_which_images_it_needs() -> None:
    with pytest.raises(PresetError, match=r"at least 16 × 16 pixels, but these have 32 × 8.*cnn"):
        ResNet9((1, 32, 8), 10, 64, nn.ReLU)

"""torchvision's models: names, sizes and channels of images, and replaced activations."""

from __future__ import annotations

import copy
import pickle
import warnings
from functools import partial

import pytest
import torch
import torchvision.models
from torch import nn

from workbench.errors import PresetError
from workbench.models.activation import Activation
from workbench.models.replace_activations import RELU_MODULES, CountReLUs
from workbench.models.torchvision_models import torchvision_model


def relu_calls(model: nn.Module, inputs: tuple[int, ...]) -> int:
    with CountReLUs() as relus, torch.no_grad():
        assert model.eval()(torch.zeros(2, *inputs)).shape == (2, 10)
    return int(relus.calls)


def test_weights_equal_those_of_torchvision() -> None:
    torch.manual_seed(3)
    expected = torchvision.models.resnet18(weights=None, num_classes=10)
    state = torch.random.get_rng_state()
    torch.manual_seed(3)
    model = torchvision_model("resnet18", (3, 32, 32), 10, None, 0)
    torch.testing.assert_close(model.state_dict(), expected.state_dict(), rtol=0, atol=0)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert model.training
    assert not any(parameter.is_meta for parameter in model.parameters())


@pytest.mark.parametrize(
    ("architecture", "inputs", "resize"),
    [
        ("squeezenet1_1", (3, 32, 32), 0),
        ("squeezenet1_1", (1, 28, 28), 0),
        ("squeezenet1_1", (1, 8, 8), 32),
        ("squeezenet1_1", (3, 40, 80), 32),
        ("mobilenet_v3_small", (1, 28, 28), 0),
        ("regnet_y_400mf", (3, 32, 32), 0),
        ("vit_b_32", (1, 28, 28), 32),
    ],
)
def test_scores_have_the_right_shape(architecture: str, inputs: tuple[int, ...], resize: int) -> None:
    model = torchvision_model(architecture, inputs, 10, None, resize)
    assert model.train()(torch.zeros(4, *inputs)).shape == (4, 10)
    assert model.eval()(torch.zeros(1, *inputs)).shape == (1, 10)


def test_one_channel_gives_the_scores_of_three_equal_channels() -> None:
    model = torchvision_model("squeezenet1_1", (1, 24, 24), 10, None, 32).eval()
    x = torch.randn(2, 1, 24, 24)
    enlarged = nn.functional.interpolate(x, size=(32, 32), mode="bilinear").repeat(1, 3, 1, 1)
    torch.testing.assert_close(model(x), model.get_submodule("model")(enlarged))


@pytest.mark.parametrize(
    ("architecture", "inputs", "resize"),
    [
        ("resnet18", (3, 32, 32), 0),
        ("mobilenet_v2", (1, 28, 28), 0),
        ("densenet121", (1, 8, 8), 32),
        ("googlenet", (3, 32, 32), 0),
    ],
)
def test_another_activation_replaces_every_relu(architecture: str, inputs: tuple[int, ...], resize: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # googlenet's weights are to be drawn as they are meant to be
        usual = torchvision_model(architecture, inputs, 10, None, resize)
        model = torchvision_model(architecture, inputs, 10, nn.Tanh, resize)
    expected = relu_calls(usual, inputs)
    if architecture == "mobilenet_v2":  # F.relu6 goes by the name of F.hardtanh in some versions of torch
        assert any(isinstance(module, nn.ReLU6) for module in usual.modules())
    else:
        assert expected > 0
    assert not any(isinstance(module, RELU_MODULES) for module in model.modules())
    assert relu_calls(model, inputs) == 0


def test_replaced_calls_keep_the_names_of_the_weights() -> None:
    usual = torchvision_model("densenet121", (3, 32, 32), 10, None, 0)
    model = torchvision_model("densenet121", (3, 32, 32), 10, nn.PReLU, 0)
    places = sum(isinstance(module, nn.ReLU) for module in usual.modules()) + 1  # the last ReLU is a call
    assert sum(isinstance(module, nn.PReLU) for module in model.modules()) == places
    assert model.load_state_dict(usual.state_dict(), strict=False).unexpected_keys == []


@pytest.mark.parametrize("activation", [nn.PReLU, partial(nn.Softmax, dim=1), nn.ReLU])
def test_models_with_replaced_calls_can_be_trained_and_copied(activation: Activation) -> None:
    torch.manual_seed(0)
    model = torchvision_model("googlenet", (1, 28, 28), 10, activation, 0)
    x = torch.randn(4, 1, 28, 28)
    model(x).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    expected = model.eval()(x)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        torch.testing.assert_close(twin(x), expected, rtol=0, atol=0)


def test_replacing_relu_with_relu_changes_no_score() -> None:
    usual = torchvision_model("densenet121", (3, 32, 32), 10, None, 0).eval()
    model = torchvision_model("densenet121", (3, 32, 32), 10, nn.ReLU, 0).eval()
    model.load_state_dict(usual.state_dict())
    x = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(model(x), usual(x), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("architecture", "inputs", "resize", "message"),
    [
        ("resnet81", (3, 32, 32), 0, "no classification model 'resnet81'; did you mean .*resnet18"),
        ("ResNet18", (3, 32, 32), 0, "did you mean resnet18"),
        ("fcn_resnet50", (3, 32, 32), 0, "no classification model"),
        ("xyzzy", (3, 32, 32), 0, "it has alexnet, "),
        ("resnet18", (4, 32, 32), 0, "needs images with three channels .* but these have 4"),
        ("densenet121", (1, 28, 28), 0, "densenet121 cannot take 28 × 28 images .*model.resize"),
        ("inception_v3", (1, 28, 28), 64, "inception_v3 cannot take 64 × 64 images .*model.resize.* 299"),
        ("vit_b_16", (1, 28, 28), 0, "vit_b_16 cannot take 28 × 28 images.*model.resize to a multiple of 16"),
        ("vit_b_32", (3, 32, 64), 0, "vit_b_32 cannot take 32 × 64 images"),
        ("maxvit_t", (3, 32, 32), 0, "maxvit_t cannot take 32 × 32 images .*model.resize"),
    ],
)
def test_errors_say_what_to_do(architecture: str, inputs: tuple[int, ...], resize: int, message: str) -> None:
    with pytest.raises(PresetError, match=message):
        torchvision_model(architecture, inputs, 10, None, resize)

"""The contract of every built-in model, with every activation."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from workbench.models.activation import Activation
from workbench.models.audio_cnn import AudioCNN
from workbench.models.cnn import CNN
from workbench.models.conv1d import Conv1dNet
from workbench.models.mlp import MLP
from workbench.models.resnet9 import ResNet9

OUTPUTS = 5

Build = Callable[[Activation], nn.Module]

# name: (shape of a sample, activations in it, how to build it)
MODELS: dict[str, tuple[tuple[int, ...], int, Build]] = {
    "mlp": ((6,), 2, lambda a: MLP((6,), OUTPUTS, (8, 4), 0.0, False, a)),
    "mlp_dropout_batch_norm": ((1, 4, 4), 2, lambda a: MLP((1, 4, 4), OUTPUTS, (8, 4), 0.5, True, a)),
    "mlp_linear": ((6,), 0, lambda a: MLP((6,), OUTPUTS, (), 0.5, True, a)),
    "cnn": ((1, 8, 8), 4, lambda a: CNN((1, 8, 8), OUTPUTS, (4, 4, 4, 4), 0.0, True, 0, a)),
    "cnn_dropout_hidden": ((3, 9, 12), 3, lambda a: CNN((3, 9, 12), OUTPUTS, (4, 6), 0.5, False, 7, a)),
    "resnet9": ((3, 16, 16), 8, lambda a: ResNet9((3, 16, 16), OUTPUTS, 4, a)),
    "audio_cnn": ((1, 12, 31), 3, lambda a: AudioCNN((1, 12, 31), OUTPUTS, (4, 6, 4), 0.0, a)),
    "audio_cnn_dropout_one_frame": ((1, 5, 1), 4, lambda a: AudioCNN((1, 5, 1), OUTPUTS, (4, 4, 4, 4), 0.5, a)),
    "conv1d": ((1, 900), 3, lambda a: Conv1dNet((1, 900), OUTPUTS, (4, 6, 4), 0.0, a)),
    "conv1d_dropout_short": ((1, 65), 4, lambda a: Conv1dNet((1, 65), OUTPUTS, (4, 4, 4, 4), 0.5, a)),
    "resnet9_spectrogram": ((1, 24, 61), 8, lambda a: ResNet9((1, 24, 61), OUTPUTS, 4, a)),
    "resnet9_small_grey": ((1, 20, 25), 8, lambda a: ResNet9((1, 20, 25), OUTPUTS, 4, a)),
}
ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": nn.Sigmoid,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "prelu": nn.PReLU,
    "softmax": partial(nn.Softmax, dim=1),
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "identity": nn.Identity,
}


@pytest.fixture(params=MODELS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=ACTIVATIONS)
def activation(request: pytest.FixtureRequest) -> Activation:
    return ACTIVATIONS[request.param]


@pytest.fixture
def model(name: str, activation: Activation) -> nn.Module:
    torch.manual_seed(0)
    return MODELS[name][2](activation)


def samples(name: str, count: int, device: str = "cpu") -> Tensor:
    return torch.randn(count, *MODELS[name][0], device=device)


def test_scores_have_the_right_shape(name: str, model: nn.Module) -> None:
    assert model.train()(samples(name, 4)).shape == (4, OUTPUTS)
    assert model.eval()(samples(name, 1)).shape == (1, OUTPUTS)


def test_gradients_reach_every_parameter(name: str, model: nn.Module) -> None:
    loss = nn.functional.cross_entropy(model(samples(name, 4)), torch.tensor([0, 1, 2, 4]))
    torch.autograd.backward(loss)
    for parameter_name, parameter in model.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name


def test_copies_give_the_same_scores(name: str, activation: Activation, model: nn.Module) -> None:
    x = samples(name, 4)
    model(x)  # moves the running means away from where they start
    expected = model.eval()(x)
    restored = MODELS[name][2](activation).eval()
    restored.load_state_dict(model.state_dict())
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), restored):
        torch.testing.assert_close(twin(x), expected, rtol=0, atol=0)


def test_a_copy_on_the_meta_device_computes_shapes(name: str, model: nn.Module) -> None:
    twin = copy.deepcopy(model).to("meta")
    assert twin(samples(name, 4, "meta")).shape == (4, OUTPUTS)
    assert not any(parameter.is_meta for parameter in model.parameters())


@pytest.mark.parametrize("name", [name for name, (inputs, _, _) in MODELS.items() if len(inputs) == 3])
def test_channels_last_gives_the_same_scores(name: str) -> None:
    x = samples(name, 2)
    model = MODELS[name][2](nn.ReLU).eval()
    expected = model(x)
    twin = copy.deepcopy(model).to(memory_format=torch.channels_last)
    torch.testing.assert_close(twin(x.contiguous(memory_format=torch.channels_last)), expected)


@pytest.mark.parametrize("name", MODELS)
def test_no_two_layers_share_an_activation(name: str) -> None:
    made: list[nn.Module] = []

    def activation() -> nn.Module:
        made.append(nn.PReLU())
        return made[-1]

    model = MODELS[name][2](activation)
    used = [module for module in model.modules() if isinstance(module, nn.PReLU)]
    assert len(used) == len(made) == MODELS[name][1]
    assert set(map(id, used)) == set(map(id, made))

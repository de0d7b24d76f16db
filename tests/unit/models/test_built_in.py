"""Each built-in model: its size, and the images that it accepts."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from workbench.errors import PresetError
from workbench.models.audio_cnn import AudioCNN
from workbench.models.cnn import CNN
from workbench.models.conv1d import Conv1dNet
from workbench.models.mlp import MLP
from workbench.models.resnet9 import ResNet9
from workbench.models.torchvision_models import torchvision_model
from workbench.settings.activation import Relu
from workbench.settings.audio_model import AudioCnn, Conv1d
from workbench.settings.model import Cnn, Resnet9, Torchvision
from workbench.settings.model_choice import ModelChoice
from workbench.settings.text_model import Gru, Lstm, TextCnn


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


@pytest.mark.parametrize(
    ("inputs", "features"),
    [((1, 64, 85), (64, 8, 10)), ((1, 40, 3), (64, 5, 3)), ((1, 3, 100), (64, 3, 12)), ((1, 1, 1), (64, 1, 1))],
)
def test_audio_cnn_halves_bands_and_frames_while_two_are_left(
    inputs: tuple[int, int, int], features: tuple[int, int, int]
) -> None:
    model = AudioCNN(inputs, 10, (16, 32, 64), 0.0, nn.ReLU).eval()
    assert model.features(torch.zeros(2, *inputs)).shape == (2, *features)
    assert model(torch.zeros(2, *inputs)).shape == (2, 10)


def test_audio_cnn_averages_over_time_and_keeps_frequency() -> None:
    model = AudioCNN((1, 16, 40), 10, (4, 8), 0.0, nn.ReLU).eval()
    x = torch.randn(2, 1, 16, 40)
    expected = model.classifier[-1](model.features(x).mean(3).flatten(1))
    torch.testing.assert_close(model(x), expected)
    assert parameters(model) == 4 * 9 + 8 + 8 * 4 * 9 + 16 + 8 * 4 * 10 + 10
    # Of any length, with the same weights.
    assert model(torch.randn(2, 1, 16, 93)).shape == (2, 10)


@pytest.mark.parametrize("samples", [1, 2, 7, 64, 100, 1000, 16_000])
def test_conv1d_takes_waveforms_of_every_length(samples: int) -> None:
    model = Conv1dNet((1, samples), 10, (8, 8, 8, 8), 0.0, nn.ReLU)
    assert model(torch.randn(3, 1, samples)).shape == (3, 10)


def test_conv1d_pools_by_four() -> None:
    model = Conv1dNet((1, 16_000), 10, (32, 64, 128, 128), 0.0, nn.ReLU).eval()
    assert model.features(torch.zeros(1, 1, 16_000)).shape == (
        1,
        128,
        7,
    )  # 2001 after the first stride, then / 4 / 4 ...


@pytest.mark.parametrize(
    ("choice", "inputs", "message"),
    [
        (AudioCnn(), (1, 16_000), r"'audio_cnn' needs spectrograms, .* 1 × 16000; .*\"log_mel\", or .*'conv1d'"),
        (AudioCnn(), (4,), "needs spectrograms, but the samples have shape 4"),
        (Conv1d(), (1, 64, 85), r"'conv1d' needs raw waveforms, .* 1 × 64 × 85; .*\"waveform\", or .*'audio_cnn'"),
        (Resnet9(), (1, 16_000), r"'resnet9' needs images, but the samples have shape 1 × 16000"),
        *(
            (choice, (1, 16_000), r"needs images, .* 1 × 16000; with sounds choose data.encoding = \"log_mel\"")
            for choice in (Resnet9(), Cnn(), Torchvision())
        ),
        *(
            (choice, (1, 16_000), r"takes texts or spectrograms, .* 1 × 16000; with sounds .* = \"log_mel\"")
            for choice in (Gru(), Lstm())
        ),
        (Gru(), (4,), "takes texts or spectrograms, but .* numbers of shape 4; choose model.name = 'mlp'"),
        (TextCnn(), (1, 16_000), "takes texts, but .* choose model.name = 'conv1d' for waveforms, or 'mlp'"),
        (Cnn(), (4,), "needs images, but the samples have shape 4; choose model.name = 'mlp'"),
    ],
)
def test_models_say_which_sounds_they_need(choice: ModelChoice, inputs: tuple[int, ...], message: str) -> None:
    with pytest.raises(PresetError, match=message):
        choice.build(inputs, 10, Relu())


@pytest.mark.parametrize("inputs", [(1, 64, 85), (1, 40, 301), (1, 128, 17)])
@pytest.mark.parametrize("architecture", ["resnet18", "mobilenet_v3_small"])
def test_torchvisions_models_take_spectrograms(architecture: str, inputs: tuple[int, ...]) -> None:
    model = torchvision_model(architecture, inputs, 10, None, 0)
    assert model(torch.randn(2, *inputs)).shape == (2, 10)

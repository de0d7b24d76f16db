"""The model of a script: a class that holds its layers one by one, as they are for this data."""

from __future__ import annotations

import math
from collections.abc import Callable

from workbench.errors import UsageError
from workbench.export.script.facts import Facts
from workbench.export.script.layers import activation, dropout, sequential
from workbench.export.script.part import Part
from workbench.export.script.templates import fill
from workbench.export.script.text_models import text_model_part
from workbench.export.script.written import literal
from workbench.settings.activation import Relu
from workbench.settings.audio_model import AudioCnn
from workbench.settings.model import Cnn, Mlp, Resnet9, Torchvision
from workbench.settings.preset import Preset
from workbench.settings.text_model import TokenModel

MLP = '''
class MLP(nn.Module):
    """Fully connected layers."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = $layers

    def forward(self, x: Tensor) -> Tensor:
        """Samples (n, $shape) to raw scores (n, $outputs)."""
        return self.layers(x)
'''

CNN = '''
class CNN(nn.Module):
    """Convolutions with pooling, then a fully connected classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.features = $features
        self.classifier = $classifier

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, $shape) to raw scores (n, $outputs)."""
        return self.classifier(self.features(x))
'''

RESNET9 = '''
def convolution(before: int, after: int) -> nn.Sequential:
    """Convolution, batch norm (whose bias replaces that of the convolution) and activation."""
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        $activation,
    )


class Residual(nn.Module):
    """x + f(x), where f is two convolutions that keep the shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(convolution(channels, channels), convolution(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


class ResNet9(nn.Module):
    """Eight convolutions with two residual blocks, and a linear classifier (David Page, 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            convolution($channels, $w1),
            convolution($w1, $w2),
            nn.MaxPool2d(2),
            Residual($w2),
            convolution($w2, $w4),
            nn.MaxPool2d(2),
            convolution($w4, $w8),
            nn.MaxPool2d(2),
            Residual($w8),
        )
        self.classifier = nn.Sequential(
            nn.MaxPool2d($pool),
            nn.Flatten(),
            nn.Linear($w8, $outputs, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, $shape) to raw scores (n, $outputs), scaled so that softmax starts almost uniform."""
        return self.classifier(self.features(x)) * 0.125
'''

TORCHVISION = '''
class Adapted(nn.Module):
    """$what."""

    def __init__(self) -> None:
        super().__init__()
        self.model = $build

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, $shape) to raw scores (n, $outputs)."""
        x = F.interpolate(x, size=(RESIZE, RESIZE), mode="bilinear", antialias=$antialias)  #? resizes
        return self.model(x.expand(-1, 3, -1, -1))
'''

AUDIO_CNN = '''
class AudioCNN(nn.Module):
    """Convolutions with pooling, the mean over time, and a linear classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.features = $features
        self.classifier = $classifier

    def forward(self, x: Tensor) -> Tensor:
        """Spectrograms (n, $shape) to raw scores (n, $outputs)."""
        return self.classifier(self.features(x).mean(3))
'''

REPLACE_RELUS = '''
def replace_relus(model: nn.Module) -> nn.Module:
    """Exchanges every ReLU of a model for another activation."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, (nn.ReLU, nn.ReLU6)):
                setattr(parent, name, $activation)
    return model
'''

CALLS_RELU = ("densenet", "googlenet", "inception")
"""Architectures that call F.relu, which no other activation can replace in a few lines."""

SMALLEST_SIDE = 2
"""A stage of the CNN does not pool if that would leave less, see `workbench.models.cnn`."""


def model_part(preset: Preset, facts: Facts) -> Part:
    """The model's class; `use` of the part builds it. Raises UsageError where a script has none."""
    if isinstance(preset.model, TokenModel):
        return text_model_part(preset, facts)
    write = WRITERS.get(type(preset.model))
    if write is None:
        raise UsageError(f'--to script cannot write model.name = "{preset.model.label()}"')
    return write(preset, facts)


def convolves(preset: Preset) -> bool:
    """Whether the model has two-dimensional convolutions, which train with the channels last in memory."""
    return isinstance(preset.model, Cnn | AudioCnn | Resnet9 | Torchvision)


def _mlp(preset: Preset, facts: Facts) -> Part:
    model = preset.model
    assert isinstance(model, Mlp)
    layers, features = ["nn.Flatten()"], math.prod(facts.input_shape)
    for width in model.hidden:
        # No bias before batch norm, which has its own.
        layers += [f"nn.Linear({features}, {width}{', bias=False' * model.batch_norm})"]
        layers += [f"nn.BatchNorm1d({width})"] * model.batch_norm
        layers += [activation(preset.activation), *dropout(model.dropout)]
        features = width
    layers.append(f"nn.Linear({features}, {facts.outputs})")
    return _class("MLP", MLP, facts, layers=sequential(layers))


def _cnn(preset: Preset, facts: Facts) -> Part:
    model = preset.model
    assert isinstance(model, Cnn)
    before, height, width = facts.input_shape
    features: list[str] = []
    for after in model.channels:
        no_bias = ", bias=False" * model.batch_norm
        features.append(f"nn.Conv2d({before}, {after}, kernel_size=3, padding=1{no_bias})")
        features += [f"nn.BatchNorm2d({after})"] * model.batch_norm
        features.append(activation(preset.activation))
        if min(height, width) // 2 >= SMALLEST_SIDE:
            features.append("nn.MaxPool2d(2)")
            height, width = height // 2, width // 2
        before = after
    numbers = before * height * width
    classifier = ["nn.Flatten()", *dropout(model.dropout)]
    if model.hidden:
        classifier += [f"nn.Linear({numbers}, {model.hidden})", activation(preset.activation), *dropout(model.dropout)]
        numbers = model.hidden
    classifier.append(f"nn.Linear({numbers}, {facts.outputs})")
    return _class("CNN", CNN, facts, features=sequential(features), classifier=sequential(classifier))


def _audio_cnn(preset: Preset, facts: Facts) -> Part:
    model, (before, rows, frames) = preset.model, facts.input_shape
    assert isinstance(model, AudioCnn)
    features: list[str] = []
    for after in model.channels:
        features += [f"nn.Conv2d({before}, {after}, kernel_size=3, padding=1, bias=False)", f"nn.BatchNorm2d({after})"]
        features.append(activation(preset.activation))
        pool = tuple(2 if side // 2 >= SMALLEST_SIDE else 1 for side in (rows, frames))
        features += [f"nn.MaxPool2d({pool})"] * (pool != (1, 1))
        before, rows, frames = after, rows // pool[0], frames // pool[1]
    classifier = ["nn.Flatten()", *dropout(model.dropout), f"nn.Linear({before * rows}, {facts.outputs})"]
    return _class("AudioCNN", AUDIO_CNN, facts, features=sequential(features), classifier=sequential(classifier))


def _resnet9(preset: Preset, facts: Facts) -> Part:
    model = preset.model
    assert isinstance(model, Resnet9)
    channels, height, width = facts.input_shape
    widths = {f"w{factor}": str(factor * model.width) for factor in (1, 2, 4, 8)}
    pool = f"({height // 8}, {width // 8})"
    chosen = activation(preset.activation)
    texts = {"activation": chosen, "channels": str(channels), "pool": pool} | widths
    return _class("ResNet9", RESNET9, facts, **texts)


def _torchvision(preset: Preset, facts: Facts) -> Part:
    model, (channels, height, width) = preset.model, facts.input_shape
    assert isinstance(model, Torchvision)
    name, more, codes = model.architecture, "", []
    side = (model.resize, model.resize) if model.resize else (height, width)
    if name in ("googlenet", "inception_v3"):
        more = ", aux_logits=False, init_weights=True"
    elif name.startswith("vit_"):
        more = f", image_size={side[0]}"
    elif name.startswith("maxvit_"):
        more = f", input_size={side}"
    build = f"get_model({literal(name)}, weights=None, num_classes={facts.outputs}{more})"
    imports = ["from torch import Tensor", "from torch import nn", "from torchvision.models import get_model"]
    if not isinstance(preset.activation, Relu):
        if name.startswith(CALLS_RELU):
            raise UsageError(
                f"--to script cannot replace the ReLUs of {name}, because it calls them as functions; "
                'set activation.name = "relu", which keeps them, and train again'
            )
        build = f"replace_relus({build})"
        codes.append(fill(REPLACE_RELUS, activation=activation(preset.activation)))
    if channels == 3 and not model.resize:
        return Part("".join(codes), tuple(imports), use=build)
    repeats = ["repeats the single channel three times"] * (channels == 1)
    what = " and ".join(["resizes images"] * bool(model.resize) + repeats)
    code = fill(
        TORCHVISION,
        {"resizes": bool(model.resize)},
        what=what[0].upper() + what[1:],
        build=build,
        antialias=str(model.resize < max(height, width)),
        shape=f"{channels}, {height}, {width}",
        outputs=str(facts.outputs),
    )
    settings = (("RESIZE", model.resize),) if model.resize else ()
    imports += ["import torch.nn.functional as F"] * bool(model.resize)
    return Part("\n\n\n".join([*codes, code]), tuple(imports), settings, "Adapted()")


def _class(name: str, template: str, facts: Facts, **texts: str) -> Part:
    shape = ", ".join(map(str, facts.input_shape))
    code = fill(template, None, shape=shape, outputs=str(facts.outputs), **texts)
    return Part(code, ("from torch import Tensor", "from torch import nn"), use=f"{name}()")


WRITERS: dict[type, Callable[[Preset, Facts], Part]] = {
    Mlp: _mlp,
    Cnn: _cnn,
    AudioCnn: _audio_cnn,
    Resnet9: _resnet9,
    Torchvision: _torchvision,
}

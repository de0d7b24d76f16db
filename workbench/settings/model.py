"""Models: the network between data and loss. Input and output sizes come from the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from workbench.settings.activation import ActivationChoice, Relu
from workbench.settings.audio_model import AudioCnn, Conv1d
from workbench.settings.base import ANY, CODE_PATTERN, Arguments, Family, members, setting
from workbench.settings.model_choice import ModelChoice, Width, dropout, needs_images
from workbench.settings.text_model import BagOfEmbeddings, Gru, Lstm, TextCnn, Transformer

if TYPE_CHECKING:
    from torch import Tensor, nn


class Mlp(ModelChoice):
    """Fully connected layers: for tables and small images."""

    name: Literal["mlp"] = "mlp"
    hidden: tuple[Width, ...] = setting(
        (512, 256), "widths of the hidden layers; an empty list makes the model linear", empty="linear"
    )
    dropout: float = dropout(only_if={"hidden": ANY})
    batch_norm: bool = setting(False, "batch normalisation after each layer", only_if={"hidden": ANY})

    @property
    def uses_activation(self) -> bool:
        return bool(self.hidden)

    def build(self, inputs: tuple[int, ...], outputs: int, activation: ActivationChoice) -> nn.Module:
        from workbench.models.mlp import MLP

        return MLP(inputs, outputs, self.hidden, self.dropout, self.batch_norm, activation.build)


class Cnn(ModelChoice):
    """A small, plain convolutional network: for small images."""

    name: Literal["cnn"] = "cnn"
    channels: Annotated[tuple[Width, ...], Field(min_length=1)] = setting(
        (32, 64, 128), "channels of the 3 × 3 convolutions, each followed by pooling"
    )
    hidden: int = setting(
        0, "width of a fully connected layer before the last; 0 for none", step=64, empty="no layer", ge=0
    )
    dropout: float = dropout()
    batch_norm: bool = setting(True, "batch normalisation after each layer")

    def build(self, inputs: tuple[int, ...], outputs: int, activation: ActivationChoice) -> nn.Module:
        from workbench.models.cnn import CNN

        needs_images(self, inputs)
        return CNN(inputs, outputs, self.channels, self.dropout, self.batch_norm, self.hidden, activation.build)


class Resnet9(ModelChoice):
    """Nine layers with two residual blocks: fast and good on 32 × 32 images."""

    name: Literal["resnet9"] = "resnet9"
    width: int = setting(
        64, "channels of the first layer; the last has eight times as many", step="double", ge=1, le=1024
    )

    def build(self, inputs: tuple[int, ...], outputs: int, activation: ActivationChoice) -> nn.Module:
        from workbench.models.resnet9 import ResNet9

        needs_images(self, inputs)
        return ResNet9(inputs, outputs, self.width, activation.build)


class Torchvision(ModelChoice):
    """Any torchvision classification model, by name, with randomly initialised weights."""

    name: Literal["torchvision"] = "torchvision"
    architecture: str = setting(
        "resnet18",
        "its name in torchvision, such as resnet18 or mobilenet_v2",
        examples=[
            *("resnet18", "resnet34", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"),
            *("efficientnet_b0", "efficientnet_v2_s", "convnext_tiny", "densenet121", "regnet_y_400mf"),
            *("shufflenet_v2_x1_0", "squeezenet1_1", "vgg11_bn", "swin_t", "vit_b_16"),
        ],
    )
    resize: int = setting(
        0,
        "side to which images are resized on the device; 0 keeps their size",
        unit="pixels",
        step=32,
        empty="as they are",
        ge=0,
    )

    def build(self, inputs: tuple[int, ...], outputs: int, activation: ActivationChoice) -> nn.Module:
        from workbench.models.torchvision_models import torchvision_model

        needs_images(self, inputs)
        # The default activation keeps the architecture as published (ReLU6 stays ReLU6).
        replacement = None if isinstance(activation, Relu) else activation.build
        return torchvision_model(self.architecture, inputs, outputs, replacement, self.resize)


class ModuleModel(ModelChoice):
    """Your own model: a function `package.module:function` that returns an nn.Module."""

    name: Literal["module"] = "module"
    function: str = setting(
        ...,
        "package.module:function, called as function(inputs, outputs, activation, **arguments)",
        pattern=CODE_PATTERN,
    )
    arguments: Arguments = setting({}, "further keyword arguments for the function", empty="no arguments")

    def build(self, inputs: tuple[int, ...], outputs: int, activation: ActivationChoice) -> nn.Module:
        """Builds the network as every choice does, and checks it with float32 samples."""
        import torch

        return self.build_for(torch.zeros(2, *inputs), outputs, activation)

    def build_for(
        self,
        example: Tensor | Mapping[str, Tensor],
        outputs: int,
        activation: ActivationChoice,
        *,
        causal: bool = False,
    ) -> nn.Module:
        """Builds the network and checks it with two samples: a tensor, or tensors by name for its keyword arguments.

        The function gets the shape of a sample, or shapes by name, without the batch dimension. causal: the model
        returns scores for each token, (n, outputs, length). Raises UserCodeError.
        """
        from torch import Tensor

        from workbench.models.user import check_user_model
        from workbench.settings.code import call

        shape: tuple[int, ...] | dict[str, tuple[int, ...]]
        if isinstance(example, Tensor):
            shape = tuple(example.shape[1:])
        else:
            shape = {name: tuple(tensor.shape[1:]) for name, tensor in example.items()}
        make: Callable[[], nn.Module] = activation.build
        model = call(self.function, shape, outputs, make, **self.arguments)
        length = example.shape[1] if causal and isinstance(example, Tensor) else None
        return check_user_model(model, self.function, example, outputs, length)


Model = Annotated[
    Mlp
    | Cnn
    | Resnet9
    | Torchvision
    | BagOfEmbeddings
    | TextCnn
    | Gru
    | Lstm
    | Transformer
    | AudioCnn
    | Conv1d
    | ModuleModel,
    Field(discriminator="name"),
]

MODELS = Family("model", members(Model), Mlp)

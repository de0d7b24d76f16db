"""Activations: the non-linearity between two layers. It also replaces the ReLUs of torchvision models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from workbench.settings.base import Choice, Family, members, setting

if TYPE_CHECKING:
    from torch import nn


class ActivationChoice(Choice):
    """An activation function."""

    def build(self) -> nn.Module:
        """Makes a new module: each layer with a learned activation has its own parameters."""
        raise NotImplementedError


class Relu(ActivationChoice):
    """max(0, x): fast, the usual first choice; units can die."""

    name: Literal["relu"] = "relu"

    def build(self) -> nn.Module:
        from torch import nn

        return nn.ReLU()


class LeakyRelu(ActivationChoice):
    """ReLU with a small slope below zero, so that no unit dies."""

    name: Literal["leaky_relu"] = "leaky_relu"
    negative_slope: float = setting(0.01, "slope below zero", step="ladder", ge=0, le=1)

    def build(self) -> nn.Module:
        from torch import nn

        return nn.LeakyReLU(self.negative_slope)


class Prelu(ActivationChoice):
    """ReLU whose slope below zero is learned."""

    name: Literal["prelu"] = "prelu"
    init: float = setting(0.25, "slope below zero at the start", step=0.05, ge=-1, le=1)

    def build(self) -> nn.Module:
        from torch import nn

        return nn.PReLU(init=self.init)


class Elu(ActivationChoice):
    """x above zero, alpha (exp(x) - 1) below: smooth, mean nearer to zero."""

    name: Literal["elu"] = "elu"
    alpha: float = setting(1.0, "lower bound of the output is -alpha", step=0.1, gt=0, le=10)

    def build(self) -> nn.Module:
        from torch import nn

        return nn.ELU(self.alpha)


class Gelu(ActivationChoice):
    """x Φ(x): smooth, usual in transformers."""

    name: Literal["gelu"] = "gelu"
    approximate: Literal["none", "tanh"] = setting("none", "exact, or the faster tanh approximation")

    def build(self) -> nn.Module:
        from torch import nn

        return nn.GELU(self.approximate)


class Silu(ActivationChoice):
    """x sigmoid(x), also called swish."""

    name: Literal["silu"] = "silu"

    def build(self) -> nn.Module:
        from torch import nn

        return nn.SiLU()


class Mish(ActivationChoice):
    """x tanh(softplus(x)): smooth, not monotone."""

    name: Literal["mish"] = "mish"

    def build(self) -> nn.Module:
        from torch import nn

        return nn.Mish()


class Tanh(ActivationChoice):
    """Hyperbolic tangent, from -1 to 1; saturates."""

    name: Literal["tanh"] = "tanh"

    def build(self) -> nn.Module:
        from torch import nn

        return nn.Tanh()


class Sigmoid(ActivationChoice):
    """1 / (1 + exp(-x)), from 0 to 1; saturates, gradients fade in deep networks."""

    name: Literal["sigmoid"] = "sigmoid"

    def build(self) -> nn.Module:
        from torch import nn

        return nn.Sigmoid()


class Softmax(ActivationChoice):
    """exp(x) over its sum across the features (channels): units compete; seldom trains well between layers."""

    name: Literal["softmax"] = "softmax"

    def build(self) -> nn.Module:
        from torch import nn

        return nn.Softmax(dim=1)


class Identity(ActivationChoice):
    """No activation: the network stays linear. For comparison."""

    name: Literal["identity"] = "identity"

    def build(self) -> nn.Module:
        from torch import nn

        return nn.Identity()


Activation = Annotated[
    Relu | LeakyRelu | Prelu | Elu | Gelu | Silu | Mish | Tanh | Sigmoid | Softmax | Identity,
    Field(discriminator="name"),
]

ACTIVATIONS = Family("activation", members(Activation), Relu, only_if={"model.uses_activation": (True,)})

"""Activations and layers of a script's model, as the expressions that build them."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.errors import UsageError
from workbench.export.script.written import literal
from workbench.settings.activation import (
    ActivationChoice,
    Elu,
    Gelu,
    Identity,
    LeakyRelu,
    Mish,
    Prelu,
    Relu,
    Sigmoid,
    Silu,
    Softmax,
    Tanh,
)

PLAIN = {
    Relu: "nn.ReLU()",
    Silu: "nn.SiLU()",
    Mish: "nn.Mish()",
    Tanh: "nn.Tanh()",
    Sigmoid: "nn.Sigmoid()",
    Softmax: "nn.Softmax(dim=1)",
    Identity: "nn.Identity()",
}


def activation(choice: ActivationChoice) -> str:
    """The expression that makes a new activation module."""
    match choice:
        case LeakyRelu():
            return f"nn.LeakyReLU({choice.negative_slope!r})"
        case Prelu():
            return f"nn.PReLU(init={choice.init!r})"
        case Elu():
            return f"nn.ELU({choice.alpha!r})"
        case Gelu():
            return "nn.GELU()" if choice.approximate == "none" else f"nn.GELU({literal(choice.approximate)})"
    if type(choice) not in PLAIN:
        raise UsageError(f'--to script does not know activation.name = "{choice.label()}"')
    return PLAIN[type(choice)]


def dropout(probability: float) -> list[str]:
    """A dropout layer, if there is to be one."""
    return [f"nn.Dropout({probability!r})"] if probability else []


def sequential(layers: Sequence[str]) -> str:
    """nn.Sequential of these layers, one a line."""
    return "nn.Sequential(\n" + "".join(f"    {layer},\n" for layer in layers) + ")"

"""Replaces the ReLUs of a torchvision model, modules and function calls, with another activation.

Most models have nn.ReLU modules, which are simply replaced. DenseNet, GoogLeNet and Inception also call F.relu in
their forward: such a model is traced once with torch.fx, and each call in the graph becomes a call of a module. This
happens when the model is built, so that nothing is intercepted during training, and the model can be compiled, copied
and pickled like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
import torch.fx
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from workbench.models.activation import Activation

RELU_MODULES = (nn.ReLU, nn.ReLU6)
RELU_FUNCTIONS = (F.relu, F.relu_, F.relu6, torch.relu, torch.relu_, torch.Tensor.relu, torch.Tensor.relu_)
RELU_METHODS = ("relu", "relu_")
"""The name of `x.relu()` in torch.fx."""


class CountReLUs(TorchFunctionMode):
    """While active, counts the calls of ReLU functions, including those of nn.ReLU modules."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        self.calls += func in RELU_FUNCTIONS
        return func(*args, **(kwargs or {}))


def replace_relu_modules(model: nn.Module, activation: Activation) -> None:
    """Exchanges, in place, every nn.ReLU and nn.ReLU6 below `model` for a fresh activation."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, RELU_MODULES):
                setattr(parent, name, activation())


def replace_relu_calls(model: nn.Module, activation: Activation) -> torch.fx.GraphModule:
    """Replaces each call of a ReLU function in `model` with a call of a new activation module.

    The result shares the layers of `model` and their names; the activations are added as `relu_calls.0`, `relu_calls.1`
    and so on, in the order of the calls. Calls within torch's own modules (nn.ReLU) stay.
    """
    traced = torch.fx.symbolic_trace(model)
    calls = [node for node in traced.graph.nodes if _calls_relu(node)]
    traced.add_module("relu_calls", nn.ModuleList(activation() for _ in calls))
    for number, node in enumerate(calls):
        with traced.graph.inserting_after(node):
            replacement = traced.graph.call_module(f"relu_calls.{number}", args=(node.all_input_nodes[0],))
        node.replace_all_uses_with(replacement)
        traced.graph.erase_node(node)
    traced.recompile()
    return traced


def _calls_relu(node: torch.fx.Node) -> bool:
    names: tuple[Any, ...] = {"call_function": RELU_FUNCTIONS, "call_method": RELU_METHODS}.get(node.op, ())
    return node.target in names

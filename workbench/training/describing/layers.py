"""The layers of a network: their kinds, the shapes of what they return, and their parameters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from workbench.data.inputs import map_inputs
from workbench.errors import type_and_first_line
from workbench.processes.preview import Layer, Model
from workbench.training.job import Job

SIDES = {"1d": 1, "2d": 2, "3d": 3}
"""By the end of a class's name: how many sides its window has, of which some give one for all."""


def describe_model(job: Job) -> Model:
    """Describes the network of a job. Runs it on two made-up samples, without gradients, and leaves it as it was.

    Raises nothing: where the network cannot run so, shapes are missing and the note says why.
    """
    model, shapes, note = job.model, dict[str, list[int]](), ""
    try:
        with _noting_shapes(model, shapes), _evaluating(model), torch.no_grad():
            model(map_inputs(job.example, lambda tensor: tensor.to(job.device)))
    except Exception as error:  # a model of the user's own may do anything
        note = f"the network could not be run: {type_and_first_line(error)}"
    layers = [
        Layer(
            name=name,
            kind=type(module).__name__,
            shape=shapes.get(name, []),
            parameters=_trained(module),
            kernel=_kernel(module),
            is_group=any(True for _ in module.children()),
        )
        for name, module in model.named_modules()
        if name
    ]
    return Model(layers, job.parameters, list(job.input_shape), note)


def _trained(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def _kernel(module: nn.Module) -> list[int]:
    """The sides of the window of a convolution or a pooling."""
    size = getattr(module, "kernel_size", None)
    if isinstance(size, int):
        return [size] * SIDES.get(type(module).__name__[-2:], 1)
    if isinstance(size, tuple) and all(isinstance(side, int) for side in size):
        return list(size)
    return []


@contextmanager
def _noting_shapes(model: nn.Module, shapes: dict[str, list[int]]) -> Iterator[None]:
    """Inside the `with` each module that runs notes the shape of its output, without the batch dimension."""

    def noting(name: str) -> Any:
        def note(_module: nn.Module, _inputs: Any, output: Any) -> None:
            first = output[0] if isinstance(output, tuple | list) and output else output
            if isinstance(first, Tensor) and first.dim() > 0:
                shapes[name] = list(first.shape[1:])

        return note

    hooks = [module.register_forward_hook(noting(name)) for name, module in model.named_modules() if name]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Inside the `with` no layer varies at random or learns statistics; afterwards each is in its mode again."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True

"""An optimizer's step made into machine code: one pass over the weights, where its operators take one each.

For optimizers that torch has no fused operator of on the CPU. On two cores a step of the classic MNIST network was
measured (tests/benchmarks/updates.py) to take 40 % less with RMSprop, 45 % with Adadelta, 46 % with Nadam, 25 % with
Adamax; with a fused operator 3 % less (Adam, Adagrad) or 2 % more (SGD).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from operator import getitem
from typing import Any

import torch
from torch import fx, nn
from torch.fx.passes.split_module import split_module

from workbench.training.engines.eager import trained_parameters
from workbench.training.graphs.agreement import agree
from workbench.training.graphs.inductor import compile_pieces
from workbench.training.graphs.traced_optimizer import Update, gradients_of, record_update, update_arguments
from workbench.training.graphs.tracing import CannotTraceError, fixed_generator

MOST_PARAMETERS = 20_000_000
"""Compiling and its check take up to eight times the weights' memory for a moment. Larger networks gain little."""

CHECKED_STEPS = 4

MOST_ERROR = 1e-4
"""See `agree`."""

NANOSECONDS_SAVED: dict[type[torch.optim.Optimizer], float] = {
    torch.optim.RMSprop: 0.8,
    torch.optim.Adadelta: 1.0,
    torch.optim.NAdam: 1.1,
    torch.optim.Adamax: 0.4,
}
"""A step, for each weight: what was measured. Others are not compiled."""


def seconds_saved(optimizer: torch.optim.Optimizer, steps: int) -> float:
    """About what compiling its update saves in so many steps; 0 if it is better not compiled."""
    weights = sum(parameter.numel() for parameter in trained_parameters(optimizer))
    return 1e-9 * NANOSECONDS_SAVED.get(type(optimizer), 0.0) * weights * steps if weights <= MOST_PARAMETERS else 0.0


def compile_update(optimizer: torch.optim.Optimizer) -> Update:
    """The compiled form of `optimizer.step`, which is left as it is.

    Raises CannotTraceError where that does not pay, or where it does not give what the optimizer gives; and whatever
    torch raises where there is no compiler.
    """
    if not seconds_saved(optimizer, steps=1):
        raise CannotTraceError("such an update gains nothing by being compiled")
    update, weights = _compiled(optimizer)
    plain = _copied(optimizer)
    for _ in range(CHECKED_STEPS):
        _make_gradients(plain)
        plain.step()
    if not agree(weights, _detached(plain), _detached(optimizer), MOST_ERROR):
        raise CannotTraceError("the compiled update does not give the weights that the optimizer gives")
    return update


def _compiled(optimizer: torch.optim.Optimizer) -> tuple[Update, list[torch.Tensor]]:
    """The machine code, and what `CHECKED_STEPS` of a copy of the optimizer, the last by that code, make of weights."""
    shadow = _copied(optimizer)
    rate = torch.tensor(float(optimizer.param_groups[0]["lr"]), dtype=torch.float64)
    for group in shadow.param_groups:
        # Adamax calls a function of lists that does not exist.
        group |= {"lr": rate, "foreach": not isinstance(shadow, torch.optim.Adamax), "fused": None}
        group |= {"capturable": True} if "capturable" in group else {}
    with _as_if_compiling():
        _make_gradients(shadow)
        shadow.step()  # makes the state
        _make_gradients(shadow)
        graph = split_numbers(record_update(shadow, rate))
    arguments = [*gradients_of(shadow), *update_arguments(shadow, rate)]
    _make_gradients(shadow)
    compile_pieces(graph, arguments)  # runs it once as it is
    _make_gradients(shadow)
    with torch.no_grad():
        graph(*arguments)
    return graph.forward, _detached(shadow)


def split_numbers(graph: fx.GraphModule) -> fx.GraphModule:
    """The graph in two pieces: first what computes single numbers from single numbers, then what goes over weights.

    In one piece the compiler would compute Nadam's corrections, which are powers, for each weight anew.
    """
    pieces: dict[str, int] = {}
    for node in graph.graph.nodes:
        before = [pieces.get(other.name, 0) for other in node.all_input_nodes]
        pieces[node.name] = 1 if any(before) or not _is_of_numbers(node) else 0
    return split_module(graph, nn.Module(), lambda node: pieces[node.name])


def _is_of_numbers(node: fx.Node) -> bool:
    """Whether an operator takes and gives nothing but single numbers, or lists of them."""
    tensors = [*node.all_input_nodes, node, *(user for user in node.users if user.target is getitem)]
    kinds = [tensor.meta["kind"] for tensor in tensors if "kind" in tensor.meta]
    return all(not kind.shape for kind in kinds)


def _copied(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
    """One like it, before its first step, over copies of its parameters."""
    copied: torch.optim.Optimizer = object.__new__(type(optimizer))
    copied.__dict__.update(optimizer.__dict__)
    copied.param_groups, copied.state = [], type(optimizer.state)(dict)
    for group in optimizer.param_groups:
        parameters = [nn.Parameter(parameter.detach().clone()) for parameter in group["params"]]
        for parameter, original in zip(parameters, group["params"], strict=True):
            parameter.grad = torch.empty_like(parameter)
            if original in optimizer.state:  # some make it when they are built
                copied.state[parameter] = copy.deepcopy(optimizer.state[original])
        copied.param_groups.append(group | {"params": parameters})
    return copied


def _make_gradients(optimizer: torch.optim.Optimizer) -> None:
    """Always the same; some optimizers change them in place."""
    for gradient in gradients_of(optimizer):
        gradient.normal_(generator=fixed_generator(gradient))


def _detached(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [parameter.detach() for parameter in trained_parameters(optimizer)]


@contextmanager
def _as_if_compiling() -> Iterator[None]:
    """torch's optimizers keep all their numbers in tensors on the CPU only for a compiler."""
    flags: Any = torch.compiler
    flags._is_compiling_flag = True
    try:
        yield
    finally:
        flags._is_compiling_flag = False

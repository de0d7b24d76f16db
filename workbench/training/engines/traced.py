"""Computes gradients by a graph of plain operators instead of autograd."""

from __future__ import annotations

import torch
from torch import Tensor, fx

from workbench.training.batches import Batch
from workbench.training.engines.train_step import Autograd
from workbench.training.graphs.fused_linear import fuse_linear
from workbench.training.graphs.passes import mark_phases, remove_noops
from workbench.training.graphs.trace_check import check, most_error
from workbench.training.graphs.tracing import Arguments, CannotTraceError, StepFunction, below_autograd, trace
from workbench.training.matmul_backend import onednn_pays
from workbench.training.objective import Objective
from workbench.training.timing.clock import PhaseClock


class TracedGradients:
    """Runs the graph of a batch; one of a new shape is traced first, or computed by autograd if it cannot be."""

    def __init__(self, objective: Objective, correct: Tensor, clock: PhaseClock) -> None:
        self._objective = objective
        self._correct = correct
        self._clock = clock
        self._autograd = Autograd(objective, correct, clock)
        self._function = StepFunction(objective)
        self._graphs: dict[tuple[object, ...], fx.GraphModule | None] = {}
        """By shape and weight of a batch; None for those that cannot be traced."""
        self._one = torch.ones((), device=correct.device)

    def __call__(self, batch: Batch, loss_weight: float) -> Tensor:
        arguments = self._arguments(batch)
        try:
            graph = self._graph(arguments, loss_weight)
        except CannotTraceError:  # a model that does something else with an epoch's short last batch
            return self._autograd(batch, loss_weight)
        loss: Tensor
        with torch.no_grad(), below_autograd():
            loss, *gradients = graph.forward(*arguments.flat())
            for parameter, gradient in zip(self._objective.parameters, gradients, strict=True):
                if parameter.grad is None:
                    parameter.grad = gradient
                elif gradient is not None:
                    parameter.grad += gradient  # to that of the batches before it in this step
        return loss

    def prepare(self, batch: Batch, loss_weight: float) -> None:
        """Traces such a batch. Raises CannotTraceError."""
        self._graph(self._arguments(batch), loss_weight)

    def _arguments(self, batch: Batch) -> Arguments:
        scaler, function = self._objective.precision.scaler, self._function
        scale = None if scaler is None else scaler.scale(self._one)
        held = function.parameters, function.buffers_and_frozen
        return Arguments(*held, batch.tensor, batch.targets, self._correct, scale)

    def _graph(self, arguments: Arguments, loss_weight: float) -> fx.GraphModule:
        """The graph for a batch of this shape. Raises CannotTraceError."""
        key = (*shape_key(arguments.inputs, arguments.targets), loss_weight)
        if key not in self._graphs:
            self._graphs[key] = None  # tried only once, since it may take seconds
            with self._clock.stopped():  # tracing is not training
                self._graphs[key] = self._trace(arguments, loss_weight)
        found = self._graphs[key]
        if found is None:
            raise CannotTraceError("batches like this one could not be traced before")
        return found

    def _trace(self, arguments: Arguments, loss_weight: float) -> fx.GraphModule:
        arguments = arguments.with_random_inputs()
        traced = trace(self._function, arguments, loss_weight)
        remove_noops(traced.graph)
        if self._correct.device.type == "cpu" and onednn_pays():
            fuse_linear(traced.graph)
        check(traced.graph, self._function, traced, arguments, most_error(self._objective.precision.name))
        mark_phases(traced.graph, self._clock.mark)
        return traced.graph


def shape_key(inputs: Tensor, targets: Tensor) -> tuple[object, ...]:
    """Equal for batches that one graph can compute: of the same shapes and the same order in memory."""
    return inputs.shape, None if inputs.is_contiguous() else inputs.stride(), targets.shape

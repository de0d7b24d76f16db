"""The traced engine: gradients by a graph of plain operators instead of autograd; all else as in the eager one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx

from workbench.training.batches import Batch
from workbench.training.engines.eager import EagerEngine
from workbench.training.graphs.fused_linear import choose_products
from workbench.training.graphs.passes import mark_phases, simplify
from workbench.training.graphs.trace_check import check
from workbench.training.graphs.traced_optimizer import RecordedUpdate, can_be_recorded
from workbench.training.graphs.tracing import Arguments, CannotTraceError, StepFunction, Trace, below_autograd, trace
from workbench.training.matmul_backend import onednn_pays

MOST_ERROR, MOST_ERROR_LOW_PRECISION = 1e-3, 5e-2
"""By how much loss and gradients of a traced step may differ from autograd's in the mean, relative to the mean of each:
another order of summation makes 1e-6 (more in deep networks and large batches), a wrong graph about 1."""


class TracedEngine(EagerEngine):
    """One step at a time; a batch of a shape that was not seen before is traced first."""

    name = "traced"

    def __init__(self, *arguments: Any, **named: Any) -> None:
        """As the eager engine's."""
        super().__init__(*arguments, **named)
        self._function = StepFunction(
            self._model, self._parameters, self._loss, self._precision, count_hits=self._count_hits
        )
        self._graphs: dict[tuple[object, ...], fx.GraphModule | None] = {}
        """By the kind of batch; None for those that cannot be traced."""
        self._one = torch.ones((), device=self._device)
        self._update_recorded: RecordedUpdate | None = None
        if self._device.type == "cpu" and self._precision.scaler is None:
            self._update_recorded = self._recorded_update()

    def _add_gradients(self, batch: Batch, share: float) -> Tensor:
        arguments = self.arguments(batch)
        try:
            graph = self.graph(arguments, share)
        except CannotTraceError:  # a model that takes another course for an epoch's short last batch
            return super()._add_gradients(batch, share)
        loss: Tensor
        with torch.no_grad(), below_autograd():
            loss, *gradients = graph.forward(*arguments.flat())
            for parameter, gradient in zip(self._parameters, gradients, strict=True):
                if parameter.grad is None:
                    parameter.grad = gradient
                elif gradient is not None:
                    parameter.grad += gradient  # to that of the batches before it in this step
        return loss

    @property
    def update_is_compiled(self) -> bool:
        """Whether the optimizer's step is machine code of its own."""
        return self._update_recorded is not None and self._update_recorded.is_made

    def _set_learning_rate(self, learning_rate: float) -> None:
        if self._update_recorded is None:
            super()._set_learning_rate(learning_rate)
        else:
            self._update_recorded.set_learning_rate(learning_rate)

    def _step_optimizer(self) -> None:
        (self._optimizer if self._update_recorded is None else self._update_recorded).step()

    def _recorded_update(self) -> RecordedUpdate | None:
        """What stands for the optimizer's step, if anything does."""
        return RecordedUpdate(self._optimizer) if can_be_recorded(self._optimizer) else None

    def arguments(self, batch: Batch) -> Arguments:
        """What the graph of a batch is called with."""
        scaler, function = self._precision.scaler, self._function
        scale = None if scaler is None else scaler.scale(self._one)
        return Arguments(function.parameters, function.others, batch.tensor, batch.targets, self.hits, scale)

    def graph(self, arguments: Arguments, share: float) -> fx.GraphModule:
        """The graph for a batch of this shape. Raises CannotTraceError."""
        key = (*batch_kind(arguments.inputs, arguments.targets), share)
        if key not in self._graphs:
            self._graphs[key] = None  # to be tried once, for it may take seconds
            with self._clock.stopped():  # tracing is not training
                self._graphs[key] = self._make_graph(arguments, share)
        found = self._graphs[key]
        if found is None:
            raise CannotTraceError("batches like this one could not be traced before")
        return found

    def _make_graph(self, arguments: Arguments, share: float) -> fx.GraphModule:
        arguments = arguments.with_random_inputs()
        traced = trace(self._function, arguments, share)
        simplify(traced.graph)
        graph = self._improve(traced, arguments)
        most_error = MOST_ERROR if self._precision.name == "float32" else MOST_ERROR_LOW_PRECISION
        check(graph, self._function, traced, arguments, most_error)
        mark_phases(graph, self._clock.mark)
        return graph

    def _improve(self, traced: Trace, arguments: Arguments) -> fx.GraphModule:
        """The same in less time."""
        if self._device.type == "cpu" and onednn_pays():
            choose_products(traced.graph)
        return traced.graph


def batch_kind(inputs: Tensor, targets: Tensor) -> tuple[object, ...]:
    """Equal for batches that one graph does for: of the same shapes and the same order in memory."""
    return inputs.shape, None if inputs.is_contiguous() else inputs.stride(), targets.shape

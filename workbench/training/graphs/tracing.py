"""A batch's gradients as a graph of plain operators, traced while one batch is computed.

Forward, loss, backward and the count of correct samples of one batch become one list of operators. Running that list
saves what autograd and the modules' Python cost at each step, and passes can improve it as a whole.

Own code rather than torch's make_fx, which does the same: that imports torch's whole compiler, for several seconds.
Private in torch: the dispatch mode, the tree functions, `_AutoDispatchBelowAutograd`; tried on 2.6, 2.11 and 2.15.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from operator import getitem
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map
from torch.utils.weak import WeakIdKeyDictionary

from workbench.training.objective import Objective

CHECKED_NUMBERS = 4096
"""Elements of each gradient that a graph is compared by."""

PHASE_END = "phase_end"
"""Key of a node's meta data: the phase that ends with this node."""


LSTM_OF_ONEDNN = "aten::mkldnn_rnn_layer"

below_autograd = torch._C._AutoDispatchBelowAutograd
"""Skips autograd's dispatch, which a traced graph does not need; saves one seventh of a step."""


class CannotTraceError(Exception):
    """One list of operators cannot stand for every batch, or gives other numbers than PyTorch."""


@dataclass(frozen=True)
class Arguments:
    """The arguments of a traced step, in this order."""

    parameters: list[Tensor]
    buffers_and_frozen: list[Tensor]
    """Buffers and parameters that are not trained. What the model changes (batch norm's means) changes in place."""
    inputs: Tensor
    targets: Tensor
    correct: Tensor
    """int64 scalar: the number of samples classified correctly is added to it."""
    scale: Tensor | None
    """What the loss is multiplied by before backward (loss scaling); float32 scalar."""

    def flat(self) -> list[Tensor]:
        """As the traced graph takes them."""
        scale = [] if self.scale is None else [self.scale]
        return [*self.parameters, *self.buffers_and_frozen, self.inputs, self.targets, self.correct, *scale]

    def copied(self) -> Arguments:
        """The same arguments with copies of everything that a step changes."""
        cloned = [tensor.clone() for tensor in self.buffers_and_frozen]
        return replace(self, buffers_and_frozen=cloned, correct=self.correct.clone())

    def with_random_inputs(self) -> Arguments:
        """The same arguments with random numbers for the samples."""
        return replace(self, inputs=with_random_numbers(self.inputs))


def with_random_numbers(inputs: Tensor) -> Tensor:
    """Always the same random numbers in the shape and memory order of `inputs`; ids stay as they are.

    In images with flat areas neighbours are equal: which of them is the largest is decided by rounding alone.
    """
    if not inputs.is_floating_point():
        return inputs
    made = torch.empty_like(inputs)
    return made.normal_(generator=fixed_generator(made))


@dataclass(frozen=True)
class TensorMetadata:
    """Describes the result of a graph's node."""

    shape: torch.Size
    dtype: torch.dtype
    device: torch.device


class StepFunction:
    """One batch of an objective as a function of tensors."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective
        model = objective.model
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        self._names = [names[id(parameter)] for parameter in objective.parameters]
        others: list[tuple[str, Tensor]] = [
            (name, tensor) for name, tensor in model.named_parameters() if name not in set(self._names)
        ]
        others += list(model.named_buffers())
        self._other_names = [name for name, _ in others]
        self.parameters: list[Tensor] = [parameter.detach() for parameter in objective.parameters]
        self.buffers_and_frozen: list[Tensor] = [tensor.detach() for _, tensor in others]

    def __call__(
        self, arguments: Arguments, loss_weight: float, end_phase: Callable[[str], None]
    ) -> tuple[Tensor, list[Tensor | None]]:
        """The weighted loss and what it adds to each gradient; calls `end_phase` where a phase ends."""
        objective = self._objective
        with torch.enable_grad():
            parameters = [parameter.detach().requires_grad_() for parameter in arguments.parameters]
            tensors = dict(zip(self._names, parameters, strict=True))
            tensors |= zip(self._other_names, arguments.buffers_and_frozen, strict=True)
            model = partial(torch.func.functional_call, objective.model, tensors)
            loss, scores = objective.forward(arguments.inputs, arguments.targets, model)
            if loss_weight != 1.0:
                loss = loss * loss_weight
            end_phase("forward")
            scaled = loss if arguments.scale is None else loss * arguments.scale
            found = torch.autograd.grad(scaled, parameters, allow_unused=True)
            gradients = [_laid_out(*pair) for pair in zip(found, parameters, strict=True)]
            for number, gradient in enumerate(gradients):
                # For a + b both get the same tensor: an operation in place on one would change both.
                if gradient is not None and any(gradient is other for other in gradients[:number]):
                    gradients[number] = gradient.clone()
            end_phase("backward")
        if objective.counts_correct:
            arguments.correct.add_(objective.correct(scores, arguments.targets))
            end_phase("metrics")
        return loss.detach(), gradients


def _laid_out(gradient: Tensor | None, parameter: Tensor) -> Tensor | None:
    """Returns the gradient in the parameter's memory order, as `backward` does: fused optimizers require it."""
    if gradient is None:
        return None
    strides = zip(gradient.shape, gradient.stride(), parameter.stride(), strict=True)
    if all(one == other for size, one, other in strides if size > 1):
        return gradient
    return torch.empty_like(parameter).copy_(gradient.detach())


@dataclass(frozen=True)
class Trace:
    """A traced batch: its graph, and the results of tracing it."""

    graph: fx.GraphModule
    """Called with `Arguments.flat()` it gives the loss and the gradients."""
    loss: Tensor
    loss_weight: float
    """The batch's fraction of the step's samples."""
    gradients: list[Tensor | None]
    """A sample of the elements of each: all of them, beside those of `check`, would set the run's peak memory."""


def trace(function: StepFunction, arguments: Arguments, loss_weight: float) -> Trace:
    """Traces a batch, computed on copies of all that it would change. Raises CannotTraceError.

    The state of the random generators is as before.
    """
    copied = arguments.copied()
    with random_state_kept(arguments.inputs.device):
        tracer = Tracer(copied.flat())
        with tracer:
            loss, gradients = function(copied, loss_weight, tracer.end_phase)
        graph = tracer.finish((loss, *gradients))
        sampled = [None if gradient is None else sample_elements(gradient) for gradient in gradients]
        return Trace(graph, loss, loss_weight, sampled)


def sample_elements(tensor: Tensor) -> Tensor:
    """About `CHECKED_NUMBERS` of a tensor's elements, evenly spread, copied; those of a sample are the sample."""
    numbers = tensor.detach().reshape(-1)
    return numbers[:: max(len(numbers) // CHECKED_NUMBERS, 1)].clone()


def fixed_generator(beside: Tensor) -> torch.Generator:
    """Makes a generator on a tensor's device, always with the same seed."""
    return torch.Generator(beside.device).manual_seed(0)


def random_state_kept(device: torch.device) -> AbstractContextManager[None]:
    """Puts the random generators of the CPU and of `device` back after the `with`."""
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


class Tracer(TorchDispatchMode):
    """Adds every operator that is called to a graph."""

    def __init__(self, inputs: Sequence[Tensor], *, to_the_end: bool = False) -> None:
        """inputs: what the graph is to be called with; other tensors that are met become part of it.

        to_the_end: continue after an operator that a graph cannot hold, to finish the work; then `finish` raises.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self._root = nn.Module()
        self._graph = fx.Graph()
        # Weak, so that what the step drops is freed as without a tracer.
        self._nodes = WeakIdKeyDictionary()
        self._last: fx.Node | None = None
        self._to_the_end = to_the_end
        self._why_not = ""
        for number, tensor in enumerate(inputs):
            self._note(tensor, self._graph.placeholder(f"argument_{number}"))

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if operator.namespace == "profiler":  # a name for what follows, of no use in a graph
            return operator(*args, **(kwargs or {}))
        if operator.name() == LSTM_OF_ONEDNN:
            raise CannotTraceError("the LSTM of oneDNN keeps a workspace for each call; it is faster than its parts")
        tags = operator.tags
        if torch.Tag.data_dependent_output in tags or torch.Tag.dynamic_output_shape in tags:
            self._why_not = f"the model looks at its numbers ({operator})"
            if self._to_the_end:
                return operator(*args, **(kwargs or {}))
            raise CannotTraceError(self._why_not)
        arguments = tree_map(self._node_of, (args, kwargs or {}))
        result = operator(*args, **(kwargs or {}))
        self._last = node = self._graph.call_function(operator, *arguments)
        if isinstance(result, Tensor):
            if not any(result is argument for argument in args):  # in place: it is what it was
                self._note(result, node)
        else:
            self._note_items(result, node)
        return result

    def _note_items(self, result: Any, node: fx.Node) -> None:
        """Notes the tensors of a tuple or a list, which may hold lists of them, as the gradients of cuDNN's layers."""
        for number, item in enumerate(result if isinstance(result, (tuple, list)) else ()):
            if isinstance(item, (Tensor, tuple, list)):
                self._last = part = self._graph.call_function(getitem, (node, number))
                if isinstance(item, Tensor):
                    self._note(item, part)
                else:
                    self._note_items(item, part)

    def end_phase(self, phase: str) -> None:
        """Notes that the last operator ends a phase."""
        if self._last is not None:
            self._last.meta[PHASE_END] = phase

    def finish(self, results: Any) -> fx.GraphModule:
        """The graph that gives these results. Raises CannotTraceError."""
        if self._why_not:
            raise CannotTraceError(self._why_not)
        self._graph.output(tree_map(self._node_of, results))
        return fx.GraphModule(self._root, self._graph)

    def _note(self, tensor: Tensor, node: fx.Node) -> None:
        node.meta["tensor_meta"] = TensorMetadata(tensor.shape, tensor.dtype, tensor.device)
        self._nodes[tensor] = node

    def _node_of(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        node = self._nodes.get(value)
        if node is None:  # a tensor that the loss or the model holds for itself, such as class weights
            name = f"held_{len(self._nodes)}"
            self._root.register_buffer(name, value)
            node = self._graph.get_attr(name)
            self._note(value, node)
        return node

"""A batch's gradients as a graph of plain operators, written down while one batch is computed.

Forward, loss, backward and the count of hits of one batch become one list of operators. Running that list spares what
autograd and the modules' Python cost at each step, and the list can be improved as a whole (see `products`).

Own code rather than torch's make_fx, which does the same: that imports torch's whole compiler, for several seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from operator import getitem
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map
from torch.utils.weak import WeakIdKeyDictionary

from workbench.errors import first_line as first_line
from workbench.training.device import Precision

Loss = Callable[[Tensor, Tensor], Tensor]
aten = torch.ops.aten

CHECKED_NUMBERS = 4096
"""Of each gradient, for a graph to be held against."""

PHASE_END = "border"
"""Key of a node's meta data: the phase that ends with this node."""


below_autograd = torch._C._AutoDispatchBelowAutograd
"""Inside its `with` an operator's call passes autograd by, which a traced graph has no use for: a seventh less time."""


class CannotTraceError(Exception):
    """The model's course depends on its numbers: one list of operators cannot stand for every batch."""


@dataclass(frozen=True)
class Arguments:
    """What a traced step is called with, in this order."""

    parameters: list[Tensor]
    others: list[Tensor]
    """Buffers and frozen parameters. Those that the model changes (batch norm's means) are changed in place."""
    inputs: Tensor
    targets: Tensor
    hits: Tensor
    """int64 scalar: the number of samples classified right is added to it."""
    scale: Tensor | None
    """What the loss is multiplied by before backward (loss scaling); float32 scalar."""

    def flat(self) -> list[Tensor]:
        """As the traced graph takes them."""
        scale = [] if self.scale is None else [self.scale]
        return [*self.parameters, *self.others, self.inputs, self.targets, self.hits, *scale]

    def copied(self) -> Arguments:
        """The same, where nothing that a step changes is shared."""
        return replace(self, others=[tensor.clone() for tensor in self.others], hits=self.hits.clone())

    def with_random_inputs(self) -> Arguments:
        """The same with made numbers for the samples, in the same shape and order of memory.

        In images with flat areas neighbours are equal: which of them is the largest is decided by rounding alone.
        """
        made = torch.empty_like(self.inputs)
        return replace(
            self, inputs=made.normal_(generator=fixed_generator(made)) if made.is_floating_point() else self.inputs
        )


@dataclass(frozen=True)
class TensorKind:
    """What a graph's node gives."""

    shape: torch.Size
    dtype: torch.dtype
    device: torch.device


class StepFunction:
    """One batch as a function of tensors."""

    def __init__(
        self, model: nn.Module, trained: Sequence[Tensor], loss: Loss, precision: Precision, *, count_hits: bool
    ) -> None:
        """trained: the parameters that the optimizer changes, in its order."""
        self._model = model
        self._loss = loss
        self._precision = precision
        self._count_hits = count_hits
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        self._names = [names[id(parameter)] for parameter in trained]
        others: list[tuple[str, Tensor]] = [
            (name, tensor) for name, tensor in model.named_parameters() if name not in set(self._names)
        ]
        others += list(model.named_buffers())
        self._other_names = [name for name, _ in others]
        self.parameters: list[Tensor] = [parameter.detach() for parameter in trained]
        self.others: list[Tensor] = [tensor.detach() for _, tensor in others]

    def __call__(
        self, arguments: Arguments, share: float, ends: Callable[[str], None]
    ) -> tuple[Tensor, list[Tensor | None]]:
        """The batch's share of the step's mean loss, and what that adds to each gradient; `ends` hears of phases."""
        with torch.enable_grad():
            parameters = [parameter.detach().requires_grad_() for parameter in arguments.parameters]
            tensors = dict(zip(self._names, parameters, strict=True))
            tensors |= zip(self._other_names, arguments.others, strict=True)
            with self._precision.autocast():
                scores = torch.func.functional_call(self._model, tensors, (arguments.inputs,))
            loss = self._loss(scores.float(), arguments.targets)
            if share != 1.0:
                loss = loss * share
            ends("forward")
            scaled = loss if arguments.scale is None else loss * arguments.scale
            found = torch.autograd.grad(scaled, parameters, allow_unused=True)
            gradients = [_laid_out(*pair) for pair in zip(found, parameters, strict=True)]
            for number, gradient in enumerate(gradients):
                # Of a + b both get the same tensor: what is done to one in place would be done twice.
                if gradient is not None and any(gradient is other for other in gradients[:number]):
                    gradients[number] = gradient.clone()
            ends("backward")
        if self._count_hits:
            arguments.hits.add_((scores.detach().argmax(dim=1) == arguments.targets).sum())
            ends("metrics")
        return loss.detach(), gradients


def _laid_out(gradient: Tensor | None, parameter: Tensor) -> Tensor | None:
    """The gradient in the parameter's memory order, as `backward` leaves it: fused optimizers insist on it."""
    if gradient is None:
        return None
    strides = zip(gradient.shape, gradient.stride(), parameter.stride(), strict=True)
    if all(one == other for size, one, other in strides if size > 1):
        return gradient
    return torch.empty_like(parameter).copy_(gradient.detach())


@dataclass(frozen=True)
class Trace:
    """What was written down, and what came out while it was."""

    graph: fx.GraphModule
    """Called with `Arguments.flat()` it gives the loss and the gradients."""
    loss: Tensor
    share: float
    """Of the step's loss that is this batch's."""
    gradients: list[Tensor | None]
    """Some numbers of each, evenly spread: all of them beside those of `check` would be the most that a run takes."""


def trace(function: StepFunction, arguments: Arguments, share: float) -> Trace:
    """Computes a batch on copies of all that it would change, and writes down how. Raises CannotTraceError.

    The state of the random generators is as before.
    """
    copied = arguments.copied()
    with random_state_kept(arguments):
        recorder = Recorder(copied.flat())
        with recorder:
            loss, gradients = function(copied, share, recorder.end_phase)
        graph = recorder.finish((loss, *gradients))
        return Trace(graph, loss, share, [None if gradient is None else spread(gradient) for gradient in gradients])


def spread(tensor: Tensor) -> Tensor:
    """Up to `CHECKED_NUMBERS` of a tensor's numbers, evenly spread, copied."""
    numbers = tensor.detach().reshape(-1)
    return numbers[:: max(len(numbers) // CHECKED_NUMBERS, 1)].clone()


def fixed_generator(beside: Tensor) -> torch.Generator:
    """One of its own, always the same, on a tensor's device."""
    return torch.Generator(beside.device).manual_seed(0)


def random_state_kept(arguments: Arguments) -> AbstractContextManager[None]:
    """What is drawn inside the `with` has not been drawn after it."""
    device = arguments.inputs.device
    return torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])


class Recorder(TorchDispatchMode):
    """Writes every operator that is called into a graph."""

    def __init__(self, inputs: Sequence[Tensor], *, goes_on: bool = False) -> None:
        """inputs: what the graph is to be called with; other tensors that are met become part of it.

        goes_on: past operators that cannot stand in a graph, for what must be done to its end; then `finish` raises.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self._root = nn.Module()
        self._graph = fx.Graph()
        # Weak, so that what the step lets go of is freed as ever.
        self._nodes = WeakIdKeyDictionary()
        self._last: fx.Node | None = None
        self._goes_on = goes_on
        self._obstacle = ""
        for number, tensor in enumerate(inputs):
            self._note(tensor, self._graph.placeholder(f"argument_{number}"))

    def __torch_dispatch__(
        self, operator: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if operator.namespace == "profiler":  # a name for what follows, of no use in a graph
            return operator(*args, **(kwargs or {}))
        tags = operator.tags
        if torch.Tag.data_dependent_output in tags or torch.Tag.dynamic_output_shape in tags:
            self._obstacle = f"the model looks at its numbers ({operator})"
            if self._goes_on:
                return operator(*args, **(kwargs or {}))
            raise CannotTraceError(self._obstacle)
        written = tree_map(self._node_of, (args, kwargs or {}))
        result = operator(*args, **(kwargs or {}))
        self._last = node = self._graph.call_function(operator, *written)
        if isinstance(result, Tensor):
            if not any(result is argument for argument in args):  # in place: it is what it was
                self._note(result, node)
        elif isinstance(result, (tuple, list)):
            for number, item in enumerate(result):
                if isinstance(item, Tensor):
                    self._last = self._graph.call_function(getitem, (node, number))
                    self._note(item, self._last)
        return result

    def end_phase(self, phase: str) -> None:
        """The last operator was the last of a phase."""
        if self._last is not None:
            self._last.meta[PHASE_END] = phase

    def finish(self, results: Any) -> fx.GraphModule:
        """The graph, giving these results. Raises CannotTraceError."""
        if self._obstacle:
            raise CannotTraceError(self._obstacle)
        self._graph.output(tree_map(self._node_of, results))
        return fx.GraphModule(self._root, self._graph)

    def _note(self, tensor: Tensor, node: fx.Node) -> None:
        node.meta["kind"] = TensorKind(tensor.shape, tensor.dtype, tensor.device)
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

"""Gradients and optimizer step by torch.compile: fewer kernels, each over more data.

Compiling takes seconds to minutes, once: the code is kept in the user's cache, where the same preset on the same
machine finds it again.

Source: https://docs.pytorch.org/tutorials/recipes/compiling_optimizer_lr_scheduler.html
"""

from __future__ import annotations

import atexit
import copy
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from workbench.errors import StorageError, first_line
from workbench.files import user_folder
from workbench.training.batches import Batch
from workbench.training.device import Precision
from workbench.training.engines.engine import EngineHooks
from workbench.training.engines.train_step import Autograd
from workbench.training.graphs.agreement import agree
from workbench.training.graphs.trace_check import check_against_float32, check_error, difference, most_error
from workbench.training.graphs.tracing import random_state_kept, with_random_numbers
from workbench.training.objective import Objective, trained_parameters
from workbench.training.timing.clock import PhaseClock

CACHE_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"

OPTIONS: dict[str, str | int | bool | Callable[..., Any]] = {"fallback_random": True}
"""Random numbers as PyTorch draws them, so that dropout is the same in every engine."""

MOST_ERROR = 1e-4
"""Of a compiled optimizer step, see `agree`."""


def _compile(function: Any) -> Any:
    """Calls torch.compile with a cache that outlives a restart of the machine, and without its log messages."""
    if CACHE_VARIABLE not in os.environ:
        os.environ[CACHE_VARIABLE] = str(_cache_folder())
    logging.getLogger("torch._dynamo").setLevel(logging.ERROR)
    return torch.compile(function, dynamic=False, options=OPTIONS)


def _cache_folder() -> Path:
    """The folder that keeps compiled code; a temporary one where the user has no home folder."""
    try:
        return user_folder("cache") / "inductor"
    except StorageError:
        folder = tempfile.mkdtemp(prefix="workbench-compiled-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)


class CompiledGradients(Autograd):
    """Gradients of compiled forward, loss and backward.

    Batches of another size than the prepared one run uncompiled: an epoch's short last one is not worth compiling for.
    """

    def __init__(self, objective: Objective, correct: Tensor, clock: PhaseClock) -> None:
        super().__init__(objective, correct, clock)
        self._compiled = _compile(self._forward)
        self._full = 0
        """Samples of a batch that the compiled code takes."""

    def _forward(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor | None]:
        loss, scores = self._objective.forward(inputs, targets)
        return loss, self._objective.correct(scores, targets) if self._objective.counts_correct else None

    def __call__(self, batch: Batch, loss_weight: float) -> Tensor:
        if len(batch.targets) != self._full:
            return super().__call__(batch, loss_weight)
        loss, correct = self._compiled(batch.inputs, batch.targets)
        loss = self._backward(loss, loss_weight)
        if correct is not None:
            self._correct += correct
            self._clock.mark("metrics")
        return loss

    def prepare(self, batch: Batch, loss_weight: float) -> None:
        """Compiles for batches of this size, and compares the results with autograd's.

        Raises CannotTraceError where they differ, and what torch raises where there is no compiler.
        """
        self._full = len(batch.targets)
        inputs = with_random_numbers(batch.tensor)
        plain = super().__call__
        expected = self._results(plain, inputs, batch.targets, loss_weight)
        found = self._results(self.__call__, inputs, batch.targets, loss_weight)

        def rounding_error(moved: Tensor) -> float:
            return difference(self._results(plain, moved, batch.targets, loss_weight), expected)

        error, precision = difference(found, expected), self._objective.precision
        if precision.name == "float32":
            check_error("compiled", error, inputs, rounding_error, most_error(precision.name))
        elif error > most_error(precision.name):
            check_against_float32("compiled", found, expected, self._exact(inputs, batch.targets, loss_weight))

    def _exact(self, inputs: Tensor, targets: Tensor, loss_weight: float) -> list[Tensor | None]:
        """Loss and gradients by autograd in float32, the gradients scaled as those of the objective's precision."""
        objective = replace(self._objective, precision=Precision("float32", inputs.device))
        in_float32 = Autograd(objective, self._correct, self._clock)
        loss, *gradients = self._results(in_float32.__call__, inputs, targets, loss_weight)
        scaler = self._objective.precision.scaler
        scale = 1.0 if scaler is None else scaler.get_scale()
        return [loss, *(None if gradient is None else gradient * scale for gradient in gradients)]

    def _results(
        self, gradients: Callable[[Batch, float], Tensor], inputs: Tensor, targets: Tensor, loss_weight: float
    ) -> list[Tensor | None]:
        """Loss and gradients; restores everything that the batch changes."""
        parameters = self._objective.parameters
        changed = [*self._objective.model.buffers(), self._correct]
        before = [tensor.clone() for tensor in changed]
        try:
            with random_state_kept(inputs.device):
                loss = gradients(Batch(inputs, targets), loss_weight)
            return [loss, *(parameter.grad for parameter in parameters)]
        finally:
            for parameter in parameters:
                parameter.grad = None
            for tensor, value in zip(changed, before, strict=True):
                tensor.copy_(value)


class CompiledOptimizer:
    """A compiled optimizer step: one pass over the weights instead of one for each operator."""

    def __init__(self, optimizer: torch.optim.Optimizer, clock: PhaseClock, hooks: EngineHooks) -> None:
        self._optimizer = optimizer
        self._clock = clock
        self._hooks = hooks
        self._step: Callable[[], object] | None = None
        groups = optimizer.param_groups
        self._before = [{name: group[name] for name in ("foreach", "fused") if name in group} for group in groups]
        # A tensor, since each new number would be compiled again; float64 as Python's numbers.
        self._rate = torch.tensor(float(groups[0]["lr"]), dtype=torch.float64)
        # From lists of weights the compiler makes one kernel. Adamax calls a function of lists that does not exist.
        foreach = not isinstance(optimizer, torch.optim.Adamax)
        for group, before in zip(groups, self._before, strict=True):
            group |= {"lr": self._rate} | dict.fromkeys(before) | {"foreach": foreach}

    def step(self) -> None:
        """Updates the parameters; the first time compares the compiled step with the optimizer's own."""
        if self._step is not None:
            self._step()
            return
        started = perf_counter()
        with self._clock.stopped():
            self._step = self._first_step()
        self._hooks.add_time("compile", perf_counter() - started)

    def _first_step(self) -> Callable[[], object]:
        """Does a step; returns the function for the next ones: the compiled step if it gives the right weights."""
        parameters = trained_parameters(self._optimizer)
        before = [parameter.detach().clone() for parameter in parameters]
        plain = self._plain_copy()
        plain.step()
        expected = trained_parameters(plain)
        try:
            step: Callable[[], object] = _compile(self._optimizer.step)
            step()
            if agree(_detached(parameters), _detached(expected), before, MOST_ERROR):
                return step
            reason = "it does not give the weights that the optimizer gives"
        except Exception as error:
            reason = first_line(error)
        self._hooks.warn(f"the optimizer step is not compiled: {reason}")
        for group, executed in zip(self._optimizer.param_groups, self._before, strict=True):
            group |= executed | ({"lr": self._rate.item()} if group["lr"] is self._rate else {})
        for parameter, value in zip(parameters, expected, strict=True):
            parameter.detach().copy_(value.detach())
            self._optimizer.state[parameter] = plain.state[value]
        return self._optimizer.step

    def _plain_copy(self) -> torch.optim.Optimizer:
        """A copy of the optimizer over copies of its parameters, as a loop over them."""
        plain = copy.deepcopy(self._optimizer)
        pairs = zip(trained_parameters(plain), trained_parameters(self._optimizer), strict=True)
        for copied, parameter in pairs:
            copied.grad = None if parameter.grad is None else parameter.grad.clone()
        for group in plain.param_groups:
            group |= {"foreach": False, "lr": float(group["lr"])}
        return plain


def _detached(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [tensor.detach() for tensor in tensors]

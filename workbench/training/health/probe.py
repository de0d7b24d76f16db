"""How well the network can learn: units that never fire, values that saturate, gradients that vanish or explode.

Measured between two epochs on a few training samples, and without a trace in the training: parameters are handed to
the model as detached views, so that no `.grad` is touched; buffers (running means) as copies; dropout is off and the
generators' states are put back. It costs about two steps and at most a two-hundredth of the training time.
"""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from workbench.runs.events import Health
from workbench.training.health.activations import ActivationStatistics

if TYPE_CHECKING:
    from workbench.training.job import Job

SAMPLES = 256
"""Activations are looked at on so many training samples, so that 1 % of them are more than two."""
LEAST_STEPS = 20
"""Before so many steps nothing is measured: nobody may conclude anything yet."""
LEAST_SECONDS = 3.0
"""Between two measurements."""
TIME_SHARE = 0.005
"""Most of the training time that all measurements together may take, but for the one at the end."""
LOOKED_AT = 2**19
"""Numbers of a weight or gradient that are looked at together."""
MOST_LISTED = 30
"""Layers, and parameter tensors, in an event."""
MOST_STEEPEST = 5
"""Of the tensors in an event, so many are those with the greatest gradient; the others have the least."""


class HealthProbe:
    """Measures a job's health when that is due."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._spent = self._last_cost = 0.0
        self._last_time = -math.inf
        self._last_step = 0
        self._broken = False

    def due(self, step: int, training_seconds: float, *, last: bool) -> bool:
        """Whether to measure after `step`; `last`: training ends here, so that it is now or never."""
        if self._broken or step < LEAST_STEPS or step == self._last_step:
            return False
        if last:
            return True
        if time.perf_counter() - self._last_time < LEAST_SECONDS:
            return False
        expected = self._last_cost or training_seconds / step * self._steps_worth()
        return self._spent + expected <= TIME_SHARE * training_seconds

    def measure(self, step: int, epoch: int) -> Health | None:
        """The health after `step`; None for a model that cannot be measured (its error goes to the log)."""
        started = time.perf_counter()
        try:
            health = self._measure(step, epoch, started)
        except Exception:  # a user's model, or no memory to spare: training goes on without
            traceback.print_exc()
            self._broken = True
            return None
        self._last_time, self._last_step = time.perf_counter(), step
        self._last_cost = self._last_time - started
        self._spent += self._last_cost
        return health

    def _steps_worth(self) -> float:
        """What a measurement costs, in training steps: one forward and backward, the rest forward only."""
        batch = self._job.preset.data.batch_size
        return 1.0 if batch >= SAMPLES else 1.0 + SAMPLES / batch / 3

    def _measure(self, step: int, epoch: int, started: float) -> Health | None:
        batch = self._job.train.sample(SAMPLES)
        if batch is None:
            return None
        # Half a batch at a time: there must be room for it beside the optimizer's state.
        model, size = self._job.model, min(max(self._job.preset.data.batch_size // 2, 2), SAMPLES)
        inputs, targets = batch.tensor, batch.targets
        names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
        parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}
        trained = [parameters[name].requires_grad_() for name in names]
        state = parameters | {name: buffer.clone() for name, buffer in model.named_buffers()}
        scale = 1.0 if self._job.precision.scaler is None else float(self._job.precision.scaler.get_scale())
        with _undisturbed(model, self._job.device), ActivationStatistics(model) as activity:
            scores = self._forward(state, inputs[:size], activity)
            loss = self._job.loss(scores.float(), targets[:size])
            gradients = torch.autograd.grad(loss * scale, trained, allow_unused=True)
            with torch.no_grad():
                for chunk in inputs[size:].split(size):
                    if len(chunk) > 1:  # batch norm cannot take a single sample
                        self._forward(state, chunk, activity)
        with torch.no_grad():
            tensors, gradient_norm, weight_norm = _tensors(names, trained, gradients, scale)
        layers = activity.told()
        return Health(
            step=step,
            epoch=epoch,
            samples=len(inputs),
            layers=layers[:MOST_LISTED],
            tensors=_extremes(tensors),
            layer_count=len(layers),
            tensor_count=len(tensors),
            gradient_norm=gradient_norm,
            weight_norm=weight_norm,
            seconds=round(time.perf_counter() - started, 4),
        )

    def _forward(self, state: Mapping[str, Tensor], inputs: Tensor, activity: ActivationStatistics) -> Tensor:
        with self._job.precision.autocast():
            scores: Tensor = functional_call(self._job.model, dict(state), (inputs,))
        activity.end_pass(scores)
        return scores


@contextmanager
def _undisturbed(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Dropout off, batch norm by its batch as in training; then modes and random generators are as they were."""
    modes = [(module, module.training) for module in model.modules()]
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            for module, _ in modes:
                module.training = isinstance(module, nn.modules.batchnorm._BatchNorm)
            yield
        finally:
            for module, mode in modes:
                module.training = mode


# Gradients and weights.


def _tensors(
    names: list[str], weights: list[Tensor], gradients: tuple[Tensor | None, ...], scale: float
) -> tuple[list[dict[str, Any]], float, float]:
    """What each weight and its gradient look like, least gradient first; norms of all gradients and all weights."""
    rows = []
    for weight, gradient in zip(weights, gradients, strict=True):
        # Nothing as large as a gradient is allocated, for there may be no room for it: `count_nonzero` takes nine bytes
        # a number on a GPU, a norm of order zero counts without any.
        g = weight.new_zeros(1) if gradient is None else gradient
        bad = _non_finite(g) + _non_finite(weight)
        rows.append(
            torch.stack(
                [
                    torch.linalg.vector_norm(g, 1, dtype=torch.float32) / g.numel() / scale,
                    torch.linalg.vector_norm(g, dtype=torch.float32) / scale,
                    torch.linalg.vector_norm(weight),
                    1 - torch.linalg.vector_norm(g, 0, dtype=torch.float32) / g.numel(),
                    bad / (2 * weight.numel()),
                ]
            ).double()
        )
    values = torch.stack(rows).cpu()  # the only wait for the device
    gradient_norm, weight_norm = (math.sqrt(column) for column in values[:, 1:3].square().sum(0).tolist())
    tensors: list[dict[str, Any]] = [
        {
            "name": name,
            "gradient_mean": _short(mean),
            "gradient_norm": _short(norm),
            "weight_norm": _short(weight),
            "zero_share": _short(zero),
            "non_finite_share": _short(bad),
        }
        # A bias before a batch norm has no gradient by nature: matrices and filters are what tells.
        for name, parameter, (mean, norm, weight, zero, bad) in zip(names, weights, values.tolist(), strict=True)
        if parameter.ndim > 1 or bad > 0
    ]
    tensors.sort(key=lambda tensor: (-tensor["non_finite_share"], tensor["gradient_mean"]))
    return tensors, _short(gradient_norm), _short(weight_norm)


def _non_finite(tensor: Tensor) -> Tensor:
    """Counts the numbers that are not finite, a few rows at a time: on a GPU counting takes 9 bytes a number."""
    rows = max(LOOKED_AT * len(tensor) // max(tensor.numel(), 1), 1) if tensor.ndim else 1
    parts = tensor.split(rows) if tensor.ndim else (tensor,)
    return tensor.numel() - torch.stack([torch.isfinite(part).count_nonzero() for part in parts]).sum()


def _extremes(tensors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(tensors) <= MOST_LISTED:
        return tensors
    return tensors[: MOST_LISTED - MOST_STEEPEST] + tensors[-MOST_STEEPEST:]


def _short(value: float) -> float:
    """Four digits are enough for what is only compared with powers of ten."""
    return float(f"{value:.4g}")

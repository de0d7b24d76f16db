"""Measures how well the network can learn: dead units, saturated values, vanishing or exploding gradients.

It is measured between two epochs on a few training samples, and leaves training as it was: the model gets its
parameters as detached views, so that no `.grad` is touched, and its buffers (running means) as copies; dropout is off,
and random generators get their states back. It costs about two steps, and at most 0.5 % of the training time.
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

from workbench.data.inputs import Inputs, map_inputs
from workbench.runs.measurements import Health
from workbench.training.health.activations import ActivationStatistics
from workbench.training.objective import Objective, trained_parameters

if TYPE_CHECKING:
    from workbench.training.job import Job

SAMPLES = 256
"""Training samples on which activations are measured: 1 % of them are more than two."""
LEAST_STEPS = 20
"""Steps before the first measurement: earlier ones say nothing yet."""
LEAST_SECONDS = 3.0
"""Between two measurements."""
TIME_FRACTION = 0.005
"""Of the training time: the most that all measurements together may take, except the one at the end."""
COUNTED_TOGETHER = 2**19
"""Numbers of a weight or gradient that are counted together."""
MOST_LISTED = 30
"""Layers in an event, and parameter tensors."""
MOST_STEEPEST = 5
"""Tensors in an event that have the largest gradients; the others have the smallest."""


class HealthProbe:
    """Measures a job's health when that is due."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._spent = self._last_cost = 0.0
        self._last_time = -math.inf
        self._last_step = 0
        self._broken = False
        self._objective = Objective(job.model, job.loss, job.precision, trained_parameters(job.optimizer))

    def due(self, step: int, training_seconds: float, *, last: bool) -> bool:
        """Whether to measure after `step`. last: training ends here."""
        if self._broken or step < LEAST_STEPS or step == self._last_step:
            return False
        if last:
            return True
        if time.perf_counter() - self._last_time < LEAST_SECONDS:
            return False
        expected = self._last_cost or training_seconds / step * self._steps_worth()
        return self._spent + expected <= TIME_FRACTION * training_seconds

    def measure(self, step: int, epoch: int) -> Health | None:
        """Measures after `step`; None for a model that cannot be measured (its error goes to the log)."""
        started = time.perf_counter()
        try:
            health = self._measure(step, epoch, started)
        except Exception:  # a user's model, or no memory left: training continues without
            traceback.print_exc()
            self._broken = True
            return None
        self._last_time, self._last_step = time.perf_counter(), step
        self._last_cost = self._last_time - started
        self._spent += self._last_cost
        return health

    def _steps_worth(self) -> float:
        """The cost of a measurement in training steps: one forward and backward, the rest forward only."""
        batch = self._job.preset.data.batch_size
        return 1.0 if batch >= SAMPLES else 1.0 + SAMPLES / batch / 3

    def _measure(self, step: int, epoch: int, started: float) -> Health | None:
        batch = self._job.train.sample(SAMPLES)
        if batch is None:
            return None
        # Half a batch at a time: it must fit beside the optimizer's state.
        model, size = self._job.model, min(max(self._job.preset.data.batch_size // 2, 2), SAMPLES)
        samples = len(batch.targets)

        def part(first: int) -> tuple[Inputs, Tensor]:
            """Inputs and targets of the next samples from `first` on."""
            end = first + size
            return map_inputs(batch.inputs, lambda tensor: tensor[first:end]), batch.targets[first:end]

        names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
        parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}
        trained = [parameters[name].requires_grad_() for name in names]
        state = parameters | {name: buffer.clone() for name, buffer in model.named_buffers()}
        scale = 1.0 if self._job.precision.scaler is None else float(self._job.precision.scaler.get_scale())
        with _undisturbed(model, self._job.device), ActivationStatistics(model) as activations:
            loss = self._forward(state, *part(0), activations)
            gradients = torch.autograd.grad(loss * scale, trained, allow_unused=True)
            with torch.no_grad():
                for first in range(size, samples, size):
                    if samples - first > 1:  # batch norm cannot take a single sample
                        self._forward(state, *part(first), activations)
        with torch.no_grad():
            tensors, gradient_norm, weight_norm = _tensors(names, trained, gradients, scale)
        return Health(
            step=step,
            epoch=epoch,
            samples=samples,
            layers=activations.results()[:MOST_LISTED],
            tensors=_extremes(tensors),
            gradient_norm=gradient_norm,
            weight_norm=weight_norm,
            seconds=round(time.perf_counter() - started, 4),
        )

    def _forward(
        self, state: Mapping[str, Tensor], inputs: Inputs, targets: Tensor, activations: ActivationStatistics
    ) -> Tensor:
        """The loss of the model with these parameters and buffers."""

        def model(inputs: Inputs) -> Tensor:
            scores: Tensor = functional_call(self._job.model, dict(state), (inputs,))
            return scores

        loss, scores = self._objective.forward(inputs, targets, model)
        activations.end_pass(scores)
        return loss


@contextmanager
def _undisturbed(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Inside, dropout is off and batch norm normalizes by its batch; then modes and generators are as they were."""
    modes = [(module, module.training) for module in model.modules()]
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            for module, _ in modes:
                # cuDNN computes no gradients of a recurrent layer in evaluation mode.
                module.training = isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.RNNBase))
            yield
        finally:
            for module, mode in modes:
                module.training = mode


# Gradients and weights.


def _tensors(
    names: list[str], weights: list[Tensor], gradients: tuple[Tensor | None, ...], scale: float
) -> tuple[list[dict[str, Any]], float, float]:
    """Statistics of each weight and its gradient, the smallest gradient first; norms of all gradients and weights."""
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
            "place": place,
            "gradient_mean": _short(mean),
            "gradient_norm": _short(norm),
            "weight_norm": _short(weight),
            "zero_share": _short(zero),
            "non_finite_share": _short(bad),
        }
        # A bias before a batch norm never has a gradient: only matrices and filters are informative.
        for place, (name, parameter, (mean, norm, weight, zero, bad)) in enumerate(
            zip(names, weights, values.tolist(), strict=True)
        )
        if parameter.ndim > 1 or bad > 0
    ]
    tensors.sort(key=lambda tensor: (-tensor["non_finite_share"], tensor["gradient_mean"]))
    return tensors, _short(gradient_norm), _short(weight_norm)


def _non_finite(tensor: Tensor) -> Tensor:
    """Counts the numbers that are not finite, a few rows at a time: on a GPU counting takes 9 bytes a number."""
    rows = max(COUNTED_TOGETHER * len(tensor) // max(tensor.numel(), 1), 1) if tensor.ndim else 1
    parts = tensor.split(rows) if tensor.ndim else (tensor,)
    return tensor.numel() - torch.stack([torch.isfinite(part).count_nonzero() for part in parts]).sum()


def _extremes(tensors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(tensors) <= MOST_LISTED:
        return tensors
    return tensors[: MOST_LISTED - MOST_STEEPEST] + tensors[-MOST_STEEPEST:]


def _short(value: float) -> float:
    """Rounds to four digits: it is only compared with powers of ten."""
    return float(f"{value:.4g}")

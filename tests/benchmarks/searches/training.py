"""One full training of one candidate: the reference is made with it, and what the tools choose is judged by it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.benchmarks.searches.task import Task


@dataclass(frozen=True)
class Course:
    """What a training has given."""

    losses: tuple[float, ...]
    """Of the validation split, after each epoch."""
    test: float
    """Loss of the test split, with the weights of the epoch whose validation loss is the lowest."""

    @property
    def lowest(self) -> float:
        """The lowest validation loss; infinity where none is a number."""
        return min((loss for loss in self.losses if loss == loss), default=float("inf"))


def network(task: Task, features: int, settings: Mapping[str, Any]) -> nn.Sequential:
    """The same that workbench's `mlp` is."""
    layers: list[nn.Module] = []
    for _ in range(settings["layers"]):
        layers += [nn.Linear(features, settings["units"]), nn.ReLU(), nn.Dropout(settings["dropout"])]
        features = settings["units"]
    return nn.Sequential(*layers, nn.Linear(features, task.outputs))


def train(task: Task, data: Mapping[str, Tensor], settings: Mapping[str, Any], seed: int) -> Course:
    """Trains with SGD for all epochs. seed: of the weights, the order of the samples and dropout."""
    torch.manual_seed(seed)
    loss_of = F.mse_loss if task.is_regression else F.cross_entropy
    inputs, targets = data["train_inputs"], data["train_targets"]
    model = network(task, inputs.shape[1], settings)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=settings["learning_rate"],
        momentum=settings["momentum"],
        weight_decay=settings["weight_decay"],
        fused=True,
    )
    losses: list[float] = []
    best = copy.deepcopy(model.state_dict())

    def measured(part: str) -> float:
        model.eval()
        with torch.no_grad():
            return float(loss_of(model(data[f"{part}_inputs"]), data[f"{part}_targets"]))

    for _ in range(task.epochs):
        model.train()
        for chosen in torch.randperm(len(inputs)).split(settings["batch_size"]):
            optimizer.zero_grad()
            loss_of(model(inputs[chosen]), targets[chosen]).backward()
            optimizer.step()
        losses.append(measured("validation"))
        if losses[-1] <= min(loss for loss in [*losses, float("inf")] if loss == loss):
            best = copy.deepcopy(model.state_dict())
    model.load_state_dict(best)
    return Course(tuple(losses), measured("test"))

"""The updates of torch.optim for stacked weights: each candidate has its own rate and its own hyperparameters.

All of them treat each number by itself, so the weights of a candidate are one row of a matrix, and a hyperparameter is
a column. They are tested against torch.optim's own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from workbench.settings.optimizer_choice import OptimizerChoice
from workbench.training.tuning.stacked.errors import CannotStackError

State = dict[str, Tensor]
"""What an optimizer remembers, each (candidates, trained numbers)."""


class Numbers:
    """The hyperparameters of all candidates: columns (candidates, 1), float64; flags are the same for all."""

    def __init__(self, columns: dict[str, Tensor], flags: dict[str, bool]) -> None:
        self._columns = columns
        self._flags = flags

    @classmethod
    def of(cls, choices: Sequence[OptimizerChoice], device: torch.device) -> Numbers:
        """From the settings; a pair, such as betas, becomes betas_0 and betas_1."""
        rows: list[dict[str, float]] = []
        flags: dict[str, bool] = {}
        for choice in choices:
            row: dict[str, float] = {}
            for name, value in choice.arguments().items():
                if isinstance(value, bool):
                    flags[name] = value
                elif isinstance(value, tuple):
                    row |= {f"{name}_{place}": float(each) for place, each in enumerate(value)}
                else:
                    row[name] = float(value)
            rows.append(row)
        precise = torch.float32 if device.type == "mps" else torch.float64
        columns = {name: torch.tensor([[row[name]] for row in rows], dtype=precise, device=device) for name in rows[0]}
        return cls(columns, flags)

    def select(self, rows: Tensor) -> Numbers:
        """Those of some candidates."""
        return Numbers({name: column.index_select(0, rows) for name, column in self._columns.items()}, self._flags)

    def exact(self, name: str) -> Tensor:
        """A column in float64, for what is computed from it before it meets the weights."""
        return self._columns[name]

    def __getitem__(self, name: str) -> Tensor:
        """A column in float32, as the weights are."""
        return self._columns[name].float()

    def flag(self, name: str) -> bool:
        """A flag, such as nesterov; False where the optimizer has no such flag."""
        return self._flags.get(name, False)

    def any(self, name: str) -> bool:
        """Whether it is not 0 for some candidate. Waits for the device."""
        return bool((self._columns[name] != 0).any()) if name in self._columns else False


Update = Callable[[Tensor, Tensor, State, Numbers, Tensor, int], None]
"""(weights, gradients, state, hyperparameters, rate (candidates, 1) in float64, step from 1) -> weights and state are
changed in place."""


class StackedOptimizer:
    """Updates the weights of all candidates."""

    def __init__(self, choices: Sequence[OptimizerChoice], flat: Tensor) -> None:
        """flat: (candidates, trained numbers). Raises CannotStackError where the update is not written."""
        name = choices[0].label()
        if name not in UPDATES:
            raise CannotStackError(f"optimizer.name = {name!r} is not written for stacked weights")
        self._update = UPDATES[name]
        self._numbers = Numbers.of(choices, flat.device)
        self._decays = self._numbers.any("weight_decay")
        self._decoupled = name == "adamw" or self._numbers.flag("decoupled_weight_decay")
        self._state: State = {}
        self._steps = 0
        if name == "adagrad":
            self._state["sum"] = self._numbers["initial_accumulator_value"].expand_as(flat).clone()

    def step(self, flat: Tensor, gradients: Tensor, rates: Tensor) -> None:
        """Changes the weights in place. gradients: as `flat`; rates: (candidates, 1), float64."""
        self._steps += 1
        if self._decays and self._decoupled:
            flat.mul_((1 - rates * self._numbers.exact("weight_decay")).float())
        elif self._decays:
            gradients = torch.addcmul(gradients, flat, self._numbers["weight_decay"])
        self._update(flat, gradients, self._state, self._numbers, rates, self._steps)

    def select(self, rows: Tensor) -> None:
        """Drops all candidates but some, int64 (n,)."""
        self._numbers = self._numbers.select(rows)
        self._state = {name: tensor.index_select(0, rows) for name, tensor in self._state.items()}


def _kept(state: State, name: str, like: Tensor) -> Tensor:
    """A tensor of the state, zeros at first."""
    if name not in state:
        state[name] = torch.zeros_like(like)
    return state[name]


def _sgd(flat: Tensor, gradients: Tensor, state: State, numbers: Numbers, rates: Tensor, step: int) -> None:
    rate, momentum = rates.float(), numbers["momentum"]
    if step == 1:
        state["momentum"] = buffer = gradients.clone()
    else:
        # Without momentum PyTorch keeps no buffer, and then damps nothing.
        damped = torch.where(momentum > 0, 1 - numbers["dampening"], torch.ones_like(momentum))
        buffer = state["momentum"].mul_(momentum).add_(gradients * damped)
    direction = torch.addcmul(gradients, buffer, momentum) if numbers.flag("nesterov") else buffer
    flat.addcmul_(direction, -rate)


def _adam(flat: Tensor, gradients: Tensor, state: State, numbers: Numbers, rates: Tensor, step: int) -> None:
    first, second = numbers.exact("betas_0"), numbers.exact("betas_1")
    mean = _kept(state, "mean", flat).lerp_(gradients, (1 - first).float())
    square = _kept(state, "square", flat).lerp_(gradients.square(), (1 - second).float())
    if numbers.flag("amsgrad"):
        square = torch.maximum(_kept(state, "largest", flat), square, out=state["largest"])
    correction = (1 - second**step).sqrt()
    # mean / (1 - first^n) / (root / correction + eps), with one pass over the weights less.
    root = square.sqrt().add_((numbers.exact("eps") * correction).float())
    flat.addcdiv_(mean * (-rates * correction / (1 - first**step)).float(), root)


def _nadam(flat: Tensor, gradients: Tensor, state: State, numbers: Numbers, rates: Tensor, step: int) -> None:
    first, second, decay = numbers.exact("betas_0"), numbers.exact("betas_1"), numbers.exact("momentum_decay")
    now, after = (first * (1 - 0.5 * 0.96 ** (count * decay)) for count in (step, step + 1))
    product = now if step == 1 else state["product"] * now
    state["product"] = product
    mean = _kept(state, "mean", flat).lerp_(gradients, (1 - first).float())
    square = _kept(state, "square", flat).lerp_(gradients.square(), (1 - second).float())
    root = (square / (1 - second**step).float()).sqrt_().add_(numbers["eps"])
    flat.addcdiv_(gradients * (-rates * (1 - now) / (1 - product)).float(), root)
    flat.addcdiv_(mean * (-rates * after / (1 - product * after)).float(), root)


def _adamax(flat: Tensor, gradients: Tensor, state: State, numbers: Numbers, rates: Tensor, step: int) -> None:
    first = numbers.exact("betas_0")
    mean = _kept(state, "mean", flat).lerp_(gradients, (1 - first).float())
    largest = _kept(state, "largest", flat).mul_(numbers["betas_1"])
    torch.maximum(largest, gradients.abs().add_(numbers["eps"]), out=largest)
    flat.addcdiv_(mean * (-rates / (1 - first**step)).float(), largest)


def _adagrad(flat: Tensor, gradients: Tensor, state: State, numbers: Numbers, rates: Tensor, step: int) -> None:
    squares = state["sum"].addcmul_(gradients, gradients)
    rate = rates / (1 + (step - 1) * numbers.exact("lr_decay"))
    flat.addcdiv_(gradients * (-rate).float(), squares.sqrt().add_(numbers["eps"]))


def _adadelta(flat: Tensor, gradients: Tensor, state: State, numbers: Numbers, rates: Tensor, step: int) -> None:
    eps, change = numbers["eps"], (1 - numbers.exact("rho")).float()
    square = _kept(state, "square", flat).lerp_(gradients.square(), change)
    steps = _kept(state, "steps", flat)
    delta = (steps + eps).sqrt_().div_((square + eps).sqrt_()).mul_(gradients)
    steps.lerp_(delta.square(), change)
    flat.addcmul_(delta, (-rates).float())


def _rmsprop(flat: Tensor, gradients: Tensor, state: State, numbers: Numbers, rates: Tensor, step: int) -> None:
    change = (1 - numbers.exact("alpha")).float()
    square = _kept(state, "square", flat).lerp_(gradients.square(), change)
    if numbers.flag("centered"):
        mean = _kept(state, "mean", flat).lerp_(gradients, change)
        square = torch.addcmul(square, mean, mean, value=-1)
    root = square.sqrt().add_(numbers["eps"])
    buffer = _kept(state, "momentum", flat).mul_(numbers["momentum"]).addcdiv_(gradients, root)
    flat.addcmul_(buffer, (-rates).float())


UPDATES: dict[str, Update] = {
    "sgd": _sgd,
    "adam": _adam,
    "amsgrad": _adam,
    "adamw": _adam,
    "nadam": _nadam,
    "adamax": _adamax,
    "adagrad": _adagrad,
    "adadelta": _adadelta,
    "rmsprop": _rmsprop,
}
"""By the optimizer's name in a preset."""

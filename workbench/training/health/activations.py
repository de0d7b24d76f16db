"""Measures whether a network's units still fire, by what activations return while samples go through.

What counts is the activation's slope, because without slope nothing is learned:

* a *unit* is a feature of a layer; a channel where images go through. It is *active* for a sample if its slope there
  (anywhere in the image) is at least about 1 % of the largest, and *dead* if it is active for less than 1 % of the
  samples. ReLU: above 0. ELU: above -0.99 alpha. GELU, SiLU and Mish: not within 0.01 of 0. A LeakyReLU or PReLU has a
  slope everywhere: its units cannot die, and it is not measured.
* a value of a sigmoid or tanh is *saturated* if the slope is below 5 % of the largest: a sigmoid below 0.013 or above
  0.987, a tanh beyond ±0.975; a softmax if one unit takes 0.99 of the whole. What the model returns is not measured:
  an answer may be certain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

DEAD_BELOW = 0.01
"""A unit that is active for a smaller fraction of the samples is dead."""
SATURATED_SIGMOID, SATURATED_TANH, SATURATED_SOFTMAX = 0.0127, 0.9747, 0.99


def _above_zero(output: Tensor, alpha: float) -> Tensor:
    return output > 0


def _off_the_floor(output: Tensor, alpha: float) -> Tensor:
    return output > -0.99 * alpha


def _off_zero(output: Tensor, alpha: float) -> Tensor:
    return output.abs() >= 0.01


def _saturated_sigmoid(output: Tensor) -> Tensor:
    return (output < SATURATED_SIGMOID) | (output > 1 - SATURATED_SIGMOID)


def _saturated_tanh(output: Tensor) -> Tensor:
    return output.abs() > SATURATED_TANH


def _saturated_softmax(output: Tensor) -> Tensor:
    return output.amax(1) > SATURATED_SOFTMAX


_ACTIVE: dict[str, Callable[[Tensor, float], Tensor]] = {
    "relu": _above_zero,
    "elu": _off_the_floor,
    "gelu": _off_zero,
    "silu": _off_zero,
    "mish": _off_zero,
}
_SATURATED = {"sigmoid": _saturated_sigmoid, "tanh": _saturated_tanh, "softmax": _saturated_softmax}

_KINDS: dict[Callable[..., Any], str] = {
    **dict.fromkeys((F.relu, F.relu_, F.relu6, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_), "relu"),
    **dict.fromkeys((F.elu, F.elu_, F.celu), "elu"),
    F.hardtanh: "relu",  # from 0 on, as nn.ReLU6 calls it
    F.gelu: "gelu",
    F.silu: "silu",
    F.mish: "mish",
    **dict.fromkeys((F.sigmoid, torch.sigmoid, torch.sigmoid_, Tensor.sigmoid, Tensor.sigmoid_), "sigmoid"),
    **dict.fromkeys((F.tanh, torch.tanh, torch.tanh_, Tensor.tanh, Tensor.tanh_), "tanh"),
    F.softmax: "softmax",
}
"""The functions that are measured, including those that torch's own modules call."""


@dataclass
class _Layer:
    """Counts of one activation; they stay on the device until the end."""

    name: str
    kind: str
    rows: int = 0
    """Samples seen (times positions where a layer folds those into samples)."""
    values: int = 0
    counts: Tensor | int = 0
    """Rows for which each unit was active, shape (units,); or the number of saturated values."""

    def take(self, output: Tensor, alpha: float, by_position: bool) -> None:
        if self.kind in _SATURATED:
            saturated = _SATURATED[self.kind](output)
            self.values += saturated.numel()
            self.counts = self.counts + saturated.sum()
            return
        active = _ACTIVE[self.kind](output, alpha)
        if active.ndim > 3 or (active.ndim == 3 and by_position):
            active = active.flatten(2).any(2)  # (samples, channels, positions)
        elif active.ndim == 3:
            active = active.any(1)  # (samples, positions, features)
        self.rows += len(active)
        self.counts = self.counts + active.sum(0)

    def result(self) -> dict[str, Any]:
        counts = self.counts
        assert isinstance(counts, Tensor)
        found: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.kind in _SATURATED:
            return found | {"saturated_share": round(int(counts) / max(self.values, 1), 4)}
        dead = int((counts < DEAD_BELOW * self.rows).sum())
        return found | {"units": counts.numel(), "dead_share": round(dead / max(counts.numel(), 1), 4)}


class ActivationStatistics(TorchFunctionMode):
    """Inside the `with`, measures what activations return, whether modules or calls of a function."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._model = model
        self._layers: dict[str, _Layer] = {}
        self._inside: list[tuple[str, nn.Module]] = []
        """Names of the modules whose forward runs."""
        self._calls: dict[str, int] = {}
        self._by_position = any(isinstance(module, nn.Conv1d) for module in model.modules())
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []
        self._latest: tuple[Tensor, str] | None = None

    def __enter__(self) -> ActivationStatistics:
        for name, module in self._model.named_modules():
            self._hooks += [
                module.register_forward_pre_hook(self._entering(name)),
                module.register_forward_hook(self._leaving),
            ]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            hook.remove()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        kind = _KINDS.get(func)
        if func is F.hardtanh and _second(args, kwargs, "min_val", -1.0) != 0:
            kind = None
        if kind is not None and isinstance(output, Tensor) and output.ndim > 1:
            self._take(kind, output, _second(args, kwargs, "alpha", 1.0) if kind == "elu" else 1.0)
        return output

    def _take(self, kind: str, output: Tensor, alpha: float) -> None:
        inside, module = self._inside[-1] if self._inside else ("", self._model)
        is_module = not any(True for _ in module.children()) and type(module).__module__.startswith("torch.nn")
        if kind == "softmax" and not is_module:
            return  # as a function it is mostly attention, which may be sharp
        name = inside if is_module and inside else f"{inside}.{kind}".lstrip(".")
        number = self._calls[name] = self._calls.get(name, 0) + 1
        name = name if number == 1 else f"{name} (call {number})"
        with torch.no_grad():
            self._layers.setdefault(name, _Layer(name, kind)).take(output.detach(), alpha, self._by_position)
        self._latest = (output, name)

    def end_pass(self, scores: Tensor) -> None:
        """Ends a forward pass: what it returned is an answer, not a layer; calls are counted from one again."""
        if self._latest is not None and self._latest[0] is scores:
            self._layers.pop(self._latest[1], None)
        self._calls.clear()
        self._inside.clear()
        self._latest = None

    def results(self) -> list[dict[str, Any]]:
        """The statistics of each activation, the worst first; waits for the device."""
        found = [layer.result() | {"place": place} for place, layer in enumerate(self._layers.values())]
        return sorted(found, key=lambda layer: -layer.get("dead_share", layer.get("saturated_share", 0.0)))

    def _entering(self, name: str) -> Callable[[nn.Module, Any], None]:
        return lambda module, _: self._inside.append((name, module))

    def _leaving(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._inside.pop()


def _second(args: tuple[Any, ...], kwargs: Mapping[str, Any] | None, name: str, default: float) -> float:
    """A function's second argument, by place or by name."""
    return float(args[1] if len(args) > 1 else (kwargs or {}).get(name, default))

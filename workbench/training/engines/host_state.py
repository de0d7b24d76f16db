"""Finds out what a training step changes on the host: a CUDA graph replays kernels only, and would leave that out."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

OF_EVERY_MODULE = frozenset(nn.Module().__dict__)
"""Attributes with parameters, buffers, submodules and hooks, which steps do not replace."""

VALUES = (int, float, complex, str, bytes, bool, type(None))
CONTAINERS = (list, dict, set)


@dataclass(frozen=True)
class HostState:
    """A model's own attributes and the random generators of the host, at a moment."""

    attributes: dict[str, Any]
    """By qualified name: a value, the identity of an object, or identity and length of a container."""
    generators: dict[str, Any]

    @classmethod
    def of(cls, model: nn.Module, device: torch.device) -> HostState:
        """Notes the present state. device: where the model trains."""
        attributes = {
            f"{path}.{name}" if path else name: _mark(value)
            for path, module in model.named_modules()
            for name, value in vars(module).items()
            if name not in OF_EVERY_MODULE
        }
        generators: dict[str, Any] = {"random": random.getstate(), "numpy.random": repr(np.random.get_state())}
        if device.type != "cpu":
            generators["torch on the CPU"] = torch.get_rng_state().numpy().tobytes()
        return cls(attributes, generators)

    def difference(self, later: HostState) -> str:
        """Describes what differs in a later state; empty if nothing does."""
        changed = [
            name
            for name in sorted(self.attributes.keys() | later.attributes.keys())
            if self.attributes.get(name) != later.attributes.get(name)
        ]
        if changed:
            return f"the model changes its attribute {changed[0]} at each step"
        drawn = [name for name, state in self.generators.items() if state != later.generators[name]]
        return f"a step draws random numbers of {drawn[0]}" if drawn else ""


def _mark(value: object) -> object:
    """Returns something that stays equal until the attribute is assigned or something is appended to it."""
    if isinstance(value, VALUES):
        return "nan" if value != value else value
    return (id(value), len(value)) if isinstance(value, CONTAINERS) else id(value)

"""The type of a model's `activation` argument: a factory of modules, not a module.

A learned activation (PReLU) has parameters, which all layers would share if a model used one module. So a model calls
the factory once for each layer.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

Activation = Callable[[], nn.Module]
"""Makes a new activation module at each call, such as `nn.ReLU` or `lambda: nn.LeakyReLU(0.1)`."""

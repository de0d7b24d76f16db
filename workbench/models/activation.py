"""What a model is handed as its activation: a recipe, not a module.

A learned activation (PReLU) has parameters. Were one module used at every place, all places would share them; so a
model calls the recipe once for each place.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

Activation = Callable[[], nn.Module]
"""Makes a fresh activation module at each call, such as `nn.ReLU` or `lambda: nn.LeakyReLU(0.1)`."""

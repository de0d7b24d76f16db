"""Floating point operations of a step, by torch's own formulas (those of its FlopCounterMode)."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any


def _formulas() -> dict[Any, Callable[..., int]]:
    """By operator: from its arguments to FLOPs.

    Their module imports Triton, half a second, only for operators written in it: until somebody else has, it does
    without. Called where nothing else is imported at the same time.
    """
    logger, is_new = logging.getLogger("torch.utils.flop_counter"), "triton" not in sys.modules
    level = logger.level
    if is_new:
        sys.modules["triton"] = None  # type: ignore[assignment]
        logger.setLevel(logging.ERROR)  # it warns that there is none
    try:
        from torch.utils.flop_counter import flop_registry
    finally:
        if is_new:
            del sys.modules["triton"]
            logger.setLevel(level)
    return dict(flop_registry)


FORMULAS = _formulas()


def flops_of(func: Any, args: Any, kwargs: Any, result: Any) -> int:
    """Of one call of an operator; 0 for whatever is not a product or a convolution."""
    formula = FORMULAS.get(func._overloadpacket)
    return 0 if formula is None else int(formula(*args, **kwargs, out_val=result))

"""Float32 matrix multiplication by oneDNN where torch's default library for it is slow.

torch multiplies float32 matrices on x86 with MKL, which runs at half speed on processors that are not Intel's: measured
on an AMD EPYC (Zen 5), one core: 108 GFLOP/s against 190 to 230 by oneDNN, which comes with torch as well. A setting
that permits bfloat16 inside a multiplication makes torch call oneDNN. Only processors with matrix units for it (AMX)
make use of that; on others oneDNN computes in float32, which is checked against float64 before the setting is used.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any, TypeVar

import torch

from workbench.devices.host import cpu_vendor

MOST_ERROR = 1e-5
"""Relative to the largest number of a result: float32 makes 1e-6, bfloat16 2e-3."""

CHECKED_SHAPES = ((64, 512, 128), (512, 64, 768), (1, 784, 512), (1000, 300, 7))
"""(m, k, n) of the multiplications that are checked, each with its factors in either memory order."""

BY_ONEDNN, BY_MKL = "medium", "highest"
"""The arguments of `torch.set_float32_matmul_precision`."""

Result = TypeVar("Result")


@cache
def onednn_pays() -> bool:
    """Whether oneDNN should multiply float32 matrices on this machine: not Intel's, has it, and it is accurate."""
    if cpu_vendor() in ("", "GenuineIntel") or not torch.backends.mkl.is_available():
        return False
    return torch.backends.mkldnn.is_available() and with_matmul_library(BY_ONEDNN, largest_error)() <= MOST_ERROR


def use_onednn_for_matmul() -> None:
    """Has oneDNN multiply matrices from now on if that pays."""
    if onednn_pays():
        torch.set_float32_matmul_precision(BY_ONEDNN)


def with_matmul_library(library: str, function: Callable[..., Result]) -> Callable[..., Result]:
    """The same function, its matrices multiplied by BY_ONEDNN or BY_MKL; the change costs less than a microsecond."""

    def call(*arguments: Any) -> Result:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision(library)
        try:
            return function(*arguments)
        finally:
            torch.set_float32_matmul_precision(before)

    return call


def largest_error() -> float:
    """Of matrix multiplications with torch's current setting, relative to the largest number of each result."""
    generator = torch.Generator().manual_seed(0)
    errors = []
    for m, k, n in CHECKED_SHAPES:
        a, b = torch.randn((m, k), generator=generator), torch.randn((k, n), generator=generator)
        exact = a.double() @ b.double()
        # The second of each has the other memory order.
        pairs = product((a, a.t().contiguous().t()), (b, b.t().contiguous().t()))
        errors += [(torch.mm(left, right).double() - exact).abs().max() / exact.abs().max() for left, right in pairs]
    return float(max(errors))
